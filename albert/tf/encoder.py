"""Blocks, groups of blocks that share parameters, and the stack that applies them.

Letters: B batch, S sequence, E embedding, H hidden, N heads.
"""

from collections.abc import Callable
from typing import Any

import keras
import tensorflow as tf
from keras import layers, ops

from albert.common.config import AlbertConfig
from albert.tf.activations import activation
from albert.tf.attention import TFAlbertAttention, _as_rows, visible_keys
from albert.tf.embeddings import _Dense
from albert.tf.fast import layers as fast_layers
from albert.tf.outputs import TFBaseModelOutput


class TFAlbertLayer(layers.Layer):
    """One block: attention, then the feed-forward step, each added and normalised.

    Source: google-research/albert modeling.py, `attention_ffn_block`.
    """

    def __init__(
        self, config: AlbertConfig, dtype: Any = None, name: str | None = None
    ) -> None:
        super().__init__(dtype=dtype, name=name)
        self.config = config
        self.attention = TFAlbertAttention(config, dtype=dtype, name="attention")
        self.ffn = _Dense(config.intermediate_size, dtype=dtype, name="ffn")
        self.activation = activation(config.hidden_act)
        self.ffn_output = _Dense(config.hidden_size, dtype=dtype, name="ffn_output")
        self.dropout = layers.Dropout(config.hidden_dropout_prob, dtype=dtype)
        self.full_layer_layer_norm = layers.LayerNormalization(
            epsilon=config.layer_norm_eps, dtype=dtype, name="full_layer_layer_norm"
        )

    def build(self, input_shape: Any = None) -> None:
        """Make the weights; the shape is known from the configuration."""
        self.attention.build()
        self.ffn.build((None, None, self.config.hidden_size))
        self.ffn_output.build((None, None, self.config.intermediate_size))
        self.full_layer_layer_norm.build((None, None, self.config.hidden_size))

    def call(
        self,
        hidden_states: tf.Tensor,
        visible: tf.Tensor | None = None,
        output_attentions: bool = False,
        training: bool | None = None,
    ) -> tuple[tf.Tensor, tf.Tensor | None]:
        """Apply the block.

        Args:
            hidden_states: float [B, S, H].
            visible: bool [B, 1, 1, S], of `visible_keys`.
            output_attentions: whether to give the probabilities.
            training: whether dropout fires.

        Returns:
            float [B, S, H]; probabilities, float [B, N, S, S], or None.
        """
        attended, probabilities = self.attention(
            hidden_states,
            visible,
            output_attentions=output_attentions,
            training=training,
        )
        sizes: Any = ops.shape(attended)
        rows = _as_rows(attended)
        # widen, activate, narrow: [B * S, H] to [B * S, I] to [B * S, H]
        widened = self.activation(self.ffn(rows))
        narrowed = self.dropout(self.ffn_output(widened), training=training)
        # add, normalise: [B, S, H]
        normalised = self.full_layer_layer_norm(rows + narrowed)
        return tf.reshape(normalised, sizes), probabilities


class TFAlbertLayerGroup(layers.Layer):
    """The blocks that run, one after another, in each layer of a group."""

    def __init__(
        self, config: AlbertConfig, dtype: Any = None, name: str | None = None
    ) -> None:
        super().__init__(dtype=dtype, name=name)
        self.albert_layers = [
            TFAlbertLayer(config, dtype=dtype, name=f"albert_layers.{inner}")
            for inner in range(config.inner_group_num)
        ]

    def build(self, input_shape: Any = None) -> None:
        """Make the weights; the shape is known from the configuration."""
        for albert_layer in self.albert_layers:
            albert_layer.build()

    def call(
        self,
        hidden_states: tf.Tensor,
        visible: tf.Tensor | None = None,
        output_attentions: bool = False,
        training: bool | None = None,
    ) -> tuple[tf.Tensor, tuple[tf.Tensor, ...]]:
        """Apply the group's blocks once.

        Args:
            hidden_states: float [B, S, H].
            visible: bool [B, 1, 1, S], of `visible_keys`.
            output_attentions: whether to give the probabilities.
            training: whether dropout fires.

        Returns:
            float [B, S, H]; probabilities, float [B, N, S, S], one for each block, or
            none.
        """
        attentions: tuple[tf.Tensor, ...] = ()
        for albert_layer in self.albert_layers:
            hidden_states, probabilities = albert_layer(
                hidden_states,
                visible,
                output_attentions=output_attentions,
                training=training,
            )
            if probabilities is not None:
                attentions += (probabilities,)
        return hidden_states, attentions


