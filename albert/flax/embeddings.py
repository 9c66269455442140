"""From ids to vectors of width E; the layers that the other files build with.

Letters: B batch, S sequence, E embedding.
"""

from typing import Any

import flax.linen as nn
import jax
import jax.numpy as jnp

from albert.common.config import AlbertConfig
from albert.flax.inputs import Array


class FlaxAlbertEmbeddings(nn.Module):
    """Sum of word, position and segment embeddings, normalised.

    Source: google-research/albert modeling.py, `embedding_postprocessor`.
    """

    config: AlbertConfig
    dtype: Any = jnp.float32
    param_dtype: Any = jnp.float32

    def setup(self) -> None:
        """Make the layers."""
        self.word_embeddings = _table(self, self.config.vocab_size)
        self.position_embeddings = _table(self, self.config.max_position_embeddings)
        self.token_type_embeddings = _table(self, self.config.type_vocab_size)
        self.LayerNorm = _layer_norm(self)
        self.dropout = nn.Dropout(self.config.hidden_dropout_prob)

    def __call__(
        self,
        input_ids: Array | None = None,
        token_type_ids: Array | None = None,
        position_ids: Array | None = None,
        inputs_embeds: Array | None = None,
        deterministic: bool = True,
    ) -> jax.Array:
        """Embed the tokens.

        Args:
            input_ids: int [B, S], or None with `inputs_embeds`.
            token_type_ids: int [B, S]; None means segment 0.
            position_ids: int [B, S] or [1, S]; None counts from 0, padding included.
            inputs_embeds: float [B, S, E], instead of `input_ids`.
            deterministic: whether dropout is off.

        Returns:
            float [B, S, E].
        """
        # words: [B, S, E]
        words = (
            self.word_embeddings(input_ids) if inputs_embeds is None else inputs_embeds
        )
        length = words.shape[1]
        # positions: [1, S, E] or [B, S, E]
        if position_ids is None:
            position_ids = jnp.arange(length)[None]
        positions = self.position_embeddings(position_ids)
        # segments: [1, S, E] or [B, S, E]
        if token_type_ids is None:
            token_type_ids = jnp.zeros((1, length), dtype=jnp.int32)
        segments = self.token_type_embeddings(token_type_ids)
        # sum, normalise, drop
        embeddings = words + segments + positions
        return self.dropout(self.LayerNorm(embeddings), deterministic)


def _table(module: Any, number: int) -> nn.Embed:
    """Make an embedding table of a module's settings, `number` rows of width E."""
    return nn.Embed(
        number,
        module.config.embedding_size,
        dtype=module.dtype,
        param_dtype=module.param_dtype,
        embedding_init=nn.initializers.truncated_normal(
            module.config.initializer_range
        ),
    )


def _dense(module: Any, features: int) -> nn.Dense:
    """Make a linear layer of a module's settings, `features` wide."""
    return nn.Dense(
        features,
        dtype=module.dtype,
        param_dtype=module.param_dtype,
        kernel_init=nn.initializers.truncated_normal(module.config.initializer_range),
    )


def _layer_norm(module: Any, epsilon: float | None = None) -> nn.LayerNorm:
    """Make a normalisation of a module's settings, or with another epsilon."""
    # The fast variance, E[x²] - E[x]², loses all digits where the mean is large.
    return nn.LayerNorm(
        epsilon=epsilon or module.config.layer_norm_eps,
        dtype=module.dtype,
        param_dtype=module.param_dtype,
        use_fast_variance=False,
    )
