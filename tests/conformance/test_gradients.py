"""Gradients of every weight in every framework, against the oracle's backward pass."""

import importlib
from dataclasses import replace

import numpy as np
import pytest

from albert.common import names
from albert.common.activations import ACTIVATIONS
from conformance import backward, gradients
from conformance.backends import PREFIXES, make_model
from conformance.differentiation import Differentiate, Way
from conformance.slopes import SLOPES
from conformance.tolerances import GRADIENTS

from ..users import run_as_users_have_it

FRAMEWORKS = tuple(PREFIXES)
CASES = gradients.all_gradient_cases()
FEW = (
    # One of each part of a model that has a slope of its own.
    "AlbertForPreTraining-gradients-both, in training",
    "AlbertForPreTraining-gradients-labels at positions, in training",
    "AlbertForMaskedLM-gradients-some, in training",
    "AlbertForMaskedLM-gradients-all ignored, in training",
    "AlbertForMaskedLM-gradients-a row all masked, in training",
    "AlbertForSequenceClassification-gradients-one label, in training",
    "AlbertForSequenceClassification-gradients-several labels, in training",
    "AlbertForTokenClassification-gradients-some, in training",
    "AlbertForQuestionAnswering-gradients-some outside, in training",
)
# Of one shape, which JAX compiles once.
FEW_IN_FLAX = (FEW[0], FEW[2], FEW[3], FEW[4], FEW[7])


@pytest.fixture(autouse=True, scope="module")
def _one_thread():
    import torch

    # The tensors are tiny: sharing them out costs more than computing them.
    torch.set_num_threads(1)


@pytest.mark.parametrize("framework", FRAMEWORKS)
def test_agree_with_the_oracle(framework):
    # All in PyTorch, where they cost little; `python -m conformance` has all in all.
    few = FEW_IN_FLAX if framework == "flax" else FEW
    wanted = [one for one in CASES if framework == "pt" or one.case.id in few]
    results = list(gradients.run(framework, wanted))
    assert len(results) == len(wanted) >= len(few)
    failed = [(r.case.id, r.error, r.failure) for r in results if not r.passed]
    assert failed == []


def test_pytorch_without_onednn():
    from albert.pt.fast import using

    wanted = [one for one in CASES if one.case.id == FEW[0]]
    with using(onednn=False):
        (result,) = gradients.run("pt", wanted)
    assert result.passed, result


@pytest.mark.parametrize("framework", ["pt", "tf"])
def test_slopes_of_the_activations(framework):
    check_slopes(framework)


def test_slopes_of_the_activations_in_flax():
    name = "tests.conformance.test_gradients"
    run_as_users_have_it(f"from {name} import check_slopes; check_slopes('flax')")


def check_slopes(framework):
    make = importlib.import_module(f"albert.{framework}.activations").activation
    x = np.linspace(-6, 6, 48, dtype=np.float32)
    for name in ACTIVATIONS:
        found = SLOPE_IN[framework](make(name), x)
        right = SLOPES[name](x.astype(np.float64))
        np.testing.assert_allclose(found, right, rtol=0, atol=2e-6, err_msg=name)


def _slope_in_pt(function, x):
    import torch

    given = torch.tensor(x, requires_grad=True)
    function(given).sum().backward()
    assert given.grad is not None
    return given.grad.numpy()


def _slope_in_tf(function, x):
    import tensorflow as tf

    given = tf.constant(x)
    with tf.GradientTape() as tape:
        tape.watch(given)
        total = function(given)
    return tf.convert_to_tensor(tape.gradient(total, given)).numpy()


def _slope_in_flax(function, x):
    import jax

    return jax.grad(lambda given: function(given).sum())(x)


SLOPE_IN = {"pt": _slope_in_pt, "tf": _slope_in_tf, "flax": _slope_in_flax}


# The suite itself


def test_every_class_and_every_way_is_there():
    assert {one.case.class_name for one in CASES} == names.PARTS.keys()
    assert {one.way for one in CASES} == {
        Way(False),
        Way(True),
        Way(True, checkpointing=True),
        Way(True, compiled=True),
    }
    assert len({one.case.id for one in CASES}) == len(CASES)
    assert {one.case.id for one in CASES} >= set(FEW)


def test_nothing_drops():
    for one in CASES:
        config = one.case.config
        rates = {
            config.hidden_dropout_prob,
            config.attention_probs_dropout_prob,
            config.classifier_dropout_prob,
        }
        assert rates == {0.0}


