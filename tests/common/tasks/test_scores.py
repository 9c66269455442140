import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from albert.common.tasks.scores import best

VALUES = st.sampled_from([0.0, -0.0, 1.0, 2.0, -3.0, np.inf, -np.inf, np.nan])


@settings(deadline=None, max_examples=300)
@given(
    scores=st.lists(VALUES, max_size=30),
    number=st.one_of(st.none(), st.integers(1, 32)),
    dtype=st.sampled_from(["float32", "float64"]),
)
def test_the_best_are_those_of_a_whole_stable_sort(scores, number, dtype):
    array = np.array(scores, dtype)
    expected = np.argsort(-array, kind="stable")[:number]
    np.testing.assert_array_equal(best(array, number), expected)


@pytest.mark.parametrize("number", [1, 5, 29_999, 30_000, 30_001, None])
def test_of_a_vocabulary(number):
    scores = np.random.default_rng(0).integers(0, 1000, 30_000).astype(np.float32)
    expected = np.argsort(-scores, kind="stable")[:number]
    np.testing.assert_array_equal(best(scores, number), expected)
