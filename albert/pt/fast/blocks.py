"""The layer groups with oneDNN's fused products, for inference on the CPU.

Letters: B batch, S sequence, H hidden, T tokens, N heads, D head size.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch.nn import functional

from albert.pt.fast.attention import attend
from albert.pt.fast.ordinary import are_ordinary, is_ordinary_call
from albert.pt.fast.packing import forget
from albert.pt.fast.padding import Tokens
from albert.pt.fast.products import Products, has_onednn, products

Group = Callable[..., tuple[torch.Tensor, tuple[torch.Tensor, ...]]]


def groups(
    encoder: Any,
    hidden_states: torch.Tensor,
    visible: torch.Tensor | Tokens | None,
    output_attentions: bool,
) -> Mapping[int, Group]:
    """Give what applies each of an encoder's groups in this call.

    Args:
        encoder: an `AlbertTransformer`.
        hidden_states: float [B, S, H], of the call.
        visible: bool [B, 1, 1, S], of `visible_keys`; or how the only row falls into
            sequences.
        output_attentions: whether the call wants probabilities.

    Returns:
        Index -> what takes and gives what `AlbertLayerGroup.forward` does.
    """
    plain = encoder.albert_layer_groups
    if torch.compiler.is_compiling():
        return plain
    if torch.is_grad_enabled() or encoder.training:
        forget(encoder)
        return plain
    if not _serves(encoder, hidden_states, output_attentions):
        return plain
    mask = _mask(visible, hidden_states)
    return {index: _quick(group, mask) for index, group in enumerate(plain)}


def _serves(encoder: Any, hidden_states: torch.Tensor, output_attentions: bool) -> bool:
    if output_attentions or encoder.config.attn_implementation == "eager":
        return False
    if not (is_ordinary_call(hidden_states) and has_onednn(hidden_states)):
        return False
    modules = list(encoder.albert_layer_groups.modules())
    return not any(module.training for module in modules) and are_ordinary(
        modules, hidden_states
    )


def _mask(
    visible: torch.Tensor | Tokens | None, hidden_states: torch.Tensor
) -> torch.Tensor | Tokens | None:
    """Make once what attention would make of a mask in every layer."""
    if not isinstance(visible, torch.Tensor):
        return visible
    if bool(visible.all()):
        return None
    hidden = torch.zeros_like(visible, dtype=hidden_states.dtype)
    return hidden.masked_fill_(~visible, float("-inf"))


def _quick(albert_layer_group: Any, mask: torch.Tensor | Tokens | None) -> Group:
    blocks = [
        (albert_layer, products(albert_layer))
        for albert_layer in albert_layer_group.albert_layers
    ]

    def apply(
        hidden_states: torch.Tensor, *_: Any
    ) -> tuple[torch.Tensor, tuple[torch.Tensor, ...]]:
        shape = hidden_states.shape
        tokens = hidden_states.flatten(0, 1)
        for albert_layer, by in blocks:
            tokens = _block(albert_layer, by, tokens, shape, mask)
        return tokens.view(shape), ()

    return apply


def _block(
    albert_layer: Any,
    by: Products,
    tokens: torch.Tensor,
    shape: torch.Size,
    mask: torch.Tensor | Tokens | None,
) -> torch.Tensor:
    """Do what `AlbertLayer.forward` does to [T, H]."""
    attended = _attended(albert_layer.attention, by, tokens, shape, mask)
    # What is widened has no name, so that its memory goes before the sum is normalised.
    narrowed = by.narrow.plus(by.widen(attended, albert_layer.activation), attended)
    return albert_layer.full_layer_layer_norm(narrowed)


def _attended(
    attention: Any,
    by: Products,
    tokens: torch.Tensor,
    shape: torch.Size,
    mask: torch.Tensor | Tokens | None,
) -> torch.Tensor:
    """Do what `AlbertAttention.forward` does to [T, H].

    By itself, so that queries, keys and values are gone when tokens are widened.
    """
    # [T, H] to three of [B, N, S, D]
    sizes = (*shape[:2], 3, attention.num_attention_heads, -1)
    query, key, value = by.gather(tokens).view(sizes).permute(2, 0, 3, 1, 4).unbind(0)
    if isinstance(mask, Tokens):
        context = attend(query, key, value, mask)
    else:
        context = functional.scaled_dot_product_attention(
            query, key, value, attn_mask=mask
        )
    context = context.transpose(1, 2).reshape(tokens.shape)
    return attention.LayerNorm(by.merge.plus(context, tokens))
