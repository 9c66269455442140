"""Checks of a model's inputs: the same errors in all three frameworks.

Shapes are tuples whose entries may be None where they are not known yet (a symbolic
Keras tensor). Values are checked only where they are at hand: a traced or compiled
call has none.

Letters: B batch, C choices, S sequence, E embedding.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from albert.common.config import AlbertConfig

Shape = Sequence[int | None]

IGNORE_INDEX = -100
"""The label of a position that takes no part in the loss."""


def check_shapes(
    config: AlbertConfig,
    shapes: Mapping[str, Shape | None],
    choices: bool = False,
) -> tuple[Any, ...]:
    """Check the shapes of a model's inputs against each other.

    Args:
        config: gives the greatest length and the embedding width.
        shapes: shape of `input_ids`, `attention_mask`, `token_type_ids`,
            `position_ids` and `inputs_embeds`, None for one that was not given.
        choices: True if every input has the choices' axis C behind the batch's.

    Returns:
        B and S, or B, C and S; None for one that is not known yet.

    Raises:
        ValueError: both or neither of `input_ids` and `inputs_embeds`, a wrong shape,
            or a sequence without positions or longer than `max_position_embeddings`.
    """
    ids, embeds = shapes["input_ids"], shapes["inputs_embeds"]
    if (ids is None) == (embeds is None):
        raise ValueError(
            "give exactly one of input_ids and inputs_embeds, but "
            f"{'neither was' if ids is None else 'both were'} given."
        )
    name, given = ("input_ids", ids) if ids is not None else ("inputs_embeds", embeds)
    letters = (["B", "C", "S"] if choices else ["B", "S"]) + (
        [] if ids is not None else ["E"]
    )
    given = tuple(given or ())
    if len(given) != len(letters):
        raise ValueError(
            f"{name} must have the shape [{', '.join(letters)}], but has "
            f"{_text(given)}."
        )
    if ids is None and given[-1] not in (None, config.embedding_size):
        raise ValueError(
            f"inputs_embeds must have embedding_size={config.embedding_size} as its "
            f"last dimension, but has the shape {_text(given)}."
        )
    lead = given if ids is not None else given[:-1]
    length = lead[-1]
    if length == 0:
        raise ValueError(
            f"{name} must have at least one position, but has the shape {_text(given)}."
        )
    if length is not None and length > config.max_position_embeddings:
        raise ValueError(
            f"{name} has {length} positions, but max_position_embeddings is "
            f"{config.max_position_embeddings}: truncate the text or split it."
        )
    for other in ("attention_mask", "token_type_ids", "position_ids"):
        _check_like(other, shapes[other], name, lead)
    return lead


def _check_like(name: str, shape: Shape | None, like: str, expected: Shape) -> None:
    if shape is None:
        return
    # One row may serve all texts, but not choices, which are folded into the batch.
    shared_row = (
        name == "position_ids" and len(expected) == 2 and tuple(shape[:-1]) == (1,)
    )
    axes = slice(-1, None) if shared_row else slice(None)
    if not _same(shape[axes], expected[axes]):
        raise ValueError(
            f"{name} must have the shape {_text(expected)} of {like}, but has "
            f"{_text(shape)}."
        )


def check_label_shape(name: str, shape: Shape, expected: Shape, meaning: str) -> None:
    """Check the shape of labels.

    Args:
        name: argument, such as "labels".
        shape: what was given.
        expected: what it must be.
        meaning: what `expected` stands for, such as "[B, S]".

    Raises:
        ValueError: they differ.
    """
    if not _same(shape, expected):
        raise ValueError(
            f"{name} must have the shape {meaning} = {_text(expected)}, but has "
            f"{_text(shape)}."
        )


def check_places(shape: Shape, batch: int | None) -> None:
    """Check the shape of `masked_lm_positions`.

    Args:
        shape: what was given.
        batch: B; None where it is not known yet.

    Raises:
        ValueError: it is not [B, P].
    """
    if not _same(shape, (batch, None)):
        raise ValueError(
            f"masked_lm_positions must have the shape [B, P] = {_text((batch, None))}, "
            f"but has {_text(shape)}."
        )


def words_wanted(asked: bool | None, labels: Any, training: Any) -> bool:
    """Decide whether a call gives the scores of all words.

    Args:
        asked: `output_logits` of the call.
        labels: of the words, or None.
        training: whether the call trains; none where that is not known.

    Returns:
        What was asked for; by default True, but False for a loss in training, which
        needs the scores at labelled places only.
    """
    return not (labels is not None and training) if asked is None else asked


def words_asked(
    field: str | None, wanted: Sequence[str], places: Any
) -> dict[str, Any]:
    """Give the arguments by which only the scores of words that are read are computed.

    Args:
        field: the model's field of these scores; None if it has none.
        wanted: the fields that are read.
        places: int [B, P], where; None for everywhere.

    Returns:
        Arguments of the model's call.
    """
    if field is None:
        return {}
    return {"masked_lm_positions": places, "output_logits": field in wanted}


def check_both(name: str, value: Any, other: str, other_value: Any) -> None:
    """Check that two arguments that mean something only together are both there.

    Args:
        name: argument.
        value: what was given for it.
        other: the other argument.
        other_value: what was given for that.

    Raises:
        ValueError: one of them is None.
    """
    for missing, held in ((name, value), (other, other_value)):
        if held is None:
            raise ValueError(f"give {name} and {other} together: {missing} is missing.")


def check_values(
    name: str, values: Any, number: int, limit: str, ignored: bool = False
) -> None:
    """Check that ids or labels are integers within a range.

    Args:
        name: argument, such as "input_ids".
        values: integers, anything that NumPy can read.
        number: they must be at least 0 and below it.
        limit: the configuration's name of that number, such as "vocab_size".
        ignored: whether `IGNORE_INDEX` is allowed.

    Raises:
        ValueError: they are no integers, or one is out of range.
    """
    array = np.asarray(values)
    if array.dtype.kind not in "iu":
        raise ValueError(f"{name} must be integers, but are of type {array.dtype}.")
    wrong = (array < 0) | (array >= number)
    if ignored:
        wrong &= array != IGNORE_INDEX
    if wrong.any():
        allowed = f" or {IGNORE_INDEX}" if ignored else ""
        raise ValueError(
            f"{name} must be at least 0 and below {limit}={number}{allowed}, but has "
            f"{array[wrong].flat[0]}."
        )


def problem_type(config: AlbertConfig, integers: bool) -> str:
    """Decide which loss a sequence classifier has.

    Args:
        config: its `problem_type` decides; without one, the number of labels and the
            kind of the given labels do, as in transformers.
        integers: whether the given labels are integers.

    Returns:
        One of `albert.common.config.PROBLEM_TYPES`.
    """
    if config.problem_type is not None:
        return config.problem_type
    if config.num_labels == 1:
        return "regression"
    if integers:
        return "single_label_classification"
    return "multi_label_classification"


def _same(shape: Shape, expected: Shape) -> bool:
    """Whether two shapes agree as far as they are known."""
    return len(shape) == len(expected) and all(
        a is None or b is None or a == b for a, b in zip(shape, expected, strict=True)
    )


def _text(shape: Shape) -> str:
    return f"[{', '.join('?' if size is None else str(size) for size in shape)}]"