class TFAlbertTransformer(layers.Layer):
    """Map the embeddings to the hidden width and apply the layers.

    Source: google-research/albert modeling.py, `transformer_model`. The original has
    no mapping if E = H; there it is the identity matrix here.
    """

    def __init__(
        self, config: AlbertConfig, dtype: Any = None, name: str | None = None
    ) -> None:
        # Keras would round a float mask to the layer's type, perhaps to 0.
        super().__init__(dtype=dtype, autocast=False, name=name)
        self.config = config
        self.embedding_hidden_mapping_in = _Dense(
            config.hidden_size, dtype=dtype, name="embedding_hidden_mapping_in"
        )
        self.albert_layer_groups = [
            TFAlbertLayerGroup(config, dtype=dtype, name=f"albert_layer_groups.{group}")
            for group in range(config.num_hidden_groups)
        ]
        # whether the layers are computed again for the gradient
        self.gradient_checkpointing = False

    def build(self, input_shape: Any = None) -> None:
        """Make the weights; the shape is known from the configuration."""
        self.embedding_hidden_mapping_in.build((None, None, self.config.embedding_size))
        for group in self.albert_layer_groups:
            group.build()

    def call(
        self,
        embeddings: tf.Tensor,
        attention_mask: tf.Tensor | None = None,
        output_attentions: bool = False,
        output_hidden_states: bool = False,
        training: bool | None = None,
    ) -> TFBaseModelOutput:
        """Encode the embeddings.

        Args:
            embeddings: float [B, S, E].
            attention_mask: int, float or bool [B, S]; 0 hides. None hides nothing.
            output_attentions: whether to give every block's probabilities.
            output_hidden_states: whether to give the mapped embeddings and every
                layer's output.
            training: whether dropout fires.

        Returns:
            `TFBaseModelOutput`.
        """
        visible = visible_keys(attention_mask)
        # map: [B, S, E] to [B, S, H]
        hidden_states = self.embedding_hidden_mapping_in(embeddings)
        way = fast_layers.chosen()
        if way is not None:
            return TFBaseModelOutput(
                last_hidden_state=fast_layers.apply_layers(
                    self.albert_layer_groups,
                    self.config.layer_groups,
                    hidden_states,
                    visible,
                    way,
                )
            )
        all_hidden_states, all_attentions = (), ()
        # apply each layer's group
        for group in self.config.layer_groups:
            # A state that nobody asked for must not stay in memory.
            if output_hidden_states:
                all_hidden_states += (hidden_states,)
            apply = self.albert_layer_groups[group]
            if training and self.gradient_checkpointing:
                apply = _checkpointed(apply)
            hidden_states, attentions = apply(
                hidden_states,
                visible,
                output_attentions=output_attentions,
                training=training,
            )
            all_attentions += attentions
        if output_hidden_states:
            all_hidden_states += (hidden_states,)
        return TFBaseModelOutput(
            last_hidden_state=hidden_states,
            hidden_states=all_hidden_states if output_hidden_states else None,
            attentions=all_attentions if output_attentions else None,
        )


def _checkpointed(albert_layer_group: TFAlbertLayerGroup) -> Callable[..., Any]:
    """Make a function that applies a group, and does so again for the gradient.

    Both times the dropout's randomness starts from the same state, which moves on once.
    """
    weights = {id(weight) for weight in albert_layer_group.weights}
    states = [one for one in albert_layer_group.variables if id(one) not in weights]

    def apply(hidden_states: tf.Tensor, visible: Any, **flags: Any) -> Any:
        before = [tf.identity(state.value) for state in states]
        after: list[Any] = []

        def run(hidden_states: tf.Tensor) -> Any:
            with keras.StatelessScope(zip(states, before, strict=True)) as scope:
                outputs = albert_layer_group(hidden_states, visible, **flags)
            if not after:
                after.extend(scope.get_current_value(state) for state in states)
            return outputs

        outputs = tf.recompute_grad(run)(hidden_states)
        for state, value in zip(states, after, strict=True):
            state.assign(value)
        return outputs

    return apply
