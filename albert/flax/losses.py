"""The losses of every head, in float32 (or float64) whatever the model's type.

Letters: B batch, S sequence, P positions to score, K classes, L labels.
"""

from typing import Any

import flax.linen as nn
import jax
import jax.numpy as jnp

from albert.common.config import AlbertConfig
from albert.common.inputs import (
    IGNORE_INDEX,
    check_both,
    check_label_shape,
    problem_type,
)
from albert.flax.fast.labelled import sum_over_labelled
from albert.flax.heads import FlaxAlbertMLMHead, _score_with
from albert.flax.inputs import Array, check_labels


def cross_entropy(logits: jax.Array, labels: Array) -> jax.Array:
    """Mean negative log-likelihood of the labels that are not ignored.

    Args:
        logits: float [..., K].
        labels: int [...]; -100 is ignored.

    Returns:
        float [], 0 if every label is ignored.
    """
    return _total(logits, labels) / _number(labels)


def masked_lm_loss(
    config: AlbertConfig, logits: jax.Array, labels: Array, meaning: str = "[B, S]"
) -> jax.Array:
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
    head: FlaxAlbertMLMHead,
    hidden_states: jax.Array,
    labels: Array,
    meaning: str = "[B, S]",
    *,
    decoder: nn.Embed,
) -> jax.Array:
    """The same loss without the scores of other places than the labelled ones.

    Args:
        config: gives V.
        head: gives the scores.
        hidden_states: float [B, S, H], or [B, P, H] of chosen places.
        labels: int [B, S] or [B, P]; -100 is ignored.
        meaning: what the labels' shape stands for.
        decoder: the word embedding layer.

    Returns:
        float [].

    Raises:
        ValueError: the labels' shape is wrong or one is out of range.
    """
    expected = tuple(hidden_states.shape[:-1])
    check_labels("labels", labels, expected, meaning, config.vocab_size, "vocab_size")
    narrowed = head.narrow(hidden_states)
    rows = narrowed.reshape(-1, config.embedding_size)
    weights = (decoder.embedding, head.bias)
    total = sum_over_labelled(_of_words, rows, jnp.asarray(labels).reshape(-1), weights)
    return total / _number(labels)


def _of_words(
    rows: jax.Array, labels: jax.Array, table: jax.Array, bias: jax.Array
) -> jax.Array:
    return _total(_score_with(rows, table, bias), labels)


def sentence_order_loss(logits: jax.Array, sentence_order_label: Array) -> jax.Array:
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
    config: AlbertConfig, logits: jax.Array, labels: Array
) -> jax.Array:
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
    integers = jnp.issubdtype(labels.dtype, jnp.integer)
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
    labels = jnp.asarray(labels).astype(logits.dtype)
    if kind == "regression":
        return jnp.square(logits - labels).mean()
    # -log sigmoid(x) = softplus(-x) = softplus(x) - x
    return (jax.nn.softplus(logits) - labels * logits).mean()


def multiple_choice_loss(logits: jax.Array, labels: Array) -> jax.Array:
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
    config: AlbertConfig, logits: jax.Array, labels: Array
) -> jax.Array:
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
    start_logits: jax.Array,
    end_logits: jax.Array,
    start_positions: Array | None,
    end_positions: Array | None,
) -> jax.Array:
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


def _position_loss(name: str, logits: jax.Array, positions: Any) -> jax.Array:
    batch, length = logits.shape
    if positions.ndim == 2:
        check_label_shape(name, tuple(positions.shape), (batch, 1), "[B, 1]")
        positions = positions.squeeze(-1)
    check_label_shape(name, tuple(positions.shape), (batch,), "[B]")
    inside = (positions >= 0) & (positions < length)
    return cross_entropy(logits, jnp.where(inside, positions, IGNORE_INDEX))


def _total(logits: jax.Array, labels: Array) -> jax.Array:
    labels = jnp.asarray(labels).astype(jnp.int32)
    kept = labels != IGNORE_INDEX
    chosen = jnp.where(kept, labels, 0)[..., None]
    likelihoods = jax.nn.log_softmax(_widen(logits), axis=-1)
    negative = -jnp.take_along_axis(likelihoods, chosen, axis=-1)[..., 0]
    return jnp.where(kept, negative, 0.0).sum()


def _number(labels: Array) -> jax.Array:
    """Count the labels that are not ignored, 1 if there is none."""
    kept = jnp.asarray(labels) != IGNORE_INDEX
    return jnp.maximum(kept.sum(), 1)


def _widen(logits: jax.Array) -> jax.Array:
    return logits.astype(jnp.promote_types(logits.dtype, jnp.float32))
