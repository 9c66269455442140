"""An array of a checkpoint that is read when it is asked for, some rows at a time."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from typing import NamedTuple

import numpy as np

FLOATS = ("float64", "float32", "float16", "bfloat16")
"""Types that weights can have."""

BLOCK_BYTES = 1 << 24
"""About how much of an array is read at once."""

_ALIGNMENT = 64


class LazyArray(NamedTuple):
    """Shape and type of an array, and how to read it.

    Fields:
        shape: its dimensions.
        dtype: "float32", "float16", "bfloat16" or another name of a type.
        rows: `rows(start, stop)` gives these rows of the first axis, of any layout;
            bfloat16, which NumPy lacks, comes as float32, which holds each of its
            values exactly. Of an array without axes, `rows(0, 1)` gives it with one
            axis. Raises ValueError if the file is damaged.
        turned: whether the file holds the matrix turned: then `rows` gives columns of
            it, each as a row.
    """

    shape: tuple[int, ...]
    dtype: str
    rows: Callable[[int, int], np.ndarray]
    turned: bool = False

    def turn(self) -> LazyArray:
        """Give the matrix with its two axes exchanged; nothing is read."""
        return self._replace(shape=self.shape[::-1], turned=not self.turned)

    def reshape(self, shape: tuple[int, ...]) -> LazyArray:
        """Give the array, as the file has it, with its axes merged.

        Args:
            shape: of as many elements; its first axis a multiple of the present one.

        Returns:
            The array in this shape; itself if it cannot have it.
        """
        if math.prod(shape) != math.prod(self.shape) or not math.prod(shape):
            return self
        times, rest = divmod(shape[0], self.shape[0])
        if rest:
            return self

        def rows(start: int, stop: int) -> np.ndarray:
            first = start // times
            block = self.rows(first, -(-stop // times))
            block = block.reshape(-1, *shape[1:])
            return block[start - first * times : stop - first * times]

        return LazyArray(shape, self.dtype, rows)

    def blocks(self) -> Iterator[tuple[int, int, np.ndarray]]:
        """Give the array, as the file has it, in parts that need little memory.

        Yields:
            First row, row after the last, the rows between.
        """
        stored = self.shape[::-1] if self.turned else self.shape
        number = stored[0] if stored else 1
        row_bytes = 4 * max(1, int(np.prod(stored[1:], dtype=np.int64)))
        step = max(1, BLOCK_BYTES // row_bytes)
        for start in range(0, number, step):
            stop = min(start + step, number)
            yield start, stop, self.rows(start, stop)

    def read(self, transpose: bool = False) -> np.ndarray:
        """Read the whole array.

        Args:
            transpose: whether to turn a matrix.

        Returns:
            A new array of its own memory, contiguous and so aligned that frameworks
            can take it without a copy; bfloat16 as float32.

        Raises:
            ValueError: the file is damaged or the type is none that weights have.
        """
        if self.dtype not in FLOATS:
            raise ValueError(
                f"this array is of type {self.dtype}, but weights are of "
                f"{', '.join(FLOATS)}."
            )
        dtype = np.dtype("float32" if self.dtype == "bfloat16" else self.dtype)
        whole = aligned_zeros(self.shape[::-1] if transpose else self.shape, dtype)
        stored = whole.T if transpose != self.turned else whole
        for start, stop, block in self.blocks():
            stored.reshape(stored.shape or (1,))[start:stop] = block
        return whole


def widen_bfloat16(bits: np.ndarray) -> np.ndarray:
    """Turn bfloat16 values, given as their 16 bits (uint16), into float32."""
    return (bits.astype(np.uint32) << 16).view(np.float32)


def aligned_zeros(shape: tuple[int, ...], dtype: np.dtype) -> np.ndarray:
    """Make an array of zeros that frameworks can take without a copy.

    Args:
        shape: of the array.
        dtype: of its elements.

    Returns:
        An array whose first byte lies at a multiple of 64; its memory is not taken
        from the system before it is written to.
    """
    size = math.prod(shape) * dtype.itemsize
    memory = np.zeros(size + _ALIGNMENT, np.uint8)
    start = -memory.ctypes.data % _ALIGNMENT
    return memory[start : start + size].view(dtype).reshape(shape)
