"""Pieces of messages."""

from albert.common.texts import some


def test_some():
    assert some("abc") == "a, b, c"
    assert some("abcdef") == "a, b, c and 3 more"
    assert some("") == ""
