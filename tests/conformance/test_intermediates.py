"""Every step of every backend, and the name of the first that is off."""

from dataclasses import replace

import numpy as np
import pytest

from albert.common import names
from conformance import intermediates
from conformance.backends import PREFIXES
from conformance.cases import all_cases
from conformance.mutants import MUTANTS, mutated
from conformance.rounding import FLOAT32
from conformance.steps import compare, exact_steps, first_diverging, tolerances

SHORT = next(
    case
    for case in all_cases()
    if (case.class_name, case.family, case.name)
    == ("AlbertForPreTraining", "labels", "both")
)
BLOCK = (
    "attention.query",
    "attention.key",
    "attention.value",
    "attention.scores",
    "attention.probabilities",
    "attention.context",
    "attention.dense",
    "attention.LayerNorm",
    "ffn",
    "activation",
    "ffn_output",
    "full_layer_layer_norm",
)


def test_the_oracle_gives_every_step_in_its_order():
    steps = list(exact_steps(SHORT, FLOAT32))
    assert steps == [
        "embeddings.sum",
        "embeddings.LayerNorm",
        "embedding_hidden_mapping_in",
        *(f"blocks.{number}.{part}" for number in range(3) for part in BLOCK),
        "pooler",
        "predictions.dense",
        "predictions.activation",
        "predictions.LayerNorm",
        "prediction_logits",
        "sop_logits",
        "loss",
    ]


@pytest.mark.parametrize("framework", PREFIXES)
def test_every_step_agrees(framework):
    (result,) = intermediates.run(framework, [SHORT])
    assert result.failure == ""
    assert result.passed
    assert [step.name for step in result.steps] == list(exact_steps(SHORT, FLOAT32))
    assert all(step.passed and step.found is not None for step in result.steps)


def test_cases_are_every_class_and_unusual_inputs():
    cases = intermediates.cases()
    assert {case.class_name for case in cases} == set(names.PARTS)
    assert {case.family for case in cases} == {"intermediates"}
    assert {case.name for case in cases} >= set(intermediates.INPUTS)
    assert len(cases) == 11


@pytest.mark.parametrize(
    ("name", "step"),
    [
        ("erf form for tanh GELU", "blocks.0.activation"),
        ("segments ignored", "embeddings.sum"),
        ("mask ignored", "blocks.0.attention.scores"),
    ],
)
def test_names_the_first_diverging_step(name, step):
    mutant = next(mutant for mutant in MUTANTS if mutant.name == name)
    case = replace(SHORT, config=SHORT.config.replace(hidden_act="gelu_new"))
    with mutated("pt", mutant):
        (result,) = intermediates.run("pt", [case])
        explained = intermediates.explain("pt", case)
    assert not result.passed
    assert result.failure == explained
    assert explained.startswith(f"first diverging step: {step}[")
    assert ", should be " in explained


def test_says_if_only_a_quick_way_diverges():
    explained = intermediates.explain("pt", SHORT)
    assert explained == (
        "no step of the plain way diverges: what does is in a quick way "
        "(albert/pt/fast)"
    )


def test_a_failed_call_is_a_failure():
    broken = replace(SHORT, inputs={})
    (result,) = intermediates.run("pt", [broken])
    assert not result.passed
    assert "input_ids" in result.failure


def _steps():
    exact = exact_steps(SHORT, FLOAT32)
    return exact, tolerances(SHORT, FLOAT32, exact)


def test_what_is_missing_or_not_finite_diverges():
    exact, allowed = _steps()
    same = {name: array.copy() for name, array in exact.items()}
    assert first_diverging(compare(same, exact, allowed)) is None
    name = "blocks.1.ffn"
    for wrong in ({}, {name: exact[name][:-1]}, {name: exact[name] * np.nan}):
        found = {key: one for key, one in same.items() if key != name} | wrong
        first = first_diverging(compare(found, exact, allowed))
        assert first is not None
        assert str(first) == f"{name}: missing, of another size or not finite"
        assert first.ratio == np.inf


def test_a_hidden_score_must_be_low_and_need_not_be_equal():
    exact, allowed = _steps()
    name = "blocks.0.attention.scores"
    hidden = np.isneginf(exact[name])
    assert hidden.any()
    low = {**exact, name: np.where(hidden, np.finfo(np.float32).min, exact[name])}
    assert first_diverging(compare(low, exact, allowed)) is None
    seen = {**exact, name: np.where(hidden, -100.0, exact[name])}
    assert first_diverging(compare(seen, exact, allowed)).name == name


def test_values_stand_side_by_side():
    exact, allowed = _steps()
    name = "blocks.2.attention.dense"
    off = exact[name].copy()
    off[1, 2, 3] += 0.5
    first = first_diverging(compare({**exact, name: off}, exact, allowed))
    assert (first.place, first.error) == ((1, 2, 3), pytest.approx(0.5))
    assert str(first).startswith(f"{name}[1, 2, 3]: {off[1, 2, 3]:.8g}, should be ")


def test_a_number_too_far_by_itself_is_seen_in_each_step():
    """Ten tolerances at one place: nothing but that step may diverge, and it must."""
    exact, allowed = _steps()
    for name in exact:
        off = np.array(exact[name])
        seen = np.argwhere(np.isfinite(off))[0]
        off[tuple(seen)] += 10 * allowed[name]
        steps = compare({**exact, name: off}, exact, allowed)
        assert [step.name for step in steps if not step.passed] == [name]
