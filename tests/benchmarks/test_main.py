"""The command line, with stubs in every contender's place."""

import json
from pathlib import Path

import pytest

from benchmarks import environments, gpu, report, suite
from benchmarks.__main__ import main, summary
from benchmarks.targets import MET, MISSED, Line

from .conftest import stub


@pytest.fixture
def asked(stubs, tmp_path):
    """Call the command with this test's folders."""
    result = tmp_path / "result.json"

    def run(*arguments):
        folders = ["--environments", str(tmp_path), "--data", str(tmp_path / "none")]
        code = main([*arguments, *folders, "--json", str(result)])
        return code, json.loads(result.read_text())

    return run


def test_everything_is_measured_and_a_missed_target_shows(asked, stubs, capsys):
    stubs["transformers-tf"] = stub(broken="no such class")
    code, found = asked("quick")
    assert code == 1
    assert {line["item"] for line in found["lines"]} == {1, 2, 3, 4, 5, 6, 7}
    failed = [line for line in found["lines"] if "no such class" in line["note"]]
    assert [line["verdict"] for line in failed] == [MISSED]
    assert set(found) == {
        "date",
        "command",
        "machine",
        "others",
        "versions",
        "peaks",
        "lines",
        "samples",
        "notes",
    }
    assert found["command"] == "python -m benchmarks quick"
    assert set(found["peaks"]) == {"float32", "bfloat16"}
    assert found["notes"]["int8 against float32"]["sentences"] == 3
    printed = capsys.readouterr().out.splitlines()
    assert len([line for line in printed if line[0].isdigit()]) > len(found["lines"])
    assert list(report.paragraphs(found))


def test_targets_that_are_met(asked, stubs):
    for name in ("transformers-tf", "keras-hub-tf"):
        stubs[name] = stub(seconds=0.05)
    code, found = asked("full", "--item", "2")
    assert code == 0
    assert found["command"] == "python -m benchmarks full --item 2"
    assert {line["item"] for line in found["lines"]} == {2}
    assert {line["verdict"] for line in found["lines"]} == {MET, "for information"}


def test_targets_that_are_missed(asked, stubs):
    stubs["albert-flax"] = stub(seconds=0.02)
    code, found = asked("quick", "--item", "3")
    assert code == 1
    assert MISSED in {line["verdict"] for line in found["lines"]}


def test_an_error_costs_only_its_own_measurement(asked, monkeypatch, capsys):
    def broken(session):
        raise KeyError("x")

    measured = [(3, "one", broken), (3, "two", lambda session: None)]
    monkeypatch.setattr(suite, "MEASUREMENTS", measured)
    code, found = asked("quick")
    assert code == 1
    (line,) = found["lines"]
    assert (line["what"], line["verdict"], line["note"]) == ("one", MISSED, "'x'")
    assert "Traceback" in capsys.readouterr().err


def test_what_was_found_is_kept_if_the_run_is_ended(monkeypatch, tmp_path, stubs):
    def ended(session):
        raise KeyboardInterrupt

    def found(session):
        session.notes["one"] = "found"

    measured = [(3, "one", found), (3, "two", ended)]
    monkeypatch.setattr(suite, "MEASUREMENTS", measured)
    path = tmp_path / "result.json"
    with pytest.raises(KeyboardInterrupt):
        main(["quick", "--environments", str(tmp_path), "--json", str(path)])
    assert json.loads(path.read_text())["notes"] == {"one": "found"}


def test_growth_belongs_to_the_plan(asked, monkeypatch):
    called = []
    monkeypatch.setattr(suite, "MEASUREMENTS", [(8, "growth", called.append)])
    asked("quick")
    assert called == []


def test_others_at_work_are_told(asked, monkeypatch, capsys):
    monkeypatch.setattr(suite, "MEASUREMENTS", [])
    monkeypatch.setattr("benchmarks.session.Session.others", lambda session: 0.5)
    code, found = asked("quick")
    assert (code, found["others"]) == (0, 0.5)
    assert capsys.readouterr().out == (
        "0 met\nother processes used 50% of the cores: measure again alone\n"
    )


def test_summary():
    lines = [
        Line(1, "", "", "", "", 1.0, 0.0, 1.0, verdict)
        for verdict in (MET, MISSED, MET, "for information")
    ]
    assert summary(lines) == "2 met, 1 MISSED"


def test_without_cuda(monkeypatch, capsys):
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)
    assert main(["gpu"]) == 1
    assert capsys.readouterr().err == (
        "benchmarks gpu: PyTorch sees no CUDA device here, nothing was measured.\n"
    )


def test_gpu_tried_out_on_the_processor(asked, stubs, monkeypatch):
    monkeypatch.setattr(environments, "build", lambda *arguments: None)
    stubs["transformers-pt"] = stub(seconds=0.05)
    code, found = asked("gpu", "--device", "cpu", "--compile", "--graphs")
    assert code == 0
    assert found["command"] == "python -m benchmarks gpu --compile --graphs"
    padded = [line for line in found["lines"] if line["what"].endswith("padded")]
    names = ["albert-pt", "albert-pt-compiled", "albert-pt-graphs", "albert-flax"]
    assert [line["ours"].split()[0] for line in padded] == names * 4
    assert [line["shape"] for line in padded[:: len(names)]] == ["64x128", "32x512"] * 2
    mixed = [line for line in found["lines"] if line not in padded]
    assert [(line["item"], line["what"]) for line in mixed] == [
        (9, "pipeline on mixed lengths float16"),
        (9, "pipeline on mixed lengths float16"),
        (9, "pipeline on mixed lengths bfloat16"),
        (9, "pipeline on mixed lengths bfloat16"),
    ]
    assert set(found["peaks"]) == set(gpu.KINDS)


def test_report(tmp_path, monkeypatch):
    given = []
    monkeypatch.setattr(report, "write", lambda *files: given.extend(files))
    assert main(["report", "a.json", "c.json", "--document", "b.md"]) == 0
    assert given == [[Path("a.json"), Path("c.json")], Path("b.md")]


def test_what_cannot_be_done_is_one_line(tmp_path, capsys):
    assert main(["report", str(tmp_path / "none.json")]) == 1
    said = capsys.readouterr().err
    assert said.startswith("benchmarks: [Errno 2] No such file or directory:")
    assert said.count("\n") == 1


def test_environments(tmp_path, monkeypatch):
    given = []
    monkeypatch.setattr(environments, "build", lambda *what: given.extend(what))
    assert main(["environments", str(tmp_path)]) == 0
    assert given == [tmp_path, environments.pins(), None]
