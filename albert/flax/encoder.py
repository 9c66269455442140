"""Blocks, groups of blocks that share parameters, and the stack that applies them.

Letters: B batch, S sequence, E embedding, H hidden, N heads.
"""

import copy
from collections import Counter
from collections.abc import Callable
from functools import partial
from typing import Any

import flax.linen as nn
import jax
import jax.numpy as jnp

from albert.common.config import AlbertConfig
from albert.flax.activations import activation
from albert.flax.attention import FlaxAlbertAttention, visible_keys
from albert.flax.embeddings import _dense, _layer_norm
from albert.flax.fast import layers
from albert.flax.inputs import Array
from albert.flax.outputs import FlaxBaseModelOutput


class FlaxAlbertLayer(nn.Module):
    """One block: attention, then the feed-forward step, each added and normalised.

    Source: google-research/albert modeling.py, `attention_ffn_block`.
    """

    config: AlbertConfig
    dtype: Any = jnp.float32
    param_dtype: Any = jnp.float32

    def setup(self) -> None:
        """Make the layers."""
        self.attention = FlaxAlbertAttention(self.config, self.dtype, self.param_dtype)
        self.ffn = _dense(self, self.config.intermediate_size)
        self.activation = activation(self.config.hidden_act)
        self.ffn_output = _dense(self, self.config.hidden_size)
        self.dropout = nn.Dropout(self.config.hidden_dropout_prob)
        self.full_layer_layer_norm = _layer_norm(self)

    def __call__(
        self,
        hidden_states: jax.Array,
        visible: jax.Array | None = None,
        output_attentions: bool = False,
        deterministic: bool = True,
    ) -> tuple[jax.Array, jax.Array | None]:
        """Apply the block.

        Args:
            hidden_states: float [B, S, H].
            visible: bool [B, 1, 1, S], of `visible_keys`.
            output_attentions: whether to give the probabilities.
            deterministic: whether dropout is off.

        Returns:
            float [B, S, H]; probabilities, float [B, N, S, S], or None.
        """
        attended, probabilities = self.attention(
            hidden_states, visible, output_attentions, deterministic
        )
        # widen, activate, narrow: [B, S, H] to [B, S, I] to [B, S, H]
        widened = self.activation(self.ffn(attended))
        narrowed = self.dropout(self.ffn_output(widened), deterministic)
        return self.full_layer_layer_norm(attended + narrowed), probabilities


class FlaxAlbertLayerGroup(nn.Module):
    """The blocks that run, one after another, in each layer of a group."""

    config: AlbertConfig
    dtype: Any = jnp.float32
    param_dtype: Any = jnp.float32

    def setup(self) -> None:
        """Make the blocks."""
        make = partial(FlaxAlbertLayer, self.config, self.dtype, self.param_dtype)
        self.albert_layers = _ModuleList(make, self.config.inner_group_num)

    def __call__(
        self,
        hidden_states: jax.Array,
        visible: jax.Array | None = None,
        output_attentions: bool = False,
        deterministic: bool = True,
    ) -> tuple[jax.Array, tuple[jax.Array, ...]]:
        """Apply the group's blocks once.

        Args:
            hidden_states: float [B, S, H].
            visible: bool [B, 1, 1, S], of `visible_keys`.
            output_attentions: whether to give the probabilities.
            deterministic: whether dropout is off.

        Returns:
            float [B, S, H]; probabilities, float [B, N, S, S], one for each block, or
            none.
        """
        attentions: tuple[jax.Array, ...] = ()
        for albert_layer in self.albert_layers.members:
            hidden_states, probabilities = albert_layer(
                hidden_states, visible, output_attentions, deterministic
            )
            if probabilities is not None:
                attentions += (probabilities,)
        return hidden_states, attentions


