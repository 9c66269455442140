"""The losses of every head, in float32 (or float64) whatever the model's type.

Letters: B batch, S sequence, P positions to score, K classes, L labels.
"""

from typing import Any

import torch
from torch.nn import functional

from albert.common.config import AlbertConfig
from albert.common.inputs import (
    IGNORE_INDEX,
    check_both,
    check_label_shape,
    problem_type,
)
from albert.pt.fast.labelled import sum_over_labelled
from albert.pt.heads import AlbertMLMHead
from albert.pt.inputs import check_labels


def cross_entropy(logits: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
    """Mean negative log-likelihood of the labels that are not ignored.

    Args:
        logits: float [..., K].
        labels: int [...]; -100 is ignored.

    Returns:
        float [], 0 if every label is ignored.
    """
    return _total(logits.flatten(0, -2), labels.flatten()) / _number(labels)


def masked_lm_loss(
    config: AlbertConfig,
    logits: torch.Tensor,
    labels: torch.Tensor,
    meaning: str = "[B, S]",
) -> torch.Tensor:
    """Loss of the masked words.

    Args:
        config: gives V.
        logits: float [B, S, V], or [B, P, V] at chosen places.
        labels: int [B, S] or [B, P]; the right piece where one was masked, -100
            elsewhere.
        meaning: what the labels' shape stands for.

    Returns:
        float [].

    Raises:
        ValueError: the labels' shape is wrong or one is out of range.
    """
    expected = tuple(logits.shape[:-1])
    check_labels("labels", labels, expected, meaning, config.vocab_size, "vocab_size")
    return cross_entropy(logits, labels)


def labelled_lm_loss(
    config: AlbertConfig,
    head: AlbertMLMHead,
    hidden_states: torch.Tensor,
    labels: torch.Tensor,
    meaning: str = "[B, S]",
) -> torch.Tensor:
    """The same loss without the scores of other places than the labelled ones.

    Args:
        config: gives V.
        head: gives the scores.
        hidden_states: float [B, S, H], or [B, P, H] of chosen places.
        labels: int [B, S] or [B, P]; -100 is ignored.
        meaning: what the labels' shape stands for.

    Returns:
        float [].

    Raises:
        ValueError: the labels' shape is wrong or one is out of range.
    """
    expected = tuple(hidden_states.shape[:-1])
    check_labels("labels", labels, expected, meaning, config.vocab_size, "vocab_size")
    narrowed = head.narrow(hidden_states)

    def of_words(rows: torch.Tensor, chosen: torch.Tensor) -> torch.Tensor:
        return _total(head.score(rows), chosen)

    total = sum_over_labelled(of_words, narrowed.flatten(0, -2), labels.flatten())
    return total / _number(labels)


def sentence_order_loss(
    logits: torch.Tensor, sentence_order_label: torch.Tensor
) -> torch.Tensor:
    """Loss of the sentence order.

    Args:
        logits: float [B, 2].
        sentence_order_label: int [B]; 0 = in order, 1 = swapped, -100 ignored.

    Returns:
        float [].

    Raises:
        ValueError: the labels' shape is wrong or one is out of range.
    """
    expected = tuple(logits.shape[:-1])
    check_labels(
        "sentence_order_label", sentence_order_label, expected, "[B]", 2, "classes"
    )
    return cross_entropy(logits, sentence_order_label)


def sequence_classification_loss(
    config: AlbertConfig, logits: torch.Tensor, labels: torch.Tensor
) -> torch.Tensor:
    """Loss of a sequence classifier: regression, one label or several.

    Args:
        config: its `problem_type`, or else its number of labels, decides.
        logits: float [B, L].
        labels: float [B] or [B, L] for regression ([B] or [B, 1] if L is 1); int [B]
            for one label, -100 ignored; float [B, L] of 0 and 1 for several.

    Returns:
        float [].

    Raises:
        ValueError: the labels' shape is wrong or one is out of range.
    """
    batch, number = logits.shape
    integers = not (labels.is_floating_point() or labels.dtype == torch.bool)
    kind = problem_type(config, integers)
    if kind == "single_label_classification":
        check_labels("labels", labels, (batch,), "[B]", number, "num_labels")
        return cross_entropy(logits, labels)
    if kind == "regression" and number == 1 and labels.ndim == 1:
        logits = logits.squeeze(-1)
        check_label_shape("labels", tuple(labels.shape), (batch,), "[B]")
    else:
        shape = tuple(labels.shape)
        check_label_shape("labels", shape, (batch, number), "[B, num_labels]")
    logits = _widen(logits)
    labels = labels.to(logits.dtype)
    if kind == "regression":
        return functional.mse_loss(logits, labels)
    return functional.binary_cross_entropy_with_logits(logits, labels)


def multiple_choice_loss(logits: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
    """Loss of the right choice.

    Args:
        logits: float [B, C].
        labels: int [B]; -100 is ignored.

    Returns:
        float [].

    Raises:
        ValueError: the labels' shape is wrong or one is out of range.
    """
    batch, number = logits.shape
    check_labels("labels", labels, (batch,), "[B]", number, "choices")
    return cross_entropy(logits, labels)


def token_classification_loss(
    config: AlbertConfig, logits: torch.Tensor, labels: torch.Tensor
) -> torch.Tensor:
    """Loss of every token's label.

    Args:
        config: gives the number of labels.
        logits: float [B, S, L].
        labels: int [B, S]; -100 is ignored.

    Returns:
        float [].

    Raises:
        ValueError: the labels' shape is wrong or one is out of range.
    """
    expected = tuple(logits.shape[:-1])
    check_labels("labels", labels, expected, "[B, S]", config.num_labels, "num_labels")
    return cross_entropy(logits, labels)


def question_answering_loss(
    start_logits: torch.Tensor,
    end_logits: torch.Tensor,
    start_positions: torch.Tensor | None,
    end_positions: torch.Tensor | None,
) -> torch.Tensor:
    """Mean of the losses of the answer's first and last token.

    Args:
        start_logits: float [B, S].
        end_logits: float [B, S].
        start_positions: int [B] or [B, 1]; a position outside the sequence (the answer
            was cut off) is ignored.
        end_positions: likewise.

    Returns:
        float [].

    Raises:
        ValueError: the positions' shape is wrong, or one of the two is missing.
    """
    check_both("start_positions", start_positions, "end_positions", end_positions)
    start_loss = _position_loss("start_positions", start_logits, start_positions)
    end_loss = _position_loss("end_positions", end_logits, end_positions)
    return (start_loss + end_loss) / 2


def _position_loss(name: str, logits: torch.Tensor, positions: Any) -> torch.Tensor:
    batch, length = logits.shape
    if positions.ndim == 2:
        check_label_shape(name, tuple(positions.shape), (batch, 1), "[B, 1]")
        positions = positions.squeeze(-1)
    check_label_shape(name, tuple(positions.shape), (batch,), "[B]")
    inside = (positions >= 0) & (positions < length)
    return cross_entropy(logits, torch.where(inside, positions, IGNORE_INDEX))


def _total(logits: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
    return functional.cross_entropy(
        _widen(logits), labels.long(), ignore_index=IGNORE_INDEX, reduction="sum"
    )


def _number(labels: torch.Tensor) -> torch.Tensor:
    """Count the labels that are not ignored, 1 if there is none."""
    return (labels != IGNORE_INDEX).sum().clamp(min=1)


def _widen(logits: torch.Tensor) -> torch.Tensor:
    return logits if logits.dtype == torch.float64 else logits.float()
