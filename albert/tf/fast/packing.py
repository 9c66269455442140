"""The layers' matrices turned round, kept from call to call of one model.

TensorFlow never writes into a buffer that a tensor holds: an update of a variable then
takes another one. So what the copy was made of is held, and while the variables still
have the same buffers the copy is good.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Sequence
from functools import cache
from math import prod
from typing import Any

import numpy as np
import tensorflow as tf
from keras import activations
from tensorflow.python.framework.config import is_op_determinism_enabled

from albert.tf.fast.layers import Way
from albert.tf.fast.switches import switches

TOKENS = 128
"""Tokens of a call, B * S with padding, up to which a copy pays."""

STEP = 16
"""Lengths are rounded up to its multiples, so that few programs are compiled."""

CALLS = 3
"""Which call of one B and S waits for its program: half a second, and half a second
more for the first of all."""

LEAST = 2**22
"""Values of a block's matrices from which a copy pays."""


class Packing:
    """One model's copy, and how often calls of each size came.

    Args:
        model: whose layers.
    """

    def __init__(self, model: Any) -> None:
        encoder = model.get_base_model().encoder
        self._blocks = [group.albert_layers for group in encoder.albert_layer_groups]
        self._pays = all(
            _is_plain(block) and _is_big(block)
            for blocks in self._blocks
            for block in blocks
        )
        self._calls: Counter[Hashable] = Counter()
        self._read: Any = []
        self._packed: Any = None

    def take(self, key: Hashable, sizes: Sequence[int], inputs: Any) -> Way | None:
        """Give the way for a call.

        Args:
            key: tells calls of one trace from others.
            sizes: B and S, or B, C and S.
            inputs: the call's tensors.

        Returns:
            The way; None if the model's own layers are to be taken.
        """
        length = -(-sizes[-1] // STEP) * STEP
        batch = prod(sizes[:-1])
        fits = 0 < batch * length <= TOKENS
        if not (self._pays and switches.packed and fits and _has_xla()):
            return None
        if is_op_determinism_enabled() or not all(map(_is_near, inputs)):
            return None
        self._calls[key, batch, length] += 1
        if self._calls[key, batch, length] < CALLS:
            return None
        packed = self._pack()
        return None if packed is None else Way(packed, tf.constant(length))

    def drop(self) -> None:
        """Let go of the copy; it is made again when it is wanted."""
        self._read, self._packed = [], None

    def _pack(self) -> Any:
        """Turn the matrices round, or give the copy that there is.

        Returns:
            For each group a list, with a dictionary for each block: "projections", [3 *
                H, H], those of queries, keys and values one below the other; "dense",
                "ffn" and "ffn_output", [out, in]. None if they cannot be watched.
        """
        now = self._matrices()
        if not _have_one_buffer(now, self._read):
            # A variable that was once changed in part gives each reader a copy.
            watched = _have_one_buffer(now, self._matrices())
            watched = watched and all(map(_is_near, tf.nest.flatten(now)))
            self._packed = _turn(now) if watched else None
            self._read = now
        return self._packed

    def _matrices(self) -> list[list[dict[str, tf.Tensor]]]:
        return [
            [
                {
                    name: tf.convert_to_tensor(one.kernel)
                    for name, one in _dense_layers(block).items()
                }
                for block in blocks
            ]
            for blocks in self._blocks
        ]


def _turn(matrices: list[list[dict[str, tf.Tensor]]]) -> Any:
    return [[_turn_block(block) for block in blocks] for blocks in matrices]


def _turn_block(matrices: dict[str, tf.Tensor]) -> dict[str, tf.Tensor]:
    turned = {name: tf.transpose(one) for name, one in matrices.items()}
    parts = [turned.pop(name) for name in ("query", "key", "value")]
    return {"projections": tf.concat(parts, axis=0), **turned}


def _dense_layers(block: Any) -> dict[str, Any]:
    attention = block.attention
    return {
        "query": attention.query,
        "key": attention.key,
        "value": attention.value,
        "dense": attention.dense,
        "ffn": block.ffn,
        "ffn_output": block.ffn_output,
    }


def _have_one_buffer(some: Any, others: Any) -> bool:
    return [*map(_buffer, tf.nest.flatten(some))] == [
        *map(_buffer, tf.nest.flatten(others))
    ]


def _buffer(tensor: Any) -> int:
    return np.asarray(tensor).__array_interface__["data"][0]


def _is_near(tensor: Any) -> bool:
    return "CPU" in tensor.device


def _is_big(block: Any) -> bool:
    values = sum(prod(one.kernel.shape) for one in _dense_layers(block).values())
    return values >= LEAST


def _is_plain(block: Any) -> bool:
    """Whether a block is float32, and nobody has given it other arithmetic."""
    return (
        all(map(_is_plain_dense, _dense_layers(block).values()))
        and all(
            one.center and one.scale
            for one in (block.attention.LayerNorm, block.full_layer_layer_norm)
        )
        and all(
            one.compute_dtype == one.variable_dtype == "float32"
            for one in block._flatten_layers()
        )
    )


def _is_plain_dense(layer: Any) -> bool:
    return (
        layer.use_bias
        and layer.activation is activations.linear
        and not layer.lora_enabled
        and layer.quantization_mode is None
    )


@cache
def _has_xla() -> bool:
    """Whether XLA is in this TensorFlow, and there is nothing but CPUs."""
    if any(one.device_type != "CPU" for one in tf.config.list_logical_devices()):
        return False
    try:
        probe: Any = tf.function(lambda: tf.constant(1) + 1, jit_compile=True)
        return int(probe()) == 2
    except tf.errors.OpError:
        return False
