"""The derivatives of the activation functions, in NumPy float64.

`albert.common.activations` defines the functions themselves.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from albert.common.activations import KINDS

Array = np.ndarray

_ROOT = math.sqrt(2.0 / math.pi)
_erf = np.vectorize(math.erf, otypes=[np.float64])


def _of_gelu_erf(x: Array) -> Array:
    # of x F(x), where F is the normal distribution and its slope the normal density
    density = np.exp(-0.5 * x**2) / math.sqrt(2.0 * math.pi)
    return 0.5 * (1.0 + _erf(x / math.sqrt(2.0))) + x * density


def _of_gelu_tanh(x: Array) -> Array:
    bent = np.tanh(_ROOT * (x + 0.044715 * x**3))
    within = _ROOT * (1.0 + 3 * 0.044715 * x**2)
    return 0.5 * (1.0 + bent) + 0.5 * x * (1.0 - bent**2) * within


def _of_gated(x: Array, sharpness: float) -> Array:
    # of x s(a x), where s is the sigmoid, whose slope is s (1 - s)
    gate = 0.5 * (1.0 + np.tanh(0.5 * sharpness * x))
    return gate + x * sharpness * gate * (1.0 - gate)


def _of_quick_gelu(x: Array) -> Array:
    return _of_gated(x, 1.702)


def _of_silu(x: Array) -> Array:
    return _of_gated(x, 1.0)


def _of_relu(x: Array) -> Array:
    # 0 at 0, as all three frameworks have it
    return (x > 0).astype(np.float64)


def _of_tanh(x: Array) -> Array:
    return 1.0 - np.tanh(x) ** 2


_OF_KIND: dict[str, Callable[[Array], Array]] = {
    "gelu_erf": _of_gelu_erf,
    "gelu_tanh": _of_gelu_tanh,
    "quick_gelu": _of_quick_gelu,
    "relu": _of_relu,
    "silu": _of_silu,
    "tanh": _of_tanh,
    "linear": np.ones_like,
}

SLOPES: dict[str, Callable[[Array], Array]] = {
    name: _OF_KIND[kind] for name, kind in KINDS.items()
}
"""Name in `AlbertConfig.hidden_act` -> its derivative."""
