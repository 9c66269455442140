"""The learning rates, beside those that Google's original gave."""

import json
from pathlib import Path

import numpy as np
import pytest

from albert.common.training.schedules import PolynomialDecay

# google-research/albert b772393 under TensorFlow 1.15.5, in float32.
ORIGINAL = json.loads((Path(__file__).parent / "original_rates.json").read_text())


@pytest.mark.parametrize("case", ORIGINAL)
def test_equals_the_original(case):
    steps, rates = case.pop("steps"), case.pop("rates")
    schedule = PolynomialDecay(**case)
    found = [schedule.rate(step) for step in steps]
    # The original subtracts from 1 in float32, which rounds by 6e-8 of the peak.
    np.testing.assert_allclose(found, rates, rtol=0, atol=1.2e-7 * schedule.peak)
    case.update(steps=steps, rates=rates)


def test_corners():
    schedule = PolynomialDecay(0.5, 10, 4)
    assert schedule.rate(0) == 0
    assert schedule.rate(3) == 0.5 * 3 / 4
    assert schedule.rate(4) == 0.5 * 6 / 10
    assert schedule.rate(10) == schedule.rate(1000) == 0
    assert PolynomialDecay(0.5, 10).rate(0) == 0.5
    assert PolynomialDecay(0.5, 10, power=0.0).rate(99) == 0.5
    assert PolynomialDecay(0.5, 10, 10).rate(9) == pytest.approx(0.45)
    assert type(schedule.rate(2)) is float
    assert schedule(2) == schedule(np.int64(2)) == schedule.rate(2)


def test_arrays_of_the_array_api():
    schedule = PolynomialDecay(0.5, 7, 3, 1.5)
    found = schedule(np.arange(9.0))
    assert np.array_equal(found, [schedule.rate(step) for step in range(9)])


@pytest.mark.parametrize(
    ("wrong", "error", "text"),
    [
        ({"peak": -1.0}, ValueError, "peak must be 0 or more and finite, but is -1.0."),
        (
            {"peak": float("nan")},
            ValueError,
            "peak must be 0 or more and finite, but is nan.",
        ),
        ({"peak": "1"}, TypeError, "peak must be a number, but is '1'."),
        ({"power": -1}, ValueError, "power must be 0 or more and finite, but is -1."),
        (
            {"total_steps": 2.5},
            TypeError,
            "total_steps must be an integer, but is 2.5.",
        ),
        ({"total_steps": 0}, ValueError, "total_steps must be at least 1, but is 0."),
        (
            {"warmup_steps": -3},
            ValueError,
            "warmup_steps must be 0 or more and finite, but is -3.",
        ),
        (
            {"warmup_steps": True},
            TypeError,
            "warmup_steps must be an integer, but is True.",
        ),
        (
            {"warmup_steps": 8, "start": 3},
            ValueError,
            (
                "the warm-up must end within total_steps, 10, but start=3 and "
                "warmup_steps=8 end it at 11."
            ),
        ),
    ],
)
def test_nonsense_is_refused(wrong, error, text):
    with pytest.raises(error) as raised:
        PolynomialDecay(**{"peak": 1.0, "total_steps": 10, **wrong})
    assert str(raised.value) == text


def test_a_step_below_0_is_refused():
    with pytest.raises(ValueError) as raised:
        PolynomialDecay(1.0, 10).rate(-1)
    assert str(raised.value) == "step must be 0 or more, but is -1."
