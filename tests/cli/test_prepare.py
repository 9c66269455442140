"""`albert prepare`: what it prints, and how it fails."""

import json
import re

import pytest

from albert.cli import main

from ..common.data.corpus import write_corpus


def run(*arguments):
    return main(["prepare", *map(str, arguments)])


@pytest.fixture
def corpus(tmp_path):
    path = tmp_path / "corpus.txt"
    write_corpus(path, 12)
    path.write_text(path.read_text() + "\n\n \n")
    return path


def test_it_prints_what_it_did(corpus, tmp_path, capsys):
    (tmp_path / "b.jsonl").write_text('{"body": ""}\n{"body": "One. Two."}\n')
    out = tmp_path / "out"
    arguments = [
        "--input", corpus, tmp_path / "b.jsonl", "--text-field", "body",
        "--output", out, "--tokenizer", "albert-demo", "--max-length", 32,
        "--max-predictions", 3, "--ngram", 2, "--mask-probability", 0.2,
        "--short-probability", 0, "--seed", 5, "--workers", 1, "--shard-bytes", 3000,
        "--segments", "sentences", "--static", "--dupe-factor", 2,
    ]  # fmt: skip
    assert run(*arguments) == 0
    facts = json.loads((out / "dataset.json").read_text())
    assert facts["run"]["settings"] == {
        "segments": "sentences", "sentence_order": True, "static": True,
        "dupe_factor": 2, "max_length": 32, "max_predictions": 3,
        "mask_probability": 0.2, "ngram": 2, "short_probability": 0.0, "seed": 5,
        "shard_bytes": 3000, "text_field": "body",
    }  # fmt: skip
    counts = facts["counts"]
    printed = capsys.readouterr()
    lines = printed.out.splitlines()
    order = f"{counts['in_order']} in order, {counts['swapped']} swapped"
    assert lines[:3] == [
        "documents  13, 1 blank ones left out",
        f"rows       {counts['rows']}, of {counts['tokens']:,} tokens",
        f"order      {order}, {counts['one_text']} of one text",
    ]
    assert re.fullmatch(r"speed      [\d,]+ documents/s, [\d,]+ tokens/s", lines[3])
    assert lines[4:] == [f"wrote      {out}"]
    assert printed.err == ""
    assert run(*arguments) == 0
    assert capsys.readouterr().out.splitlines()[3:] == [f"there      {out}"]


def test_progress_has_the_throughput(corpus, tmp_path, capsys):
    assert run(
        "--input", corpus, "--output", tmp_path / "out", "--tokenizer", "albert-demo",
        "--no-sop", "--workers", 1, "--progress",
    ) == 0  # fmt: skip
    shown = capsys.readouterr().err
    assert re.search(r"preparing: +100%.* documents/s, [\d,]+ tokens/s", shown)


def test_failures_are_one_line(corpus, tmp_path, capsys):
    out = ("--output", tmp_path / "out", "--tokenizer", "albert-demo")
    (tmp_path / "empty.txt").write_text("\n")
    cases = [
        (
            ["--input", tmp_path / "empty.txt", *out],
            "there is no text in the inputs: 0 documents, all of them blank.",
        ),
        (
            ["--input", corpus, *out, "--mask-probability", "2"],
            "mask_probability must be above 0 and at most 1, but is 2.0.",
        ),
        (
            ["--input", "nothing", *out],
            (
                "input 'nothing' is neither a file, nor a folder with a dataset, nor "
                "the name of a dataset on the hub."
            ),
        ),
    ]
    for arguments, text in cases:
        assert run(*arguments, "--workers", 1) == 1
        assert capsys.readouterr() == ("", f"albert: {text}\n")
    with pytest.raises(SystemExit) as caught:
        run("--input", corpus, "--output", "x")
    assert caught.value.code == 2
    assert "required: --tokenizer" in capsys.readouterr().err
