"""The losses against the oracle, and their error texts."""

from typing import Any

import numpy as np
import pytest
import tensorflow as tf

from albert.tf import losses
from conformance import oracle

RANDOM = np.random.default_rng(6)


@pytest.mark.parametrize("dtype", ["float32", "float16", "bfloat16", "float64"])
def test_cross_entropy(dtype: str) -> None:
    logits = tf.cast(RANDOM.normal(size=(3, 7, 6)) * 30, dtype)
    labels = RANDOM.integers(0, 6, (3, 7))
    labels[1] = -100
    found = losses.cross_entropy(logits, tf.constant(labels))
    assert found.dtype == ("float64" if dtype == "float64" else "float32")
    expected = oracle.cross_entropy(np.asarray(logits, np.float64), labels)
    np.testing.assert_allclose(found, expected, rtol=2e-6)


def test_cross_entropy_of_ignored_labels_only_is_zero() -> None:
    logits = tf.constant(RANDOM.normal(size=(3, 6)))
    with tf.GradientTape() as tape:
        tape.watch(logits)
        loss = losses.cross_entropy(logits, tf.constant([-100, -100, -100]))
    assert float(loss) == 0.0
    assert not np.asarray(tape.gradient(loss, logits)).any()


@pytest.mark.parametrize(
    ("number", "kind", "labels"),
    [
        (1, None, RANDOM.normal(size=3)),
        (1, None, RANDOM.normal(size=(3, 1))),
        (1, None, np.array([3, 0, 2])),
        (6, "regression", RANDOM.normal(size=(3, 6)) * 1e5),
        (6, None, RANDOM.integers(0, 2, (3, 6)).astype(float)),
        (6, None, RANDOM.integers(0, 2, (3, 6)).astype(bool)),
        (6, "multi_label_classification", RANDOM.integers(0, 2, (3, 6))),
        (6, None, np.array([5, -100, 0])),
    ],
)
def test_sequence_classification_loss(
    number: int, kind: Any, labels: Any, flat: Any
) -> None:
    config = flat.replace(num_labels=number, problem_type=kind)
    logits = RANDOM.normal(size=(3, number)).astype(np.float32)
    found = losses.sequence_classification_loss(
        config, tf.constant(logits), tf.constant(labels)
    )
    expected = oracle._classification_loss(config, logits.astype(np.float64), labels)
    np.testing.assert_allclose(found, expected, rtol=2e-6)


@pytest.mark.parametrize("shape", [(3,), (3, 1)])
def test_question_answering_ignores_positions_outside(shape: Any) -> None:
    start, end = RANDOM.normal(size=(2, 3, 7)).astype(np.float32)
    starts, ends = np.array([6, 7, 0]), np.array([-1, 512, 3])
    found = losses.question_answering_loss(
        tf.constant(start),
        tf.constant(end),
        tf.constant(starts.reshape(shape)),
        tf.constant(ends.reshape(shape)),
    )
    expected = (
        oracle.cross_entropy(start, np.array([6, -100, 0]))
        + oracle.cross_entropy(end, np.array([-100, -100, 3]))
    ) / 2
    np.testing.assert_allclose(found, expected, rtol=2e-6)


@pytest.mark.parametrize(
    ("name", "labels", "message"),
    [
        (
            "AlbertForMaskedLM",
            {"labels": np.zeros((3, 6), int)},
            "labels must have the shape [B, S] = [3, 7], but has [3, 6].",
        ),
        (
            "AlbertForMaskedLM",
            {"labels": np.full((3, 7), 101)},
            "labels must be at least 0 and below vocab_size=101 or -100, but has 101.",
        ),
        (
            "AlbertForPreTraining",
            {"sentence_order_label": np.array([0, 1, 2])},
            (
                "sentence_order_label must be at least 0 and below classes=2 or -100, "
                "but has 2."
            ),
        ),
        (
            "AlbertForSequenceClassification",
            {"labels": np.array([0, 6, 2])},
            "labels must be at least 0 and below num_labels=6 or -100, but has 6.",
        ),
        (
            "AlbertForSequenceClassification",
            {"labels": np.zeros((3, 5))},
            "labels must have the shape [B, num_labels] = [3, 6], but has [3, 5].",
        ),
        (
            "AlbertForMultipleChoice",
            {"labels": np.array([0, 1, 2])},
            "labels must be at least 0 and below choices=2 or -100, but has 2.",
        ),
        (
            "AlbertForTokenClassification",
            {"labels": np.full((3, 7), -1)},
            "labels must be at least 0 and below num_labels=6 or -100, but has -1.",
        ),
        (
            "AlbertForQuestionAnswering",
            {"start_positions": np.zeros(3, int), "end_positions": np.zeros((3, 2))},
            "end_positions must have the shape [B, 1] = [3, 1], but has [3, 2].",
        ),
    ],
)
def test_bad_labels(
    name: str, labels: Any, message: str, flat: Any, make: Any, inputs_of: Any
) -> None:
    inputs = {"input_ids": inputs_of(name)["input_ids"], **labels}
    with pytest.raises(ValueError) as caught:
        make(name, flat)(inputs)
    assert str(caught.value) == message
