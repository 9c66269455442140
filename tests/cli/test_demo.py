"""`albert demo` and the command line around it."""

import importlib.util
import re
import subprocess
import sys

import numpy as np
import pytest

from albert import __version__
from albert.cli import demo, main
from albert.common.hub import DEMO_NAME
from albert.common.opening import open_checkpoint
from albert.common.tokenization import AlbertTokenizerFast
from conformance.backends import PREFIXES, loader
from conformance.oracle import MODELS
from conformance.tolerances import FLOAT32

# Each is within the tolerance of the exact logits, which are up to 24 here; how they
# round depends on the processor.
BETWEEN_TWO = 2 * FLOAT32

TEXT = "Plants create [MASK] through a process known as photosynthesis."


def test_fills_the_masks_with_all_three_frameworks(capsys):
    assert main(["demo", "--text", TEXT, "--top-k", "3"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[1] == TEXT
    assert lines[2].split() == ["pt", "tf", "flax"]
    for rank in (1, 2, 3):
        number, *cells = lines[2 + rank].split()
        tokens, scores = cells[::2], [float(score) for score in cells[1::2]]
        assert number == str(rank)
        assert len(set(tokens)) == 1
        assert len(tokens) == 3
        np.testing.assert_allclose(scores, scores[0], rtol=0, atol=1e-4)
    assert re.fullmatch(r"  time ( *\d+\.\d ms){3}", lines[6])
    difference = re.fullmatch(r"  largest difference of the logits: (\S+)", lines[7])
    assert difference
    assert 0 <= float(difference[1]) <= BETWEEN_TWO


def test_the_frameworks_agree_on_every_sentence(capsys):
    assert main(["demo"]) == 0
    printed = capsys.readouterr().out
    found = re.findall(r"largest difference of the logits: (\S+)", printed)
    assert len(found) == len(demo.SENTENCES)
    assert all(0 <= float(difference) <= BETWEEN_TWO for difference in found)


@pytest.mark.usefixtures("optimised")
@pytest.mark.parametrize("framework", PREFIXES)
def test_every_framework_is_right_to_the_tolerance(framework):
    tokenizer = AlbertTokenizerFast.from_pretrained(DEMO_NAME)
    checkpoint = open_checkpoint(DEMO_NAME)
    arrays = checkpoint.arrays
    exact = {name: arrays[name].read().astype(np.float64) for name in arrays}
    run = loader(framework)("AlbertForMaskedLM", DEMO_NAME)
    for text in demo.SENTENCES:
        batch = dict(tokenizer(text, return_tensors="np"))
        right = MODELS["AlbertForMaskedLM"](checkpoint.config, exact, batch)["logits"]
        assert np.abs(run(batch, False)["logits"] - right).max() <= FLOAT32


def test_says_what_everybody_would_say(capsys):
    assert main(["demo", "--framework", "pt"]) == 0
    printed = capsys.readouterr().out
    for text in demo.SENTENCES:
        assert f"\n{text}\n" in printed
    best = re.findall(r"^  1 +(\S+)", printed, re.M)
    assert best[:2] == ["france", "states"]
    assert "largest difference" not in printed


def test_several_masks(capsys):
    text = "The [MASK] of France is [MASK]."
    assert main(["demo", "--framework", "pt", "--text", text, "--top-k", "1"]) == 0
    printed = capsys.readouterr().out
    assert "  mask 1\n" in printed
    assert "  mask 2\n" in printed


def test_a_text_without_a_mask(capsys):
    assert main(["demo", "--framework", "pt", "--text", "No gap."]) == 1
    assert capsys.readouterr().err == (
        "albert: the text must hold [MASK] where a word is to be found, but is "
        "'No gap.'.\n"
    )


def test_no_such_model(capsys, tmp_path):
    folder = tmp_path / "nothing"
    assert main(["demo", "--framework", "pt", "--model", str(folder)]) == 1
    assert capsys.readouterr().err.startswith(f"albert: {str(folder)!r} is no folder")


def test_no_framework_is_installed(monkeypatch, capsys):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    assert main(["demo"]) == 1
    assert capsys.readouterr().err == (
        "albert: no framework is installed: "
        'pip install "albert-models[pt]" (or tf, flax)\n'
    )


def test_one_framework_is_installed(monkeypatch, capsys):
    found = importlib.util.find_spec
    missing = ("tensorflow", "flax")
    monkeypatch.setattr(
        importlib.util, "find_spec", lambda n: None if n in missing else found(n)
    )
    assert main(["demo", "--text", TEXT]) == 0
    printed = capsys.readouterr().out
    assert 'tf is not installed: pip install "albert-models[tf]"\n' in printed
    assert 'flax is not installed: pip install "albert-models[flax]"\n' in printed


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "the following arguments are required: COMMAND"),
        (["demo", "--framework", "mx"], "argument --framework: invalid choice: 'mx'"),
        (
            ["demo", "--top-k", "0"],
            "argument --top-k: must be a number above 0, but is '0'",
        ),
        (
            ["demo", "--top-k", "²"],
            "argument --top-k: must be a number above 0, but is '²'",
        ),
    ],
)
def test_what_is_not_understood(arguments, message, capsys):
    with pytest.raises(SystemExit) as stopped:
        main(arguments)
    assert stopped.value.code == 2
    assert message in capsys.readouterr().err


def test_version(capsys):
    with pytest.raises(SystemExit) as stopped:
        main(["--version"])
    assert stopped.value.code == 0
    assert capsys.readouterr().out == f"{__version__}\n"


def test_runs_as_a_program_and_help_has_an_example():
    program = [sys.executable, "-m", "albert", "demo", "--help"]
    done = subprocess.run(program, capture_output=True, text=True, check=True)
    assert "example: albert demo --framework pt" in done.stdout


def test_a_reader_that_has_read_enough():
    program = [sys.executable, "-m", "albert", "demo", "--framework", "pt"]
    with subprocess.Popen(
        program, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as demo_process:
        demo_process.stdout.close()
        errors = demo_process.stderr.read()
    assert demo_process.returncode == 0
    assert "Broken pipe" not in errors
    assert "Traceback" not in errors
