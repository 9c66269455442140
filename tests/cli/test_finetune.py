"""`albert finetune` as a user runs it, in the three frameworks."""

import json
import random
import shutil

import numpy as np
import pytest
from safetensors.numpy import load_file

from albert.cli import main
from albert.common.auto import AutoTokenizer
from albert.common.config import AlbertConfig
from albert.common.loading import load_arrays
from albert.common.names import weights
from albert.common.opening import open_checkpoint
from albert.common.saving import save_arrays
from albert.common.tasks.backend import PREFIXES
from albert.common.training.initial import initial_weights

# A small model that has learned little gives one answer to everything.
pytestmark = pytest.mark.filterwarnings("default:COLLAPSED|THE ENCODER")

WORDS = {
    "animals": ("cat", "dog", "horse", "mouse"),
    "weather": ("rain", "snow", "wind", "sun"),
}


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    """Texts whose words tell their label, and a checkpoint without dropout."""
    root = tmp_path_factory.mktemp("finetune")
    draw = random.Random(1)
    for name, number in (("train", 12), ("dev", 4)):
        rows = [
            {"text": " ".join(draw.choices(WORDS[label], k=3)), "label": label}
            for label in WORDS
            for _ in range(number)
        ]
        text = "".join(json.dumps(row) + "\n" for row in rows)
        (root / f"{name}.jsonl").write_text(text)
    config = AlbertConfig(
        vocab_size=8192,
        embedding_size=6,
        hidden_size=12,
        num_attention_heads=3,
        intermediate_size=20,
        num_hidden_layers=1,
        max_position_embeddings=16,
        initializer_range=0.2,
        classifier_dropout_prob=0.0,
    )
    kind = "AlbertForPreTraining"
    save_arrays(root / "model", config, initial_weights(config, kind, 3), kind)
    tokenizer = AutoTokenizer.from_pretrained("albert-demo")
    tokenizer.save_pretrained(root / "model")
    # The packaged one, which has learned something, without dropout either.
    demo = AlbertConfig.from_pretrained("albert-demo", classifier_dropout_prob=0.0)
    held, _ = load_arrays(open_checkpoint("albert-demo"), demo, weights(demo, kind))
    arrays = {name: array.read() for name, array in held.items()}
    save_arrays(root / "demo", demo, arrays, kind)
    tokenizer.save_pretrained(root / "demo")
    return root


HEADS = ("predictions", "sop_classifier")


def _arguments(root, output, **changed):
    given = {
        "task": "text-classification",
        "framework": "pt",
        "model": root / "model",
        "train": root / "train.jsonl",
        "eval": root / "dev.jsonl",
        "output": output,
        "steps": 12,
        "batch-size": 8,
        "learning-rate": 0.02,
        "eval-every": 4,
        "save-every": 5,
        "log-every": 4,
        "seed": 5,
        **changed,
    }
    pairs = ((f"--{name}", str(value)) for name, value in given.items() if value != "")
    return ["finetune", *(text for pair in pairs for text in pair)]


def _log(output):
    return [
        json.loads(line) for line in (output / "log.jsonl").read_text().splitlines()
    ]


def _weights(folder):
    return load_file(folder / "model.safetensors")


def _changed(output):
    """Name the weights that differ from those at the start, in any bit."""
    old, new = _weights(output / "start"), _weights(output / "model")
    assert old.keys() == new.keys()
    return {name for name in new if not np.array_equal(old[name], new[name])}


def test_three_frameworks_learn_alike(root, tmp_path, capsys):
    logs, changed = {}, {}
    given = {
        "model": root / "demo",
        "max-length": 16,
        "steps": 8,
        "learning-rate": 1e-3,
        "eval-every": 8,
        "save-every": 8,
        "log-every": 2,
        "freeze": "embeddings",
    }
    for framework in PREFIXES:
        output = tmp_path / framework
        assert main(_arguments(root, output, framework=framework, **given)) == 0
        logs[framework] = _log(output)
        changed[framework] = _changed(output)
    printed = capsys.readouterr().out
    assert printed.count("new, not pretrained   classifier") == 3
    names = {name for name in _weights(root / "demo") if not name.startswith(HEADS)}
    learned = {name for name in names if not name.startswith("albert.embeddings.")}
    assert len(names) - len(learned) == 5
    for framework, log in logs.items():
        # Float32, from the same weights in the same order.
        assert [line.keys() for line in log] == [line.keys() for line in logs["pt"]]
        for one, other in zip(log, logs["pt"], strict=True):
            assert one == pytest.approx(other, rel=1e-4, abs=1e-6)
        assert log[-1]["eval_accuracy"] == 1
        assert log[-2]["task_loss"] < 0.1 * log[0]["task_loss"]
        # What is frozen is as it was to the last bit; all else has moved.
        assert changed[framework] == learned | {"classifier.weight", "classifier.bias"}


def test_masked_words_in_three_frameworks(root, tmp_path):
    logs = {}
    given = {
        "task": "fill-mask",
        "steps": 2,
        "eval-every": 2,
        "save-every": 2,
        "log-every": 1,
        "freeze": "encoder",
    }
    for framework in PREFIXES:
        output = tmp_path / framework
        assert main(_arguments(root, output, framework=framework, **given)) == 0
        logs[framework] = _log(output)
        # The table that gives the scores is the embeddings', and frozen with them.
        assert _changed(output) == {
            "predictions.bias",
            "predictions.dense.weight",
            "predictions.dense.bias",
            "predictions.LayerNorm.weight",
            "predictions.LayerNorm.bias",
        }
    for log in logs.values():
        assert len(log) == 3
        for one, other in zip(log, logs["pt"], strict=True):
            assert one == pytest.approx(other, rel=1e-4, abs=1e-6)


