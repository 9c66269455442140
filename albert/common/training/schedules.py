"""The learning rate of each step."""

from __future__ import annotations

import math
from dataclasses import dataclass, fields
from numbers import Integral
from typing import Any

import numpy as np


@dataclass(frozen=True)
class PolynomialDecay:
    """A linear warm-up, then a polynomial decay to 0.

    The decay counts from step 0, not from the end of the warm-up, which takes its place
    while it lasts. So the first rate of a warm-up is 0, the step behind it has
    `peak * (1 - warmup_steps / total_steps)`, and with a warm-up no step has `peak`.

    Attributes:
        peak: where the decay starts, and what the warm-up rises to.
        total_steps: the rate is 0 from this step on.
        warmup_steps: number of steps of the warm-up.
        power: 1 is linear; 0 keeps `peak` for ever.
        start: step from which the warm-up counts. As in the original, the rates before
            it are below 0.

    Raises:
        TypeError: a number of steps is no integer, or another value no number.
        ValueError: a value is out of range, or the warm-up ends after `total_steps`.

    Source: google-research/albert optimization.py, `create_optimizer`.
    """

    peak: float
    total_steps: int
    warmup_steps: int = 0
    power: float = 1.0
    start: int = 0

    def __post_init__(self) -> None:
        for one in fields(self):
            _check(one.name, getattr(self, one.name), one.type == "int")
        if self.total_steps == 0:
            raise ValueError("total_steps must be at least 1, but is 0.")
        if self.start + self.warmup_steps > self.total_steps:
            raise ValueError(
                f"the warm-up must end within total_steps, {self.total_steps}, but "
                f"start={self.start} and warmup_steps={self.warmup_steps} end it at "
                f"{self.start + self.warmup_steps}."
            )

    def rate(self, step: int) -> float:
        """Give the learning rate of a step.

        Args:
            step: number of updates before it; the first step is 0.

        Returns:
            The rate, in float64. What hands it to several frameworks rounds it once:
            `numpy.float32(schedule.rate(step))`.

        Raises:
            ValueError: `step` is below 0.
        """
        if step < 0:
            raise ValueError(f"step must be 0 or more, but is {step}.")
        return float(self.formula(np, np.float64(step)))

    def __call__(self, step: Any) -> Any:
        """Give the learning rate of a step, of a number or within a JAX trace.

        Args:
            step: as in `rate`; an array that knows the array API, such as JAX's, gives
                an array.

        Returns:
            float, or an array of the same kind.
        """
        if isinstance(step, Integral):
            return self.rate(int(step))
        return self.formula(step.__array_namespace__(), step)

    def formula(self, library: Any, step: Any) -> Any:
        """Compute the rate with a library's functions.

        Args:
            library: has `where` and `maximum`, such as `numpy` or `keras.ops`.
            step: a number or array of it.

        Returns:
            A number or array of it.
        """
        # Subtracted before it is divided: 1 - n / n is below 0 on some machines.
        left = library.maximum(self.total_steps - step, 0) / self.total_steps
        decayed = self.peak * left**self.power
        if not self.warmup_steps:
            return decayed
        since = step - self.start
        rising = self.peak * since / self.warmup_steps
        return library.where(since < self.warmup_steps, rising, decayed)


def _check(name: str, value: Any, whole: bool) -> None:
    kinds = int if whole else (int, float)
    if isinstance(value, bool) or not isinstance(value, kinds):
        wanted = "an integer" if whole else "a number"
        raise TypeError(f"{name} must be {wanted}, but is {value!r}.")
    if not (value >= 0 and math.isfinite(value)):
        raise ValueError(f"{name} must be 0 or more and finite, but is {value!r}.")
