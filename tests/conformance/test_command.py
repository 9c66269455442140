"""The command: what it runs, what it calls a failure, and what it says."""

import os
from types import SimpleNamespace

import pytest

from albert.common.config import AlbertConfig
from conformance import __main__ as command
from conformance import families, orders, processes, walking
from conformance.cases import Case, all_cases
from conformance.families import FAMILIES, Family
from conformance.flags import strict
from conformance.places import placed, why_absent
from conformance.rows import Leg, NotRun, Row
from conformance.run import Result
from conformance.subjects import Subject

NUMPY = "conformance.examples.numpy_float32:build"
WRONG = "conformance.examples.erf_gelu:build"
MODEL = Case("forward", "one", "AlbertModel", AlbertConfig(), {})


def _only(monkeypatch, *table):
    monkeypatch.setattr(walking, "families_of", lambda subject: table)


def _giving(*results, **more):
    return Family("given", lambda subject: iter(results), "quick", **more)


@pytest.fixture
def given(monkeypatch):
    return lambda *table: _only(monkeypatch, *table)


# What fails


def test_passes(given, capsys):
    given(_giving(Result(MODEL, 1e-6), any_build=True))
    assert command.main(["--implementation", NUMPY]) == 0
    assert capsys.readouterr().out == (
        f"{NUMPY} cpu float32 AlbertModel                     forward                1 "
        "cases  worst 1.0e-06 of 2.0e-05  ok\nconformance: passed\n"
    )


@pytest.mark.parametrize(
    ("result", "says"),
    [
        (Result(MODEL, 1e-3), "one: 1.0e-03"),
        (Result(MODEL, float("nan")), "one: nan"),
        (Result(MODEL, float("inf"), "ValueError: odd"), "one: inf ValueError: odd"),
    ],
    ids=["beyond its tolerance", "not a number", "an exception"],
)
def test_a_result_that_fails(given, capsys, result, says):
    given(_giving(Result(MODEL, 0), result, Result(MODEL, 0), any_build=True))
    assert command.main(["--implementation", NUMPY]) == 1
    printed = capsys.readouterr().out
    assert f"      {says}" in printed
    assert f"python -m conformance --implementation {NUMPY} --device cpu" in printed
    assert printed.endswith("conformance: FAILED\n")


def test_no_case_is_a_failure(given, capsys):
    given(_giving(any_build=True))
    assert command.main(["--implementation", NUMPY]) == 1
    assert "given: FAILED, not run: it had 0 cases, but must have 1 at least" in (
        capsys.readouterr().out
    )


def test_no_family_is_a_failure(given, capsys):
    given(_giving(Result(MODEL, 0)))
    assert command.main(["--implementation", NUMPY]) == 1
    printed = capsys.readouterr().out
    assert "given: not run: it needs more of an implementation than outputs" in printed
    assert "everything: FAILED, not run: no case ran" in printed


def test_missing_fixtures_are_a_failure(monkeypatch, capsys, tmp_path):
    monkeypatch.setattr(families.written, "FOLDER", tmp_path)
    arguments = ["--implementation", NUMPY, "--family", "files"]
    assert command.main(arguments) == 1
    assert "it had 0 cases, but must have 58 at least" in capsys.readouterr().out
    monkeypatch.setattr(families.goldens, "PATH", tmp_path / "none.npz")
    arguments = ["--implementation", NUMPY, "--family", "forward"]
    assert command.main(arguments) == 1
    printed = capsys.readouterr().out
    assert "(stopped before its end): inf FileNotFoundError" in printed


def test_a_family_that_stops_keeps_what_it_found(given, capsys):
    def stops(subject):
        yield Result(MODEL, 0)
        raise RuntimeError("out of paper")

    given(Family("given", stops, any_build=True))
    assert command.main(["--implementation", NUMPY]) == 1
    printed = capsys.readouterr().out
    assert "forward                1 cases" in printed
    assert "(stopped before its end): inf RuntimeError: out of paper" in printed


def test_a_framework_that_cannot_be_imported_is_a_failure(monkeypatch, capsys):
    def refuse(framework, device):
        raise ImportError("no such thing")

    monkeypatch.setattr(walking, "why_absent", refuse)
    assert command.main(["--framework", "tf"]) == 1
    assert capsys.readouterr().out == (
        "tf    cpu all everything: FAILED, not run: cannot be run: ImportError: no "
        "such thing\nconformance: FAILED\n"
    )


def test_an_unknown_case_is_a_failure(given, capsys):
    given(_giving(Result(MODEL, 0), any_build=True))
    assert command.main(["--implementation", NUMPY, "--case", "none"]) == 1
    assert "no case ran" in capsys.readouterr().out


def test_a_process_that_dies_is_a_failure(monkeypatch, capsys):
    monkeypatch.setattr(processes, "walk", os._exit)
    two = [walking.Order(Subject("pt")), walking.Order(Subject("tf"))]
    # What a worker is given to call must be found there, too.
    monkeypatch.setattr(processes, "walk", _die)
    legs = processes.walk_all(two)
    assert [leg.framework for leg in legs] == ["pt", "tf"]
    assert not any(leg.passed for leg in legs)
    assert "FAILED: its process, or another one beside it, died" in (
        capsys.readouterr().out
    )


def _die(order):
    os._exit(3)


def test_a_leg_passes_only_with_rows():
    row = Row("pt", "cpu", "float32", "g", "AlbertModel", "f", "n", 0.0, 1.0)
    assert Leg("pt", "cpu", rows=[row]).passed
    assert not Leg("pt", "cpu").passed
    absent = NotRun("pt", "cpu", "float32", "f", "why", True)
    assert not Leg("pt", "cpu", rows=[row], not_run=[absent]).passed


# What is asked for


