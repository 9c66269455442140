"""Arithmetic in a given precision: arrays that round the result of every operation.

The oracle is run in them, to learn how far a computation in that precision may be from
float64. They hold float32 and need nothing but NumPy. Every operation is computed in
float32 and its result is rounded, to nearest, to the values that the precision has.
Sums within one operation, those of a matrix product or a mean, are float32's, as they
are in the hardware.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

FLOAT_BITS = 24


@dataclass(frozen=True)
class Precision:
    """What a precision rounds.

    Attributes:
        name: "float32", "bfloat16", "float16" or "tensorfloat32", for example.
        bits: significant bits of every value.
        factors: significant bits that a matrix product reads of its factors; the
            products are added up in float32.
        least: smallest exponent: values below 2**least lose bits. None for float32's.
        largest: what exceeds it is infinite; None for float32's.
    """

    name: str
    bits: int
    factors: int = FLOAT_BITS
    least: int | None = None
    largest: float | None = None

    @property
    def unit(self) -> float:
        """Largest relative error of one rounding."""
        return 2.0**-self.bits

    def round(self, values: np.ndarray) -> np.ndarray:
        """Round to nearest, ties to even: float32 to float32.

        Args:
            values: float, of any shape.

        Returns:
            float32, values that the precision has.
        """
        if self.least is not None:
            return _round_small(values, self)
        return round_bits(values, self.bits)


FLOAT32 = Precision("float32", FLOAT_BITS)
BFLOAT16 = Precision("bfloat16", 8)
FLOAT16 = Precision("float16", 11, least=-14, largest=65504.0)
TENSORFLOAT32 = Precision("tensorfloat32", FLOAT_BITS, factors=11)
BFLOAT16_PRODUCTS = Precision("float32, bfloat16 products", FLOAT_BITS, factors=8)
# Two bfloat16 numbers hold 16 bits of a factor; the product of the two lower is left
# out.
BFLOAT16_3X = Precision("float32, 3 bfloat16 products", FLOAT_BITS, factors=16)


def round_bits(values: np.ndarray, bits: int) -> np.ndarray:
    """Round to so many significant bits, ties to even.

    Args:
        values: float, of any shape; rounded to float32 first.
        bits: 2 to 24.

    Returns:
        float32. What is not finite stays; what is too large becomes infinite.
    """
    found = np.asarray(values).astype(np.float32)
    dropped = FLOAT_BITS - bits
    if dropped == 0:
        return found
    raw = found.view(np.uint32)
    odd = (raw >> np.uint32(dropped)) & np.uint32(1)
    rounded = raw + np.uint32((1 << (dropped - 1)) - 1) + odd
    rounded &= np.uint32(0xFFFFFFFF ^ ((1 << dropped) - 1))
    return np.where(np.isfinite(found), rounded.view(np.float32), found)


def _round_small(values: np.ndarray, precision: Precision) -> np.ndarray:
    """Round where the exponents end early, too."""
    found = round_bits(values, precision.bits)
    # Below the least exponent the spacing stays the same.
    spacing = 2.0 ** ((precision.least or 0) - precision.bits + 1)
    given = np.asarray(values).astype(np.float32)
    few = np.abs(given) < 2.0 ** (precision.least or 0)
    steps = np.rint(np.where(few, given, 0) / np.float32(spacing))
    found = np.where(few, steps * np.float32(spacing), found)
    too_large = np.abs(found) > (precision.largest or np.inf)
    return np.where(too_large, np.copysign(np.inf, found), found).astype(np.float32)


# What gives one of its operands, or says which is larger, rounds nothing.
_EXACT = (np.maximum, np.minimum, np.negative, np.absolute)

NUDGED = 1 / 6
"""Share of the results that a nudged run moves to a neighbouring value, up or down.

The square of a rounding's error is on average 1/12 of the square of the spacing; moving
adds twice as much, so that the errors of such a run are those of another order of the
same operations, and rather larger."""


class Rounded(np.ndarray):
    """A float32 array whose operations give values of one precision.

    Attributes:
        precision: of all results.
        nudge: random numbers that choose which results are moved; None for none.
    """

    precision: Precision
    nudge: np.random.Generator | None

    def __array_finalize__(self, source: Any) -> None:
        self.precision = getattr(source, "precision", FLOAT32)
        self.nudge = getattr(source, "nudge", None)

    def __array_ufunc__(
        self, ufunc: np.ufunc, method: str, *inputs: Any, out: Any = None, **how: Any
    ) -> Any:
        """Compute in float32 and round."""
        given = [_plain(one) for one in inputs]
        if ufunc is np.matmul and self.precision.factors < FLOAT_BITS:
            given = [self._rounded(one, self.precision.factors) for one in given]
        with np.errstate(over="ignore", under="ignore"):
            result = getattr(ufunc, method)(*given, **how)
        if ufunc not in _EXACT:
            result = self._rounded(result)
        if out is not None:
            (place,) = out
            place[...] = result
            return place
        return self._like(result)

    def __array_function__(self, func: Any, types: Any, args: Any, kwargs: Any) -> Any:
        """Stay of this class where NumPy would give a plain array."""
        return self._like(super().__array_function__(func, types, args, kwargs))

    def _rounded(self, result: Any, bits: int | None = None) -> Any:
        """Round to the precision, or to so many bits, and move some of the results."""
        result = np.asarray(result)
        if not np.issubdtype(result.dtype, np.floating):
            return result
        result = self._to_nearest(result, bits)
        if self.nudge is None:
            return result
        spacing = np.ldexp(1.0, np.frexp(result)[1] - (bits or self.precision.bits))
        drawn = self.nudge.random(result.shape)
        up, down = drawn < NUDGED / 2, drawn > 1 - NUDGED / 2
        return self._to_nearest(result + up * spacing - down * spacing, bits)

    def _to_nearest(self, values: np.ndarray, bits: int | None) -> np.ndarray:
        if bits is None:
            return self.precision.round(values)
        return round_bits(values, bits)

    def _like(self, result: Any) -> Any:
        if not isinstance(result, np.ndarray | np.floating):
            return result
        array = np.asarray(result)
        if np.issubdtype(array.dtype, np.floating):
            array = array.astype(np.float32)
        elif array.dtype != object:
            return result
        array = array.view(Rounded)
        array.precision, array.nudge = self.precision, self.nudge
        return array


def _plain(operand: Any) -> Any:
    array = np.asarray(operand)
    if np.issubdtype(array.dtype, np.floating):
        return array.astype(np.float32, copy=False)
    return array


def rounded(
    array: np.ndarray,
    precision: Precision,
    nudge: np.random.Generator | None = None,
) -> Rounded:
    """Make an array that computes in a precision.

    Args:
        array: float, of any shape.
        precision: its values are rounded to it, and all that is computed with it.
        nudge: chooses results that are moved by one unit in the last place.

    Returns:
        The array.
    """
    view = precision.round(array).view(Rounded)
    view.precision, view.nudge = precision, nudge
    return view
