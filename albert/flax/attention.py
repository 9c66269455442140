"""Self-attention with its output projection.

Letters: B batch, S sequence, H hidden, N heads, D head size.
"""

import math
from typing import Any

import flax.linen as nn
import jax
import jax.numpy as jnp

from albert.common.config import AlbertConfig
from albert.flax.embeddings import _dense, _layer_norm
from albert.flax.inputs import Array


def visible_keys(attention_mask: Array | None) -> jax.Array | None:
    """Turn a mask into what attention reads.

    A row that hides every token is read as hiding none: that is what the original
    computes (it adds -10000 to every score alike), and it is finite in every dtype.

    Args:
        attention_mask: int, float or bool [B, S]; 0 hides. None hides nothing.

    Returns:
        bool [B, 1, 1, S], True where a key is seen; None if all are.

    Source: google-research/albert modeling.py, `dot_product_attention`.
    """
    if attention_mask is None:
        return None
    visible = jnp.asarray(attention_mask) != 0
    visible = visible | ~visible.any(axis=-1, keepdims=True)
    return visible[:, None, None, :]


class FlaxAlbertAttention(nn.Module):
    """Let every token gather from the tokens that it may see.

    Source: ALBERT paper, section 3.1; google-research/albert modeling.py,
    `attention_layer` and `attention_ffn_block`.
    """

    config: AlbertConfig
    dtype: Any = jnp.float32
    param_dtype: Any = jnp.float32

    def setup(self) -> None:
        """Make the layers."""
        self.num_attention_heads = self.config.num_attention_heads
        self.query = _dense(self, self.config.hidden_size)
        self.key = _dense(self, self.config.hidden_size)
        self.value = _dense(self, self.config.hidden_size)
        self.attention_dropout = nn.Dropout(self.config.attention_probs_dropout_prob)
        self.dense = _dense(self, self.config.hidden_size)
        self.output_dropout = nn.Dropout(self.config.hidden_dropout_prob)
        self.LayerNorm = _layer_norm(self)

    def __call__(
        self,
        hidden_states: jax.Array,
        visible: jax.Array | None = None,
        output_attentions: bool = False,
        deterministic: bool = True,
    ) -> tuple[jax.Array, jax.Array | None]:
        """Attend, project, add and normalise.

        Args:
            hidden_states: float [B, S, H].
            visible: bool [B, 1, 1, S], of `visible_keys`.
            output_attentions: whether to give the probabilities.
            deterministic: whether dropout is off.

        Returns:
            float [B, S, H]; probabilities, float [B, N, S, S], after dropout, or None.
        """
        # project and split: [B, S, H] to [B, N, S, D]
        query = self._split_heads(self.query(hidden_states))
        key = self._split_heads(self.key(hidden_states))
        value = self._split_heads(self.value(hidden_states))
        # gather: [B, N, S, D]
        probabilities = self._probabilities(query, key, visible, deterministic)
        context = jnp.matmul(probabilities, value)
        # merge: [B, S, H]
        context = context.swapaxes(1, 2).reshape(hidden_states.shape)
        # project, drop, add, normalise
        projected = self.output_dropout(self.dense(context), deterministic)
        output = self.LayerNorm(hidden_states + projected)
        return output, probabilities if output_attentions else None

    def _split_heads(self, projected: jax.Array) -> jax.Array:
        batch, length, _ = projected.shape
        sizes = (batch, length, self.num_attention_heads, self.config.head_size)
        return projected.reshape(sizes).swapaxes(1, 2)

    def _probabilities(
        self,
        query: jax.Array,
        key: jax.Array,
        visible: jax.Array | None,
        deterministic: bool,
    ) -> jax.Array:
        # Scaled before the product and normalised in float32 or wider: half precision
        # would overflow in the one and round coarsely in the other.
        query = query * (1.0 / math.sqrt(query.shape[-1]))
        wide = jnp.promote_types(query.dtype, jnp.float32)
        scores = jnp.matmul(query, key.swapaxes(-1, -2), preferred_element_type=wide)
        if visible is not None:
            # Added, and not chosen: XLA takes a sum into the product before it.
            scores += jnp.where(visible, 0.0, jnp.finfo(scores.dtype).min)
        probabilities = jax.nn.softmax(scores, axis=-1).astype(query.dtype)
        return self.attention_dropout(probabilities, deterministic)
