"""The two heads of pre-training.

Letters: B batch, S sequence, E embedding, H hidden, V vocabulary.
"""

from typing import Any

import tensorflow as tf
from keras import layers

from albert.common.config import AlbertConfig
from albert.tf.activations import activation
from albert.tf.embeddings import _Dense


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
        # narrow, activate, normalise: [B, S, H] to [B, S, E]
        narrowed = self.activation(self.dense(hidden_states))
        # Centred twice, here and in the norm: what rounds in the mean of an activation
        # that is mostly positive would shift every score, by most of their error.
        narrowed = narrowed - tf.reduce_mean(narrowed, axis=-1, keepdims=True)
        narrowed = self.LayerNorm(narrowed)
        # score: [B, S, E] to [B, S, V]
        table = tf.convert_to_tensor(self.decoder.embeddings)
        return tf.einsum("bse,ve->bsv", narrowed, table) + self.bias


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
