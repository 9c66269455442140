"""The losses against the oracle, for every kind of label."""

import numpy as np
import pytest
import torch

from albert.pt import losses
from conformance import oracle

B, S, V, L, C = 3, 7, 101, 8, 9

TYPES = pytest.mark.parametrize(
    ("dtype", "tolerance"), [(torch.float64, 1e-12), (torch.float32, 2e-5)]
)


def logits(*shape):
    return 3 * np.random.default_rng(2).normal(size=shape)


def tensor(array, dtype=torch.float64, grad=False):
    return torch.tensor(array, dtype=dtype, requires_grad=grad)


def draw(number, *shape):
    return np.random.default_rng(3).integers(0, number, shape)


def some(labels):
    keep = np.random.default_rng(4).random(labels.shape) < 0.5
    assert keep.any()
    assert not keep.all()
    return np.where(keep, labels, -100)


def assert_loss(loss, expected, tolerance=1e-12):
    assert loss.shape == ()
    assert float(loss.detach()) == pytest.approx(float(expected), abs=tolerance)


# Cross entropy


@TYPES
@pytest.mark.parametrize("kind", [torch.long, torch.int32])
def test_cross_entropy(dtype, tolerance, kind):
    values, labels = logits(B, S, V), some(draw(V, B, S))
    loss = losses.cross_entropy(tensor(values, dtype), tensor(labels, kind))
    assert loss.dtype == dtype
    assert_loss(loss, oracle.cross_entropy(values, labels), tolerance)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_half_precision_logits_have_a_float32_loss(dtype):
    values, labels = tensor(logits(B, S, V), dtype), tensor(draw(V, B, S), torch.long)
    loss = losses.cross_entropy(values, labels)
    assert loss.dtype == torch.float32
    expected = oracle.cross_entropy(values.double().numpy(), labels.numpy())
    assert_loss(loss, expected, 2e-5)


def test_ignored_labels_have_no_gradient():
    values, labels = tensor(logits(B, S, V), grad=True), some(draw(V, B, S))
    losses.cross_entropy(values, tensor(labels, torch.long)).backward()
    kept = torch.tensor(labels != -100)
    assert (values.grad[~kept] == 0).all()
    assert (values.grad[kept].abs().amax(-1) > 0).all()


def test_all_ignored_is_zero_with_zero_gradient():
    values = tensor(logits(B, V), grad=True)
    loss = losses.cross_entropy(values, torch.full((B,), -100))
    loss.backward()
    assert loss.item() == 0
    assert (values.grad == 0).all()


# The heads' losses


@TYPES
def test_masked_words(lab, dtype, tolerance):
    values, labels = logits(B, S, V), some(draw(V, B, S))
    loss = losses.masked_lm_loss(
        lab.config(), tensor(values, dtype), tensor(labels, torch.long)
    )
    assert_loss(loss, oracle.cross_entropy(values, labels), tolerance)


@TYPES
def test_masked_words_of_labelled_places(lab, dtype, tolerance):
    head = lab.model("AlbertForMaskedLM", dtype).predictions
    states, labels = tensor(logits(B, S, 24), dtype), some(draw(V, B, S))
    loss = losses.labelled_lm_loss(
        lab.config(), head, states, tensor(labels, torch.long)
    )
    assert loss.dtype == dtype
    scores = head(states).detach().double().numpy()
    assert_loss(loss, oracle.cross_entropy(scores, labels), tolerance)


@TYPES
@pytest.mark.parametrize("labels", [[1, 0, 1], [0, -100, 1], [-100] * 3])
def test_sentence_order(labels, dtype, tolerance):
    values = logits(B, 2)
    loss = losses.sentence_order_loss(tensor(values, dtype), torch.tensor(labels))
    assert_loss(loss, oracle.cross_entropy(values, np.array(labels)), tolerance)


@TYPES
@pytest.mark.parametrize("labels", [[8, 0, 3], [2, -100, 1], [-100] * 3])
def test_multiple_choice(labels, dtype, tolerance):
    values = logits(B, C)
    loss = losses.multiple_choice_loss(tensor(values, dtype), torch.tensor(labels))
    assert_loss(loss, oracle.cross_entropy(values, np.array(labels)), tolerance)


