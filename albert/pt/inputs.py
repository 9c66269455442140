"""Checks of a call's inputs, as far as they can be made on this call's tensors.

Letters: B batch, C choices, S sequence, E embedding.
"""

from typing import Any

import torch

from albert.common import inputs as common
from albert.common.config import AlbertConfig
from albert.common.inputs import check_label_shape, check_shapes, check_values


def check_inputs(
    config: AlbertConfig,
    input_ids: torch.Tensor | None,
    attention_mask: torch.Tensor | None,
    token_type_ids: torch.Tensor | None,
    position_ids: torch.Tensor | None,
    inputs_embeds: torch.Tensor | None,
    choices: bool = False,
) -> tuple[int, ...]:
    """Check the inputs of a model; see `albert.common.inputs.check_shapes`.

    Args:
        config: gives the limits.
        input_ids: int [B, S] or [B, C, S], or None; likewise those below.
        attention_mask: int, float or bool, of the same shape.
        token_type_ids: int, of the same shape.
        position_ids: int, of the same shape, or [1, S] without choices.
        inputs_embeds: float, of the same shape and E, instead of `input_ids`.
        choices: whether the inputs have the choices' axis C.

    Returns:
        B and S, or B, C and S.

    Raises:
        TypeError: an input is no tensor.
        ValueError: a shape is wrong or an id is out of range.
    """
    given = {
        "input_ids": input_ids,
        "attention_mask": attention_mask,
        "token_type_ids": token_type_ids,
        "position_ids": position_ids,
        "inputs_embeds": inputs_embeds,
    }
    for name, tensor in given.items():
        if tensor is not None and not isinstance(tensor, torch.Tensor):
            raise TypeError(
                f"{name} must be a torch.Tensor, but is a {type(tensor).__name__}; the "
                f"batch of a tokenizer with return_tensors='pt' goes in as "
                f"model(**batch)."
            )
    shapes = {
        name: None if tensor is None else tuple(tensor.shape)
        for name, tensor in given.items()
    }
    leading = check_shapes(config, shapes, choices)
    for name, limit in (
        ("input_ids", "vocab_size"),
        ("token_type_ids", "type_vocab_size"),
        ("position_ids", "max_position_embeddings"),
    ):
        tensor = given[name]
        if tensor is not None and _is_at_hand(tensor):
            check_values(name, tensor, getattr(config, limit), limit)
    return leading


def check_labels(
    name: str,
    labels: torch.Tensor,
    expected: tuple[int, ...],
    meaning: str,
    number: int,
    limit: str,
) -> None:
    """Check the labels of a cross entropy.

    Args:
        name: argument, such as "labels".
        labels: int, of the shape `expected`; -100 is ignored.
        expected: shape.
        meaning: what the shape stands for, such as "[B, S]".
        number: labels must be below it.
        limit: the configuration's name of that number.

    Raises:
        ValueError: the shape is wrong or a label is out of range.
    """
    check_label_shape(name, tuple(labels.shape), expected, meaning)
    if _is_at_hand(labels):
        check_values(name, labels, number, limit, ignored=True)


def check_places(places: torch.Tensor, batch: int, length: int) -> None:
    """Check the places to score.

    Args:
        places: int [B, P], `masked_lm_positions` of a call.
        batch: B.
        length: S.

    Raises:
        ValueError: the shape is wrong or a place is out of range.
    """
    common.check_places(tuple(places.shape), batch)
    if _is_at_hand(places):
        check_values("masked_lm_positions", places, length, "length")


def flatten_choices(given: Any) -> Any:
    """Fold the choices into the batch: [B, C, ...] to [B * C, ...]; None stays."""
    return None if given is None else given.flatten(0, 1)


def _is_at_hand(tensor: torch.Tensor) -> bool:
    """Whether reading values costs no synchronisation and breaks no trace."""
    if (
        type(tensor) is not torch.Tensor
        or tensor.device.type != "cpu"
        or torch.compiler.is_compiling()
        or torch.jit.is_tracing()  # pyright: ignore[reportPrivateImportUsage]
    ):
        return False
    try:
        tensor.numpy()
    except RuntimeError:  # inside a transform of torch.func
        return False
    return True