def test_writes_what_it_says(root, tmp_path):
    output, answers = tmp_path / "run", tmp_path / "answers.jsonl"
    changed = {"predict": answers, "test": root / "train.jsonl", "freeze": "encoder"}
    assert main(_arguments(root, output, **changed)) == 0
    names = {path.name.split("-")[0] for path in output.iterdir()}
    assert names == {
        "best",
        "checkpoint",
        "events",
        "log.jsonl",
        "loss.png",
        "model",
        "run.json",
        "start",
    }
    config = AlbertConfig.from_pretrained(output / "model")
    assert config.id2label == {0: "animals", 1: "weather"}
    assert config.problem_type == "single_label_classification"
    # All but the pooler and the head stayed as they were.
    old, new = (
        load_file(at / "model.safetensors") for at in (root / "model", output / "model")
    )
    for name, array in new.items():
        same = name in old and np.array_equal(old[name], array)
        assert same == (not name.startswith(("classifier", "albert.pooler"))), name
    card = (output / "model" / "README.md").read_text()
    assert f"| {root.name}/dev.jsonl | accuracy |" in card
    assert f"| {root.name}/train.jsonl | accuracy |" in card
    rows = [json.loads(line) for line in answers.read_text().splitlines()]
    assert len(rows) == 24
    assert {row["label"] for row in rows} <= set(WORDS)
    # The best model answers again as it did.
    from albert import pipeline

    found = pipeline("text-classification", str(output / "model"))("cat dog", top_k=1)
    assert found[0]["label"] in WORDS


def test_goes_on_to_the_last_bit(root, tmp_path, monkeypatch):
    from albert.pt.training import Trainer

    whole, stopped = tmp_path / "whole", tmp_path / "stopped"
    assert main(_arguments(root, whole)) == 0
    real = Trainer.step

    def failing(self, parts, shares, number, *others):
        if number == 9:
            raise OSError("no space left on device")
        return real(self, parts, shares, number, *others)

    with monkeypatch.context() as patch:
        patch.setattr(Trainer, "step", failing)
        assert main(_arguments(root, stopped)) == 1
    assert main(_arguments(root, stopped)) == 0
    assert _log(stopped) == _log(whole)
    one, other = (load_file(at / "model/model.safetensors") for at in (whole, stopped))
    for name in one:
        np.testing.assert_array_equal(one[name], other[name], err_msg=name)


def test_patience_ends_a_run_early_and_for_good(root, tmp_path, capsys):
    output = tmp_path / "run"
    given = _arguments(root, output, patience=1, **{"learning-rate": "1e-9"})
    assert main(given) == 0
    assert "albert: COLLAPSED after step 4: the model gives the label 'animals'" in (
        capsys.readouterr().err
    )
    log = _log(output)
    assert log[-1]["step"] == 8
    assert main(given) == 0
    assert _log(output) == log


def test_a_random_model_is_a_baseline(root, tmp_path, capsys):
    output = tmp_path / "run"
    shutil.copy(root / "model" / "config.json", tmp_path)
    changed = {
        "model": "",
        "config": tmp_path / "config.json",
        "tokenizer": "albert-demo",
        "steps": 1,
        "eval": "",
    }
    assert main(_arguments(root, output, **changed)) == 0
    captured = capsys.readouterr()
    assert "albert: THE ENCODER IS RANDOM: the model starts from a" in captured.err
    assert "new, not pretrained   backbone, pooler, classifier" in captured.out
    card = (output / "model" / "README.md").read_text()
    assert (
        "\n# run\n\n**NOT PRETRAINED: the encoder started from random weights, as a "
        "baseline does.**\n"
    ) in card
    assert "| start | random weights |" in card


@pytest.mark.parametrize(
    ("changed", "status", "text"),
    [
        ({"column": "text"}, 2, "--column must be ROLE=NAME, such as text=review, but"),
        ({"column": "text=body"}, 1, "train.jsonl, line 1: has no column 'body' for"),
        ({"train": "nowhere.csv"}, 1, "nowhere.csv"),
        ({"max-length": 17}, 1, "max_length must be at most 16, which is what the"),
        ({"eval": "", "patience": 2}, 1, "patience needs held-out data to evaluate"),
        ({"eval": "", "predict": "x"}, 1, "predict needs held-out or test data to"),
        ({"patience": -1}, 1, "patience must be 0 or more, but is -1."),
        ({"model": "", "config": "albert-base-v2"}, 2, "--config needs --tokenizer"),
        ({"epochs": 0}, 1, "epochs must be above 0 and finite, but is 0.0."),
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


def test_labels_that_only_the_evaluation_data_have(root, tmp_path, capsys):
    (tmp_path / "dev.csv").write_text("text,label\ncat,plants\n")
    arguments = _arguments(root, tmp_path / "run", eval=tmp_path / "dev.csv", steps=4)
    assert main(arguments) == 1
    assert "dev.csv, line 2: the label 'plants' is none of the model's 2: animals," in (
        capsys.readouterr().err
    )
