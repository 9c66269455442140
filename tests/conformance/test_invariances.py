"""What must not matter does not; and a check sees it if it does."""

import pytest

from conformance import invariances
from conformance.invariances import checks, long_checks
from conformance.invariances.subject import Pair, Subject
from conformance.mutants import Mutant, mutated

# It imports PyTorch's compiler; `python -m conformance` has it.
LONG = ("torch.compile, captured",)
FLAX = ("layers unrolled", "8 devices, data=4,model=2")


def _run(monkeypatch, framework, chosen):
    monkeypatch.setattr(invariances, "checks", lambda framework: chosen)
    results = list(invariances.run(framework))
    assert [result.case.name for result in results] == list(chosen)
    return results


def test_pytorch(monkeypatch):
    every = checks("pt")
    chosen = {name: check for name, check in every.items() if name not in LONG}
    assert len(chosen) == len(every) - len(LONG) == 22
    results = _run(monkeypatch, "pt", chosen)
    assert [f"{r.case.name}: {r.failure}" for r in results if not r.passed] == []
    exact = {r.case.name for r in results if not any(s.tolerance for s in r.steps)}
    assert exact >= {"hidden tokens", "saved as tf", "the same call again"}


def test_flax(monkeypatch):
    chosen = {name: checks("flax")[name] for name in FLAX}
    results = _run(monkeypatch, "flax", chosen)
    assert [f"{r.case.name}: {r.failure}" for r in results if not r.passed] == []


def test_every_framework_has_the_same_texts_and_files():
    own = {framework: set(checks(framework)) for framework in ("pt", "tf", "flax")}
    shared = set.intersection(*own.values())
    assert {"a text alone", "saved as flax", "several files"} <= shared
    assert {"tf.function, XLA on", "tf.function, XLA off"} <= own["tf"]
    assert "8 devices, data=8" in own["flax"]
    assert set(long_checks("pt")) == {"torch.compile"}
    assert not long_checks("tf")


def test_an_unknown_framework_is_named():
    with pytest.raises(ValueError, match="framework must be one of pt, tf, flax, but"):
        checks("onnx")


def test_a_mask_that_is_not_read_is_seen(monkeypatch):
    mutant = Mutant(
        "mask ignored",
        "encoder.py",
        ("visible_keys(attention_mask)", "visible_keys(None)"),
    )
    names = ("a text alone", "longer right padding", "hidden tokens")
    chosen = {name: checks("pt")[name] for name in names}
    with mutated("pt", mutant):
        results = _run(monkeypatch, "pt", chosen)
    assert [result.passed for result in results] == [False] * 3
    assert all("first diverging step: " in result.failure for result in results)


def test_answers_of_other_names_or_none_are_a_failure(monkeypatch):
    def nothing(subject):
        return Pair({}, {})

    def less(subject):
        return Pair({"sop_logits": subject.outputs["sop_logits"]}, subject.outputs)

    results = _run(monkeypatch, "pt", {"nothing": nothing, "less": less})
    text = "ValueError: the two answers have other names or shapes, or none"
    assert [(r.passed, r.failure) for r in results] == [(False, text)] * 2


def test_one_bit_is_seen_where_none_may_differ():
    subject = Subject("pt")
    right = {"sop_logits": subject.outputs["sop_logits"]}
    found = {"sop_logits": right["sop_logits"].copy()}
    found["sop_logits"].view("i4")[0, 0] += 1
    assert not subject.compared(found, right, bitwise=True)[0].passed
    assert subject.compared(found, right, bitwise=False)[0].passed
