"""Attention within each of several sequences that stand in one row.

Letters: T tokens, N heads, D head size, n sequences of one length L.
"""

from __future__ import annotations

import torch
from torch.nn import functional

from albert.pt.fast import padding
from albert.pt.fast.padding import Tokens


def attend(
    query: torch.Tensor,
    key: torch.Tensor,
    value: torch.Tensor,
    tokens: Tokens,
) -> torch.Tensor:
    """Let every token gather from those of its sequence.

    Args:
        query: float [1, N, T, D].
        key: float [1, N, T, D].
        value: float [1, N, T, D].
        tokens: how the row falls into sequences.

    Returns:
        float [1, N, T, D].
    """
    if query.is_cuda:
        return _by_kernel(query, key, value, tokens)
    contexts, first = [], 0
    for number, length in tokens.runs:
        last = first + number * length
        # [1, N, T, D] to [n, N, L, D]
        queries, keys, values = (
            side[0, :, first:last].unflatten(1, (number, length)).transpose(0, 1)
            for side in (query, key, value)
        )
        context = functional.scaled_dot_product_attention(queries, keys, values)
        # [n, N, L, D] to [n * L, N, D]
        contexts.append(context.transpose(1, 2).flatten(0, 1))
        first = last
    return torch.cat(contexts).transpose(0, 1)[None]


def _by_kernel(
    query: torch.Tensor, key: torch.Tensor, value: torch.Tensor, tokens: Tokens
) -> torch.Tensor:
    """Do all sequences at once, by FlashAttention."""
    longest = max(tokens.lengths)
    context = padding.kernel()(
        # [1, N, T, D] to [T, N, D]
        *(side[0].transpose(0, 1) for side in (query, key, value)),
        tokens.bounds,
        tokens.bounds,
        longest,
        longest,
    )
    return context.transpose(0, 1)[None]
