"""The activation functions of published ALBERT configurations, and what they mean.

The NumPy definitions below are the specification: the oracle uses them, and every
backend's own function is held to them. Source: google-research/albert modeling.py
(`gelu`, the tanh form, and `get_activation`); Hendrycks and Gimpel 2016 for GELU.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

Array = Any
"""NumPy array of any float type."""

_erf = np.vectorize(math.erf, otypes=[np.float64])


def _gelu(x: Array) -> Array:
    return 0.5 * x * (1.0 + _erf(x / math.sqrt(2.0)))


def _gelu_tanh(x: Array) -> Array:
    return 0.5 * x * (1.0 + np.tanh(math.sqrt(2.0 / math.pi) * (x + 0.044715 * x**3)))


def _sigmoid(x: Array) -> Array:
    # Written with tanh so that large negative inputs do not overflow exp.
    return 0.5 * (1.0 + np.tanh(0.5 * x))


def _quick_gelu(x: Array) -> Array:
    return x * _sigmoid(1.702 * x)


def _relu(x: Array) -> Array:
    return np.maximum(x, 0.0)


def _silu(x: Array) -> Array:
    return x * _sigmoid(x)


def _linear(x: Array) -> Array:
    return x


ACTIVATIONS: dict[str, Callable[[Array], Array]] = {
    "gelu": _gelu,
    "gelu_python": _gelu,
    "gelu_new": _gelu_tanh,
    "gelu_pytorch_tanh": _gelu_tanh,
    "gelu_fast": _gelu_tanh,
    "quick_gelu": _quick_gelu,
    "relu": _relu,
    "silu": _silu,
    "swish": _silu,
    "tanh": np.tanh,
    "linear": _linear,
}
"""Name in `AlbertConfig.hidden_act` -> its definition."""

KINDS: dict[str, str] = {
    "gelu": "gelu_erf",
    "gelu_python": "gelu_erf",
    "gelu_new": "gelu_tanh",
    "gelu_pytorch_tanh": "gelu_tanh",
    "gelu_fast": "gelu_tanh",
    "quick_gelu": "quick_gelu",
    "relu": "relu",
    "silu": "silu",
    "swish": "silu",
    "tanh": "tanh",
    "linear": "linear",
}
"""Name -> the one function that several names mean; backends implement these seven."""
