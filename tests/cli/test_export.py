"""`albert export`: what it prints, and how it fails."""

import json

import pytest

from albert.cli import main
from albert.common import onnx_files

from ..common.exports import write

CLASS = "AlbertForTokenClassification"


def run(*arguments):
    return main(["export", *map(str, arguments)])


def test_it_prints_what_it_did(tmp_path, capsys, monkeypatch):
    folder = write(tmp_path / "model", CLASS, named=False, num_labels=3)
    monkeypatch.chdir(tmp_path)
    assert run(folder, "out", "--to", "torch-export", "--class", f"tf{CLASS}") == 0
    printed = capsys.readouterr()
    size = (tmp_path / "out" / "model.pt2").stat().st_size
    lines = printed.out.splitlines()
    assert lines[:2] == [
        f"class      {CLASS} (asked for)",
        "tokenizer  there is none beside the source",
    ]
    assert lines[2].startswith("compared   at 1x1, 3x7, 2x19: outputs differ by up to ")
    assert lines[3].startswith(f"size       {size:,} bytes, ")
    assert lines[4:] == ["wrote      out/model.pt2"]
    assert printed.err == ""


def test_int8_and_sentences(tmp_path, capsys):
    (tmp_path / "texts").write_text("He sat down on the steps.\n\nIt was good.\n")
    status = run(
        "albert-demo", tmp_path / "out", "--to", "onnx", "--int8",
        "--class", "AlbertForMaskedLM", "--sentences", tmp_path / "texts",
    )  # fmt: skip
    assert status == 0
    printed = capsys.readouterr()
    out = printed.out.splitlines()
    bytes_held = (tmp_path / "out" / "model-int8.onnx").stat().st_size
    assert out[4].startswith(f"int8       {bytes_held:,} bytes, 0.")
    assert out[4].endswith(" x the float32 file")
    answers = json.loads((tmp_path / "out" / "export.json").read_text())
    same, number = answers["int8_answers"]["logits"]
    assert out[5].split()[:5] == [str(same), "of", str(number), "logits", "have"]
    warned = printed.err.startswith(
        f"albert: int8 changes {number - same} of {number} "
    )
    assert warned == (same < number)
    assert out[-1] == f"wrote      {tmp_path / 'out' / 'model.onnx'}"


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (["--int8"], "--int8 goes with --to onnx, not with --to torch-export."),
        (
            ["--sentences", "x"],
            "--sentences goes with --int8, whose answers it compares.",
        ),
    ],
)
def test_options_that_do_not_go_together(arguments, text, tmp_path, capsys):
    out = tmp_path / "out"
    assert run("albert-demo", out, "--to", "torch-export", *arguments) == 2
    assert capsys.readouterr().err == f"albert: {text}\n"


def test_usage_errors(tmp_path, capsys):
    for arguments, text in (
        (["albert-demo", "x"], "the following arguments are required: --to"),
        (["albert-demo", "x", "--to", "tflite"], "invalid choice: 'tflite'"),
        (["albert-demo", "", "--to", "onnx"], "must be a path or a name, but is empty"),
        (["", "x", "--to", "onnx"], "must be a path or a name, but is empty"),
        (["a", "x", "--to", "onnx", "--class", "Bert"], "must be one of AlbertModel, "),
    ):
        with pytest.raises(SystemExit) as caught:
            run(*arguments)
        assert caught.value.code == 2
        assert text in capsys.readouterr().err


def test_failures_are_one_line(tmp_path, capsys, monkeypatch):
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "mine").write_text("")
    (tmp_path / "empty.txt").write_text("\n")
    demo, full, out = "albert-demo", tmp_path / "full", tmp_path / "out"
    cases = [
        (
            [demo, full, "--to", "onnx"],
            (
                f"directory {str(full)!r} holds mine, which no export wrote; give a "
                f"new folder."
            ),
        ),
        (
            [
                demo,
                out,
                "--to",
                "onnx",
                "--int8",
                "--sentences",
                tmp_path / "empty.txt",
            ],
            f"--sentences {str(tmp_path / 'empty.txt')!r} holds no text.",
        ),
    ]
    for arguments, text in cases:
        assert run(*arguments) == 1
        assert capsys.readouterr() == ("", f"albert: {text}\n")
    assert run(tmp_path / "none", out, "--to", "onnx") == 1
    assert len(capsys.readouterr().err.splitlines()) == 1

    def fail():
        raise ImportError("no onnx")

    monkeypatch.setattr(onnx_files, "check_installed", fail)
    assert run(demo, out, "--to", "onnx") == 1
    assert capsys.readouterr().err == "albert: no onnx\n"
    assert not out.exists()


def test_help_has_an_example(capsys):
    with pytest.raises(SystemExit) as caught:
        run("--help")
    assert caught.value.code == 0
    text = " ".join(capsys.readouterr().out.split())
    assert "example: albert export albert-demo build/demo-onnx --to onnx" in text
