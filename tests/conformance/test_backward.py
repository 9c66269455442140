"""The backward pass of the oracle against differences of the oracle's losses."""

import numpy as np
import pytest

from albert.common import names
from albert.common.activations import ACTIVATIONS
from albert.common.config import AlbertConfig
from conformance import backward, cases, oracle
from conformance.slopes import SLOPES

STEP = 1e-5
"""Of the central differences: their error is the step squared times a third derivative,
about 1e-10, and the loss's rounding, 1e-16, divided by the step, about 1e-11."""

RELATIVE = 1e-7
"""Of the largest gradient of the tensor. A hundred times the error of the differences
where a third derivative is large, and far below what any wrong term would change."""

CONFIG = AlbertConfig(
    vocab_size=31,
    embedding_size=5,
    hidden_size=12,
    num_hidden_layers=2,
    num_attention_heads=3,
    intermediate_size=17,
    max_position_embeddings=9,
    type_vocab_size=2,
    num_labels=4,
    # Large enough that its place in the norm's slope shows.
    layer_norm_eps=1e-2,
)
# Layers that share a group, and one that does not; two blocks in each.
DEEP = {"num_hidden_layers": 3, "num_hidden_groups": 2, "inner_group_num": 2}


def labelled():
    """Each loss, and each way of an input into the tables."""
    random = np.random.default_rng(3)
    order = np.array([1, -100, 0])
    words = random.integers(0, 31, (3, 7))
    words[random.random(words.shape) < 0.5] = -100
    places = np.array([[5, 0, 5, 2], [6, 6, 1, 0], [3, 4, 0, 0]])
    pre, masked = "AlbertForPreTraining", "AlbertForMaskedLM"
    sequence = "AlbertForSequenceClassification"
    yield "both", pre, DEEP, {"labels": words, "sentence_order_label": order}
    yield "order", pre, {}, {"sentence_order_label": order}
    yield "words", masked, {"hidden_act": "gelu"}, {"labels": words}
    at_places = {"masked_lm_positions": places, "labels": words[:, :4]}
    yield "places", masked, {"prediction_layer_norm_eps": 0.1}, at_places
    yield "ignored", masked, {}, {"labels": np.full((3, 7), -100)}
    yield "one label", sequence, {}, {"labels": np.array([3, -100, 1])}
    several = random.integers(0, 2, (3, 4)).astype(np.float32)
    yield "several labels", sequence, {}, {"labels": several}
    yield "a number", sequence, {"num_labels": 1}, {"labels": np.array([0.5, -1, 2])}
    numbers = {"problem_type": "regression"}
    yield "numbers", sequence, numbers, {"labels": random.normal(size=(3, 4))}
    yield "choices", "AlbertForMultipleChoice", {}, {"labels": np.array([1, -100, 0])}
    tags = np.where(words == -100, -100, words % 4)
    yield "tags", "AlbertForTokenClassification", {}, {"labels": tags}
    ends = {
        "start_positions": np.array([7, 2, -1]),
        "end_positions": np.array([[4], [6], [0]]),
    }
    yield "answers", "AlbertForQuestionAnswering", {}, ends
    shared = np.array([[8, 8, 0, 1, 2, 3, 4]])
    hidden = np.ones((3, 7), int)
    hidden[0], hidden[1, 4:] = 0, 0
    ways = {"labels": words, "position_ids": shared, "attention_mask": hidden}
    yield "positions and a row all masked", masked, {}, ways
    embeds = {"inputs_embeds": random.normal(size=(3, 7, 5)), "labels": words}
    yield "embeddings for ids", masked, {}, embeds


CASES = list(labelled())


def made(class_name, changes, labels):
    config = CONFIG.replace(**changes)
    inputs = cases.make_inputs(config, class_name, seed=5)
    if class_name == "AlbertForMultipleChoice":
        inputs = {name: array[:, :2] for name, array in inputs.items()}
    inputs |= labels
    if "inputs_embeds" in inputs:
        del inputs["input_ids"], inputs["token_type_ids"]
    weights = cases.random_weights(config, class_name, seed=6)
    return config, {n: a.astype(np.float64) for n, a in weights.items()}, inputs


