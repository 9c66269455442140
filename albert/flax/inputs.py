"""Checks of a call's inputs, as far as they can be made on this call's arrays.

Letters: B batch, C choices, S sequence, E embedding.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

import jax
import numpy as np
from jax.core import Tracer

from albert.common import inputs as common
from albert.common.config import AlbertConfig
from albert.common.inputs import check_label_shape, check_shapes, check_values

Array = jax.Array | np.ndarray
"""What a call may be given: JAX's array or NumPy's, which is checked unshortened."""

_Check = tuple[str, int, str, bool]
"""Name of an array, the arguments of `check_values` behind it."""

_noted: ContextVar[list[_Check] | None] = ContextVar("noted", default=None)


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
        if array is not None:
            _check_or_note(name, array, getattr(config, limit), limit)
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
    _check_or_note(name, labels, number, limit, ignored=True)


def check_places(places: Array, batch: int, length: int) -> None:
    """Check the places to score.

    Args:
        places: int [B, P], `masked_lm_positions` of a call.
        batch: B.
        length: S.

    Raises:
        ValueError: the shape is wrong or a place is out of range.
    """
    common.check_places(tuple(places.shape), batch)
    _check_or_note("masked_lm_positions", places, length, "length")


def flatten_choices(given: Any) -> Any:
    """Fold the choices into the batch: [B, C, ...] to [B * C, ...]; None stays."""
    if given is None:
        return None
    batch, choices, *others = given.shape
    return given.reshape(batch * choices, *others)


@contextmanager
def _noting(checks: list[_Check]) -> Iterator[None]:
    """Note the checks of values that cannot be made because JAX traces.

    Args:
        checks: they are added to it.
    """
    token = _noted.set(checks)
    try:
        yield
    finally:
        _noted.reset(token)


def _check_again(checks: Sequence[_Check], inputs: Mapping[str, Array]) -> None:
    """Make the checks that were noted, on the values of a call.

    Args:
        checks: of `_noting`.
        inputs: the call's arrays by name.

    Raises:
        ValueError: a value is out of range.
    """
    for name, number, limit, ignored in checks:
        _check_or_note(name, inputs[name], number, limit, ignored)


def _check_or_note(
    name: str, array: Any, number: int, limit: str, ignored: bool = False
) -> None:
    noted = _noted.get()
    if _is_at_hand(array):
        check_values(name, array, number, limit, ignored)
    elif noted is not None:
        noted.append((name, number, limit, ignored))


def _is_at_hand(array: Any) -> bool:
    """Whether there are values to read: none while JAX traces, nor from other hosts."""
    if isinstance(array, Tracer):
        return False
    return not isinstance(array, jax.Array) or array.is_fully_addressable
