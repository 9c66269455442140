"""What fine-tuning a small checkpoint gives: score by task, framework and start.

    python -m benchmarks.tuned MODEL DATA RUNS --json FILE

Runs `albert finetune` with MODEL, and with the same network from random weights, on
four tasks in three frameworks with several seeds, and works out what the commonest
answer alone would score. DATA holds banking77/, ud_english_ewt/, squad/ and codah/;
RUNS gets a folder for each run. What is in the JSON file already is not run again.
"""

from __future__ import annotations

import argparse
import collections
import itertools
import json
import os
import re
import statistics
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from albert.common.files import write_text
from albert.common.tuning.squad import squad_scores

FRAMEWORKS = ("pt", "tf", "flax")
STARTS = ("pretrained", "random")


class Task(NamedTuple):
    """One task of the table.

    Fields:
        name: of `--task`.
        train: file within the data.
        test: likewise.
        figure: that the table shows.
        options: of the command, beside those of every task.
    """

    name: str
    train: str
    test: str
    figure: str
    options: tuple[str, ...]


TASKS = {
    "banking77": Task(
        "text-classification",
        "banking77/train.jsonl",
        "banking77/test.jsonl",
        "accuracy",
        ("--steps", "900", "--max-length", "64"),
    ),
    "UD English EWT, parts of speech": Task(
        "token-classification",
        "ud_english_ewt/train.jsonl",
        "ud_english_ewt/test.jsonl",
        "accuracy",
        ("--steps", "900", "--max-length", "96"),
    ),
    "SQuAD 1.1, parts of its development set": Task(
        "question-answering",
        "squad/devset-v1.1.train.json",
        "squad/devset-v1.1.eval.json",
        "f1",
        ("--steps", "600", "--max-length", "192", "--stride", "64"),
    ),
    "codah": Task(
        "multiple-choice",
        "codah/train.jsonl",
        "codah/test.jsonl",
        "accuracy",
        ("--steps", "400", "--max-length", "64"),
    ),
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run what is missing and print the table.

    Args:
        arguments: of the command line; None reads the process's own.

    Returns:
        0.
    """
    parser = argparse.ArgumentParser(prog="python -m benchmarks.tuned")
    parser.add_argument("model")
    parser.add_argument("data", type=Path)
    parser.add_argument("runs", type=Path)
    parser.add_argument("--json", type=Path, required=True)
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1])
    chosen = parser.parse_args(arguments)
    done: dict[str, Any] = (
        json.loads(chosen.json.read_text()) if chosen.json.exists() else {}
    )
    for title, seed, start, framework in itertools.product(
        TASKS, chosen.seeds, STARTS, FRAMEWORKS
    ):
        key = f"{title} | {start} | {framework} | seed {seed}"
        if key in done:
            continue
        folder = chosen.runs / re.sub(r"\W+", "-", key)
        command = _command(TASKS[title], framework, start, seed, chosen, folder)
        done[key] = _figures(command)
        print(key, done[key], flush=True)
        write_text(chosen.json, json.dumps(done, indent=1))
    print("\n".join(table(done, chosen.data)))
    return 0


def _command(
    task: Task, framework: str, start: str, seed: int, chosen: Any, folder: Path
) -> list[str]:
    source = "--model" if start == "pretrained" else "--config"
    return [
        *(sys.executable, "-m", "albert", "finetune", "--framework", framework),
        *("--task", task.name, source, chosen.model, "--tokenizer", chosen.model),
        *("--train", str(chosen.data / task.train)),
        *("--test", str(chosen.data / task.test)),
        *("--seed", str(seed), "--output", str(folder), *task.options),
    ]


def _figures(command: Sequence[str]) -> dict[str, float]:
    """Run a command and read the figures of the test data that it prints."""
    settings = {**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3"}
    run = subprocess.run(command, capture_output=True, text=True, env=settings)
    if run.returncode:
        raise RuntimeError(f"{' '.join(command)}\n{run.stderr}")
    lines = re.findall(r"^test (.+?)\s{2,}(\S+)$", run.stdout, re.MULTILINE)
    return {name.replace(" ", "_"): float(value) for name, value in lines}


def table(done: dict[str, Any], data: Path) -> Iterator[str]:
    """Give the table's lines: means over the seeds, and their range."""
    yield f"| | start | {' | '.join(FRAMEWORKS)} | commonest answer |"
    yield f"|---|---|{'---|' * (len(FRAMEWORKS) + 1)}"
    for title, task in TASKS.items():
        for start in STARTS:
            cells = [_cell(done, title, start, each) for each in FRAMEWORKS]
            most = (
                f"{100 * commonest(title, data):.1f}" if start == "pretrained" else ""
            )
            name = f"{title}, {task.figure}" if start == "pretrained" else ""
            yield f"| {name} | {start} | {' | '.join(cells)} | {most} |"


def _cell(done: dict[str, Any], title: str, start: str, framework: str) -> str:
    head = f"{title} | {start} | {framework} | "
    figure = TASKS[title].figure
    values = [100 * each[figure] for key, each in done.items() if key.startswith(head)]
    if not values:
        return "not run"
    spread = f" ({min(values):.1f} to {max(values):.1f})" if len(values) > 1 else ""
    return f"{statistics.mean(values):.1f}{spread}"


def commonest(title: str, data: Path) -> float:
    """Score the training data's commonest answer on the test data.

    Args:
        title: of the task.
        data: folder of the data.

    Returns:
        Accuracy; for questions F1.
    """
    task = TASKS[title]
    read = _answers if task.name == "question-answering" else _labels
    known = collections.Counter(itertools.chain(*read(data / task.train)))
    answer = known.most_common(1)[0][0]
    asked = list(read(data / task.test))
    if task.name == "question-answering":
        return squad_scores([answer] * len(asked), asked)["f1"]
    labels = list(itertools.chain(*asked))
    return labels.count(answer) / len(labels)


def _labels(file: Path) -> Iterator[list[Any]]:
    for line in file.read_text(encoding="utf-8").splitlines():
        row = json.loads(line)
        yield row["upos"] if "upos" in row else [row["label"]]


def _answers(file: Path) -> Iterator[list[str]]:
    for article in json.loads(file.read_text(encoding="utf-8"))["data"]:
        for paragraph in article["paragraphs"]:
            for question in paragraph["qas"]:
                yield [answer["text"] for answer in question["answers"]]


if __name__ == "__main__":
    sys.exit(main())
