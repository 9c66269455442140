"""Hold one implementation's outputs against what is right."""

from __future__ import annotations

import math
from typing import Any

import numpy as np


def largest_error(found: dict[str, Any], right: dict[str, Any]) -> float:
    """Give the largest absolute difference of whole outputs.

    Args:
        found: outputs by name; a tuple holds one array a layer.
        right: what they should be.

    Returns:
        The largest difference; infinite if anything is missing, added, of another
        shape or type, or not finite on either side.
    """
    if found.keys() != right.keys():
        return math.inf
    return max(_difference(found[name], right[name]) for name in right)


def _difference(found: Any, right: Any) -> float:
    if isinstance(right, tuple):
        if not isinstance(found, tuple) or len(found) != len(right):
            return math.inf
        pairs = zip(found, right, strict=True)
        return max((_difference(a, b) for a, b in pairs), default=math.inf)
    found, right = np.asarray(found), np.asarray(right)
    if found.shape != right.shape or found.dtype != np.float32:
        return math.inf
    if not (np.isfinite(found).all() and np.isfinite(right).all()):
        return math.inf
    return float(np.abs(found.astype(np.float64) - right).max(initial=0.0))
