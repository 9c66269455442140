"""The activation functions; `albert.common.activations` defines what they are."""

from collections.abc import Callable
from functools import partial

import tensorflow as tf

from albert.common.activations import KINDS


def _quick_gelu(x: tf.Tensor) -> tf.Tensor:
    return x * tf.sigmoid(1.702 * x)


def _linear(x: tf.Tensor) -> tf.Tensor:
    return x


_FUNCTIONS: dict[str, Callable[[tf.Tensor], tf.Tensor]] = {
    # Under its own name, "Gelu", TensorFlow does not fuse the second into the product
    # before it.
    "gelu_erf": partial(tf.nn.gelu, name="gelu"),
    "gelu_tanh": partial(tf.nn.gelu, approximate=True, name="gelu"),
    "quick_gelu": _quick_gelu,
    "relu": tf.nn.relu,
    "silu": tf.nn.silu,
    "tanh": tf.tanh,
    "linear": _linear,
}


def activation(name: str) -> Callable[[tf.Tensor], tf.Tensor]:
    """Give the function that a configuration's `hidden_act` names."""
    return _FUNCTIONS[KINDS[name]]
