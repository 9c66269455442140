"""Means of vectors by hand."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from albert.common.tasks.sentence_embedding import (
    SentenceEmbedding,
    SentenceEmbeddingOptions,
)
from albert.common.tasks.streaming import InputError
from albert.common.tasks.task import Encoded

from .by_hand import TOKENIZER, make_config, make_pipeline


@pytest.fixture
def embed(monkeypatch):
    task = SentenceEmbedding(TOKENIZER, make_config())

    def vectors(text):
        """Give [S, 4]: 0, 3, 6... and 4 in a row; what pads is far off."""
        size = len(TOKENIZER(text, add_special_tokens=False)["input_ids"])
        found = np.full((16, 4), 1000.0)
        found[:size] = 0
        found[:size, 0] = 3 * np.arange(size)
        found[:size, 1] = 4
        return found

    return make_pipeline(monkeypatch, task, vectors, normalize=False)


# With [CLS] and [SEP], "one" has 3 tokens and "one two three" 5.
ONE = [3, 4, 0, 0]
THREE = [6, 4, 0, 0]


def test_one_text(embed):
    found = embed("one")
    assert isinstance(found, np.ndarray)
    assert found.dtype == np.float32
    assert found.tolist() == ONE
    assert embed({"text": "one"}).tolist() == ONE


def test_a_list_gives_one_array(embed):
    found = embed(["one", "one two three", "one"])
    assert isinstance(found, np.ndarray)
    assert found.dtype == np.float32
    assert found.tolist() == [ONE, THREE, ONE]
    assert embed(["one"]).tolist() == [ONE]
    assert embed([]).shape == (0, 4)


def test_a_generator_gives_vectors(embed):
    first, second = embed(iter(["one", "one two three"]))
    assert (first.tolist(), second.tolist()) == (ONE, THREE)


def test_vectors_share_no_memory(embed):
    first, second = embed(iter(["one", "one"]))
    first[:] = 7
    assert second.tolist() == ONE
    assert first.base is None


def test_normalised(embed):
    expected = pytest.approx([0.6, 0.8, 0, 0], abs=1e-7)
    assert embed("one", normalize=True).tolist() == expected
    found = embed(["one", "one two three"], normalize=True)
    assert np.linalg.norm(found, axis=-1) == pytest.approx([1, 1])
    assert SentenceEmbeddingOptions().normalize is True


def test_errors_in_the_list(embed):
    found = embed(["one", 3], on_error="return")
    assert isinstance(found, list)
    assert found[0].tolist() == ONE
    assert isinstance(found[1], InputError)
    assert str(found[1]) == "input 1: the input must be a text, but is of type int."


def test_long_texts(embed):
    with pytest.warns(UserWarning, match="input 0 is longer than its limit"):
        assert embed("one two three four", max_length=5).tolist() == THREE


def test_what_is_refused(embed):
    with pytest.raises(ValueError) as error:
        embed("one", normalize=1)
    assert str(error.value) == "normalize must be True or False, but is 1."


numbers = st.floats(-100, 100, width=32)


@given(st.lists(st.lists(numbers, min_size=3, max_size=3), min_size=1, max_size=9))
def test_any_vectors(rows):
    task = SentenceEmbedding(TOKENIZER, make_config())
    hidden = np.array(rows, np.float32)
    outputs = [{"last_hidden_state": hidden}]

    def answer(normalize):
        options = SentenceEmbeddingOptions(normalize=normalize)
        return task.decode(Encoded([]), outputs, options)

    plain, unit = answer(False), answer(True)
    assert np.allclose(plain, hidden.astype(np.float64).mean(0), atol=1e-4)
    if np.linalg.norm(plain) > 1e-20:
        assert np.linalg.norm(unit) == pytest.approx(1, abs=1e-5)
    else:
        assert np.isfinite(unit).all()
