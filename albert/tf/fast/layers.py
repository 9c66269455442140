"""The layers for few tokens on a CPU: the model's arithmetic in columns, by XLA.

With few tokens a product's time is that of reading its matrix. Tokens are columns, H x
T, and the matrices stand on the left, turned round once (`packing`): then a product
reads each of their values once instead of moving them all to where it wants them first.

Letters: B batch, S sequence, T tokens (B * S), H hidden, N heads, D head size.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from functools import partial
from typing import Any, NamedTuple

import tensorflow as tf


class Way(NamedTuple):
    """How the layers are to be computed.

    Fields:
        packed: of each group, of each block, the matrices of `packing.Packing`.
        length: int32 [], S with padding: XLA compiles once for each B and S.
    """

    packed: Any
    length: Any


_way: ContextVar[Way | None] = ContextVar("way", default=None)


@contextmanager
def taking(way: Way | None) -> Iterator[None]:
    """Choose how the layers of the models that are traced meanwhile are computed.

    Args:
        way: None for the model's own layers.
    """
    token = _way.set(way)
    try:
        yield
    finally:
        _way.reset(token)


def chosen() -> Way | None:
    """Give what `taking` chose."""
    return _way.get()


def apply_layers(
    groups: Sequence[Any],
    layer_groups: Sequence[int],
    hidden_states: tf.Tensor,
    visible: tf.Tensor | None,
    way: Way,
) -> tf.Tensor:
    """Apply all layers in inference.

    Args:
        groups: each a `TFAlbertLayerGroup`.
        layer_groups: of each layer, its group.
        hidden_states: float32 [B, S, H].
        visible: bool [B, 1, 1, S], of `visible_keys`; None if all are.
        way: how.

    Returns:
        float32 [B, S, H].
    """
    sizes: Any = tf.shape(hidden_states)
    if visible is None:
        visible = tf.ones((sizes[0], 1, 1, sizes[1]), tf.bool)
    padding = [0, way.length - sizes[1]]
    given = (
        tf.pad(hidden_states, [[0, 0], padding, [0, 0]]),
        # Padding is hidden.
        tf.pad(visible, [[0, 0], [0, 0], [0, 0], padding]),
        way.packed,
    )
    compute = partial(_compute, groups, layer_groups)
    compiled: Any = tf.function(compute, jit_compile=True, autograph=False)
    # Traced here: TensorFlow warns of functions that are traced in calls too often.
    return compiled.get_concrete_function(*given)(*given)[:, : sizes[1]]


def _compute(
    groups: Sequence[Any],
    layer_groups: Sequence[int],
    hidden_states: tf.Tensor,
    visible: tf.Tensor,
    packed: Any,
) -> tf.Tensor:
    batch, length, width = (
        *tf.unstack(tf.shape(hidden_states))[:2],
        hidden_states.shape[2],
    )
    # Added, and not chosen: XLA takes a sum into the product before it.
    bias = tf.where(visible, 0.0, tf.float32.min)
    tokens = tf.transpose(tf.reshape(hidden_states, (-1, width)))
    # Groups come in runs; in a loop, compile time does not grow with depth.
    for group, times in Counter(layer_groups).items():
        blocks = [
            _Block(block, matrices, batch)
            for block, matrices in zip(
                groups[group].albert_layers, packed[group], strict=True
            )
        ]
        apply = partial(_apply, blocks, bias)
        tokens = tf.while_loop(
            lambda _: True, apply, (tokens,), maximum_iterations=times
        )[0]
    return tf.reshape(tf.transpose(tokens), (batch, length, width))


def _apply(
    blocks: Sequence[_Block], bias: tf.Tensor, tokens: tf.Tensor
) -> tuple[tf.Tensor]:
    for block in blocks:
        tokens = block.apply(tokens, bias)
    return (tokens,)


class _Block:
    """One block; tokens are columns.

    Args:
        block: a `TFAlbertLayer`.
        packed: its matrices, of `packing.Packing`.
        batch: B.
    """

    def __init__(self, block: Any, packed: Mapping[str, tf.Tensor], batch: Any) -> None:
        self.block, self.packed, self.batch = block, packed, batch

    def apply(self, tokens: tf.Tensor, bias: tf.Tensor) -> tf.Tensor:
        """Attend, add, normalise; widen, activate, narrow, add, normalise.

        Args:
            tokens: float32 [H, T].
            bias: float32 [B, 1, 1, S], added to the scores.

        Returns:
            float32 [H, T].
        """
        block, attention = self.block, self.block.attention
        query, key, value = self._heads(tokens)
        context = self._merge(_attend(query, key, value, bias))
        projected = self._linear("dense", [attention.dense], context)
        attended = _normalise(attention.LayerNorm, tokens + projected)
        widened = block.activation(self._linear("ffn", [block.ffn], attended))
        narrowed = self._linear("ffn_output", [block.ffn_output], widened)
        return _normalise(block.full_layer_layer_norm, attended + narrowed)

    def _linear(
        self, name: str, made_of: Sequence[Any], tokens: tf.Tensor
    ) -> tf.Tensor:
        bias = tf.concat([tf.convert_to_tensor(one.bias) for one in made_of], 0)
        return tf.matmul(self.packed[name], tokens) + bias[:, None]

    def _heads(self, tokens: tf.Tensor) -> Any:
        """Project to queries, keys and values, [B, N, S, D] each."""
        attention = self.block.attention
        made_of = [attention.query, attention.key, attention.value]
        projected = self._linear("projections", made_of, tokens)
        size = attention.config.head_size
        sizes = (3, attention.num_attention_heads, size, self.batch, -1)
        return tf.unstack(tf.transpose(tf.reshape(projected, sizes), (0, 3, 1, 4, 2)))

    def _merge(self, context: tf.Tensor) -> tf.Tensor:
        """Put the heads, [B, N, S, D], one below the other again."""
        turned = tf.transpose(context, (1, 3, 0, 2))
        return tf.reshape(turned, (self.block.attention.config.hidden_size, -1))


def _attend(
    query: tf.Tensor, key: tf.Tensor, value: tf.Tensor, bias: tf.Tensor
) -> tf.Tensor:
    size: Any = query.shape[-1]
    query = query * (1.0 / math.sqrt(size))
    scores = tf.matmul(query, key, transpose_b=True) + bias
    weights = tf.exp(scores - tf.reduce_max(scores, axis=-1, keepdims=True))
    # Divided last: there are fewer values, and XLA takes all before into one loop.
    return tf.matmul(weights, value) / tf.reduce_sum(weights, axis=-1, keepdims=True)


def _normalise(norm: Any, tokens: tf.Tensor) -> tf.Tensor:
    centred = tokens - tf.reduce_mean(tokens, axis=0, keepdims=True)
    variance = tf.reduce_mean(tf.square(centred), axis=0, keepdims=True)
    gamma, beta = map(tf.convert_to_tensor, (norm.gamma, norm.beta))
    factor = tf.math.rsqrt(variance + norm.epsilon) * gamma[:, None]
    return centred * factor + beta[:, None]