@TYPES
def test_tokens(lab, dtype, tolerance):
    values, labels = logits(B, S, L), some(draw(L, B, S))
    loss = losses.token_classification_loss(
        lab.config(), tensor(values, dtype), tensor(labels, torch.long)
    )
    assert_loss(loss, oracle.cross_entropy(values, labels), tolerance)


def classification(kind, number=L):
    """Configuration's changes, labels and the oracle's view of them."""
    random = np.random.default_rng(5)
    several = random.integers(0, 2, (B, number))
    numbers = random.normal(size=(B, number))
    one = {"num_labels": 1}
    regression = {"problem_type": "regression"}
    single = {"problem_type": "single_label_classification"}
    multi = {"problem_type": "multi_label_classification"}
    return {
        "one label": ({}, draw(L, B)),
        "one label, some ignored": ({}, np.array([3, -100, 7])),
        "one label, all ignored": ({}, np.array([-100] * 3)),
        "one label, named": (single, draw(L, B)),
        "several labels": ({}, several.astype(np.float64)),
        "several labels, named": (multi, several.astype(np.float64)),
        "several labels, integers": (multi, several),
        "one number": (one, numbers[:, 0]),
        "one number, [B, 1]": (one, numbers[:, :1]),
        "one number, integers": (one, draw(5, B)),
        "several numbers": (regression, numbers),
    }[kind]


@TYPES
@pytest.mark.parametrize(
    "kind",
    [
        "one label",
        "one label, some ignored",
        "one label, all ignored",
        "one label, named",
        "several labels",
        "several labels, named",
        "several labels, integers",
        "one number",
        "one number, [B, 1]",
        "one number, integers",
        "several numbers",
    ],
)
def test_sequences(lab, kind, dtype, tolerance):
    changes, labels = classification(kind)
    config = lab.config(**changes)
    values = logits(B, config.num_labels)
    expected = oracle._classification_loss(config, values, labels)
    given = torch.tensor(labels)
    if given.is_floating_point():
        given = given.to(dtype)
        labels = given.double().numpy()
    loss = losses.sequence_classification_loss(config, tensor(values, dtype), given)
    assert loss.dtype == dtype
    assert_loss(loss, expected, tolerance)


def test_truth_values_are_several_labels(lab):
    values, labels = logits(B, L), draw(2, B, L)
    loss = losses.sequence_classification_loss(
        lab.config(), tensor(values), torch.tensor(labels == 1)
    )
    expected = oracle._classification_loss(
        lab.config(), values, labels.astype(np.float64)
    )
    assert_loss(loss, expected)


@pytest.mark.parametrize(
    "kind", ["several labels", "one number", "several numbers", "one label"]
)
@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_half_precision_sequences_have_a_float32_loss(lab, kind, dtype):
    changes, labels = classification(kind)
    config = lab.config(**changes)
    values = tensor(logits(B, config.num_labels), dtype)
    loss = losses.sequence_classification_loss(config, values, torch.tensor(labels))
    assert loss.dtype == torch.float32
    expected = oracle._classification_loss(config, values.double().numpy(), labels)
    assert_loss(loss, expected, 2e-5)


def answer(values, positions):
    inside = (positions >= 0) & (positions < S)
    return oracle.cross_entropy(values, np.where(inside, positions, -100))


@TYPES
@pytest.mark.parametrize(
    ("start", "end"),
    [
        ([0, 6, 3], [2, 6, 4]),
        ([7, 2, -1], [16, 6, -100]),
        ([0, 0, 0], [7, 7, 7]),
        ([7, 8, 9], [-1, -100, 7]),
    ],
)
@pytest.mark.parametrize("column", [False, True])
def test_answers(start, end, column, dtype, tolerance):
    first, last = logits(B, S), logits(B, S)[::-1].copy()
    start, end = np.array(start), np.array(end)
    expected = (answer(first, start) + answer(last, end)) / 2
    shape = (B, 1) if column else (B,)
    loss = losses.question_answering_loss(
        tensor(first, dtype),
        tensor(last, dtype),
        torch.tensor(start.reshape(shape)),
        torch.tensor(end.reshape(shape)),
    )
    assert_loss(loss, expected, tolerance)


