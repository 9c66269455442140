"""The comparison passes over nothing."""

import math

import numpy as np
import pytest

from conformance.compare import largest_error

ONE = np.ones((2, 3), np.float32)


def test_largest_error_is_over_all_outputs():
    found = {"a": ONE, "b": (ONE, ONE + np.float32(0.25))}
    assert largest_error(found, {"a": ONE + 0.125, "b": (ONE, ONE)}) == 0.25


@pytest.mark.parametrize(
    ("found", "right"),
    [
        ({}, {"a": ONE}),
        ({"a": ONE, "b": ONE}, {"a": ONE}),
        ({"a": ONE[:1]}, {"a": ONE}),
        ({"a": ONE.astype(np.float64)}, {"a": ONE}),
        ({"a": ONE * np.nan}, {"a": ONE}),
        ({"a": ONE * np.nan}, {"a": ONE * np.nan}),
        ({"a": ONE}, {"a": ONE * np.inf}),
        ({"a": (ONE,)}, {"a": (ONE, ONE)}),
        ({"a": ()}, {"a": ()}),
        ({"a": ONE}, {"a": (ONE,)}),
    ],
    ids=[
        "missing",
        "added",
        "shape",
        "type",
        "not finite",
        "not finite on both sides",
        "not finite on the right",
        "fewer layers",
        "no layers",
        "no tuple",
    ],
)
def test_anything_odd_is_an_infinite_error(found, right):
    assert largest_error(found, right) == math.inf
