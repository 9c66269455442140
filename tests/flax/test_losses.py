import re

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from albert.flax import losses
from conformance import oracle

RANDOM = np.random.default_rng(0)
LOGITS = RANDOM.normal(size=(3, 8)).astype(np.float32) * 4


def _refused(message):
    return pytest.raises(ValueError, match=f"^{re.escape(message)}$")


@pytest.mark.parametrize(
    "labels", [[1, 7, 0], [-100, 5, -100], [-100, -100, -100]], ids=str
)
def test_cross_entropy_ignores_what_it_shall(labels):
    labels = np.array(labels)
    found = losses.cross_entropy(jnp.asarray(LOGITS), labels)
    right = oracle.cross_entropy(LOGITS.astype(np.float64), labels)
    np.testing.assert_allclose(found, right, rtol=0, atol=2e-6)


def test_gradient_is_zero_where_ignored():
    labels = np.array([2, -100, -100])
    slope = jax.grad(losses.cross_entropy)(jnp.asarray(LOGITS), labels)
    assert np.abs(slope[0]).max() > 0
    np.testing.assert_array_equal(slope[1:], 0)
    nothing = jax.grad(losses.cross_entropy)(jnp.asarray(LOGITS), labels * 0 - 100)
    np.testing.assert_array_equal(nothing, 0)


@pytest.mark.parametrize("dtype", [jnp.bfloat16, jnp.float16])
def test_losses_are_float32_for_half_logits(dtype):
    halved = jnp.asarray(LOGITS, dtype)
    labels = np.array([1, 7, 0])
    found = losses.cross_entropy(halved, labels)
    right = oracle.cross_entropy(np.asarray(halved, np.float64), labels)
    assert found.dtype == jnp.float32
    np.testing.assert_allclose(found, right, rtol=0, atol=2e-6)


def test_huge_logits_give_a_finite_loss():
    logits = jnp.array([[1e30, -1e30]])
    assert np.isfinite(losses.cross_entropy(logits, np.array([0])))


def test_masked_lm_loss(config):
    logits = RANDOM.normal(size=(3, 7, 101)).astype(np.float32)
    labels = RANDOM.integers(0, 101, (3, 7))
    labels[0] = -100
    found = losses.masked_lm_loss(config, jnp.asarray(logits), labels)
    right = oracle.cross_entropy(logits.astype(np.float64), labels)
    np.testing.assert_allclose(found, right, rtol=0, atol=2e-6)
    with _refused(
        "labels must be at least 0 and below vocab_size=101 or -100, but has 101."
    ):
        losses.masked_lm_loss(config, jnp.asarray(logits), labels * 0 + 101)
    with _refused("labels must have the shape [B, S] = [3, 7], but has [3]."):
        losses.masked_lm_loss(config, jnp.asarray(logits), labels[:, 0])


def test_sentence_order_loss():
    logits = jnp.asarray(LOGITS[:, :2])
    right = oracle.cross_entropy(LOGITS[:, :2].astype(float), np.array([1, 0, -100]))
    found = losses.sentence_order_loss(logits, np.array([1, 0, -100]))
    np.testing.assert_allclose(found, right, rtol=0, atol=2e-6)
    with _refused("sentence_order_label must have the shape [B] = [3], but has [2]."):
        losses.sentence_order_loss(logits, np.array([1, 0]))
    with _refused(
        "sentence_order_label must be at least 0 and below classes=2 or -100, but has "
        "2."
    ):
        losses.sentence_order_loss(logits, np.array([1, 0, 2]))


CLASSIFICATION = {
    "one label": (None, 8, np.array([7, -100, 0])),
    "several labels": (None, 8, RANDOM.integers(0, 2, (3, 8)).astype(np.float32)),
    "several labels, truth values": (None, 8, RANDOM.random((3, 8)) < 0.5),
    "several labels, integers": (
        "multi_label_classification",
        8,
        RANDOM.integers(0, 2, (3, 8)),
    ),
    "one number": (None, 1, RANDOM.normal(size=3).astype(np.float32)),
    "one number, [B, 1]": (None, 1, RANDOM.normal(size=(3, 1)).astype(np.float32)),
    "several numbers": (
        "regression",
        8,
        RANDOM.normal(size=(3, 8)).astype(np.float32),
    ),
}


