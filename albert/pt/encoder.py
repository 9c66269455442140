"""Blocks, groups of blocks that share parameters, and the stack that applies them.

Letters: B batch, S sequence, E embedding, H hidden, N heads.
"""

from functools import partial
from typing import Any

import torch
from torch import nn
from torch.utils.checkpoint import checkpoint

from albert.common.config import AlbertConfig
from albert.pt import fast
from albert.pt.activations import activation
from albert.pt.attention import AlbertAttention, visible_keys
from albert.pt.outputs import BaseModelOutput


class AlbertLayer(nn.Module):
    """One block: attention, then the feed-forward step, each added and normalised.

    Source: google-research/albert modeling.py, `attention_ffn_block`.
    """

    def __init__(self, config: AlbertConfig) -> None:
        super().__init__()
        self.attention = AlbertAttention(config)
        self.ffn = nn.Linear(config.hidden_size, config.intermediate_size)
        self.activation = activation(config.hidden_act)
        self.ffn_output = nn.Linear(config.intermediate_size, config.hidden_size)
        self.dropout = nn.Dropout(config.hidden_dropout_prob)
        self.full_layer_layer_norm = nn.LayerNorm(
            config.hidden_size, eps=config.layer_norm_eps
        )

    def forward(
        self,
        hidden_states: torch.Tensor,
        visible: torch.Tensor | fast.Tokens | None = None,
        output_attentions: bool = False,
    ) -> tuple[torch.Tensor, torch.Tensor | None]:
        """Apply the block.

        Args:
            hidden_states: float [B, S, H].
            visible: bool [B, 1, 1, S], of `visible_keys`; or how the only row falls
                into sequences.
            output_attentions: whether to give the probabilities.

        Returns:
            float [B, S, H]; probabilities, float [B, N, S, S], or None.
        """
        attended, probabilities = self.attention(
            hidden_states, visible, output_attentions
        )
        # widen, activate, narrow: [B, S, H] to [B, S, I] to [B, S, H]
        widened = self.activation(fast.project(self.ffn, attended))
        narrowed = self.dropout(fast.project(self.ffn_output, widened))
        return self.full_layer_layer_norm(attended + narrowed), probabilities


class AlbertLayerGroup(nn.Module):
    """The blocks that run, one after another, in each layer of a group."""

    def __init__(self, config: AlbertConfig) -> None:
        super().__init__()
        self.albert_layers = nn.ModuleList(
            [AlbertLayer(config) for _ in range(config.inner_group_num)]
        )

    def forward(
        self,
        hidden_states: torch.Tensor,
        visible: torch.Tensor | fast.Tokens | None = None,
        output_attentions: bool = False,
    ) -> tuple[torch.Tensor, tuple[torch.Tensor, ...]]:
        """Apply the group's blocks once.

        Args:
            hidden_states: float [B, S, H].
            visible: bool [B, 1, 1, S], of `visible_keys`; or how the only row falls
                into sequences.
            output_attentions: whether to give the probabilities.

        Returns:
            float [B, S, H]; probabilities, float [B, N, S, S], one for each block, or
            none.
        """
        attentions: tuple[torch.Tensor, ...] = ()
        for albert_layer in self.albert_layers:
            hidden_states, probabilities = albert_layer(
                hidden_states, visible, output_attentions
            )
            if probabilities is not None:
                attentions += (probabilities,)
        return hidden_states, attentions


class AlbertTransformer(nn.Module):
    """Map the embeddings to the hidden width and apply the layers.

    Source: google-research/albert modeling.py, `transformer_model`. The original has
    no mapping if E = H; there it is the identity matrix here.
    """

    def __init__(self, config: AlbertConfig) -> None:
        super().__init__()
        self.config = config
        self.embedding_hidden_mapping_in = nn.Linear(
            config.embedding_size, config.hidden_size
        )
        self.albert_layer_groups = nn.ModuleList(
            [AlbertLayerGroup(config) for _ in range(config.num_hidden_groups)]
        )
        # arguments of `checkpoint`; None to keep all that the gradient needs
        self.gradient_checkpointing: dict[str, Any] | None = None

    def forward(
        self,
        embeddings: torch.Tensor,
        attention_mask: torch.Tensor | None = None,
        output_attentions: bool = False,
        output_hidden_states: bool = False,
    ) -> BaseModelOutput:
        """Encode the embeddings.

        Args:
            embeddings: float [B, S, E].
            attention_mask: int, float or bool [B, S]; 0 hides. None hides nothing.
            output_attentions: whether to give every block's probabilities.
            output_hidden_states: whether to give the mapped embeddings and every
                layer's output.

        Returns:
            `BaseModelOutput`.
        """
        visible = visible_keys(attention_mask)
        tokens = None
        if not (output_attentions or output_hidden_states):
            tokens = fast.leave_out_padding(self.config, embeddings, visible)
        if tokens is not None:
            embeddings, visible = tokens.take(embeddings), tokens
        # map: [B, S, E] to [B, S, H]
        hidden_states = self.embedding_hidden_mapping_in(embeddings)
        groups = fast.groups(self, hidden_states, visible, output_attentions)
        all_hidden_states, all_attentions = (), ()
        # apply each layer's group
        for group in self.config.layer_groups:
            # A state that nobody asked for must not stay in memory.
            if output_hidden_states:
                all_hidden_states += (hidden_states,)
            apply = groups[group]
            if self.training and self.gradient_checkpointing is not None:
                apply = partial(checkpoint, apply, **self.gradient_checkpointing)
            hidden_states, attentions = apply(hidden_states, visible, output_attentions)
            all_attentions += attentions
        if output_hidden_states:
            all_hidden_states += (hidden_states,)
        if tokens is not None:
            hidden_states = tokens.put_back(hidden_states)
        return BaseModelOutput(
            last_hidden_state=hidden_states,
            hidden_states=all_hidden_states if output_hidden_states else None,
            attentions=all_attentions if output_attentions else None,
        )
