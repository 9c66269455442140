"""`albert demo`: fill the masks of real sentences, the frameworks side by side."""

from __future__ import annotations

import argparse
import itertools
import sys
import time
from typing import Any, NamedTuple

import numpy as np

from albert.cli import frameworks
from albert.cli.arguments import not_empty, positive
from albert.common.config import AlbertConfig
from albert.common.hub import DEMO_NAME
from albert.common.tasks import backend
from albert.common.tasks.batching import Runner, compute
from albert.common.tasks.fill_mask import FillMask, FillMaskOptions
from albert.common.tasks.task import Encoded

SENTENCES = (
    "The capital of [MASK] is Paris.",
    "The president of the United [MASK] signed the treaty.",
    "He went to the [MASK] and sat down.",
    "She opened the door and looked out of the [MASK] at the garden.",
    "The [MASK] of the cell contains the genetic material.",
)

_WIDTH = 26


class _Answer(NamedTuple):
    """What one framework said of one sentence.

    Fields:
        masks: for each mask the fillings, the most probable first.
        logits: at the masks, float [M, V].
        seconds: of a call after the first.
    """

    masks: list[list[dict[str, Any]]]
    logits: np.ndarray
    seconds: float


def add_parser(commands: Any) -> None:
    """Add the command to the parser."""
    parser = commands.add_parser(
        "demo",
        help="fill the masks of a few sentences with each framework",
        description="Fill the masks of real sentences, the frameworks side by side, "
        "offline, with the checkpoint that ships in the package.",
        epilog='example: albert demo --framework pt --text "Plants create [MASK] '
        'through a process known as photosynthesis."',
    )
    parser.add_argument(
        "--text",
        action="append",
        help="a sentence with [MASK] in it; may be given several times",
    )
    parser.add_argument(
        "--framework",
        action="append",
        choices=tuple(backend.PREFIXES),
        help="use this one only; may be given several times (default: all installed)",
    )
    parser.add_argument(
        "--model",
        type=not_empty,
        default=DEMO_NAME,
        help=f"a checkpoint's folder ({DEMO_NAME})",
    )
    parser.add_argument(
        "--top-k", type=positive, default=5, help="candidates to show (5)"
    )
    parser.set_defaults(run=run)


def run(chosen: argparse.Namespace) -> int:
    """Fill the masks and print the tables.

    Args:
        chosen: the command's arguments, as parsed.

    Returns:
        0.

    Raises:
        ImportError: a framework that was asked for, or every one, is not installed.
        FileNotFoundError: there is no such checkpoint.
        ValueError: a text has no mask.
    """
    from albert.common.tokenization import AlbertTokenizerFast

    tokenizer = AlbertTokenizerFast.from_pretrained(chosen.model)
    task = FillMask(tokenizer, AlbertConfig.from_pretrained(chosen.model))
    options = FillMaskOptions(top_k=chosen.top_k)
    texts = chosen.text or SENTENCES
    encoded = [task.encode(text, options) for text in texts]
    answers: dict[str, list[_Answer]] = {}
    for framework in frameworks.chosen(chosen.framework):
        print(f"loading {chosen.model} in {framework} ...", file=sys.stderr)
        model_class = backend.model_class(framework, task.model_class)
        runner = backend.make_runner(model_class.from_pretrained(chosen.model))
        answers[framework] = [_answer(runner, task, one, options) for one in encoded]
    for number, text in enumerate(texts):
        _print_table(text, {name: found[number] for name, found in answers.items()})
    return 0


def _answer(
    runner: Runner, task: FillMask, encoded: Encoded, options: FillMaskOptions
) -> _Answer:
    compute(runner, task, encoded.rows, 1)  # the first call of a length may compile
    start = time.perf_counter()
    outputs = compute(runner, task, encoded.rows, 1)
    seconds = time.perf_counter() - start
    found, logits = task.decode(encoded, outputs, options), outputs[0]["logits"]
    return _Answer(found if len(logits) > 1 else [found], logits, seconds)


def _print_table(text: str, answers: dict[str, _Answer]) -> None:
    print(f"\n{text}")
    print(_row("", answers))
    first = next(iter(answers.values()))
    for mask in range(len(first.masks)):
        if len(first.masks) > 1:
            print(f"  mask {mask + 1}")
        columns = [answer.masks[mask] for answer in answers.values()]
        for rank, fillings in enumerate(zip(*columns, strict=True), start=1):
            cells = [f"{one['token_str']:17} {one['score']:.4f}" for one in fillings]
            print(_row(str(rank), cells))
    print(_row("time", [f"{a.seconds * 1000:.1f} ms" for a in answers.values()]))
    if len(answers) > 1:
        print(f"  largest difference of the logits: {_spread(answers):.1e}")


def _row(title: str, cells: Any) -> str:
    return f"  {title:5}" + "".join(f"{cell:{_WIDTH}}" for cell in cells).rstrip()


def _spread(answers: dict[str, _Answer]) -> float:
    pairs = itertools.combinations(answers.values(), 2)
    return max(float(np.abs(a.logits - b.logits).max()) for a, b in pairs)
