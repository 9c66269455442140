"""Vectors of tokens, in each form."""

import subprocess
import sys

import numpy as np
import pytest

from albert.common.tasks.feature_extraction import FeatureExtraction
from albert.common.tasks.pipeline import pipeline

from .by_hand import TOKENIZER, make_config, make_pipeline

TEXT = "one two"


def vectors(text):
    """Give float [S, 4]; later tokens have greater numbers."""
    size = len(TOKENIZER(text, add_special_tokens=False)["input_ids"])
    return np.arange(size * 4).reshape(size, 4) / 2


@pytest.fixture
def extract(monkeypatch):
    task = FeatureExtraction(TOKENIZER, make_config())
    # Padding must go again, so that rows of a batch have their own lengths.
    longest = 16

    def padded(text):
        found = vectors(text)
        return np.pad(found, ((0, longest - len(found)), (0, 0)), constant_values=-1)

    return make_pipeline(monkeypatch, task, padded)


FOUR = (np.arange(16).reshape(1, 4, 4) / 2).tolist()


def test_lists(extract):
    assert extract(TEXT) == FOUR
    assert extract({"text": TEXT}) == FOUR
    assert extract([TEXT]) == [FOUR]
    assert extract(TEXT, return_tensors=False) == FOUR
    assert extract([]) == []


def test_each_text_has_its_own_length(extract):
    found = extract([TEXT, "", "one two three"])
    assert [np.array(one).shape for one in found] == [(1, 4, 4), (1, 2, 4), (1, 5, 4)]


@pytest.mark.parametrize("kind", [True, "np"])
def test_arrays(extract, kind):
    found = extract(TEXT, return_tensors=kind)
    assert isinstance(found, np.ndarray)
    assert found.dtype == np.float32
    assert found.tolist() == FOUR
    first, second = extract([TEXT, TEXT], return_tensors=kind)
    first[:] = 7
    assert second.tolist() == FOUR


def test_arrays_hold_no_padding(extract):
    found = extract([TEXT, ""], return_tensors="np")[1]
    held = found if found.base is None else found.base
    assert held.size == found.size == 8


@pytest.mark.parametrize(
    ("kind", "module"), [("pt", "torch"), ("tf", "tensorflow"), ("jax", "jaxlib")]
)
def test_arrays_of_a_framework(extract, kind, module):
    pytest.importorskip(module)
    found = extract(TEXT, return_tensors=kind)
    assert type(found).__module__.split(".")[0] == module
    assert "float32" in str(found.dtype)
    assert np.asarray(found).tolist() == FOUR


@pytest.mark.parametrize(
    ("framework", "module"), [("pt", "torch"), ("tf", "tensorflow"), ("flax", "jaxlib")]
)
def test_arrays_of_the_framework_that_computes(framework, module):
    extract = pipeline("feature-extraction", framework=framework, device="cpu")
    found = extract("Plants create food.", return_tensors=True)
    assert type(found).__module__.split(".")[0] == module
    assert tuple(found.shape)[::2] == (1, 192)


@pytest.mark.parametrize(
    "options",
    [
        {"max_length": 3},
        {"tokenize_kwargs": {"max_length": 3}},
        {"tokenize_kwargs": {"max_length": 3}, "truncation": True, "max_length": 9},
    ],
)
def test_long_texts(extract, options):
    with pytest.warns(UserWarning, match="input 0 is longer than its limit"):
        found = extract(TEXT, return_tensors="np", **options)
    assert found.shape == (1, 3, 4)


@pytest.mark.parametrize(
    "options",
    [
        {"truncation": False, "max_length": 3},
        {"tokenize_kwargs": {"truncation": False, "max_length": 3}},
    ],
)
def test_long_texts_that_must_not_be_cut(extract, options):
    with pytest.raises(ValueError) as error:
        extract(TEXT, **options)
    assert str(error.value) == (
        "the text has 4 tokens, but the limit is 3: shorten it, or pass "
        "truncation=True."
    )


@pytest.mark.parametrize(
    ("options", "kind", "text"),
    [
        (
            {"return_tensors": "torch"},
            ValueError,
            (
                "return_tensors must be one of True, False, None, 'np', 'pt', 'tf', "
                "'jax', but is 'torch'."
            ),
        ),
        (
            {"tokenize_kwargs": {"stride": 3}},
            TypeError,
            (
                "tokenize_kwargs has no option 'stride'; it has truncation, "
                "max_length, padding."
            ),
        ),
    ],
)
def test_what_is_refused(extract, options, kind, text):
    with pytest.raises(kind) as error:
        extract(TEXT, **options)
    assert str(error.value) == text


def test_no_framework_is_imported():
    code = (
        "import sys, albert.common.tasks.feature_extraction;"
        "print({'torch', 'tensorflow', 'jax'} & set(sys.modules))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert done.stdout == "set()\n"
