"""Rows of documents, against what the paper and the original state."""

from collections import Counter
from itertools import pairwise

import numpy as np
import pytest

from albert.common.data.pairs import (
    IN_ORDER,
    NO_ORDER,
    SWAPPED,
    Row,
    Span,
    _cut,
    _kept,
    make_rows,
    pack_rows,
)

from .test_masking import near


def rows_of(lengths, max_length, short, generator, make=make_rows):
    return list(make(np.cumsum(lengths), max_length, short, generator))


def test_half_of_the_pairs_are_swapped_and_split_anywhere():
    generator, number = np.random.default_rng(0), 4000
    labels, middles = Counter(), Counter()
    for _ in range(number):
        (made,) = rows_of([2, 3, 4, 5], 30, 0.0, generator)
        labels[made.label] += 1
        left, right = made.first, made.second
        if made.label == SWAPPED:
            left, right = right, left
        assert (left.begin, right.end) == (0, 14)
        assert left.end == right.begin
        middles[left.end] += 1
    assert set(labels) == {IN_ORDER, SWAPPED}
    assert near(labels[SWAPPED], number, 0.5)
    assert set(middles) == {2, 5, 9}
    assert all(near(count, number, 1 / 3) for count in middles.values())


def test_a_single_segment_has_no_order():
    generator = np.random.default_rng(1)
    assert rows_of([5], 20, 0.0, generator) == [Row(Span(0, 5), None, NO_ORDER)]
    # The first reaches the length alone; the last is left over.
    made = rows_of([30, 10, 8, 4], 20, 0.0, generator)
    assert [each.label == NO_ORDER for each in made] == [True, False, True]
    assert made[0].first.length == 18
    assert made[0].second is None
    assert made[2].first == Span(48, 52)
    assert rows_of([], 20, 0.0, generator) == []


def test_segments_are_collected_until_the_length_is_reached():
    made = rows_of([4] * 10, 15, 0.0, np.random.default_rng(2))
    ends = [max(each.first.end, (each.second or each.first).end) for each in made]
    assert len(made) == 4
    assert ends[:3] == [12, 24, 36]
    assert made[3] == Row(Span(36, 40), None, NO_ORDER)


def test_one_document_in_ten_is_short():
    """Segments of one token: the first row is as long as was drawn."""
    generator, number, longest = np.random.default_rng(3), 3000, 29
    lengths = Counter()
    for _ in range(number):
        made = rows_of([1] * 200, longest + 3, 0.1, generator)
        lengths[made[0].first.length + made[0].second.length] += 1
    full = 0.9 + 0.1 / (longest - 1)
    assert near(lengths.pop(longest), number, full)
    assert set(lengths) <= set(range(2, longest))
    assert len(lengths) > 25
    mean = sum(length * count for length, count in lengths.items()) / lengths.total()
    # Uniform from 2 to 28: mean 15, deviation 7.8 of one, of which there are 290.
    assert abs(mean - 15) < 4 * 7.8 / lengths.total() ** 0.5


@pytest.mark.parametrize("short", [0.0, 1.0])
def test_all_or_none_are_short(short):
    generator = np.random.default_rng(4)
    made = [rows_of([1] * 50, 23, short, generator)[0] for _ in range(100)]
    full = sum(each.first.length + each.second.length == 20 for each in made)
    assert full == 100 if short == 0 else full < 50


def test_the_longer_text_is_cut_token_by_token():
    def one_by_one(first, second, room):
        while first + second > room:
            if first > second:
                first -= 1
            else:
                second -= 1
        return first, second

    for first in range(1, 12):
        for second in range(1, 12):
            for room in range(2, 24):
                expected = one_by_one(first, second, room)
                assert _kept(first, second, room) == expected


def test_tokens_go_at_either_end():
    generator, number = np.random.default_rng(5), 4000
    fronts = Counter(_cut(Span(10, 20), 7, generator).begin for _ in range(number))
    for front, chance in enumerate((1 / 8, 3 / 8, 3 / 8, 1 / 8)):
        assert near(fronts[10 + front], number, chance)
    assert _cut(Span(10, 20), 10, generator) == Span(10, 20)


def test_rows_are_never_too_long_or_empty():
    generator = np.random.default_rng(6)
    for _ in range(300):
        lengths = generator.integers(1, 30, generator.integers(1, 12))
        for made in rows_of(lengths, 16, 0.3, generator):
            second = made.second
            assert made.first.length > 0
            assert second is None or second.length > 0
            total = made.first.length + (second.length + 3 if second else 2)
            assert total <= 16


def test_packing_loses_nothing():
    generator = np.random.default_rng(7)
    for short in (0.0, 1.0):
        made = rows_of([7, 30, 5], 18, short, generator, pack_rows)
        spans = [each.first for each in made]
        assert spans[0].begin == 0
        assert spans[-1].end == 42
        assert all(a.end == b.begin for a, b in pairwise(spans))
        assert {(each.second, each.label) for each in made} == {(None, NO_ORDER)}
        assert max(span.length for span in spans) <= 16
    assert [span.length for span in spans] != [16, 16, 10]
    assert rows_of([], 18, 0.0, generator, pack_rows) == []
