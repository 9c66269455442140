"""Tokenization, configurations and training steps: the families without outputs."""

import numpy as np
import pytest

from albert.common.config import AlbertConfig
from conformance import configurations, tokenization
from conformance import training_steps as steps
from conformance.backends import PREFIXES


@pytest.mark.parametrize("family", [configurations, tokenization])
def test_all_is_as_it_must_be(family):
    results = list(family.run())
    assert len(results) == (5 if family is configurations else 10)
    failed = [(one.case.id, one.failure) for one in results if not one.passed]
    assert failed == []
    assert len({one.case.id for one in results}) == len(results)


def test_a_wrong_value_is_told(monkeypatch):
    monkeypatch.setitem(configurations.BASE_WEIGHTS, "albert.pooler.bias", (7,))
    monkeypatch.setitem(configurations.LAYER_GROUPS, (2, 2), (1, 1))
    found = {one.case.name: one for one in configurations.run()}
    assert found["groups of layers"].failure == "2 layers in 2 groups: (0, 1)"
    assert found["names of the weights"].failure == "albert.pooler.bias is (768,)"
    assert not any(
        found[name].passed for name in ("groups of layers", "names of the weights")
    )


def test_an_error_is_a_failure(monkeypatch):
    def refuse(**_):
        raise RuntimeError("no configuration")

    monkeypatch.setattr(AlbertConfig, "preset", refuse)
    found = {one.case.name: one for one in configurations.run()}
    assert not found["presets"].passed
    assert found["presets"].error == np.inf


def test_other_ids_are_told(monkeypatch):
    reference = tokenization._reference()
    plain = reference.ids
    monkeypatch.setattr(reference, "ids", lambda text, *how: [*plain(text, *how), 1])
    wrong = [one for one in tokenization.run() if not one.passed]
    assert len(wrong) == 10
    assert wrong[0].error == len(tokenization.TEXTS)
    assert wrong[0].failure == "ids of ''"


@pytest.mark.parametrize("framework", PREFIXES)
def test_steps(framework):
    (result,) = steps.run(framework)
    assert result.passed, result


def test_steps_are_clipped_and_cut_unevenly():
    assert (steps.reference()["gradient_norm"] > steps.SETTINGS.limit).all()
    numbers = set()
    for batch, parts in zip(steps._batches(), steps.PARTS, strict=True):
        rows = (batch["labels"] != -100).sum(1).reshape(parts, -1).sum(1)
        numbers.add(len(set(rows)) > 1)
    assert True in numbers


def test_errors_of_steps():
    right = {"loss": np.ones(2), "w": np.ones(3)}
    found = {"loss": np.ones(2) + steps.LOSS, "w": np.ones(3)}
    assert dict(steps._errors(found, right)) == pytest.approx({"loss": 1.0, "w": 0.0})
    bad = {"loss": np.ones(3), "w": np.array([1, np.nan, 1])}
    assert dict(steps._errors(bad, right)) == {"loss": np.inf, "w": np.inf}
    assert dict(steps._errors({}, right)) == {"what there is": np.inf}


def test_a_trainer_that_fails_is_a_failure(monkeypatch):
    monkeypatch.setattr(steps, "save_arrays", lambda *_: None)
    (result,) = steps.run("pt")
    assert not result.passed
    assert result.error == np.inf
    assert "Error: " in result.failure
