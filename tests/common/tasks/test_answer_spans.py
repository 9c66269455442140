"""The best stretches of a window; expected values by hand."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from albert.common.tasks.answer_spans import best_spans

# exp gives 1, 1, 4, 2 (of 8) and 2, 1, 1, 4 (of 8).
STARTS = np.log([1.0, 1.0, 4.0, 2.0])
ENDS = np.log([2.0, 1.0, 1.0, 4.0])


def _found(spans):
    return list(zip(spans.firsts.tolist(), spans.lasts.tolist(), strict=True))


def test_the_best_first():
    spans = best_spans(STARTS, ENDS, 3, 4)
    assert _found(spans) == [(1, 2), (2, 2), (0, 2), (1, 1)]
    assert spans.scores == pytest.approx([16 / 64, 8 / 64, 4 / 64, 4 / 64])
    assert spans.null == pytest.approx(2 / 64)


def test_no_longer_than_allowed():
    assert _found(best_spans(STARTS, ENDS, 1, 9)) == [(2, 2), (1, 1), (0, 0)]
    assert len(_found(best_spans(STARTS, ENDS, 2, 9))) == 5
    assert len(_found(best_spans(STARTS, ENDS, 1000, 9))) == 6


def test_an_empty_context():
    spans = best_spans(np.array([3.0]), np.array([-1.0]), 15, 5)
    assert (_found(spans), spans.scores.tolist(), spans.null) == ([], [], 1.0)


@settings(max_examples=50, deadline=None)
@given(st.integers(1, 9), st.integers(1, 12), st.integers(1, 60), st.integers(0, 999))
def test_as_the_whole_matrix_says(size, longest, number, seed):
    logits = np.random.default_rng(seed).normal(size=(2, size + 1))
    start, end = np.exp(logits) / np.exp(logits).sum(-1, keepdims=True)
    every = {
        (first, last): start[first + 1] * end[last + 1]
        for first in range(size)
        for last in range(first, min(size, first + longest))
    }
    spans = best_spans(*logits, longest, number)
    wanted = sorted(every, key=lambda one: -every[one])[:number]
    assert _found(spans) == wanted
    assert spans.scores == pytest.approx([every[one] for one in wanted])
