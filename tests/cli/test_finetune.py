"""`albert finetune` as a user runs it, in the three frameworks."""

import errno
import importlib
import json
import os
import random
import shutil

import numpy as np
import pytest
import torch
from safetensors.numpy import load_file

from albert.cli import main
from albert.common.auto import AutoTokenizer
from albert.common.config import AlbertConfig
from albert.common.loading import load_arrays
from albert.common.names import weights
from albert.common.opening import open_checkpoint
from albert.common.saving import save_arrays
from albert.common.tasks import backend
from albert.common.tasks.backend import PREFIXES
from albert.common.training import run_folder
from albert.common.training.initial import initial_weights
from albert.common.training.objectives import task
from albert.common.tuning.batches import TaskData
from albert.common.tuning.kind import TaskSettings
from albert.common.tuning.registry import TASKS, kind_of
from albert.common.tuning.starting import write_start

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


ROWS = {
    "token-classification": [
        {"tokens": ["a", "cat"], "tags": ["DET", "NOUN"]},
        {"tokens": ["the", "rain"], "tags": ["DET", "NOUN"]},
    ],
    "question-answering": [
        {
            "id": "first",
            "question": "Who?",
            "context": "a cat sat",
            "answers": [{"text": "cat", "answer_start": 2}],
        },
        {"question": "Where?", "context": "a cat sat", "answers": []},
    ],
    "multiple-choice": [
        {"question": "a cat", "choices": ["sat", "fell"], "label": 0},
        {"question": "rain", "choices": ["sat", "fell"], "label": 1},
    ],
    "fill-mask": [{"text": "the cat sat on the mat"}, {"text": "rain fell all day"}],
    "regression": [{"text": "cat", "label": -100.0}, {"text": "rain", "label": 0.5}],
    "multi-label": [
        {"text": "cat and rain", "label": ["animals", "weather"]},
        {"text": "rain", "label": ["weather"]},
    ],
}
ANSWERS = {
    "token-classification": {"tokens", "tags", "expected"},
    "question-answering": {"question", "answer", "score", "start", "end", "expected"},
    "multiple-choice": {"choice", "index", "score", "expected"},
    "fill-mask": {"text", "masked"},
    "regression": {"score", "expected"},
    "multi-label": {"labels", "scores", "expected"},
}


@pytest.mark.parametrize("what", ROWS)
def test_every_task_writes_its_answers(root, tmp_path, what):
    data, answers = tmp_path / "data.jsonl", tmp_path / "answers.jsonl"
    data.write_text("".join(json.dumps(row) + "\n" for row in ROWS[what]))
    task, problem = (what, "") if what in TASKS else ("text-classification", what)
    changed = {
        "task": task,
        "problem": problem,
        "train": data,
        "eval": data,
        "predict": answers,
        "steps": 2,
        "batch-size": 2,
        "accumulation": 2,
        "eval-every": 2,
    }
    assert main(_arguments(root, tmp_path / "run", **changed)) == 0
    first, second = (json.loads(line) for line in answers.read_text().splitlines())
    assert second.keys() == ANSWERS[what]
    assert first.keys() - second.keys() == ({"id"} if "id" in ROWS[what][0] else set())
    card = (tmp_path / "run" / "model" / "README.md").read_text()
    assert f"- {tmp_path.name}/data.jsonl, for {task}\n" in card


@pytest.mark.parametrize("problem", ["regression", "multi-label"])
def test_numbers_and_several_labels_have_one_loss_in_three_frameworks(
    root, tmp_path, problem
):
    settings = TaskSettings(problem=problem)
    kind_class = kind_of("text-classification")
    examples = [
        kind_class.example(f"row {number}", row)
        for number, row in enumerate(ROWS[problem])
    ]
    old = AlbertConfig.from_pretrained(root / "model")
    changes = kind_class.changes(examples, old, settings)
    config = AlbertConfig.from_dict(old.to_dict(), **changes)
    tokenizer = AutoTokenizer.from_pretrained(root / "model")
    kind = kind_class(tokenizer, config, settings)
    batch = TaskData(kind, examples, 2, 0).batch(0)
    assert batch["labels"].dtype == np.float32
    assert task().shares([batch], batch) == [{"task": 1.0}]
    class_name = kind.task.model_class
    write_start(root / "model", config, class_name, 0, tmp_path / "start")
    losses = {}
    for framework in PREFIXES:
        model_class = backend.model_class(framework, class_name)
        model = model_class.from_pretrained(tmp_path / "start")
        module = importlib.import_module(f"albert.{framework}.training")
        to_tensor = torch.tensor if framework == "pt" else np.asarray
        tensors = {name: to_tensor(array) for name, array in batch.items()}
        loss = module.task_losses(model, tensors)["task"]
        losses[framework] = float(loss.detach() if framework == "pt" else loss)
    assert losses["pt"] > 0
    assert losses == pytest.approx(dict.fromkeys(PREFIXES, losses["pt"]), rel=1e-5)


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
    assert f"- {root.name}/train.jsonl, for text-classification\n" in card
    for line in (
        "| framework | pt |",
        f"| start | {root.name}/model |",
        "| rows | 24 |",
        "| steps | 12 |",
        "| batch size | 8 |",
        "| learning rate | 0.02 |",
        "| warm-up steps | 1 |",
        "| optimizer | adamw |",
        "| frozen | encoder |",
        "| seed | 5 |",
    ):
        assert f"\n{line}\n" in card
    assert "NOT PRETRAINED" not in card
    rows = [json.loads(line) for line in answers.read_text().splitlines()]
    assert len(rows) == 24
    assert {row["label"] for row in rows} <= set(WORDS)
    # The best model answers again as it did.
    from albert import pipeline

    found = pipeline("text-classification", str(output / "model"))("cat dog", top_k=1)
    assert found[0]["label"] in WORDS


