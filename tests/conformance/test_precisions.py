"""Half precision within what it rounds; and what the tolerances can see and cannot."""

import importlib

import pytest
import torch

from albert.common import names
from conformance import precisions, products
from conformance.precisions import PRECISIONS, cases, steps_of
from conformance.rounding import BFLOAT16, FLOAT32

BOTH = next(case for case in cases() if case.name == "both")
INSIDE = " of its "


def test_cases_are_every_class_and_a_deep_model():
    assert {case.class_name for case in cases()} == set(names.PARTS)
    assert [case.name for case in cases()][-1] == "12 layers"
    assert len(cases()) == len(names.PARTS) + 1
    losses = [case for case in cases() if case.class_name != "AlbertModel"]
    assert all("labels" in c.inputs or "start_positions" in c.inputs for c in losses)


@pytest.mark.parametrize("dtype", PRECISIONS)
def test_agrees_in_each_precision(dtype):
    results = list(precisions.run("pt", dtype))
    assert [result.case.family for result in results] == [dtype] * len(cases())
    assert [r.case.id + r.failure for r in results if not r.passed] == []


@pytest.mark.parametrize("framework", ["tf", "flax"])
def test_agrees_in_bfloat16(framework):
    steps = steps_of(framework, BOTH, BFLOAT16)
    assert [str(step) for step in steps if not step.passed] == []
    # Every norm and every softmax, each by its own input.
    assert sum(INSIDE in step.name for step in steps) == 3 * 3 + 2


def test_a_model_that_was_cast_is_seen(monkeypatch):
    load = precisions.load
    monkeypatch.setattr(precisions, "load", lambda f, c, p: load(f, c, BFLOAT16))
    (first, *_) = [step for step in steps_of("pt", BOTH, FLOAT32) if not step.passed]
    assert first.name == "embeddings.sum"


def test_a_model_that_was_not_cast_is_seen(monkeypatch):
    load = precisions.load
    monkeypatch.setattr(precisions, "load", lambda f, c, p: load(f, c, FLOAT32))
    wrong = [step.name for step in steps_of("pt", BOTH, BFLOAT16) if not step.passed]
    assert {"prediction_logits as bfloat16", "sop_logits as bfloat16"} <= set(wrong)


def _softmax_in_bfloat16(scores, dim):
    short = scores.bfloat16()
    raised = torch.exp(short - short.max(dim, keepdim=True).values)
    return (raised / raised.sum(dim, keepdim=True)).to(scores.dtype)


def _norm_in_bfloat16(x, shape, weight, bias, eps):
    centred = x - x.mean(-1, keepdim=True)
    variance = (centred * centred).mean(-1, keepdim=True)
    return centred * torch.rsqrt(variance + eps) * weight + bias


@pytest.mark.parametrize(
    ("holder", "name", "wrong", "step"),
    [
        ("torch", "softmax", _softmax_in_bfloat16, "probabilities of its scores"),
        ("torch.nn.functional", "layer_norm", _norm_in_bfloat16, "of its input"),
    ],
)
def test_statistics_in_bfloat16_are_seen_by_their_inputs_alone(
    holder, name, wrong, step, monkeypatch
):
    """The bound of all the roundings of a model lets them pass, as it must."""
    monkeypatch.setattr(importlib.import_module(holder), name, wrong)
    found = [one.name for one in steps_of("pt", BOTH, BFLOAT16) if not one.passed]
    assert found
    assert all(one.endswith(step) for one in found)


def test_products_that_change_nothing_are_no_result():
    results, idle = list(products.run("pt")), products.without_effect("pt")
    assert results[0].case.name == "highest"
    assert all(result.passed for result in results), results
    assert {r.case.name for r in results[1:]} | idle.keys() == {"high", "medium"}
    for reason in idle.values():
        assert reason == (
            "not run: no effect on this cpu, equal to 'highest' bit for bit"
        )


@pytest.mark.parametrize("framework", ["pt", "tf", "flax"])
def test_settings_are_put_back(framework):
    def now():
        if framework == "pt":
            return torch.get_float32_matmul_precision()
        if framework == "tf":
            config = importlib.import_module("tensorflow").config.experimental
            return config.tensor_float_32_execution_enabled()
        return importlib.import_module("jax").config.jax_default_matmul_precision

    before, seen = now(), set()
    for flag in (products.STRICT, *products.FLAGS[framework]):
        with products.setting(framework, flag):
            seen.add(now())
    assert now() == before
    assert len(seen) == 1 + len(products.FLAGS[framework])
