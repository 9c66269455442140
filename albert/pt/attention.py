"""Self-attention with its output projection.

Letters: B batch, S sequence, H hidden, N heads, D head size.
"""

import math

import torch
from torch import nn
from torch.nn import functional

from albert.common.config import AlbertConfig
from albert.pt import fast


def visible_keys(attention_mask: torch.Tensor | None) -> torch.Tensor | None:
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
    visible = attention_mask != 0
    visible = visible | ~visible.any(dim=-1, keepdim=True)
    return visible[:, None, None, :]


class AlbertAttention(nn.Module):
    """Let every token gather from the tokens that it may see.

    Source: ALBERT paper, section 3.1; google-research/albert modeling.py,
    `attention_layer` and `attention_ffn_block`.
    """

    def __init__(self, config: AlbertConfig) -> None:
        super().__init__()
        self.config = config
        self.num_attention_heads = config.num_attention_heads
        self.query = nn.Linear(config.hidden_size, config.hidden_size)
        self.key = nn.Linear(config.hidden_size, config.hidden_size)
        self.value = nn.Linear(config.hidden_size, config.hidden_size)
        self.attention_dropout = nn.Dropout(config.attention_probs_dropout_prob)
        self.dense = nn.Linear(config.hidden_size, config.hidden_size)
        self.output_dropout = nn.Dropout(config.hidden_dropout_prob)
        self.LayerNorm = nn.LayerNorm(config.hidden_size, eps=config.layer_norm_eps)

    def forward(
        self,
        hidden_states: torch.Tensor,
        visible: torch.Tensor | fast.Tokens | None = None,
        output_attentions: bool = False,
    ) -> tuple[torch.Tensor, torch.Tensor | None]:
        """Attend, project, add and normalise.

        Args:
            hidden_states: float [B, S, H].
            visible: bool [B, 1, 1, S], of `visible_keys`; or how the only row falls
                into sequences.
            output_attentions: whether to give the probabilities.

        Returns:
            float [B, S, H]; probabilities, float [B, N, S, S], after dropout, or None.
        """
        # project and split: [B, S, H] to [B, N, S, D]
        query = self._split_heads(fast.project(self.query, hidden_states))
        key = self._split_heads(fast.project(self.key, hidden_states))
        value = self._split_heads(fast.project(self.value, hidden_states))
        # gather: [B, N, S, D]
        probabilities = None
        if isinstance(visible, fast.Tokens):
            context = fast.attend(query, key, value, visible)
        elif output_attentions or self.config.attn_implementation == "eager":
            probabilities = self._probabilities(query, key, visible)
            context = torch.matmul(probabilities, value)
        else:
            dropout = self.attention_dropout.p if self.training else 0.0
            context = functional.scaled_dot_product_attention(
                query, key, value, attn_mask=visible, dropout_p=dropout
            )
        # merge: [B, S, H]
        context = context.transpose(1, 2).flatten(2)
        # project, drop, add, normalise
        projected = self.output_dropout(fast.project(self.dense, context))
        output = self.LayerNorm(hidden_states + projected)
        return output, probabilities if output_attentions else None

    def _split_heads(self, projected: torch.Tensor) -> torch.Tensor:
        return projected.unflatten(-1, (self.num_attention_heads, -1)).transpose(1, 2)

    def _probabilities(
        self, query: torch.Tensor, key: torch.Tensor, visible: torch.Tensor | None
    ) -> torch.Tensor:
        # Scaled before the product and normalised in float32 or wider: half precision
        # would overflow in the one and round coarsely in the other.
        query = query * (1.0 / math.sqrt(query.shape[-1]))
        scores = torch.matmul(query, key.transpose(-1, -2))
        scores = scores.to(torch.promote_types(scores.dtype, torch.float32))
        if visible is not None:
            scores = scores.masked_fill(~visible, torch.finfo(scores.dtype).min)
        probabilities = torch.softmax(scores, dim=-1).to(query.dtype)
        return self.attention_dropout(probabilities)
