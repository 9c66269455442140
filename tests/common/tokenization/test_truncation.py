import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from albert.common.tokenization.truncation import keep_lengths, windows

from .hostile import CHEAP


def _google(first, second, room):
    while first + second > room:
        if first > second:
            first -= 1
        else:
            second -= 1
    return first, second


@CHEAP
@given(st.integers(0, 30), st.integers(0, 30), st.integers(0, 30))
def test_longest_first_as_google(first, second, room):
    kept = keep_lengths(first, second, room, "longest_first")
    assert kept == _google(first, second, room)


@CHEAP
@given(
    st.integers(0, 40), st.integers(1, 12), st.integers(0, 11), st.sampled_from("lr")
)
def test_windows_cover_the_text(length, keep, stride, side):
    side = {"l": "left", "r": "right"}[side]
    if stride >= keep:
        return
    found = windows(length, keep, stride, side)
    assert set().union(*(range(*w) for w in found)) == set(range(length))
    assert all(end - start <= keep for start, end in found)
    ordered = found if side == "right" else found[::-1]
    for (_, end), (start, _) in itertools.pairwise(ordered):
        assert end - start == stride


@pytest.mark.parametrize("strategy", ["longest_first", "only_first"])
def test_one_text(strategy):
    assert keep_lengths(5, None, 3, strategy) == (3, 0)
    assert keep_lengths(5, None, 0, strategy) == (0, 0)
    assert keep_lengths(5, None, 9, strategy) == (5, 0)


def test_one_side():
    assert keep_lengths(5, 4, 6, "only_first") == (2, 4)
    assert keep_lengths(5, 4, 6, "only_second") == (5, 1)
    assert keep_lengths(5, 4, 5, "only_second") == (5, 0)
