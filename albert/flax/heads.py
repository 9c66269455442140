"""The two heads of pre-training.

Letters: B batch, S sequence, P positions to score, E embedding, H hidden, V vocabulary.
"""

from typing import Any

import flax.linen as nn
import jax
import jax.numpy as jnp

from albert.common.config import AlbertConfig
from albert.flax.activations import activation
from albert.flax.embeddings import _dense, _layer_norm
from albert.flax.inputs import Array, check_places


def take_places(hidden_states: jax.Array, places: Array | None) -> jax.Array:
    """Take the places that are to be scored.

    Args:
        hidden_states: float [B, S, H].
        places: int [B, P], or None for all.

    Returns:
        float [B, P, H], or the same [B, S, H].

    Raises:
        ValueError: the places' shape is wrong or one is out of range.

    Source: google-research/albert run_pretraining.py, `gather_indexes`.
    """
    if places is None:
        return hidden_states
    check_places(places, *hidden_states.shape[:2])
    return hidden_states[jnp.arange(len(hidden_states))[:, None], places]


class FlaxAlbertMLMHead(nn.Module):
    """Score every word piece at every position.

    The output layer is the word embedding table, handed in by the model that owns both.

    Source: google-research/albert run_pretraining.py, `get_masked_lm_output`.
    """

    config: AlbertConfig
    dtype: Any = jnp.float32
    param_dtype: Any = jnp.float32

    def setup(self) -> None:
        """Make the layers."""
        self.dense = _dense(self, self.config.embedding_size)
        self.activation = activation(self.config.hidden_act)
        self.LayerNorm = _layer_norm(self, self.config.predictions_eps)
        self.bias = self.param(
            "bias", nn.initializers.zeros, (self.config.vocab_size,), self.param_dtype
        )

    def __call__(self, hidden_states: jax.Array, decoder: nn.Embed) -> jax.Array:
        """Give the scores.

        Args:
            hidden_states: float [B, S, H].
            decoder: the word embedding layer.

        Returns:
            float [B, S, V], logits.
        """
        return self.score(self.narrow(hidden_states), decoder)

    def narrow(self, hidden_states: jax.Array) -> jax.Array:
        """Make of hidden states what the word embeddings are compared with.

        Args:
            hidden_states: float [..., H].

        Returns:
            float [..., E].
        """
        # narrow, activate, normalise: [..., H] to [..., E]
        narrowed = self.activation(self.dense(hidden_states))
        # Centred twice, here and in the norm: what rounds in the mean of an activation
        # that is mostly positive would shift every score, by most of their error.
        narrowed = narrowed - narrowed.mean(axis=-1, keepdims=True)
        return self.LayerNorm(narrowed)

    def score(self, narrowed: jax.Array, decoder: nn.Embed) -> jax.Array:
        """Compare with every word embedding.

        Args:
            narrowed: float [..., E].
            decoder: the word embedding layer.

        Returns:
            float [..., V], logits.
        """
        return _score_with(narrowed, decoder.embedding, self.bias)


def _score_with(narrowed: jax.Array, table: jax.Array, bias: jax.Array) -> jax.Array:
    """Score with these weights, in the type of what is scored: [..., E] to [..., V]."""
    dtype = narrowed.dtype
    return narrowed @ table.astype(dtype).T + bias.astype(dtype)


class FlaxAlbertSOPHead(nn.Module):
    """Tell whether two segments are in order (0) or swapped (1).

    Source: google-research/albert run_pretraining.py, `get_sentence_order_output`,
    which has no dropout.
    """

    config: AlbertConfig
    dtype: Any = jnp.float32
    param_dtype: Any = jnp.float32

    def setup(self) -> None:
        """Make the layer."""
        self.classifier = _dense(self, 2)

    def __call__(self, pooled_output: jax.Array) -> jax.Array:
        """Give the two scores.

        Args:
            pooled_output: float [B, H].

        Returns:
            float [B, 2], logits.
        """
        return self.classifier(pooled_output)
