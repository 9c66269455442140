"""Self-attention with its output projection.

Letters: B batch, S sequence, H hidden, N heads, D head size.
"""

import math
from typing import Any

import keras
import tensorflow as tf
from keras import layers, ops

from albert.common.config import AlbertConfig
from albert.tf.embeddings import _Dense


def visible_keys(attention_mask: tf.Tensor | None) -> tf.Tensor | None:
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
    visible = tf.cast(attention_mask, tf.bool)
    visible = visible | ~tf.reduce_any(visible, axis=-1, keepdims=True)
    return visible[:, None, None, :]


def _as_rows(hidden_states: tf.Tensor) -> tf.Tensor:
    """Fold all axes but the last into one: [B, S, H] to [B * S, H]."""
    return tf.reshape(hidden_states, (-1, hidden_states.shape[-1]))


class TFAlbertAttention(layers.Layer):
    """Let every token gather from the tokens that it may see.

    Source: ALBERT paper, section 3.1; google-research/albert modeling.py,
    `attention_layer` and `attention_ffn_block`.
    """

    def __init__(
        self, config: AlbertConfig, dtype: Any = None, name: str | None = None
    ) -> None:
        super().__init__(dtype=dtype, name=name)
        self.config = config
        self.num_attention_heads = config.num_attention_heads
        width = config.hidden_size
        self.query = _Dense(width, dtype=dtype, name="query")
        self.key = _Dense(width, dtype=dtype, name="key")
        self.value = _Dense(width, dtype=dtype, name="value")
        self.attention_dropout = layers.Dropout(
            config.attention_probs_dropout_prob, dtype=dtype
        )
        self.dense = _Dense(width, dtype=dtype, name="dense")
        self.output_dropout = layers.Dropout(config.hidden_dropout_prob, dtype=dtype)
        self.LayerNorm = layers.LayerNormalization(
            epsilon=config.layer_norm_eps, dtype=dtype, name="LayerNorm"
        )

    def build(self, input_shape: Any = None) -> None:
        """Make the weights; the shape is known from the configuration."""
        for layer in (self.query, self.key, self.value, self.dense, self.LayerNorm):
            layer.build((None, None, self.config.hidden_size))

    def call(
        self,
        hidden_states: tf.Tensor,
        visible: tf.Tensor | None = None,
        output_attentions: bool = False,
        training: bool | None = None,
    ) -> tuple[tf.Tensor, tf.Tensor | None]:
        """Attend, project, add and normalise.

        Args:
            hidden_states: float [B, S, H].
            visible: bool [B, 1, 1, S], of `visible_keys`.
            output_attentions: whether to give the probabilities.
            training: whether dropout fires.

        Returns:
            float [B, S, H]; probabilities, float [B, N, S, S], after dropout, or None.
        """
        sizes: Any = ops.shape(hidden_states)
        # Rows, since TensorFlow fuses a product with its bias and sum only as matrices.
        rows = _as_rows(hidden_states)
        # project and split: [B * S, H] to [B, N, S, D]
        query = self._split_heads(self.query(rows), sizes)
        key = self._split_heads(self.key(rows), sizes)
        value = self._split_heads(self.value(rows), sizes)
        # gather: [B, N, S, D]
        probabilities = self._probabilities(query, key, visible, training)
        context = tf.matmul(probabilities, value)
        # merge: [B * S, H]
        context = _as_rows(tf.reshape(tf.transpose(context, (0, 2, 1, 3)), sizes))
        # project, drop, add, normalise: [B, S, H]
        projected = self.output_dropout(self.dense(context), training=training)
        output = tf.reshape(self.LayerNorm(rows + projected), sizes)
        return output, probabilities if output_attentions else None

    def _split_heads(self, projected: tf.Tensor, sizes: Any) -> tf.Tensor:
        heads = (*sizes[:-1], self.num_attention_heads, self.config.head_size)
        return tf.transpose(tf.reshape(projected, heads), (0, 2, 1, 3))

    def _probabilities(
        self,
        query: tf.Tensor,
        key: tf.Tensor,
        visible: tf.Tensor | None,
        training: bool | None,
    ) -> tf.Tensor:
        # Scaled before the product and normalised in float32: half precision would
        # overflow in the one and round coarsely in the other.
        query = query * (1.0 / math.sqrt(self.config.head_size))
        scores = tf.matmul(query, key, transpose_b=True)
        scores = tf.cast(scores, keras.backend.result_type(scores.dtype, "float32"))
        if visible is not None:
            scores = tf.where(visible, scores, scores.dtype.min)
        probabilities = tf.cast(tf.nn.softmax(scores, axis=-1), query.dtype)
        return self.attention_dropout(probabilities, training=training)
