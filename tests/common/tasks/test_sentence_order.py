"""Probabilities of the order by hand."""

import math

import pytest

from albert.common.tasks.sentence_order import SentenceOrder

from .by_hand import TOKENIZER, make_config, make_pipeline

LOGITS = {
    "[CLS] one[SEP] two[SEP]": [math.log(3), 0],
    "[CLS] two[SEP] one[SEP]": [0, math.log(4)],
    "[CLS] one[SEP] one[SEP]": [5, 5],
}
FORTH = {"text": "one", "text_pair": "two"}
BACK = {"text": "two", "text_pair": "one"}
IN_ORDER = {"label": "in_order", "score": pytest.approx(0.75)}
SWAPPED = {"label": "swapped", "score": pytest.approx(0.2)}


@pytest.fixture
def order(monkeypatch):
    task = SentenceOrder(TOKENIZER, make_config())
    return make_pipeline(monkeypatch, task, LOGITS.__getitem__)


def test_the_probability_that_texts_are_in_order(order):
    assert order(FORTH) == IN_ORDER
    assert order(BACK) == SWAPPED
    assert order("one", "two") == IN_ORDER
    assert order([FORTH, BACK]) == [IN_ORDER, SWAPPED]
    assert order([]) == []


def test_the_answer_is_plain(order):
    found = order(FORTH)
    assert list(found) == ["label", "score"]
    assert type(found["score"]) is float


def test_a_tie_is_in_order(order):
    assert order("one", "one") == {"label": "in_order", "score": 0.5}


def test_long_texts(order):
    with pytest.warns(UserWarning, match="input 0 is longer than its limit"):
        assert order("one three four", "two three four", max_length=5) == IN_ORDER


@pytest.mark.parametrize(
    ("given", "kind", "text"),
    [
        (
            ("one",),
            ValueError,
            'sentence-order needs two texts: {"text": ..., "text_pair": ...}.',
        ),
        (
            ({"text": "one"},),
            ValueError,
            'sentence-order needs two texts: {"text": ..., "text_pair": ...}.',
        ),
        (("one", 2), TypeError, "text_pair must be a text, but is of type int."),
        (
            ("one", "two", "three"),
            TypeError,
            (
                "sentence-order takes one input, or several in a list, but was given 3 "
                "arguments."
            ),
        ),
    ],
)
def test_what_is_refused(order, given, kind, text):
    with pytest.raises(kind) as error:
        order(*given)
    assert str(error.value) == text
