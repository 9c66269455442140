"""The losses of every head, in float32 (or float64) whatever the model's type.

Letters: B batch, S sequence, P positions to score, K classes, L labels.
"""

from typing import Any

import keras
import tensorflow as tf

from albert.common.config import AlbertConfig
from albert.common.inputs import IGNORE_INDEX, problem_type
from albert.tf.fast.labelled import sum_over_labelled
from albert.tf.heads import TFAlbertMLMHead, _score_with
from albert.tf.inputs import check_both, check_label_shape, check_labels


def cross_entropy(logits: tf.Tensor, labels: tf.Tensor) -> tf.Tensor:
    """Mean negative log-likelihood of the labels that are not ignored.

    Args:
        logits: float [..., K].
        labels: int [...]; -100 is ignored.

    Returns:
        float [], 0 if every label is ignored.
    """
    summed = _total(logits, labels)
    return summed / _number(labels, summed.dtype)


def masked_lm_loss(
    config: AlbertConfig,
    logits: tf.Tensor,
    labels: tf.Tensor,
    meaning: str = "[B, S]",
) -> tf.Tensor:
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
    head: TFAlbertMLMHead,
    hidden_states: tf.Tensor,
    labels: tf.Tensor,
    meaning: str = "[B, S]",
) -> tf.Tensor:
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
    rows = tf.reshape(narrowed, (-1, config.embedding_size))
    weights = (head.decoder.embeddings, head.bias)
    total = sum_over_labelled(_of_words, rows, tf.reshape(labels, [-1]), weights)
    return total / _number(labels, total.dtype)


def _of_words(
    rows: tf.Tensor, labels: tf.Tensor, table: tf.Tensor, bias: tf.Tensor
) -> tf.Tensor:
    return _total(_score_with(rows, table, bias), labels)


def sentence_order_loss(
    logits: tf.Tensor, sentence_order_label: tf.Tensor
) -> tf.Tensor:
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
    config: AlbertConfig, logits: tf.Tensor, labels: tf.Tensor
) -> tf.Tensor:
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
    batch, number = logits.shape[0], config.num_labels
    kind = problem_type(config, labels.dtype.is_integer)
    if kind == "single_label_classification":
        check_labels("labels", labels, (batch,), "[B]", number, "num_labels")
        return cross_entropy(logits, labels)
    if kind == "regression" and number == 1 and labels.shape.rank == 1:
        logits = tf.squeeze(logits, -1)
        check_label_shape("labels", tuple(labels.shape), (batch,), "[B]")
    else:
        shape = tuple(labels.shape)
        check_label_shape("labels", shape, (batch, number), "[B, num_labels]")
    logits = _widen(logits)
    labels = tf.cast(labels, logits.dtype)
    if kind == "regression":
        return tf.reduce_mean(tf.math.squared_difference(logits, labels))
    return tf.reduce_mean(
        tf.nn.sigmoid_cross_entropy_with_logits(labels=labels, logits=logits)
    )


def multiple_choice_loss(logits: tf.Tensor, labels: tf.Tensor) -> tf.Tensor:
    """Loss of the right choice.

    Args:
        logits: float [B, C].
        labels: int [B]; -100 is ignored.

    Returns:
        float [].

    Raises:
        ValueError: the labels' shape is wrong or one is out of range.
    """
    batch, number = logits.shape[0], logits.shape[-1] or 0
    check_labels("labels", labels, (batch,), "[B]", number, "choices")
    return cross_entropy(logits, labels)


def token_classification_loss(
    config: AlbertConfig, logits: tf.Tensor, labels: tf.Tensor
) -> tf.Tensor:
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
    start_logits: tf.Tensor,
    end_logits: tf.Tensor,
    start_positions: tf.Tensor | None,
    end_positions: tf.Tensor | None,
) -> tf.Tensor:
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


def _position_loss(name: str, logits: tf.Tensor, positions: Any) -> tf.Tensor:
    batch = logits.shape[0]
    if positions.shape.rank == 2:
        check_label_shape(name, tuple(positions.shape), (batch, 1), "[B, 1]")
        positions = tf.squeeze(positions, -1)
    check_label_shape(name, tuple(positions.shape), (batch,), "[B]")
    positions = tf.cast(positions, tf.int64)
    length = tf.shape(logits, out_type=tf.int64)[1]
    inside = (positions >= 0) & (positions < length)
    ignored = tf.fill(tf.shape(positions), tf.constant(IGNORE_INDEX, tf.int64))
    return cross_entropy(logits, tf.where(inside, positions, ignored))


def _total(logits: tf.Tensor, labels: tf.Tensor) -> tf.Tensor:
    labels = tf.cast(labels, tf.int64)
    kept = labels != IGNORE_INDEX
    each = tf.nn.sparse_softmax_cross_entropy_with_logits(
        labels=tf.where(kept, labels, tf.zeros_like(labels)), logits=_widen(logits)
    )
    return tf.reduce_sum(tf.where(kept, each, tf.zeros_like(each)))


def _number(labels: tf.Tensor, dtype: Any) -> tf.Tensor:
    """Count the labels that are not ignored, 1 if there is none."""
    kept = labels != IGNORE_INDEX
    return tf.maximum(tf.reduce_sum(tf.cast(kept, dtype)), 1.0)


def _widen(logits: tf.Tensor) -> tf.Tensor:
    return tf.cast(logits, keras.backend.result_type(logits.dtype, "float32"))
