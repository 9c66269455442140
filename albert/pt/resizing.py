"""More tokens, or fewer: the word embeddings and all that hangs on them."""

from __future__ import annotations

from typing import Any

import torch
from torch import nn

from albert.common.resizing import new_bias, new_size, rows_around_mean


def resize(
    model: Any,
    new_num_tokens: int | None,
    pad_to_multiple_of: int | None,
    mean_resizing: bool,
) -> None:
    """Resize a model's vocabulary; see `AlbertPreTrainedModel`.

    Args:
        model: one of this package's models; changed in place.
        new_num_tokens: number of tokens; None for the present one.
        pad_to_multiple_of: round it up to a multiple of this.
        mean_resizing: how new rows are drawn.

    Raises:
        ValueError: a number is no whole one above 0, or a special token would be cut
            off, or the model is quantised or on the meta device.
    """
    old = model.config
    number = new_size(old, new_num_tokens, pad_to_multiple_of)
    _check_unquantized(model, "resized")
    if model.get_input_embeddings().weight.is_meta:
        raise ValueError("a model on the meta device has no weights to resize.")
    if number == old.vocab_size:
        return
    words, head = model.get_input_embeddings(), getattr(model, "predictions", None)
    added = max(number - old.vocab_size, 0)
    rows = _new_rows(words.weight, added, mean_resizing, old.initializer_range)
    _replace(words.weight, number, rows)
    words.num_embeddings = number
    if head is not None:
        mean = new_bias(head.bias.detach().double().cpu().numpy())
        _replace(head.bias, number, torch.full((added,), mean))
        head.decoder.out_features = number
        model.tie_weights()
    config = old.replace(vocab_size=number)
    for module in model.modules():
        if getattr(module, "config", None) is old:
            module.config = config


def _check_unquantized(model: nn.Module, what: str) -> None:
    """Refuse a model that `torch.ao.quantization` has changed.

    Args:
        model: one of this package's models.
        what: what cannot be done with it, such as "saved".

    Raises:
        ValueError: it is quantised.
    """
    for name, module in model.named_modules():
        if type(module).__module__.startswith("torch.ao.nn."):
            raise ValueError(
                f"a quantised model cannot be {what}, and {name} is quantised: do it "
                f"with the model that quantize_dynamic was given."
            )


def _new_rows(
    table: torch.Tensor, number: int, around_mean: bool, deviation: float
) -> torch.Tensor:
    """Draw [number, E]."""
    rows = torch.empty(number, table.shape[1])
    if not around_mean:
        limit = 2 * deviation
        return nn.init.trunc_normal_(rows, std=deviation, a=-limit, b=limit)
    noise = rows.normal_().double().numpy()
    return torch.from_numpy(
        rows_around_mean(table.detach().double().cpu().numpy(), noise)
    )


def _replace(parameter: nn.Parameter, number: int, rows: torch.Tensor) -> None:
    """Cut or lengthen a parameter, which stays the object that others share."""
    kept = parameter.detach()[:number]
    parameter.data = torch.cat([kept, rows.to(kept)])
    parameter.grad = None