def test_after_a_full_disk_it_goes_on_to_the_last_bit(
    root, tmp_path, capsys, monkeypatch
):
    whole, stopped = tmp_path / "whole", tmp_path / "stopped"
    assert main(_arguments(root, whole)) == 0
    real = run_folder.safetensors.write_file

    def full(path, arrays):
        real(path, arrays)
        if len(_log(stopped)) == 4:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(path))

    with monkeypatch.context() as patch:
        patch.setattr(run_folder.safetensors, "write_file", full)
        assert main(_arguments(root, stopped)) == 1
    assert (
        f"albert: [Errno {errno.ENOSPC}] No space left on device: nothing was written; "
        f"free some space, or give a folder where you may write: "
        f"'{stopped / 'checkpoint-00000010'}'"
    ) in capsys.readouterr().err
    assert [path.name for path in stopped.glob("checkpoint-*")] == [
        "checkpoint-00000005"
    ]
    assert not list(stopped.glob(".albert*"))
    assert main(_arguments(root, stopped)) == 0
    assert _log(stopped) == _log(whole)
    one, other = (_weights(at / "model") for at in (whole, stopped))
    for name in one:
        np.testing.assert_array_equal(one[name], other[name], err_msg=name)


def test_losses_that_are_no_numbers_lose_nothing(root, tmp_path, capsys, monkeypatch):
    from albert.pt import training

    real = training.task_losses

    def broken(model, batch):
        broken.calls += 1
        factor = float("nan") if broken.calls > 6 else 1
        return {"task": real(model, batch)["task"] * factor}

    broken.calls = 0
    output = tmp_path / "run"
    with monkeypatch.context() as patch:
        patch.setitem(training._LOSSES, "task", broken)
        assert main(_arguments(root, output)) == 1
    assert (
        "albert: step 7: the gradients' norm is nan and the loss nan. Nothing was "
        "changed by this step; the last checkpoint is as it was. A lower learning_rate "
        "or more warmup_steps may help."
    ) in capsys.readouterr().err
    assert main(_arguments(root, output)) == 0
    assert _log(output)[-1]["step"] == 12


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


def test_a_collapse_is_said_without_held_out_data_too(root, tmp_path, capsys):
    changed = {"eval": "", "steps": 1, "learning-rate": "1e-9"}
    assert main(_arguments(root, tmp_path / "run", **changed)) == 0
    assert (
        "albert: COLLAPSED after step 1: the model gives the label 'animals' to all 24 "
        in (capsys.readouterr().err)
    )


def test_several_processes_are_refused(root, tmp_path, capsys, monkeypatch):
    monkeypatch.setenv("WORLD_SIZE", "2")
    output = tmp_path / "run"
    assert main(_arguments(root, output)) == 1
    assert capsys.readouterr().err == (
        "albert: Fine-tuning runs in one process, but WORLD_SIZE is 2: start it "
        "without torchrun.\n"
    )
    assert not output.exists()


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
        (
            {"predict": "no/x"},
            1,
            "predict must be a file in a folder that is there, but",
        ),
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


DATA = [
    ("", "input '{file}' holds no row: give one with examples."),
    ("text,label\n", "input '{file}' holds no row: give one with examples."),
    (
        "text,mood\ncat,good\n",
        (
            "{file}, line 2: has no column 'label' for label; it has text, mood. Say "
            "which it is, such as --column label=text."
        ),
    ),
    (
        "text,label\ncat,animals\nrain\n",
        "{file}, line 3: has 1 columns, but the header has 2.",
    ),
    (
        "text,label\ncat,0\nrain,-1\n",
        "{file}, line 3: the label -1 is out of range: numbers of labels begin with 0.",
    ),
    (
        "text,label\ncat,animals\n,weather\n",
        "{file}, line 3: text must be a text that is not empty, but is ''.",
    ),
]


@pytest.mark.parametrize(("text", "error"), DATA)
def test_data_that_cannot_be(root, tmp_path, capsys, text, error):
    file, output = tmp_path / "train.csv", tmp_path / "run"
    file.write_text(text)
    assert main(_arguments(root, output, train=file)) == 1
    assert capsys.readouterr().err == f"albert: {error.format(file=file)}\n"
    assert not output.exists()


def test_labels_that_the_model_does_not_have(root, tmp_path, capsys):
    first = tmp_path / "first"
    assert main(_arguments(root, first, steps=1, eval="")) == 0
    file = tmp_path / "other.csv"
    file.write_text("text,label\ncat,pets\nrain,weather\n")
    changed = {"model": first / "model", "train": file, "eval": "", "steps": 1}
    capsys.readouterr()
    assert main(_arguments(root, tmp_path / "second", **changed)) == 1
    assert capsys.readouterr().err == (
        f"albert: {file}, line 2: the label 'pets' is none of the model's 2: animals, "
        f"weather. Labels come from the training data, or from the model if it has "
        f"names for them, unless --new-labels says otherwise.\n"
    )
    assert (
        main([*_arguments(root, tmp_path / "second", **changed), "--new-labels"]) == 0
    )
    config = AlbertConfig.from_pretrained(tmp_path / "second" / "model")
    assert config.label2id == {"pets": 0, "weather": 1}


def test_labels_that_only_the_evaluation_data_have(root, tmp_path, capsys):
    (tmp_path / "dev.csv").write_text("text,label\ncat,plants\n")
    arguments = _arguments(root, tmp_path / "run", eval=tmp_path / "dev.csv", steps=4)
    assert main(arguments) == 1
    assert "dev.csv, line 2: the label 'plants' is none of the model's 2: animals," in (
        capsys.readouterr().err
    )
