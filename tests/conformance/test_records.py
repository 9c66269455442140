"""Records of two machines are held together, with NumPy and nothing else."""

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from albert.common import names
from conformance import __main__ as command
from conformance import comparing, recording
from conformance.cases import all_cases
from conformance.subjects import Subject

ROOT = Path(__file__).parents[2]
NUMPY = "conformance.examples.numpy_float32:build"
WRONG = "conformance.examples.erf_gelu:build"
BLOCKED = (
    "torch",
    "tensorflow",
    "keras",
    "jax",
    "flax",
    "safetensors",
    "tokenizers",
    "sentencepiece",
    "huggingface_hub",
    "tqdm",
    "jinja2",
    "albert",
)


@pytest.fixture(scope="module")
def records(tmp_path_factory):
    folder = tmp_path_factory.mktemp("records")
    for name, text in (("right", NUMPY), ("again", NUMPY), ("wrong", WRONG)):
        arguments = ["record", str(folder / name), "--implementation", text]
        assert command.main(arguments) == 0
    return folder


def _changed(records, folder, **facts):
    """Copy a record with other facts."""
    found = json.loads((records / "again.json").read_text())
    (folder / "changed.json").write_text(json.dumps({**found, **facts}))
    (folder / "changed.npz").write_bytes((records / "again.npz").read_bytes())
    return folder / "changed"


def _refused(capsys, *paths):
    assert command.main(["compare", *map(str, paths)]) == comparing.REFUSED
    return capsys.readouterr().err


def test_a_record_says_what_it_is_of(records):
    facts = json.loads((records / "right.json").read_text())
    assert facts["format"] == 1
    assert facts["subject"] == {
        "framework": NUMPY,
        "device": "cpu",
        "dtype": "float32",
    }
    assert facts["environment"]["NumPy"] == np.__version__
    assert facts["cases"].keys() == {case.id for case in recording.recorded_cases()}
    with np.load(records / "right.npz") as arrays:
        held = {
            f"{case}/{step}" for case in facts["cases"] for step in facts["cases"][case]
        }
        assert set(arrays) == held
        assert all(arrays[name].dtype == np.float32 for name in arrays)


def test_a_record_is_small(records):
    assert (records / "right.npz").stat().st_size < 3_000_000
    assert (records / "right.json").stat().st_size < 20_000


def test_every_class_is_in_it():
    cases = recording.recorded_cases()
    assert {case.class_name for case in cases} == set(names.PARTS)
    chosen = {(case.family, case.name) for case in cases}
    assert chosen == recording._CHOSEN | recording._OF_THE_BARE_MODEL


def test_equal_runs_agree(records, capsys):
    pair = [str(records / "right.npz"), str(records / "again.json")]
    assert command.main(["compare", *pair]) == 0
    printed = capsys.readouterr().out
    assert f"A  {NUMPY} on cpu in float32" in printed
    assert "29 cases; worst 0.0e+00 of 4e-05: " in printed
    assert printed.endswith("compare: agree\n")


def test_unlike_runs_differ_and_it_says_where(records, capsys):
    pair = [str(records / "right"), str(records / "wrong")]
    assert command.main(["compare", *pair]) == 1
    printed = capsys.readouterr().out
    assert "AlbertModel-configuration-three layers: " in printed
    assert "   first at hidden_states.1[" in printed
    assert "   A " in printed
    assert "\n   B " in printed
    # ReLU has no erf form.
    assert "AlbertModel-activation-relu: " not in printed
    assert printed.endswith("compare: DIFFER\n")


def test_environments_that_differ_are_shown(records, tmp_path, capsys):
    facts = json.loads((records / "again.json").read_text())
    environment = {**facts["environment"], "NumPy": "1.26", "device": "TPU"}
    changed = _changed(records, tmp_path, environment=environment)
    assert command.main(["compare", str(records / "right"), str(changed)]) == 0
    printed = capsys.readouterr().out
    assert f"   NumPy: {np.__version__} | 1.26\n" in printed
    assert "   device: - | TPU\n" in printed


