"""From ids to vectors of width E.

Letters: B batch, S sequence, E embedding.
"""

from functools import partial
from typing import Any

import numpy as np
import tensorflow as tf
from keras import layers

from albert.common.checkpoint.lazy import aligned_zeros
from albert.common.config import AlbertConfig


def _taken_over(array: np.ndarray) -> tf.Tensor:
    """Make a tensor of the memory of an aligned array that nobody else may change."""
    return tf.experimental.dlpack.from_dlpack(array.__dlpack__())


def _zeros(shape: tuple[int, ...], dtype: Any = None) -> tf.Tensor:
    """Make zeros whose memory is taken when they are written to.

    Whatever TensorFlow allocates it keeps: zeros of its own would stay beside the
    weights that are loaded in their place.
    """
    zeros = aligned_zeros(tuple(shape), np.dtype("float32"))
    return tf.cast(_taken_over(zeros), dtype or "float32")


# Zeros until `init_weights` or a checkpoint fills them: nothing is drawn twice.
_Embedding = partial(layers.Embedding, embeddings_initializer=_zeros)
_Dense = partial(layers.Dense, kernel_initializer=_zeros)


class TFAlbertEmbeddings(layers.Layer):
    """Sum of word, position and segment embeddings, normalised.

    Source: google-research/albert modeling.py, `embedding_postprocessor`.
    """

    def __init__(
        self, config: AlbertConfig, dtype: Any = None, name: str | None = None
    ) -> None:
        super().__init__(dtype=dtype, name=name)
        self.config = config
        width = config.embedding_size
        self.word_embeddings = _Embedding(
            config.vocab_size, width, dtype=dtype, name="word_embeddings"
        )
        self.position_embeddings = _Embedding(
            config.max_position_embeddings,
            width,
            dtype=dtype,
            name="position_embeddings",
        )
        self.token_type_embeddings = _Embedding(
            config.type_vocab_size, width, dtype=dtype, name="token_type_embeddings"
        )
        self.LayerNorm = layers.LayerNormalization(
            epsilon=config.layer_norm_eps, dtype=dtype, name="LayerNorm"
        )
        self.dropout = layers.Dropout(config.hidden_dropout_prob, dtype=dtype)

    def build(self, input_shape: Any = None) -> None:
        """Make the weights; the shape is known from the configuration."""
        self.word_embeddings.build()
        self.position_embeddings.build()
        self.token_type_embeddings.build()
        self.LayerNorm.build((None, None, self.config.embedding_size))

    def call(
        self,
        input_ids: tf.Tensor | None = None,
        token_type_ids: tf.Tensor | None = None,
        position_ids: tf.Tensor | None = None,
        inputs_embeds: tf.Tensor | None = None,
        training: bool | None = None,
    ) -> tf.Tensor:
        """Embed the tokens.

        Args:
            input_ids: int [B, S], or None with `inputs_embeds`.
            token_type_ids: int [B, S]; None means segment 0.
            position_ids: int [B, S] or [1, S]; None counts from 0, padding included.
            inputs_embeds: float [B, S, E], instead of `input_ids`.
            training: whether dropout fires.

        Returns:
            float [B, S, E].
        """
        # words: [B, S, E]
        words = (
            self.word_embeddings(input_ids)
            if inputs_embeds is None
            else tf.cast(inputs_embeds, self.compute_dtype)
        )
        length = tf.shape(words)[1]
        # positions: [1, S, E] or [B, S, E]
        if position_ids is None:
            # A slice: XLA would read past the table's end without a word.
            table = tf.convert_to_tensor(self.position_embeddings.embeddings)
            positions = tf.cast(table[None, :length], self.compute_dtype)
        else:
            positions = self.position_embeddings(position_ids)
        # segments: [1, S, E] or [B, S, E]
        if token_type_ids is None:
            token_type_ids = tf.zeros((1, length), dtype=tf.int32)
        segments = self.token_type_embeddings(token_type_ids)
        # sum, normalise, drop
        embeddings = words + segments + positions
        return self.dropout(self.LayerNorm(embeddings), training=training)
