"""The layers for inference on a CPU: the model's arithmetic in another order.

Many tokens are rows, T x H, as in the model. Few tokens are columns, H x T: then the
matrices stand on the left, turned round once, and a product reads each of their values
once instead of moving them all to where it wants them first.

Letters: B batch, S sequence, T tokens (B * S), H hidden, N heads, D head size.
"""

import math
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from albert.common.config import AlbertConfig
from albert.flax.activations import activation

SMALL = 8 * 2**20
"""Bytes of scores up to which all heads are computed together."""

PART = 2 * 2**20
"""Bytes of the scores of those heads that are computed together beyond that."""


class Way(NamedTuple):
    """How the layers are to be computed.

    Fields:
        packed: of each group, of each block, the matrices of `packing.pack`; None for
            the model's own.
    """

    packed: Any = None


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
    config: AlbertConfig,
    groups: Mapping[str, Any],
    hidden_states: jax.Array,
    visible: jax.Array | None,
    way: Way,
) -> jax.Array:
    """Apply all layers.

    Args:
        config: of the model.
        groups: the weights of "albert_layer_groups", float32.
        hidden_states: float32 [B, S, H].
        visible: bool [B, 1, 1, S], of `visible_keys`; None if all are.
        way: how.

    Returns:
        float32 [B, S, H].
    """
    batch, length, width = hidden_states.shape
    columns = way.packed is not None
    bias = None
    if visible is not None:
        # Added, and not chosen: XLA takes a sum into the product before it.
        bias = jnp.where(visible, 0.0, jnp.finfo(jnp.float32).min)
    tokens = hidden_states.reshape(batch * length, width)
    tokens = tokens.T if columns else tokens
    for group, times in Counter(config.layer_groups).items():
        held = groups[str(group)]["albert_layers"]
        blocks = [
            _Block(config, held[str(inner)], way.packed[group][inner])
            if columns
            else _Block(config, held[str(inner)], None)
            for inner in range(config.inner_group_num)
        ]

        def apply(
            tokens: jax.Array, _: None, blocks: Sequence[_Block] = blocks
        ) -> tuple[jax.Array, None]:
            for block in blocks:
                tokens = block.apply(tokens, bias, batch)
            return tokens, None

        tokens, _ = jax.lax.scan(apply, tokens, length=times)
    tokens = tokens.T if columns else tokens
    return tokens.reshape(batch, length, width)


class _Block:
    """One block; its tokens are columns if there are packed matrices, else rows."""

    def __init__(self, config: AlbertConfig, params: Any, packed: Any) -> None:
        self.config, self.params, self.packed = config, params, packed
        self.axis = -1 if packed is None else 0
        self.activation = activation(config.hidden_act)

    def apply(self, tokens: jax.Array, bias: jax.Array | None, batch: int) -> jax.Array:
        """Attend, add, normalise; widen, activate, narrow, add, normalise."""
        attention = self.params["attention"]
        query, key, value = self._heads(tokens, batch)
        context = self._merge(attend(query, key, value, bias))
        projected = self._linear("dense", attention["dense"], context)
        attended = self._normalise(attention["LayerNorm"], tokens + projected)
        widened = self._linear("ffn", self.params["ffn"], attended)
        narrowed = self._linear(
            "ffn_output", self.params["ffn_output"], self.activation(widened)
        )
        return self._normalise(
            self.params["full_layer_layer_norm"], attended + narrowed
        )

    def _linear(self, name: str, params: Any, tokens: jax.Array) -> jax.Array:
        if self.packed is None:
            return tokens @ params["kernel"] + params["bias"]
        return self.packed[name] @ tokens + params["bias"][:, None]

    def _heads(self, tokens: jax.Array, batch: int) -> Sequence[jax.Array]:
        """Project to queries, keys and values, [B, N, S, D] each."""
        attention, number = self.params["attention"], self.config.num_attention_heads
        names = ("query", "key", "value")
        if self.packed is None:
            sizes = (batch, -1, number, self.config.head_size)
            return [
                self._linear(name, attention[name], tokens)
                .reshape(sizes)
                .swapaxes(1, 2)
                for name in names
            ]
        bias = jnp.concatenate([attention[name]["bias"] for name in names])
        projected = self._linear("projections", {"bias": bias}, tokens)
        sizes = (3, number, self.config.head_size, batch, -1)
        return projected.reshape(sizes).transpose(0, 3, 1, 4, 2)  # pyright: ignore

    def _merge(self, context: jax.Array) -> jax.Array:
        """Put the heads, [B, N, S, D], side by side again."""
        batch, number, length, size = context.shape
        if self.packed is None:
            return context.swapaxes(1, 2).reshape(batch * length, number * size)
        return context.transpose(1, 3, 0, 2).reshape(number * size, batch * length)

    def _normalise(self, params: Any, tokens: jax.Array) -> jax.Array:
        centred = tokens - tokens.mean(axis=self.axis, keepdims=True)
        variance = jnp.square(centred).mean(axis=self.axis, keepdims=True)
        scale, bias = params["scale"], params["bias"]
        if self.axis == 0:
            scale, bias = scale[:, None], bias[:, None]
        factor = jax.lax.rsqrt(variance + self.config.layer_norm_eps)
        return centred * (factor * scale) + bias


def attend(
    query: jax.Array, key: jax.Array, value: jax.Array, bias: jax.Array | None
) -> jax.Array:
    """Let every token gather from those it may see.

    Args:
        query: float32 [B, N, S, D].
        key: likewise.
        value: likewise.
        bias: float32 [B, 1, 1, S], added to the scores.

    Returns:
        float32 [B, N, S, D].
    """
    batch, number, length, size = query.shape
    each = 4 * length**2
    query = query * (1.0 / math.sqrt(size))
    if batch * number * each <= SMALL:
        return _gather(query, key, value, bias)
    # A few heads at a time, whose scores stay in the cache.
    few = max(
        n
        for n in range(1, number + 1)
        if number % n == 0 and (n == 1 or n * each <= PART)
    )
    rows = batch * number // few
    parts = [one.reshape(rows, few, length, size) for one in (query, key, value)]
    biases = None if bias is None else jnp.repeat(bias[:, 0], number // few, axis=0)
    gathered = jax.lax.map(lambda part: _gather(*part), (*parts, biases))
    return gathered.reshape(query.shape)


def _gather(
    query: jax.Array, key: jax.Array, value: jax.Array, bias: jax.Array | None
) -> jax.Array:
    scores = jnp.matmul(query, key.swapaxes(-1, -2))
    if bias is not None:
        scores = scores + bias
    weights = jnp.exp(scores - scores.max(axis=-1, keepdims=True))
    # Divided last: there are fewer values, and XLA takes all before into one loop.
    return jnp.matmul(weights, value) / weights.sum(axis=-1, keepdims=True)