@pytest.mark.parametrize("case", CLASSIFICATION)
def test_sequence_classification_loss(config, case):
    problem, number, labels = CLASSIFICATION[case]
    config = config.replace(num_labels=number, problem_type=problem)
    logits = LOGITS[:, :number]
    found = losses.sequence_classification_loss(config, jnp.asarray(logits), labels)
    right = oracle._classification_loss(config, logits.astype(np.float64), labels)
    np.testing.assert_allclose(found, right, rtol=0, atol=4e-6)


def test_sequence_classification_loss_refuses(config):
    logits = jnp.asarray(LOGITS)
    with _refused("labels must have the shape [B] = [3], but has [2]."):
        losses.sequence_classification_loss(config, logits, np.array([1, 0]))
    with _refused(
        "labels must be at least 0 and below num_labels=8 or -100, but has 8."
    ):
        losses.sequence_classification_loss(config, logits, np.array([1, 0, 8]))
    with _refused("labels must have the shape [B, num_labels] = [3, 8], but has [3]."):
        losses.sequence_classification_loss(config, logits, np.ones(3, np.float32))
    one = config.replace(num_labels=1)
    with _refused("labels must have the shape [B] = [3], but has [2]."):
        losses.sequence_classification_loss(one, logits[:, :1], np.ones(2))
    single = config.replace(problem_type="single_label_classification")
    with _refused("labels must be integers, but are of type float64."):
        losses.sequence_classification_loss(single, logits, np.ones(3))


def test_multiple_choice_loss():
    labels = np.array([7, -100, 0])
    found = losses.multiple_choice_loss(jnp.asarray(LOGITS), labels)
    right = oracle.cross_entropy(LOGITS.astype(np.float64), labels)
    np.testing.assert_allclose(found, right, rtol=0, atol=2e-6)
    with _refused("labels must be at least 0 and below choices=8 or -100, but has 8."):
        losses.multiple_choice_loss(jnp.asarray(LOGITS), labels * 0 + 8)
    with _refused("labels must have the shape [B] = [3], but has [3, 1]."):
        losses.multiple_choice_loss(jnp.asarray(LOGITS), labels[:, None])


def test_token_classification_loss(config):
    logits = RANDOM.normal(size=(3, 7, 8)).astype(np.float32)
    labels = RANDOM.integers(0, 8, (3, 7))
    labels[1] = -100
    found = losses.token_classification_loss(config, jnp.asarray(logits), labels)
    right = oracle.cross_entropy(logits.astype(np.float64), labels)
    np.testing.assert_allclose(found, right, rtol=0, atol=2e-6)
    with _refused(
        "labels must be at least 0 and below num_labels=8 or -100, but has 9."
    ):
        losses.token_classification_loss(config, jnp.asarray(logits), labels * 0 + 9)
    with _refused("labels must have the shape [B, S] = [3, 7], but has [3]."):
        losses.token_classification_loss(config, jnp.asarray(logits), labels[:, 0])


@pytest.mark.parametrize("column", [False, True], ids=["[B]", "[B, 1]"])
def test_question_answering_loss_ignores_positions_outside(column):
    start = np.array([8, 2, -1])
    end = np.array([1 << 32, 7, -100])
    found = losses.question_answering_loss(
        jnp.asarray(LOGITS),
        jnp.asarray(-LOGITS),
        start[:, None] if column else start,
        end[:, None] if column else end,
    )
    first = oracle.cross_entropy(LOGITS.astype(float), np.array([-100, 2, -100]))
    last = oracle.cross_entropy(-LOGITS.astype(float), np.array([-100, 7, -100]))
    np.testing.assert_allclose(found, (first + last) / 2, rtol=0, atol=2e-6)


def test_question_answering_loss_refuses():
    logits, two = jnp.asarray(LOGITS), np.array([1, 2])
    with _refused("start_positions must have the shape [B] = [3], but has [2]."):
        losses.question_answering_loss(logits, logits, two, two)
    three = np.array([1, 2, 3])
    with _refused("end_positions must have the shape [B, 1] = [3, 1], but has [2, 1]."):
        losses.question_answering_loss(logits, logits, three, two[:, None])
