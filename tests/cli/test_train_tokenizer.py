"""`albert train-tokenizer`: what it prints, and how it fails."""

import json

import pytest

from albert.cli import main
from albert.common.tokenization import AlbertTokenizerFast

from ..common.data.corpus import document, write_corpus


def run(*arguments):
    return main(["train-tokenizer", *map(str, arguments)])


def test_it_trains_on_all_inputs(tmp_path, capsys):
    first = write_corpus(tmp_path / "a.txt", 20)
    with open(tmp_path / "b.jsonl", "w") as file:
        for seed in range(20):
            file.write(json.dumps({"body": document(seed).replace("the", "zqx")}))
            file.write("\n")
    second = write_corpus(tmp_path / "c.txt", 1)
    out = tmp_path / "out"
    for inputs in ([first, second], [tmp_path / "b.jsonl"]):
        arguments = ("--output", out, "--vocab-size", 90, "--threads", 1, "--cased")
        assert run("--input", *inputs, "--text-field", "body", *arguments) == 0
        assert capsys.readouterr() == (f"pieces     90\nwrote      {out}\n", "")
    tokenizer = AlbertTokenizerFast.from_pretrained(out)
    assert not tokenizer.do_lower_case
    # The second run's text; its tokenizer took the place of the first's.
    assert "<unk>" not in tokenizer.tokenize("zqx")


def test_failures_are_one_line(tmp_path, capsys):
    (tmp_path / "empty.txt").write_text("\n")
    (tmp_path / "small.txt").write_text("a b\n")
    out = tmp_path / "out"
    for name, text in (
        ("empty.txt", "there is no text to make a vocabulary of."),
        (
            "small.txt",
            (
                "vocab_size 30000 is more than the text supports: give at most 16, or "
                "more text."
            ),
        ),
    ):
        assert run("--input", tmp_path / name, "--output", out) == 1
        assert capsys.readouterr() == ("", f"albert: {text}\n")
    assert not out.exists()


def test_usage_errors(capsys):
    for arguments, text in (
        (["--output", "x"], "the following arguments are required: --input"),
        (["--input", "a", "--output", "x", "--lowercase", "--cased"], "not allowed"),
        (["--input", "a", "--output", "x", "--vocab-size", "0"], "above 0"),
    ):
        with pytest.raises(SystemExit) as caught:
            run(*arguments)
        assert caught.value.code == 2
        assert text in capsys.readouterr().err
