"""`albert run`: a task on texts, files or a pipe, in any framework."""

from __future__ import annotations

import argparse
import importlib
import json
import re
import sys
from collections import deque
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from albert.cli.arguments import UsageError, not_empty, positive
from albert.cli.asking import Asked, understand
from albert.cli.table import Tables
from albert.cli.writing import JsonLines, PartFile, Sink
from albert.common.hub import DEMO_NAME
from albert.common.records import FORMS, Record
from albert.common.tasks import backend
from albert.common.tasks.pipeline import BATCH_SIZE, Pipeline, pipeline
from albert.common.tasks.registry import TASKS
from albert.common.tasks.streaming import InputError, Stream, with_progress

_DTYPES = ("float32", "float16", "bfloat16", "float64", "auto")

_BATCHES = 16
"""Batches' worth of inputs that an interrupted run computes anew at most."""

_DESCRIPTION = """\
Answer texts that are given as arguments, by --input or on stdin. Answers are printed as
tables on a terminal; into a pipe and into --output they go as JSON lines, each with the
input's columns and the answer."""

_EPILOG = """\
examples:
  echo "Plants create [MASK]." | albert run --task fill-mask
  albert run --task fill-mask --input texts.txt --output answers.jsonl
  albert run --task text-classification --model FOLDER --input pairs.csv \\
      --text-column premise --pair-column hypothesis --option top_k=null

exit status: 0 done, also with errors that --skip-errors lets pass; 1 an input, a file
or a model could not be processed; 2 the command was not understood, or asks for what
cannot be; 130 interrupted by Ctrl-C"""


def add_parser(commands: Any) -> None:
    """Add the command to the parser."""
    parser = commands.add_parser(
        "run",
        help="run a task on texts, files or a pipe",
        description=_DESCRIPTION,
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "text", nargs="*", help="an input; none, or -, reads stdin, a line for each"
    )
    parser.add_argument(
        "--task",
        required=True,
        choices=TASKS,
        metavar="TASK",
        help=f"one of {', '.join(TASKS)}",
    )
    _add_model(parser)
    _add_options(parser)
    _add_input(parser)
    _add_output(parser)
    parser.set_defaults(run=run)


def _add_model(parser: Any) -> None:
    group = parser.add_argument_group("model")
    group.add_argument(
        "--model",
        metavar="NAME",
        type=not_empty,
        help="a folder, a weight file or a repository on the hub (default: "
        f"{DEMO_NAME}, a very small model in the package)",
    )
    group.add_argument(
        "--tokenizer",
        metavar="NAME",
        type=not_empty,
        help="a folder or a repository (default: the model's)",
    )
    group.add_argument(
        "--revision", help="a branch, tag or commit of the repository on the hub"
    )
    group.add_argument(
        "--framework",
        choices=tuple(backend.PREFIXES),
        help="default: the first that is installed",
    )
    group.add_argument(
        "--device",
        type=_device,
        help="such as cpu, cuda:1 or a number: 0 is the first accelerator (the CPU, "
        "if there is none), -1 the CPU (default: the best there is)",
    )
    group.add_argument("--dtype", choices=_DTYPES, help="default: float32")
    group.add_argument(
        "--batch-size",
        type=positive,
        metavar="N",
        default=BATCH_SIZE,
        help=f"texts that are computed together (default: {BATCH_SIZE}); 1 answers "
        "each line as it comes",
    )


def _add_options(parser: Any) -> None:
    group = parser.add_argument_group("task")
    group.add_argument(
        "--top-k", type=positive, metavar="K", help="how many answers to each input"
    )
    group.add_argument(
        "--candidate-labels",
        metavar="A,B,C",
        help="the labels of zero-shot-classification",
    )
    group.add_argument(
        "--option",
        action="append",
        default=[],
        type=_option,
        metavar="NAME=VALUE",
        help="any option that the task has in Python; the value is JSON or a text; "
        "may be given several times",
    )


def _add_input(parser: Any) -> None:
    group = parser.add_argument_group("input")
    group.add_argument(
        "--input",
        type=not_empty,
        metavar="FILE",
        help=f"a file that ends in {', '.join(f'.{form}' for form in FORMS)}, in UTF-8;"
        " - is stdin",
    )
    group.add_argument(
        "--input-format",
        choices=FORMS,
        help="what the input is (default: what the file's ending says; txt for stdin "
        "and arguments)",
    )
    group.add_argument(
        "--text-column",
        metavar="NAME",
        help="the column of the task's first key (default: of the same name)",
    )
    group.add_argument(
        "--pair-column",
        metavar="NAME",
        help="the column of the task's second key (default: of the same name)",
    )
    group.add_argument(
        "--column",
        action="append",
        default=[],
        type=_pair,
        metavar="KEY=NAME",
        help="the column of any key of the task; may be given several times",
    )


def _add_output(parser: Any) -> None:
    group = parser.add_argument_group("output")
    group.add_argument(
        "--output",
        type=not_empty,
        metavar="FILE.jsonl",
        help="write JSON lines there; the file stands there when all is done",
    )
    again = group.add_mutually_exclusive_group()
    again.add_argument(
        "--resume",
        action="store_true",
        help="go on with an interrupted run with the same --output, if there is one",
    )
    again.add_argument(
        "--overwrite", action="store_true", help="replace a file that is there"
    )
    group.add_argument(
        "--answer-column",
        metavar="NAME",
        type=not_empty,
        default="answer",
        help="the answer's name in JSON (default: answer)",
    )
    group.add_argument(
        "--skip-errors",
        action="store_true",
        help='answer {"error": "..."} to an input that cannot be processed, and go on',
    )
    group.add_argument(
        "--progress",
        action=argparse.BooleanOptionalAction,
        help="count the inputs on stderr (default: if that is a terminal, and no "
        "tables are printed)",
    )


