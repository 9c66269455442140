"""JSON lines that every reader understands, and a file that can be gone on with."""

import datetime
import decimal
import io
import json

import numpy as np
import pytest

from albert.cli.arguments import UsageError
from albert.cli.writing import JsonLines, PartFile, encode, is_error
from albert.common.records import Record

SETTINGS = {"task": "fill-mask", "options": {"top_k": 2}}
TEXTS = [f"é{number}" for number in range(10)]
WINDOW = 4


@pytest.mark.parametrize(
    ("value", "written"),
    [
        ("é\n", '"é\\n"'),
        (1.5, "1.5"),
        (float("nan"), "null"),
        ([1.0, {"a": float("-inf")}], '[1.0, {"a": null}]'),
        (np.float32(0.5), "0.5"),
        (np.int64(3), "3"),
        (np.array([[1.0, np.nan]], np.float32), "[[1.0, null]]"),
        (datetime.date(2026, 1, 2), '"2026-01-02"'),
        (decimal.Decimal("1.10"), '"1.10"'),
        (b"\xff", '"/w=="'),
        ("\ud800", '"\\ud800"'),
        ((1, 2), "[1, 2]"),
    ],
)
def test_json(value, written):
    assert encode({"a": value}).decode() == f'{{"a": {written}}}'


def record(text, **more):
    return Record("somewhere", {"text": text, **more})


def test_lines_keep_the_columns_and_wait_for_a_flush():
    file = io.BytesIO()
    lines = JsonLines(file, "answer")
    lines.write(record("a", id=7), [1])
    assert file.getvalue() == b""
    lines.flush()
    lines.flush()
    assert file.getvalue() == b'{"text": "a", "id": 7, "answer": [1]}\n'


def test_a_column_of_the_answers_name():
    with pytest.raises(ValueError) as raised:
        JsonLines(io.BytesIO(), "answer").write(record("a", answer=1), 2)
    assert str(raised.value) == (
        "somewhere: there is a column 'answer' already; give the answer another name "
        "with --answer-column."
    )


def work(
    path, stop=None, resume=False, overwrite=False, settings=SETTINGS, texts=TEXTS
):
    """Answer texts as the command does, up to a text; give what was skipped."""
    part = PartFile(path, settings, "answer")
    part.open(resume, overwrite)
    try:
        records = iter([record(text) for text in texts])
        skipped = part.skip(records, WINDOW)
        lines = part.lines()
        for one in records:
            if one.columns["text"] == stop:
                raise InterruptedError
            lines.write(one, {"error": "odd"} if "3" in one.columns["text"] else "ok")
            lines.flush()
        part.finish()
    finally:
        part.close()
    return skipped


def interrupted(path, stop):
    with pytest.raises(InterruptedError):
        work(path, stop)


def whole(path):
    assert [each.name for each in path.parent.iterdir()] == [path.name]
    lines = path.read_text().splitlines()
    assert [json.loads(line)["text"] for line in lines] == TEXTS
    assert is_error(json.loads(lines[3])["answer"])
    assert not is_error(json.loads(lines[4])["answer"])


def test_a_run_that_is_not_interrupted(tmp_path):
    assert work(tmp_path / "a.jsonl") == (0, 0)
    whole(tmp_path / "a.jsonl")


@pytest.mark.parametrize("number", range(1, 10))
@pytest.mark.parametrize(
    "torn", [b"", b'{"text": "\xc3', b'{"text": "a", "answer": 1}']
)
def test_going_on(tmp_path, number, torn):
    path = tmp_path / "a.jsonl"
    interrupted(path, TEXTS[number])
    assert not path.exists()
    with open(f"{path}.part", "ab") as file:
        file.write(torn)
    kept = number - number % WINDOW
    assert work(path, resume=True) == (kept, int(kept > 3))
    whole(path)


def test_a_run_that_wrote_nothing_leaves_nothing(tmp_path):
    interrupted(tmp_path / "a.jsonl", TEXTS[0])
    assert list(tmp_path.iterdir()) == []
    assert work(tmp_path / "a.jsonl", resume=True) == (0, 0)
    whole(tmp_path / "a.jsonl")


def test_killed_before_the_first_line(tmp_path):
    path = tmp_path / "a.jsonl"
    path.with_name("a.jsonl.part").touch()
    path.with_name("a.jsonl.part.json").write_text("{}")
    assert work(path) == (0, 0)
    whole(path)


def refused(path, **options):
    before = {each.name: each.read_bytes() for each in path.parent.iterdir()}
    with pytest.raises(UsageError) as raised:
        work(path, **options)
    assert before == {each.name: each.read_bytes() for each in path.parent.iterdir()}
    return str(raised.value)


def test_a_file_that_is_there(tmp_path):
    path = tmp_path / "a.jsonl"
    path.write_text("mine")
    assert refused(path) == (
        f"--output: '{path}' is there already; --overwrite replaces it."
    )
    assert work(path, overwrite=True) == (0, 0)
    whole(path)


def test_a_run_that_was_interrupted_is_not_overwritten_unasked(tmp_path):
    path = tmp_path / "a.jsonl"
    interrupted(path, TEXTS[5])
    assert refused(path) == (
        f"--output: '{path}.part' is there from an interrupted run; --resume goes on "
        f"with it, --overwrite begins anew."
    )
    other = {**SETTINGS, "task": "ner"}
    assert work(path, overwrite=True, settings=other) == (0, 0)
    whole(path)


def test_other_settings(tmp_path):
    path = tmp_path / "a.jsonl"
    interrupted(path, TEXTS[5])
    other = {"task": "fill-mask", "options": {"top_k": 3}}
    assert refused(path, resume=True, settings=other) == (
        '--resume: options was {"top_k": 2} and is now {"top_k": 3}; give the same, or '
        "--overwrite to begin anew."
    )


def test_settings_that_are_lost(tmp_path):
    path = tmp_path / "a.jsonl"
    interrupted(path, TEXTS[5])
    path.with_name("a.jsonl.part.json").unlink()
    assert refused(path, resume=True) == (
        f"--resume: '{path}.part.json', which says how '{path}.part' was written, "
        f"cannot be read; --overwrite begins anew."
    )


@pytest.mark.parametrize(
    "texts", [["é0", "other", *TEXTS[2:]], TEXTS[:1]], ids=["changed", "shorter"]
)
def test_other_inputs(tmp_path, texts):
    path = tmp_path / "a.jsonl"
    interrupted(path, TEXTS[5])
    assert refused(path, resume=True, texts=texts) == (
        f"--resume: line 2 of '{path}.part' does not answer input 1 of this run; "
        f"--overwrite begins anew."
    )


@pytest.mark.parametrize("damage", [b"\0" * 20, b"[1]", b'{"text": "\xff"}'])
def test_a_damaged_line(tmp_path, damage):
    path = tmp_path / "a.jsonl"
    interrupted(path, TEXTS[5])
    part = path.with_name("a.jsonl.part")
    part.write_bytes(damage + b"\n" + part.read_bytes().partition(b"\n")[2])
    assert "line 1 of" in refused(path, resume=True)


def test_two_runs_at_once(tmp_path):
    path = tmp_path / "a.jsonl"
    first = PartFile(path, SETTINGS, "answer")
    first.open(resume=False, overwrite=False)
    for options in ({}, {"resume": True}, {"overwrite": True}):
        assert refused(path, **options) == (
            f"--output: another run is writing '{path}.part' now."
        )
    first.close()
    assert work(path) == (0, 0)
