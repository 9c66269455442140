"""Arithmetic that rounds every result, and the oracle in it."""

import numpy as np
import pytest

from conformance import rounding
from conformance.cases import all_cases
from conformance.rounding import (
    BFLOAT16,
    FLOAT16,
    FLOAT32,
    TENSORFLOAT32,
    Rounded,
    round_bits,
    rounded,
)
from conformance.steps import (
    exact_steps,
    rounded_steps,
    rounding_errors,
    tolerances,
)

CASES = [
    case
    for case in all_cases()
    if case.family == "labels" and case.name in ("both", "one number", "some outside")
]


def values():
    """Every exponent, ties, the largest and smallest, and what is not finite."""
    random = np.random.default_rng(3)
    bits = random.integers(0, 2**32, 200_000, dtype=np.uint32)
    ties = (np.arange(1, 5000, dtype=np.uint32) << np.uint32(15)) | np.uint32(
        0x3F000000
    )
    edges = np.array([0.0, -0.0, np.inf, -np.inf, 65504, 65519, 65520, 3.4e38, 6e-8])
    halves = np.ldexp(random.integers(-4096, 4096, 5000) + 0.5, -26)
    parts = (bits.view(np.float32), ties.view(np.float32), edges, halves)
    with np.errstate(over="ignore", invalid="ignore"):
        return np.concatenate([part.astype(np.float32) for part in parts])


@pytest.mark.parametrize("name", ["bfloat16", "float16"])
def test_rounds_as_the_types_do(name):
    ml_dtypes = pytest.importorskip("ml_dtypes")
    own = values()
    own = own[~np.isnan(own)]
    kind = np.float16 if name == "float16" else ml_dtypes.bfloat16
    precision = {"bfloat16": BFLOAT16, "float16": FLOAT16}[name]
    with np.errstate(over="ignore"):
        right = own.astype(kind).astype(np.float32)
    np.testing.assert_array_equal(precision.round(own), right)


def test_what_is_not_a_number_stays():
    found = round_bits(np.array([np.nan, np.inf]), 8)
    assert np.isnan(found[0])
    assert found[1] == np.inf


def test_every_operation_rounds():
    one = rounded(np.array([[1.0, 3.0], [5.0, 7.0]]), BFLOAT16)
    for result in (
        one / 3,
        np.exp(one),
        one @ (one / 3),
        one.mean(-1),
        np.where(one > 2, one / 7, -np.inf),
        np.stack([one / 3, one]),
        (one / 3)[0],
        (one / 3).sum(0),
        np.float64(0.1) * one,
    ):
        assert isinstance(result, Rounded)
        assert result.dtype == np.float32
        np.testing.assert_array_equal(result, BFLOAT16.round(np.asarray(result)))
    assert float((rounded(np.array([1.0]), BFLOAT16) / 3)[0]) == 0.333984375


def test_a_product_reads_fewer_bits_of_its_factors():
    factor = np.array([[1 + 2**-11, 0.0]], np.float32)
    found = rounded(factor, TENSORFLOAT32) @ np.eye(2, dtype=np.float32)
    assert found.tolist() == [[1.0, 0.0]]
    kept = rounded(factor, FLOAT32) @ np.eye(2, dtype=np.float32)
    assert kept.tolist() == factor.tolist()


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.id)
@pytest.mark.parametrize("precision", [FLOAT32, BFLOAT16, FLOAT16])
def test_the_oracle_stays_in_the_precision(case, precision):
    for run in (0, 1):
        for name, step in rounded_steps(case, precision, run).items():
            np.testing.assert_array_equal(step, precision.round(step), err_msg=name)


def test_a_nudge_moves_a_sixth_by_one_unit():
    given = np.linspace(1, 1.98, 6000).astype(np.float32)
    nudge = np.random.default_rng(0)
    moved = np.asarray(rounded(given, BFLOAT16, nudge) * np.float32(1))
    off = (moved - BFLOAT16.round(given)) * 2**7
    assert set(np.unique(off)) == {-1.0, 0.0, 1.0}
    assert (off != 0).mean() == pytest.approx(rounding.NUDGED, abs=0.02)


def test_more_bits_have_smaller_tolerances_which_are_never_nothing():
    case = CASES[0]
    allowed = {}
    for precision in (FLOAT32, TENSORFLOAT32, FLOAT16, BFLOAT16):
        exact = exact_steps(case, precision)
        allowed[precision.name] = tolerances(case, precision, exact)
    names = list(allowed["float32"])
    for name in names:
        sizes = [allowed[one][name] for one in ("float32", "float16", "bfloat16")]
        assert 0 < sizes[0] < sizes[1] < sizes[2], name
    last = "blocks.2.full_layer_layer_norm"
    assert allowed["float32"][last] < allowed["tensorfloat32"][last] / 50
    assert allowed["tensorfloat32"][last] < allowed["bfloat16"][last]


def test_other_roundings_are_off_a_few_times_as_far():
    """What the factor rests on: no run is off in another order of magnitude."""
    case = CASES[0]
    for precision in (FLOAT32, BFLOAT16):
        exact = exact_steps(case, precision)
        nearest = rounding_errors(case, precision, exact, runs=0)
        several = rounding_errors(case, precision, exact)
        ratios = [several[name] / nearest[name] for name in exact]
        assert min(ratios) >= 1
        assert 1.2 < np.median(ratios) < 4
