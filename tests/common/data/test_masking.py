"""Masks, against the distributions that the paper and the original state.

Bounds are four standard deviations of the count that is expected.
"""

from collections import Counter

import numpy as np
import pytest

from albert.common.data.masking import Masking, draw_positions, replace
from albert.common.data.words import BEGINS, GOES_ON, NEVER


def near(count, number, chance):
    """Whether a count is within four deviations of its expectation."""
    deviation = (number * chance * (1 - chance)) ** 0.5
    return abs(count - number * chance) < 4 * deviation


def row(*texts):
    """Make a row of texts of words, given by their numbers of pieces."""
    kinds = [NEVER]
    for text in texts:
        for pieces in text:
            kinds += [BEGINS] + [GOES_ON] * (pieces - 1)
        kinds.append(NEVER)
    return np.array(kinds, np.uint8)


def runs(positions):
    """Give the lengths of runs of positions, in ascending order."""
    apart = np.flatnonzero(np.diff(positions) > 1) + 1
    return tuple(sorted(len(part) for part in np.split(positions, apart)))


def test_the_budget_is_rounded_as_python_does():
    masking = Masking(0.15, 77, 3)
    lengths = (3, 10, 30, 70, 90, 128, 512, 600)
    assert [masking.budget(length) for length in lengths] == [
        1, 2, 4, 10, 14, 19, 77, 77,
    ]  # fmt: skip
    assert Masking(0.15, 20, 3).budget(512) == 20


def test_runs_of_n_words_have_a_probability_proportional_to_one_over_n():
    """Three pieces to mask, and words far apart: the first runs tell what was drawn."""
    kinds, masking, number = row([1] * 1000), Masking(0.5, 3, 3), 1500
    generator = np.random.default_rng(0)
    found = Counter(
        runs(draw_positions(kinds, masking, generator)) for _ in range(number)
    )
    one, three = 6 / 11, 2 / 11
    assert near(found[3,], number, three)
    assert near(found[1, 1, 1], number, one**2)
    assert near(found[1, 2], number, 1 - three - one**2)
    assert found.total() == number


@pytest.mark.parametrize("ngram", [1, 2])
def test_runs_are_of_at_most_ngram_words(ngram):
    kinds, generator = row([1] * 1000), np.random.default_rng(1)
    found = Counter()
    for _ in range(200):
        found.update(runs(draw_positions(kinds, Masking(0.5, 8, ngram), generator)))
    assert found[ngram] > 300
    # Two runs that touch are rare.
    assert sum(found[length] for length in found if length > ngram) < 30


def test_every_word_is_as_likely():
    kinds, generator, number = row([1] * 40), np.random.default_rng(2), 6000
    masked = np.zeros(len(kinds))
    for _ in range(number):
        masked[draw_positions(kinds, Masking(0.15, 6, 1), generator)] += 1
    assert masked[[0, -1]].tolist() == [0, 0]
    assert all(near(count, number, 6 / 40) for count in masked[1:-1])


def test_words_are_whole_and_runs_stay_in_their_text():
    generator = np.random.default_rng(3)
    crossing = 0
    for _ in range(500):
        lengths = generator.integers(1, 5, 16)
        kinds = row(lengths[:6], lengths[6:])
        masking = Masking(0.3, 100, 3)
        positions = draw_positions(kinds, masking, generator)
        assert (np.diff(positions) > 0).all()
        assert (kinds[positions] != NEVER).all()
        masked = np.isin(np.arange(len(kinds)), positions)
        inside = kinds == GOES_ON
        assert (masked[1:] == masked[:-1])[inside[1:]].all()
        assert len(positions) <= masking.budget(len(kinds))
        crossing += len(positions) < masking.budget(len(kinds))
    assert crossing < 50


def test_words_that_are_never_masked_end_a_run():
    kinds = np.array([NEVER, BEGINS, NEVER, GOES_ON, BEGINS, NEVER], np.uint8)
    generator = np.random.default_rng(4)
    found = {
        tuple(draw_positions(kinds, Masking(1, 6, 3), generator).tolist())
        for _ in range(50)
    }
    assert found == {(1, 4)}


def test_what_does_not_fit_is_left_out():
    generator = np.random.default_rng(5)
    assert draw_positions(row([4]), Masking(0.15, 9, 3), generator).tolist() == []
    assert draw_positions(row([]), Masking(0.15, 9, 3), generator).tolist() == []
    drawn = draw_positions(row([4, 1]), Masking(0.15, 9, 3), generator)
    assert drawn.tolist() == [5]


def test_eighty_ten_ten():
    generator, number = np.random.default_rng(6), 40_000
    tokens = np.full(number, 7, np.int32)
    ordinary = np.arange(5, 25, dtype=np.int32)
    found = replace(tokens, 4, ordinary, generator)
    assert found.dtype == np.int32
    counts = np.bincount(found, minlength=25)
    assert near(counts[4], number, 0.8)
    assert near(counts[7], number, 0.1 + 0.1 / 20)
    others = np.delete(counts[5:25], 2)
    assert all(near(count, number, 0.1 / 20) for count in others)
    assert counts[:4].sum() == 0