def run(chosen: argparse.Namespace) -> int:
    """Answer the inputs.

    Args:
        chosen: the command's arguments, as parsed.

    Returns:
        0; or 1 if it was stopped and there is no way to say so.

    Raises:
        ImportError: the framework, or the library for the file, is not installed.
        KeyboardInterrupt: the user has stopped it.
        OSError: there is no such file or checkpoint.
        UsageError: the arguments ask for what cannot be.
        ValueError: an input or the model cannot be processed.
    """
    asked = understand(chosen)
    if asked.output is not None:
        return _run_into(asked.output, chosen, asked)
    records = asked.records()
    on_terminal = sys.stdout.isatty()
    sink: Sink = Tables(sys.stdout)
    if not on_terminal:
        sink = JsonLines(sys.stdout.buffer, chosen.answer_column)
    progress = _shows_progress(chosen.progress, on_terminal)
    work = _Work(_load(chosen, asked).stream(), asked, sink, progress)
    _tell_of(work.answer(records, _Tally()))
    return 0


def _run_into(path: Path, chosen: argparse.Namespace, asked: Asked) -> int:
    """Write JSON lines into a file."""
    part = PartFile(path, asked.settings(), chosen.answer_column)
    if chosen.resume and path.exists() and not part.part.exists():
        print(f"'{path}' is whole already; --overwrite writes it anew")
        return 0
    records, block = asked.records(), _BATCHES * chosen.batch_size
    part.open(chosen.resume, chosen.overwrite)
    try:
        kept = _Tally(*part.skip(records, block))
        stream = _load(chosen, asked).stream(kept.number, block)
        progress = _shows_progress(chosen.progress, False)
        done = _Work(stream, asked, part.lines(), progress).answer(records, kept)
        part.finish()
    except KeyboardInterrupt:
        raise KeyboardInterrupt(f"; --resume goes on with '{part.part}'") from None
    except BrokenPipeError:
        # Nobody reads stderr any more. Unlike stdout's, this end is not all there is.
        return 1
    finally:
        part.close()
    before = f", {kept.number} of them from before" if kept.number else ""
    print(f"{done.number} answers in '{path}'{before}")
    _tell_of(done)
    return 0


class _Tally(NamedTuple):
    """How many inputs are answered, and how many of the answers are errors."""

    number: int = 0
    errors: int = 0


class _Work(NamedTuple):
    """What answers records and where the answers go."""

    stream: Stream
    asked: Asked
    sink: Sink
    progress: bool

    def answer(self, records: Iterator[Record], before: _Tally) -> _Tally:
        """Answer what is left, after so many that are answered already."""
        number, errors = before
        pending: deque[Record] = deque()
        answers = self.stream.answers(self._inputs(records, pending))
        for answer in with_progress(answers, None, self.progress, 0):
            record = pending.popleft()
            if isinstance(answer, InputError):
                if not self.asked.chosen.skip_errors:
                    self.sink.flush()
                    raise ValueError(f"input {number} ({record.place}): {answer.cause}")
                answer = {"error": str(answer.cause)}
                errors += 1
            self.sink.write(record, answer)
            number += 1
            if not pending:
                self.sink.flush()
        return _Tally(number, errors)

    def _inputs(
        self, records: Iterator[Record], pending: deque[Record]
    ) -> Iterator[dict[str, Any]]:
        for record in records:
            pending.append(record)
            found = {
                key: record.columns.get(name) for key, name in self.asked.keys.items()
            }
            yield {key: value for key, value in found.items() if value is not None}


def _tell_of(done: _Tally) -> None:
    if not done.number:
        print("albert: there was no input", file=sys.stderr)
    if done.errors:
        print(
            f"albert: {done.errors} of {done.number} inputs could not be processed; "
            f"their answers say why",
            file=sys.stderr,
        )


def _load(chosen: argparse.Namespace, asked: Asked) -> Pipeline:
    if chosen.model is None:
        print(
            f"albert: no --model is given, so {DEMO_NAME} answers, a very small model "
            f"in the package",
            file=sys.stderr,
        )
    framework = backend.choose(chosen.framework)
    # It says what to install, if that is missing, which the next line does not.
    backend.model_class(framework, asked.kind.model_class)
    devices = importlib.import_module(f"albert.{framework}.devices")
    try:
        device = devices.find_device(chosen.device, "--device")
    except ValueError as error:
        raise UsageError(str(error)) from None
    return pipeline(
        chosen.task,
        chosen.model,
        tokenizer=chosen.tokenizer,
        framework=framework,
        revision=chosen.revision,
        device=device,
        dtype=chosen.dtype,
        batch_size=chosen.batch_size,
        on_error="return",
        **asked.options,
    )


def _shows_progress(chosen: bool | None, on_terminal: bool) -> bool:
    if chosen is None:
        return sys.stderr.isatty() and not on_terminal
    return chosen


def _device(text: str) -> str | int:
    return int(text) if re.fullmatch("-?[0-9]+", text) else not_empty(text)


def _pair(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not (name and equals and value):
        raise argparse.ArgumentTypeError(f"must be NAME=VALUE, but is {text!r}")
    return name, value


def _option(text: str) -> tuple[str, Any]:
    name, value = _pair(text)
    try:
        return name.replace("-", "_"), json.loads(value)
    except ValueError:
        return name.replace("-", "_"), value
