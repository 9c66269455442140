"""`albert pretrain` as a user runs it, stops it, kills it and starts it again."""

import json
import os
import random
import signal
import subprocess
import sys

import numpy as np
import pytest
from safetensors.numpy import load_file

from albert.cli import main
from albert.common.auto import AutoTokenizer
from albert.common.config import AlbertConfig
from albert.common.data.preparing import prepare
from albert.common.data.settings import PrepareSettings
from albert.common.tasks.backend import PREFIXES

from . import killing

WORDS = ("the", "cat", "and", "a", "dog", "sat", "on", "mats", "while", "rain", "fell")


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    """Shards of made-up text, and a configuration with dropout."""
    root = tmp_path_factory.mktemp("pretrain")
    draw = random.Random(1)
    documents = [
        " ".join(
            " ".join(draw.choices(WORDS, k=draw.randint(4, 9))).capitalize() + "."
            for _ in range(draw.randint(2, 7))
        )
        for _ in range(24)
    ]
    (root / "text.txt").write_text("\n\n".join(documents))
    tokenizer = AutoTokenizer.from_pretrained("albert-demo")
    settings = PrepareSettings(max_length=24)
    prepare([root / "text.txt"], root / "shards", tokenizer, settings, workers=1)
    AlbertConfig(
        vocab_size=8192,
        embedding_size=6,
        hidden_size=12,
        num_attention_heads=3,
        intermediate_size=20,
        num_hidden_layers=2,
        max_position_embeddings=24,
        hidden_dropout_prob=0.1,
        attention_probs_dropout_prob=0.1,
    ).save_pretrained(root / "config")
    return root


def _arguments(root, output, framework="pt", **changed):
    given = {
        "framework": framework,
        "config": root / "config",
        "tokenizer": "albert-demo",
        "data": root / "shards",
        "eval-data": root / "shards",
        "output": output,
        "steps": 8,
        "batch-size": 4,
        "accumulation": 2,
        "learning-rate": 0.01,
        "warmup-steps": 2,
        "save-every": 3,
        "log-every": 1,
        "eval-every": 4,
        "seed": 5,
        **changed,
    }
    pairs = ((f"--{name}", str(value)) for name, value in given.items() if value)
    return ["pretrain", *(text for pair in pairs for text in pair)]


def _log(output):
    file = output / "log.jsonl"
    return file.read_text().splitlines() if file.exists() else []


@pytest.mark.parametrize(
    ("framework", "place"), list(zip(PREFIXES, killing.PLACES, strict=True))
)
def test_killed_anywhere_it_goes_on_to_the_last_bit(root, tmp_path, framework, place):
    whole, killed = tmp_path / "whole", tmp_path / "killed"
    assert main(_arguments(root, whole, framework)) == 0
    arguments = [place, *_arguments(root, killed, framework)]
    done = subprocess.run(
        [sys.executable, killing.__file__, *arguments],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        env={**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3"},
        check=False,
    )
    assert done.returncode == -signal.SIGKILL, done.stderr
    assert [path.name for path in killed.glob("checkpoint-*")] == [
        "checkpoint-00000003"
    ]
    left = list(killed.glob(".albert-run-*"))
    assert len(left) == (place == "in_a_checkpoint")
    assert main(_arguments(root, killed, framework)) == 0
    assert not list(killed.glob(".*"))
    assert _log(killed) == _log(whole)
    assert len(_log(whole)) == 8 + 2
    one, other = (load_file(at / "model/model.safetensors") for at in (whole, killed))
    for name in one:
        np.testing.assert_array_equal(one[name], other[name], err_msg=name)


def test_says_how_it_went_and_writes_what_it_says(root, tmp_path, capsys):
    output = tmp_path / "run"
    assert main(_arguments(root, output)) == 0
    printed = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in printed] == [*["step"], *["eval"] * 4, "wrote"]
    assert printed[-1].endswith("run/model")
    assert sorted(path.name for path in output.iterdir()) == [
        "checkpoint-00000006",
        "checkpoint-00000008",
        "events",
        "log.jsonl",
        "loss.png",
        "model",
        "run.json",
        "start",
    ]
    lines = [json.loads(line) for line in _log(output)]
    rates = [line["learning_rate"] for line in lines if "learning_rate" in line]
    assert rates[0] == 0
    assert rates[2] == pytest.approx(0.01 * (1 - 2 / 8))
    # What is there is loaded as any checkpoint.
    from albert import AlbertForPreTraining, AlbertTokenizerFast

    for folder in (output / "model", output / "checkpoint-00000008"):
        assert AlbertForPreTraining.from_pretrained(folder).config.hidden_size == 12
        assert len(AlbertTokenizerFast.from_pretrained(folder)) == 8192


def test_trains_on_a_checkpoint(root, tmp_path):
    first, second = tmp_path / "first", tmp_path / "second"
    assert main(_arguments(root, first, steps=2)) == 0
    changed = {"config": "", "tokenizer": "", "model": first / "model", "steps": 1}
    assert main(_arguments(root, second, **changed, **{"warmup-steps": ""})) == 0
    assert not (second / "start").exists()


@pytest.mark.parametrize(
    ("changed", "status", "text"),
    [
        ({"tokenizer": ""}, 2, "--config needs --tokenizer, with which the data were"),
        ({"batch-size": 5}, 1, "batch_size must be a multiple of accumulation, but 5"),
        ({"batch-size": 5000}, 1, "batch_size is 5000, and "),
        ({"config": "albert-small-v9"}, 1, "albert-small-v9"),
        ({"data": "nowhere"}, 1, "'nowhere' has no dataset.json"),
        ({"learning-rate": "nan"}, 1, "learning_rate must be a number above 0, but is"),
    ],
)
def test_what_cannot_be_is_said_in_one_line(
    root, tmp_path, capsys, changed, status, text
):
    output = tmp_path / "run"
    assert main(_arguments(root, output, **changed)) == status
    error = capsys.readouterr().err
    assert error.startswith("albert: ")
    assert text in error
    assert error.count("\n") == 1
    assert not list(output.glob("checkpoint-*"))


def test_other_settings_do_not_go_on_with_a_run(root, tmp_path, capsys):
    output = tmp_path / "run"
    assert main(_arguments(root, output, steps=1, **{"warmup-steps": ""})) == 0
    before = _log(output)
    assert main(_arguments(root, output, seed=6)) == 1
    assert (
        "holds a run with another steps, warmup_steps, seed" in capsys.readouterr().err
    )
    assert _log(output) == before


def test_diverging_is_said_and_loses_nothing(root, tmp_path, capsys, monkeypatch):
    from albert.pt import training

    real = training.pretraining_losses

    def broken(model, batch):
        losses = real(model, batch)
        broken.calls += 1
        return {
            **losses,
            "mlm": losses["mlm"] * (float("nan") if broken.calls > 9 else 1),
        }

    broken.calls = 0
    monkeypatch.setitem(training._LOSSES, "pretraining", broken)
    output = tmp_path / "run"
    assert main(_arguments(root, output)) == 1
    assert "step 5: the gradients' norm is nan" in capsys.readouterr().err
    assert [path.name for path in output.glob("checkpoint-*")] == [
        "checkpoint-00000003"
    ]