def test_without_any_library(records):
    """Not even this package's: only NumPy and what comes with Python."""
    code = (
        "import sys\n"
        f"sys.modules.update(dict.fromkeys({BLOCKED!r}))\n"
        "from conformance.__main__ import main\n"
        f"sys.exit(main(['compare', {str(records / 'right')!r}, "
        f"{str(records / 'again')!r}]))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.endswith("compare: agree\n")


def test_another_fixture_set_is_refused(records, tmp_path, capsys):
    digest = json.loads((records / "right.json").read_text())["fixtures"][:12]
    changed = _changed(records, tmp_path, fixtures="0" * 64)
    assert _refused(capsys, records / "right", changed) == (
        f"cannot compare: {records / 'right.json'} and {tmp_path / 'changed.json'} are "
        f"of different fixture sets ({digest} and 000000000000): record both with one "
        f"version of conformance.\n"
    )


def test_another_format_is_refused(records, tmp_path, capsys):
    changed = _changed(records, tmp_path, format=2)
    assert _refused(capsys, changed, records / "right") == (
        f"cannot compare: {tmp_path / 'changed.json'} has format 2, but this version "
        f"reads 1: record the run again with the version that compares.\n"
    )


def test_other_cases_or_none_are_refused(records, tmp_path, capsys):
    for first, second in (
        (_changed(records, tmp_path, cases={}), records / "right"),
    ) * 2:
        assert "do not hold the same cases, one at least" in (
            _refused(capsys, first, second)
        )
        assert "one at least" in _refused(capsys, first, first)


def test_what_is_no_record_is_refused(records, tmp_path, capsys):
    for text in ("", "[]", "{}", "{"):
        (tmp_path / "odd.json").write_text(text)
        assert _refused(capsys, tmp_path / "odd", records / "right") == (
            f"cannot compare: {tmp_path / 'odd.json'} is no record of conformance.\n"
        )
    (tmp_path / "odd.json").write_text('{"format": 1, "cases": {}}')
    assert _refused(capsys, tmp_path / "odd", records / "right") == (
        f"cannot compare: {tmp_path / 'odd.json'} lacks arrays, environment, fixtures, "
        f"subject, tolerance.\n"
    )
    assert "No such file" in _refused(capsys, tmp_path / "none", records / "right")


def test_files_that_do_not_belong_together_are_refused(records, tmp_path, capsys):
    changed = _changed(records, tmp_path)
    (tmp_path / "changed.npz").write_bytes((records / "wrong.npz").read_bytes())
    assert _refused(capsys, records / "right", changed) == (
        f"cannot compare: {tmp_path / 'changed.npz'} is not the file that "
        f"{tmp_path / 'changed.json'} was written for.\n"
    )


def test_a_step_that_one_lacks_is_infinitely_off(records):
    one = comparing.read(records / "right")
    case = "AlbertModel-activation-relu"
    fewer = {**one.facts["cases"], case: one.facts["cases"][case][1:]}
    arrays = dict(one.arrays)
    del arrays[f"{case}/hidden_states.0"]
    other = replace(one, facts={**one.facts, "cases": fewer}, arrays=arrays)
    for pair in ((one, other), (other, one)):
        (odd,) = [found for found in comparing.compare(*pair) if not found.passed]
        assert (odd.case, odd.error) == (case, np.inf)
        assert {step.why for step in odd.steps} == {"", "right.json lacks it"}


def test_not_a_number_is_not_recorded(tmp_path, capsys, monkeypatch):
    def build(class_name, config, weights):
        from conformance.examples.numpy_float32 import build

        run = build(class_name, config, weights)
        return lambda *given: {n: _spoiled(one) for n, one in run(*given).items()}

    monkeypatch.setattr(Subject, "build", lambda subject: build)
    assert command.main(["record", str(tmp_path / "r"), "--implementation", NUMPY]) == 1
    assert "gave hidden_states.0 that is not finite" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


def _spoiled(value):
    return tuple(one * np.nan for one in value) if isinstance(value, tuple) else value


def test_a_device_that_is_not_there_is_not_recorded(tmp_path, capsys):
    arguments = ["record", str(tmp_path / "r"), "--framework", "pt", "--device", "tpu"]
    assert command.main(arguments) == 1
    assert capsys.readouterr().err == "cannot record: albert.pt knows no TPU\n"


def test_the_digest_sees_one_bit():
    cases = recording.recorded_cases()[:2]
    first = recording.fixtures_digest(cases)
    assert first == recording.fixtures_digest(cases)
    assert first != recording.fixtures_digest(cases[:1])
    for change in (
        {"seed": 7},
        {"training": True},
        {"config": cases[0].config.replace(layer_norm_eps=1e-6)},
        {"inputs": {"input_ids": cases[0].inputs["input_ids"] ^ 1}},
        {"name": "another"},
    ):
        assert (
            recording.fixtures_digest([replace(cases[0], **change), cases[1]]) != first
        )


def test_cases_are_of_the_suite():
    every = {case.id for case in all_cases()}
    assert {case.id for case in recording.recorded_cases()} <= every
