"""The two heads of pre-training.

Letters: B batch, S sequence, P positions to score, E embedding, H hidden, V vocabulary.
"""

from typing import Any

import tensorflow as tf
from keras import layers, ops

from albert.common.config import AlbertConfig
from albert.tf.activations import activation
from albert.tf.embeddings import _Dense
from albert.tf.inputs import check_places


def take_places(hidden_states: tf.Tensor, places: tf.Tensor | None) -> tf.Tensor:
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
    return tf.gather(hidden_states, places, batch_dims=1)


class TFAlbertMLMHead(layers.Layer):
    """Score every word piece at every position.

    The output layer is the word embedding table, tied by the model that owns both.

    Source: google-research/albert run_pretraining.py, `get_masked_lm_output`.
    """

    bias: Any
    decoder: Any = None

    def __init__(
        self, config: AlbertConfig, dtype: Any = None, name: str | None = None
    ) -> None:
        super().__init__(dtype=dtype, name=name)
        self.config = config
        self.dense = _Dense(config.embedding_size, dtype=dtype, name="dense")
        self.activation = activation(config.hidden_act)
        self.LayerNorm = layers.LayerNormalization(
            epsilon=config.predictions_eps, dtype=dtype, name="LayerNorm"
        )

    def build(self, input_shape: Any = None) -> None:
        """Make the weights; the shape is known from the configuration."""
        self.dense.build((None, None, self.config.hidden_size))
        self.LayerNorm.build((None, None, self.config.embedding_size))
        self.bias = self.add_weight(
            shape=(self.config.vocab_size,), initializer="zeros", name="bias"
        )

    def call(self, hidden_states: tf.Tensor) -> tf.Tensor:
        """Give the scores.

        Args:
            hidden_states: float [B, S, H].

        Returns:
            float [B, S, V], logits.
        """
        return self.score(self.narrow(hidden_states))

    def narrow(self, hidden_states: tf.Tensor) -> tf.Tensor:
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
        narrowed = narrowed - tf.reduce_mean(narrowed, axis=-1, keepdims=True)
        return self.LayerNorm(narrowed)

    def score(self, narrowed: tf.Tensor) -> tf.Tensor:
        """Compare with every word embedding.

        Args:
            narrowed: float [..., E].

        Returns:
            float [..., V], logits.
        """
        return _score_with(narrowed, self.decoder.embeddings, self.bias)


def _score_with(narrowed: tf.Tensor, table: Any, bias: Any) -> tf.Tensor:
    """Score with these weights, in the type of what is scored: [..., E] to [..., V]."""
    table, bias = (tf.cast(weight, narrowed.dtype) for weight in (table, bias))
    # As rows: the gradient of a product with more axes would hold [..., V, E].
    rows = tf.reshape(narrowed, (-1, narrowed.shape[-1]))
    scores = tf.matmul(rows, table, transpose_b=True) + bias
    sizes: Any = ops.shape(narrowed)
    return tf.reshape(scores, (*sizes[:-1], table.shape[0]))


class TFAlbertSOPHead(layers.Layer):
    """Tell whether two segments are in order (0) or swapped (1).

    Source: google-research/albert run_pretraining.py, `get_sentence_order_output`,
    which has no dropout.
    """

    def __init__(
        self, config: AlbertConfig, dtype: Any = None, name: str | None = None
    ) -> None:
        super().__init__(dtype=dtype, name=name)
        self.config = config
        self.classifier = _Dense(2, dtype=dtype, name="classifier")

    def build(self, input_shape: Any = None) -> None:
        """Make the weights; the shape is known from the configuration."""
        self.classifier.build((None, self.config.hidden_size))

    def call(self, pooled_output: tf.Tensor) -> tf.Tensor:
        """Give the two scores.

        Args:
            pooled_output: float [B, H].

        Returns:
            float [B, 2], logits.
        """
        return self.classifier(pooled_output)
