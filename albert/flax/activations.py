"""The activation functions; `albert.common.activations` defines what they are."""

from collections.abc import Callable
from functools import partial

import jax
import jax.numpy as jnp

from albert.common.activations import KINDS


def _quick_gelu(x: jax.Array) -> jax.Array:
    return x * jax.nn.sigmoid(1.702 * x)


def _linear(x: jax.Array) -> jax.Array:
    return x


_FUNCTIONS: dict[str, Callable[[jax.Array], jax.Array]] = {
    "gelu_erf": partial(jax.nn.gelu, approximate=False),
    "gelu_tanh": partial(jax.nn.gelu, approximate=True),
    "quick_gelu": _quick_gelu,
    "relu": jax.nn.relu,
    "silu": jax.nn.silu,
    "tanh": jnp.tanh,
    "linear": _linear,
}


def activation(name: str) -> Callable[[jax.Array], jax.Array]:
    """Give the function that a configuration's `hidden_act` names."""
    return _FUNCTIONS[KINDS[name]]
