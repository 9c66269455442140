"""Inputs as they are given, to texts."""

import pytest

from albert.common.tasks.inputs import read_pair, read_text, short


def test_a_text():
    assert read_text("a") == "a"
    assert read_text({"text": "a"}) == "a"
    assert read_text({"sequence": "a"}, ("sequence",)) == "a"
    assert read_pair("a") == ("a", None)


@pytest.mark.parametrize("given", [{"text": "a"}, {"text": "a", "text_pair": None}])
def test_half_a_pair(given):
    assert read_pair(given) == ("a", None)


def test_a_pair():
    assert read_pair({"text_pair": "b", "text": "a"}) == ("a", "b")


@pytest.mark.parametrize(
    ("given", "error", "text"),
    [
        (3, TypeError, "the input must be a text, but is of type int."),
        (None, TypeError, "the input must be a text, but is of type NoneType."),
        ({"text": 3}, TypeError, "text must be a text, but is of type int."),
        (
            {"text": "a", "text_pair": ["b"]},
            TypeError,
            "text_pair must be a text, but is of type list.",
        ),
        ({}, ValueError, "an input that is a dictionary must hold 'text'."),
        (
            {"text_pair": "b"},
            ValueError,
            "an input that is a dictionary must hold 'text'.",
        ),
        (
            {"text": "a", "texts": "b"},
            ValueError,
            "an input may hold text, text_pair, but holds 'texts', too.",
        ),
        (
            "a\ud800",
            ValueError,
            (
                "the input holds half of a surrogate pair at character 1, which is no "
                "text."
            ),
        ),
    ],
)
def test_what_is_no_pair(given, error, text):
    with pytest.raises(error) as caught:
        read_pair(given)
    assert str(caught.value) == text


def test_what_is_no_text():
    with pytest.raises(ValueError) as caught:
        read_text({"text": "a", "text_pair": "b"})
    assert str(caught.value) == "an input may hold text, but holds 'text_pair', too."


def test_long_texts_are_shortened():
    assert short("a" * 60) == "a" * 60
    assert short("a" * 61) == "a" * 57 + "..."
