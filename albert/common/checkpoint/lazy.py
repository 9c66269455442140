"""An array of a checkpoint that is read when it is asked for."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np


class LazyArray(NamedTuple):
    """Shape and type of an array, and how to read it.

    Fields:
        shape: its dimensions.
        dtype: "float32", "float16", "bfloat16" or another name of a type.
        read: gives the array; bfloat16, which NumPy lacks, comes as float32, which
            holds each of its values exactly.
    """

    shape: tuple[int, ...]
    dtype: str
    read: Callable[[], np.ndarray]


def widen_bfloat16(bits: np.ndarray) -> np.ndarray:
    """Turn bfloat16 values, given as their 16 bits (uint16), into float32."""
    return (bits.astype(np.uint32) << 16).view(np.float32)
