"""From ids to vectors of width E.

Letters: B batch, S sequence, E embedding.
"""

from typing import Any

import torch
from torch import nn

from albert.common.config import AlbertConfig


def _table(rows: int, width: int) -> nn.Embedding:
    """Make an embedding layer that `init_weights` or a checkpoint fills.

    The constructor would draw its weights first: on the meta device, where a model is
    built that is loaded, that imports PyTorch's compiler, longer than all the rest.
    """
    return nn.Embedding.from_pretrained(torch.empty(rows, width), freeze=False)


class AlbertEmbeddings(nn.Module):
    """Sum of word, position and segment embeddings, normalised.

    Source: google-research/albert modeling.py, `embedding_postprocessor`.
    """

    def __init__(self, config: AlbertConfig) -> None:
        super().__init__()
        width = config.embedding_size
        self.word_embeddings = _table(config.vocab_size, width)
        self.position_embeddings = _table(config.max_position_embeddings, width)
        self.token_type_embeddings = _table(config.type_vocab_size, width)
        self.LayerNorm = nn.LayerNorm(width, eps=config.layer_norm_eps)
        self.dropout = nn.Dropout(config.hidden_dropout_prob)
        self.register_load_state_dict_pre_hook(_drop_saved_constants)

    def forward(
        self,
        input_ids: torch.Tensor | None = None,
        token_type_ids: torch.Tensor | None = None,
        position_ids: torch.Tensor | None = None,
        inputs_embeds: torch.Tensor | None = None,
    ) -> torch.Tensor:
        """Embed the tokens.

        Args:
            input_ids: int [B, S], or None with `inputs_embeds`.
            token_type_ids: int [B, S]; None means segment 0.
            position_ids: int [B, S] or [1, S]; None counts from 0, padding included.
            inputs_embeds: float [B, S, E], instead of `input_ids`.

        Returns:
            float [B, S, E].
        """
        # words: [B, S, E]
        words = (
            self.word_embeddings(input_ids) if inputs_embeds is None else inputs_embeds
        )
        length, device = words.shape[1], words.device
        # positions: [1, S, E] or [B, S, E]
        if position_ids is None:
            position_ids = torch.arange(length, device=device)[None]
        positions = self.position_embeddings(position_ids)
        # segments: [1, S, E] or [B, S, E]
        if token_type_ids is None:
            token_type_ids = torch.zeros((1, length), dtype=torch.long, device=device)
        segments = self.token_type_embeddings(token_type_ids)
        # sum, normalise, drop
        embeddings = words + segments + positions
        return self.dropout(self.LayerNorm(embeddings))


def _drop_saved_constants(
    module: nn.Module, state_dict: dict[str, Any], prefix: str, *_: Any
) -> None:
    """Let `load_state_dict` be strict with files of older transformers."""
    for name in ("position_ids", "token_type_ids"):
        state_dict.pop(prefix + name, None)
