"""The cases are many enough and different enough to mean something."""

import numpy as np
import pytest

from albert.common import names
from conformance import cases, goldens, oracle
from conformance.compare import largest_error
from conformance.run import expected, shown
from conformance.tolerances import FLOAT32


def test_sizes_are_pairwise_distinct():
    sizes = [v for k, v in cases.SIZES.items() if k != "num_hidden_layers"]
    sizes += [cases.BATCH, cases.CHOICES, cases.LENGTH]
    assert len(set(sizes)) == len(sizes)
    head = cases.SIZES["hidden_size"] // cases.SIZES["num_attention_heads"]
    assert head not in sizes


def test_ids_are_unique():
    ids = [case.id for case in cases.all_cases()]
    assert len(set(ids)) == len(ids)


@pytest.mark.parametrize("class_name", names.PARTS)
def test_every_class_has_every_family(class_name):
    families = {c.family for c in cases.all_cases() if c.class_name == class_name}
    wanted = {"configuration", "activation", "google", "inputs", "labels"}
    if class_name == "AlbertModel":
        wanted.remove("labels")
    if "predictions" in names.PARTS[class_name]:
        wanted.add("words")
    assert families == wanted


def test_weights_are_the_same_in_every_run_and_for_every_class():
    config = cases.all_cases()[0].config
    one = cases.random_weights(config, "AlbertModel", 7)
    two = cases.random_weights(config, "AlbertForPreTraining", 7)
    for name, array in one.items():
        np.testing.assert_array_equal(array, two[name])
    word = one["albert.embeddings.word_embeddings.weight"]
    assert word.shape == (101, 5)
    np.testing.assert_allclose(word[0, :2], WORD_START, rtol=0, atol=1e-7)


WORD_START = [0.2675526, 0.0813665]


@pytest.mark.parametrize("case", goldens.golden_cases(), ids=lambda case: case.id)
def test_oracle_agrees_with_transformers(case):
    right = expected(case)
    with np.load(goldens.PATH) as recorded:
        stored = [n for n in goldens.RECORDED if f"{case.id}/{n}" in recorded]
        assert stored == [name for name in goldens.RECORDED if name in right]
        for name in stored:
            golden = recorded[f"{case.id}/{name}"]
            assert golden.shape == np.shape(right[name])
            np.testing.assert_allclose(golden, right[name], rtol=0, atol=1e-5)


@pytest.mark.parametrize("case", cases.all_cases(), ids=lambda case: case.id)
def test_case_is_well_conditioned(case):
    """The oracle itself, in float32, stays within half the tolerance.

    Otherwise a backend would pass or fail by the luck of its order of summation.
    """
    right = expected(case)
    found = oracle.MODELS[case.class_name](case.config, case.weights(), case.inputs)
    found = {n: _single(value) for n, value in shown(case, found).items()}
    assert largest_error(found, right) <= FLOAT32 / 2


def _single(value):
    if isinstance(value, tuple):
        return tuple(_single(item) for item in value)
    return np.asarray(value, np.float32)


def test_oracle_hand_computed():
    """Two tokens, one head, everything small enough to follow on paper."""
    probabilities = oracle.softmax(np.log(np.array([[1.0, 3.0]])))
    np.testing.assert_allclose(probabilities, [[0.25, 0.75]])
    weights = {"n.weight": np.array([2.0, 2.0]), "n.bias": np.array([1.0, 1.0])}
    normal = oracle.layer_norm(weights, "n", np.array([1.0, 3.0]), 0.0)
    np.testing.assert_allclose(normal, [-1.0, 3.0])
    logits = np.log(np.array([[0.5, 0.5], [0.1, 0.9]]))
    np.testing.assert_allclose(
        oracle.cross_entropy(logits, np.array([0, -100])), np.log(2)
    )
    assert oracle.cross_entropy(logits, np.array([-100, -100])) == 0
