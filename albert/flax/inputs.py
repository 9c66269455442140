"""Checks of a call's inputs, as far as they can be made on this call's arrays.

Letters: B batch, C choices, S sequence, E embedding.
"""

from typing import Any

import jax
import numpy as np
from jax.core import Tracer

from albert.common.config import AlbertConfig
from albert.common.inputs import check_label_shape, check_shapes, check_values

Array = jax.Array | np.ndarray
"""What a call may be given: JAX's array or NumPy's, which is checked unshortened."""


def check_inputs(
    config: AlbertConfig,
    input_ids: Array | None,
    attention_mask: Array | None,
    token_type_ids: Array | None,
    position_ids: Array | None,
    inputs_embeds: Array | None,
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
        ValueError: a shape is wrong or an id is out of range.
    """
    given = {
        "input_ids": input_ids,
        "attention_mask": attention_mask,
        "token_type_ids": token_type_ids,
        "position_ids": position_ids,
        "inputs_embeds": inputs_embeds,
    }
    shapes = {
        name: None if array is None else tuple(array.shape)
        for name, array in given.items()
    }
    leading = check_shapes(config, shapes, choices)
    for name, limit in (
        ("input_ids", "vocab_size"),
        ("token_type_ids", "type_vocab_size"),
        ("position_ids", "max_position_embeddings"),
    ):
        array = given[name]
        if array is not None and _is_at_hand(array):
            check_values(name, array, getattr(config, limit), limit)
    return leading


def check_labels(
    name: str,
    labels: Array,
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


def flatten_choices(given: Any) -> Any:
    """Fold the choices into the batch: [B, C, ...] to [B * C, ...]; None stays."""
    if given is None:
        return None
    batch, choices, *others = given.shape
    return given.reshape(batch * choices, *others)


def _is_at_hand(array: Any) -> bool:
    """Whether there are values to read: none while JAX traces, nor from other hosts."""
    if isinstance(array, Tracer):
        return False
    return not isinstance(array, jax.Array) or array.is_fully_addressable