def _orders(*arguments):
    return orders.orders(command._parser().parse_args(arguments))


def test_by_default_all_three_on_the_cpu():
    found = [(one.subject.framework, one.subject.device) for one in _orders()]
    assert found == [("pt", "cpu"), ("tf", "cpu"), ("flax", "cpu")]
    assert all(one.demanded and not one.dtypes for one in _orders())


def test_all_devices_need_not_be_there():
    found = _orders("--framework", "pt", "--device", "all", "--device", "gpu")
    assert [(one.subject.device, one.demanded) for one in found] == [
        ("cpu", False),
        ("gpu", True),
        ("tpu", False),
    ]


@pytest.mark.parametrize("framework", ["pt", "tf", "flax"])
@pytest.mark.parametrize("device", ["gpu", "tpu"])
def test_a_device_that_is_not_there(framework, device, monkeypatch, capsys):
    reason = why_absent(framework, device)
    if not reason:
        pytest.skip("it is there")
    assert "TPU" in reason or "--device must be a device that is there (cpu:0" in reason
    assert command.main(["--framework", framework, "--device", device]) == 1
    assert f"everything: FAILED, not run: {reason}" in capsys.readouterr().out
    order = walking.Order(Subject(framework, device), demanded=False)
    leg = walking.walk(order)
    assert [one.failure for one in leg.not_run] == [False]
    # `--device all` passes if the CPU does.
    row = Row(framework, "cpu", "float32", "g", "AlbertModel", "f", "n", 0.0, 1.0)
    legs = [Leg(framework, "cpu", rows=[row]), leg]
    monkeypatch.setattr(processes, "walk_all", lambda orders: legs)
    assert command.main(["--framework", framework, "--device", "all"]) == 0


def test_nothing_at_all_fails(monkeypatch, capsys):
    leg = walking.walk(walking.Order(Subject("pt", "tpu"), demanded=False))
    monkeypatch.setattr(processes, "walk_all", lambda orders: [leg])
    assert command.main(["--framework", "pt", "--device", "all"]) == 1


def test_a_type_without_a_tolerance(given, capsys):
    given(_giving(Result(MODEL, 0), any_build=True))
    order = walking.Order(Subject(NUMPY), ("bfloat16",))
    leg = walking.walk(order)
    assert [(one.reason, one.failure) for one in leg.not_run] == [
        ("no family of cases has a tolerance for bfloat16", True)
    ]


def test_quick_level_leaves_out_and_says_so(given, capsys):
    full = Family("all of it", lambda subject: iter(()), any_build=True)
    given(_giving(Result(MODEL, 0), any_build=True), full)
    arguments = ["--implementation", NUMPY, "--level", "quick"]
    assert command.main(arguments) == 0
    assert "all of it: not run: only in the full level" in capsys.readouterr().out
    # Asked for by name it is missed.
    assert command.main([*arguments, "--family", "forward"]) == 1


def test_quick_cases_have_every_class_and_kind():
    quick = families.quick_cases()
    assert {case.class_name for case in quick} == {c.class_name for c in all_cases()}
    assert {case.family for case in quick} == {"configuration", "inputs", "labels"}
    assert len({case.name for case in quick if case.family == "inputs"}) == 7


def test_one_case(capsys):
    wanted = "AlbertModel-transformers 4.57.6-three layers"
    arguments = ["--framework", "pt", "--family", "forward", "--case", wanted]
    assert command.main(arguments) == 0
    printed = capsys.readouterr().out
    assert printed.count(" 1 cases ") == 1
    assert "transformers 4.57.6    1 cases" in printed


def test_numbers_of_cases_are_those_of_the_families():
    """Fewer would be a failure; more are welcome, but must be counted, too."""
    table = {one.name: one for one in FAMILIES}
    subject = Subject("pt")
    assert len(all_cases()) + len(families.goldens.golden_cases()) == 359
    assert table["forward"].cases == 359
    assert table["files"].cases == len(families.written.folders())
    assert table["gradients"].cases == len(families.gradients.all_gradient_cases())
    dropout = families.dropout
    assert table["dropout"].cases == len([*dropout.places(), *dropout.others()])
    assert len(list(table["changes"].run(subject))) == table["changes"].cases
    assert len({one.name for one in FAMILIES}) == len(FAMILIES)


# Flags and places


def _flags(framework):
    from albert.cli.env import described

    names = {
        "pt": "float32_matmul_precision",
        "tf": "tensor_float_32",
        "flax": "jax_default_matmul_precision",
    }
    return described(framework)[names[framework]]


@pytest.mark.parametrize(
    ("framework", "loose", "tight"),
    [("pt", "medium", "highest"), ("tf", True, False), ("flax", "not set", "highest")],
)
def test_strict_flags_are_set_and_put_back(framework, loose, tight):
    if framework == "pt":
        import torch

        torch.set_float32_matmul_precision(loose)
    try:
        assert _flags(framework) == loose
        with pytest.raises(KeyError), strict(framework):
            assert _flags(framework) == tight
            raise KeyError
        assert _flags(framework) == loose
    finally:
        if framework == "pt":
            torch.set_float32_matmul_precision("highest")


def test_the_report_has_the_flags_in_force(given):
    given(_giving(Result(MODEL, 0)))
    leg = walking.walk(walking.Order(Subject("flax")))
    assert leg.environment["jax_default_matmul_precision"] == "highest"
    assert leg.seconds.keys() == {"given"}


def test_models_are_made_on_the_device(monkeypatch):
    from conformance import backends, places

    there = SimpleNamespace(type="cpu")
    monkeypatch.setattr(places, "_find", lambda framework, device: device and there)
    assert backends.device_options() == {}
    with placed("pt", "gpu"):
        assert backends.device_options() == {"device_map": there}
    assert backends.device_options() == {}
