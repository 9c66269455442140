"""Checks of a call's inputs, as far as they can be made on this call's tensors.

Letters: B batch, C choices, S sequence, E embedding.
"""

from collections.abc import Callable
from functools import wraps
from typing import Any, TypeVar

import tensorflow as tf
from keras import ops

from albert.common import inputs as common
from albert.common.config import AlbertConfig
from albert.common.inputs import check_shapes, check_values

_Function = TypeVar("_Function", bound=Callable[..., Any])


def check_inputs(
    config: AlbertConfig,
    input_ids: tf.Tensor | None,
    attention_mask: tf.Tensor | None,
    token_type_ids: tf.Tensor | None,
    position_ids: tf.Tensor | None,
    inputs_embeds: tf.Tensor | None,
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
        B and S, or B, C and S; tensors for those that are not known yet.

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
        name: None if tensor is None else tuple(tensor.shape)
        for name, tensor in given.items()
    }
    leading = _plainly(check_shapes)(config, shapes, choices)
    for name, limit in (
        ("input_ids", "vocab_size"),
        ("token_type_ids", "type_vocab_size"),
        ("position_ids", "max_position_embeddings"),
    ):
        tensor = given[name]
        if tensor is not None and _is_at_hand(tensor):
            number = getattr(config, limit)
            _plainly(check_values)(name, tensor, number, limit)
    sizes: Any = ops.shape(input_ids if inputs_embeds is None else inputs_embeds)
    if leading[-1] is None:
        _check_length_later(config, sizes[len(leading) - 1])
    return sizes[: len(leading)]


def _check_length_later(config: AlbertConfig, length: Any) -> None:
    """Check, when the graph runs, a length that is not known before."""
    tf.debugging.assert_less_equal(
        length,
        config.max_position_embeddings,
        f"there are more positions than max_position_embeddings, "
        f"{config.max_position_embeddings}: truncate the text or split it.",
    )


def check_labels(
    name: str,
    labels: tf.Tensor,
    expected: tuple[int | None, ...],
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
        _plainly(check_values)(name, labels, number, limit, ignored=True)


def check_places(places: tf.Tensor, batch: int | None, length: int | None) -> None:
    """Check the places to score.

    Args:
        places: int [B, P], `masked_lm_positions` of a call.
        batch: B.
        length: S.

    Raises:
        ValueError: the shape is wrong or a place is out of range.
    """
    _plainly(common.check_places)(tuple(places.shape), batch)
    if length is not None and _is_at_hand(places):
        _plainly(check_values)("masked_lm_positions", places, length, "length")


def flatten_choices(given: Any) -> Any:
    """Fold the choices into the batch: [B, C, ...] to [B * C, ...]; None stays."""
    if given is None:
        return None
    sizes: Any = ops.shape(given)
    return tf.reshape(given, (-1, *sizes[2:]))


def _plainly(check: _Function) -> _Function:
    """Keep Keras from wrapping a check's error in a listing of all arguments."""

    @wraps(check)
    def checked(*args: Any, **kwargs: Any) -> Any:
        try:
            return check(*args, **kwargs)
        except ValueError as error:
            error._keras_call_info_injected = True  # pyright: ignore
            raise

    return checked  # pyright: ignore


check_both = _plainly(common.check_both)
check_label_shape = _plainly(common.check_label_shape)


def _is_at_hand(tensor: tf.Tensor) -> bool:
    """Whether reading values costs no synchronisation and breaks no trace."""
    return (
        tf.executing_eagerly() and hasattr(tensor, "numpy") and "CPU" in tensor.device
    )