def difference(loss, weights, name, direction):
    """Differ along a direction within one weight."""

    def at(step):
        return loss({**weights, name: weights[name] + step * direction})

    return (at(STEP) - at(-STEP)) / (2 * STEP)


def directions(found, random):
    """Where it is largest, another element, and all elements at once."""
    flat = np.abs(found).ravel()
    for place in (flat.argmax(), random.integers(0, flat.size)):
        one = np.zeros(flat.size)
        one[place] = 1
        yield one.reshape(found.shape)
    yield random.choice([-1.0, 1.0], found.shape)


def assert_is_gradient(found, loss, weights):
    assert found.keys() == weights.keys()
    random = np.random.default_rng(7)
    for name, array in found.items():
        assert array.shape == weights[name].shape
        # A key's bias shifts all scores alike: 0, which only rounding hides.
        twin = name.replace("attention.key.bias", "attention.query.bias")
        scale = np.abs(found[twin]).max()
        for direction in directions(array, random):
            right = difference(loss, weights, name, direction)
            number = np.abs(direction).sum()
            error = abs((array * direction).sum() - right)
            assert error <= RELATIVE * scale * number + 1e-10, name


@pytest.mark.parametrize(
    ("class_name", "changes", "labels"),
    [case[1:] for case in CASES],
    ids=[case[0] for case in CASES],
)
def test_gradients_are_the_differences(class_name, changes, labels):
    config, weights, inputs = made(class_name, changes, labels)

    def loss(weights):
        return oracle.MODELS[class_name](config, weights, inputs)["loss"]

    found = backward.gradients(class_name, config, weights, inputs)
    assert_is_gradient(found, loss, weights)


def test_gradients_of_the_bare_model():
    config, weights, inputs = made("AlbertModel", DEEP, {})
    random = np.random.default_rng(8)
    of = {
        "last_hidden_state": random.normal(size=(3, 7, 12)),
        "pooler_output": random.normal(size=(3, 12)),
    }

    def loss(weights):
        outputs = oracle.model(config, weights, inputs)
        return sum((outputs[name] * grad).sum() for name, grad in of.items())

    found = backward.gradients_of_model(config, weights, inputs, of)
    assert_is_gradient(found, loss, weights)


def test_every_loss_has_its_gradients():
    assert backward.LOSSES.keys() | {"AlbertModel"} == names.PARTS.keys()
    assert backward.LOSSES.keys() == {case[1] for case in CASES}


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_slopes_are_the_differences(name):
    x = np.concatenate([np.linspace(-6, 6, 40), [-300.0, 300.0, 1e-3]])
    right = (ACTIVATIONS[name](x + STEP) - ACTIVATIONS[name](x - STEP)) / (2 * STEP)
    np.testing.assert_allclose(SLOPES[name](x), right, rtol=1e-8, atol=1e-8)


def test_slope_of_relu_at_its_corner():
    np.testing.assert_array_equal(SLOPES["relu"](np.array([-0.0, 0.0])), [0, 0])


def test_layer_norm_by_hand():
    """Two features: whatever they are, they are normalised to -1 and 1."""
    weights = {"n.weight": np.array([2.0, 3.0]), "n.bias": np.zeros(2)}
    grads = {"n.weight": np.zeros(2), "n.bias": np.zeros(2)}
    given = np.array([[1.0, 1.0]])
    of_x = backward.layer_norm(weights, grads, "n", np.array([[1.0, 5.0]]), 0.0, given)
    np.testing.assert_allclose(of_x, [[0, 0]], atol=1e-15)
    np.testing.assert_allclose(grads["n.weight"], [-1, 1])
    np.testing.assert_allclose(grads["n.bias"], [1, 1])