def test_several_chunks_are_more_than_any_framework_takes_at_once():
    (one,) = [one for one in CASES if "several chunks" in one.case.id]
    labelled = (one.case.inputs["labels"] != -100).sum()
    for framework in FRAMEWORKS:
        chunk = importlib.import_module(f"albert.{framework}.fast.labelled").CHUNK
        assert labelled > chunk


def test_unused_rows_are_exactly_zero():
    case = next(one.case for one in CASES if one.case.id == FEW[7])
    right = gradients.expected(case)
    used = set(case.inputs["input_ids"].ravel().tolist())
    table = right["albert.embeddings.word_embeddings.weight"]
    reached = set(np.flatnonzero(table.any(-1)).tolist())
    # Padding without a label is read by nobody.
    assert reached < used
    positions = right["albert.embeddings.position_embeddings.weight"]
    assert positions.any(-1).tolist() == [True] * 7 + [False] * 12


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda a: a, 0.0),
        (lambda a: a * np.float32(1 + 1e-3), 1e-3),
        (lambda a: a.astype(np.float64), np.inf),
        (lambda a: a[:1], np.inf),
        (lambda a: a * np.float32(np.nan), np.inf),
    ],
)
def test_error(change, says):
    right = {"x.weight": np.array([[1.0, -4.0], [0.5, 0.0]])}
    found = {name: change(a.astype(np.float32)) for name, a in right.items()}
    assert gradients.error(found, right) == pytest.approx(says, rel=1e-3)


def test_error_of_what_must_be_zero():
    table = {"a.word_embeddings.weight": np.array([[1.0, 0.0], [0.0, 0.0]])}
    found = {name: a.astype(np.float32) for name, a in table.items()}
    assert gradients.error(found, table) == 0
    found["a.word_embeddings.weight"][1, 0] = 1e-30
    assert gradients.error(found, table) == np.inf
    assert gradients.error({}, table) == np.inf
    nothing = {"x.bias": np.zeros(2)}
    assert gradients.error({"x.bias": np.zeros(2, np.float32)}, nothing) == 0
    assert gradients.error({"x.bias": np.full(2, 1e-9, np.float32)}, nothing) == np.inf


def test_error_of_what_cancels():
    """A bias of 0 is held to the matrix beside it, but one that is not 0 to itself."""
    right = {"k.weight": np.full((2, 2), 4.0), "k.bias": np.full(2, 1e-17)}
    found = {name: a.astype(np.float32) for name, a in right.items()}
    found["k.bias"][:] = 4e-6
    assert gradients.error(found, right) == pytest.approx(1e-6)
    right["k.bias"] = np.full(2, 4e-3)
    found["k.bias"][:] = 4.004e-3
    assert gradients.error(found, right) == pytest.approx(1e-3, rel=1e-3)


@pytest.mark.parametrize("one", CASES, ids=lambda one: one.id)
def test_case_is_well_conditioned(one):
    """The oracle itself, in float32, stays within half the tolerance."""
    case = one.case
    weights, of = gradients.weights_of(case), gradients.outer(case)
    if of:
        found = backward.gradients_of_model(case.config, weights, case.inputs, of)
    else:
        found = backward.gradients(case.class_name, case.config, weights, case.inputs)
    found = {name: array.astype(np.float32) for name, array in found.items()}
    right = gradients.expected(case)
    assert gradients.error(found, right) <= GRADIENTS / 2


def test_a_failure_is_reported():
    one = next(one for one in CASES if one.case.id == FEW[2])
    inputs = {**one.case.inputs, "labels": np.full((3, 7), 1000)}
    bad = replace(one, case=replace(one.case, inputs=inputs))
    (result,) = gradients.run("pt", [bad])
    assert not result.passed
    assert result.failure.startswith("ValueError: labels")


def test_gradients_are_those_of_one_call():
    """A second call adds nothing to the first one's."""
    case = next(one.case for one in CASES if one.case.id == FEW[2])
    weights = gradients.weights_of(case)
    model = make_model("pt", case.class_name, case.config, weights)
    differentiate = Differentiate("pt", model, case.class_name)
    first, second = (differentiate(case.inputs, Way(True)) for _ in range(2))
    assert all(np.array_equal(first[name], second[name]) for name in first)