def test_positions_outside_have_no_gradient():
    values = tensor(logits(B, S), grad=True)
    outside = torch.tensor([7, -1, 99])
    loss = losses.question_answering_loss(values, values, outside, outside)
    loss.backward()
    assert loss.item() == 0
    assert (values.grad == 0).all()


# Errors


def ints(*shape, value=0):
    return torch.full(shape, value)


def _words(config, labels):
    return losses.masked_lm_loss(config, torch.zeros(B, S, V), labels)


def _order(_, labels):
    return losses.sentence_order_loss(torch.zeros(B, 2), labels)


def _sequence(config, labels):
    shape = (B, config.num_labels)
    return losses.sequence_classification_loss(config, torch.zeros(shape), labels)


def _choice(_, labels):
    return losses.multiple_choice_loss(torch.zeros(B, C), labels)


def _tokens(config, labels):
    return losses.token_classification_loss(config, torch.zeros(B, S, L), labels)


def _start(_, labels):
    zeros = torch.zeros(B, S)
    return losses.question_answering_loss(zeros, zeros, labels, ints(B))


def _end(_, labels):
    zeros = torch.zeros(B, S)
    return losses.question_answering_loss(zeros, zeros, ints(B), labels)


@pytest.mark.parametrize(
    ("loss", "changes", "labels", "message"),
    [
        (
            _words,
            {},
            ints(B, S - 1),
            "labels must have the shape [B, S] = [3, 7], but has [3, 6].",
        ),
        (
            _words,
            {},
            ints(B * S),
            "labels must have the shape [B, S] = [3, 7], but has [21].",
        ),
        (
            _words,
            {},
            ints(B, S, value=101),
            (
                "labels must be at least 0 and below vocab_size=101 or -100, but has "
                "101."
            ),
        ),
        (
            _words,
            {},
            ints(B, S, value=-1),
            ("labels must be at least 0 and below vocab_size=101 or -100, but has -1."),
        ),
        (
            _order,
            {},
            ints(B, 1),
            "sentence_order_label must have the shape [B] = [3], but has [3, 1].",
        ),
        (
            _order,
            {},
            ints(B, value=2),
            (
                "sentence_order_label must be at least 0 and below classes=2 or -100, "
                "but has 2."
            ),
        ),
        (
            _sequence,
            {},
            ints(B, value=8),
            ("labels must be at least 0 and below num_labels=8 or -100, but has 8."),
        ),
        (
            _sequence,
            {},
            ints(B, 1),
            "labels must have the shape [B] = [3], but has [3, 1].",
        ),
        (
            _sequence,
            {},
            torch.zeros(B),
            "labels must have the shape [B, num_labels] = [3, 8], but has [3].",
        ),
        (
            _sequence,
            {"problem_type": "regression"},
            torch.zeros(B),
            "labels must have the shape [B, num_labels] = [3, 8], but has [3].",
        ),
        (
            _sequence,
            {"num_labels": 1},
            torch.zeros(B + 1),
            "labels must have the shape [B] = [3], but has [4].",
        ),
        (
            _sequence,
            {"num_labels": 1},
            torch.zeros(B, 2),
            "labels must have the shape [B, num_labels] = [3, 1], but has [3, 2].",
        ),
        (
            _choice,
            {},
            ints(B, C),
            "labels must have the shape [B] = [3], but has [3, 9].",
        ),
        (
            _choice,
            {},
            ints(B, value=9),
            "labels must be at least 0 and below choices=9 or -100, but has 9.",
        ),
        (
            _tokens,
            {},
            ints(B),
            "labels must have the shape [B, S] = [3, 7], but has [3].",
        ),
        (
            _tokens,
            {},
            ints(B, S, value=8),
            "labels must be at least 0 and below num_labels=8 or -100, but has 8.",
        ),
        (
            _start,
            {},
            ints(B, 2),
            "start_positions must have the shape [B, 1] = [3, 1], but has [3, 2].",
        ),
        (
            _start,
            {},
            ints(B + 1),
            "start_positions must have the shape [B] = [3], but has [4].",
        ),
        (
            _end,
            {},
            ints(B, 1, 1),
            "end_positions must have the shape [B] = [3], but has [3, 1, 1].",
        ),
    ],
)
def test_error(lab, loss, changes, labels, message):
    with pytest.raises(ValueError) as caught:
        loss(lab.config(**changes), labels)
    assert str(caught.value) == message