class FlaxAlbertTransformer(nn.Module):
    """Map the embeddings to the hidden width and apply the layers.

    Source: google-research/albert modeling.py, `transformer_model`. The original has
    no mapping if E = H; there it is the identity matrix here.
    """

    config: AlbertConfig
    dtype: Any = jnp.float32
    param_dtype: Any = jnp.float32
    gradient_checkpointing: bool = False

    def setup(self) -> None:
        """Make the layers."""
        self.embedding_hidden_mapping_in = _dense(self, self.config.hidden_size)
        # A copy: the groups are keys of the cache of compiled programs, and a key must
        # not change with the user's configuration.
        config = copy.copy(self.config)
        make = partial(FlaxAlbertLayerGroup, config, self.dtype, self.param_dtype)
        self.albert_layer_groups = _ModuleList(make, config.num_hidden_groups)

    def __call__(
        self,
        embeddings: jax.Array,
        attention_mask: Array | None = None,
        output_attentions: bool = False,
        output_hidden_states: bool = False,
        deterministic: bool = True,
    ) -> FlaxBaseModelOutput:
        """Encode the embeddings.

        Args:
            embeddings: float [B, S, E].
            attention_mask: int, float or bool [B, S]; 0 hides. None hides nothing.
            output_attentions: whether to give every block's probabilities.
            output_hidden_states: whether to give the mapped embeddings and every
                layer's output.
            deterministic: whether dropout is off.

        Returns:
            `FlaxBaseModelOutput`.
        """
        visible = visible_keys(attention_mask)
        # map: [B, S, E] to [B, S, H]
        hidden_states = self.embedding_hidden_mapping_in(embeddings)
        all_hidden_states, all_attentions = (hidden_states,), ()
        groups = self.albert_layer_groups.members
        way = layers.chosen()
        if way is not None and deterministic and not self.is_initializing():
            weights = self.variables["params"]["albert_layer_groups"]
            return FlaxBaseModelOutput(
                last_hidden_state=layers.apply_layers(
                    self.config, weights, hidden_states, visible, way
                )
            )
        if self.is_initializing():
            for albert_layer_group in groups:
                albert_layer_group(hidden_states)
        # apply each layer's group, which comes in runs: groups only ever rise
        for group, times in Counter(self.config.layer_groups).items():
            draw = not deterministic and self.has_rng("dropout")
            hidden_states, between, attentions = _apply_repeatedly(
                *groups[group].unbind(),
                hidden_states,
                visible,
                self.make_rng("dropout") if draw else None,
                times=times,
                recompute=self.gradient_checkpointing and not deterministic,
                output_attentions=output_attentions,
                output_hidden_states=output_hidden_states,
                deterministic=deterministic,
            )
            all_hidden_states += between
            all_attentions += attentions
        return FlaxBaseModelOutput(
            last_hidden_state=hidden_states,
            hidden_states=all_hidden_states if output_hidden_states else None,
            attentions=all_attentions if output_attentions else None,
        )


class _ModuleList(nn.Module):
    """Modules named "0", "1", ... as the checkpoints of Flax have them."""

    make: Callable[..., Any]
    number: int

    def setup(self) -> None:
        self.members = [self.make(name=str(index)) for index in range(self.number)]


@partial(
    jax.jit,
    static_argnames=(
        "albert_layer_group",
        "times",
        "recompute",
        "output_attentions",
        "output_hidden_states",
        "deterministic",
    ),
)
def _apply_repeatedly(
    albert_layer_group: FlaxAlbertLayerGroup,
    variables: Any,
    hidden_states: jax.Array,
    visible: jax.Array | None,
    dropout_rng: jax.Array | None,
    *,
    times: int,
    recompute: bool,
    output_attentions: bool,
    output_hidden_states: bool,
    deterministic: bool,
) -> tuple[jax.Array, tuple[jax.Array, ...], tuple[jax.Array, ...]]:
    """Apply a group in a loop that is compiled once, however often it turns.

    Compiled even if the caller is not: JAX would compile the loop in every call else.
    """

    def apply(hidden_states: jax.Array, turn: jax.Array) -> tuple[jax.Array, Any]:
        rngs = None
        if dropout_rng is not None:
            rngs = {"dropout": jax.random.fold_in(dropout_rng, turn)}
        hidden_states, attentions = albert_layer_group.apply(
            variables,
            hidden_states,
            visible,
            output_attentions,
            deterministic,
            rngs=rngs,
        )
        return hidden_states, (
            hidden_states if output_hidden_states else None,
            attentions,
        )

    if recompute:
        # Within a loop nothing can be merged with what is computed again.
        apply = jax.checkpoint(apply, prevent_cse=False)
    hidden_states, (between, attentions) = jax.lax.scan(
        apply, hidden_states, jnp.arange(times)
    )
    between = tuple(between) if output_hidden_states else ()
    # [times, B, N, S, S] of each block, to one of each application
    attentions = tuple(one[turn] for turn in range(times) for one in attentions)
    return hidden_states, between, attentions
