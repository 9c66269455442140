"""What the arguments of `albert run` ask for, checked before anything is loaded."""

from __future__ import annotations

import argparse
import itertools
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from albert._version import __version__
from albert.cli.arguments import UsageError
from albert.common.hub import DEMO_NAME
from albert.common.records import (
    FORMS,
    TEXT_COLUMN,
    Record,
    read_file,
    read_stdin,
    read_texts,
)
from albert.common.tasks import backend
from albert.common.tasks.registry import DEMO_TASKS, task_class
from albert.common.tasks.task import Task, changed

STDIN = "-"

_SEVERAL = ("question-answering", "multiple-choice", "sentence-order")
"""Tasks whose input is more than one text."""


class Asked(NamedTuple):
    """A run that makes sense.

    Fields:
        chosen: the command's arguments, as parsed.
        kind: the task's class.
        options: of the task.
        keys: key of the task -> column of the input.
        named: the columns that the user named.
        form: one of `FORMS`.
        output: the file that is wanted; None for stdout.
    """

    chosen: argparse.Namespace
    kind: type[Task[Any]]
    options: dict[str, Any]
    keys: dict[str, str]
    named: Sequence[str]
    form: str
    output: Path | None

    def records(self) -> Iterator[Record]:
        """Open the input, and refuse what the first one shows to be misunderstood.

        Returns:
            The inputs.

        Raises:
            ImportError: the library for the file is not installed.
            OSError: there is no such file, or it cannot be read.
            UsageError: there is nothing to read, or a column is missing.
            ValueError: the file is not of the form.
        """
        records = _read(self.chosen, self.form)
        first = next(records, None)
        if first is None:
            return records
        self._check_columns(first)
        return itertools.chain([first], records)

    def _check_columns(self, first: Record) -> None:
        columns = first.columns
        missing = [name for name in self.named if name not in columns]
        if not missing and not any(name in columns for name in self.keys.values()):
            missing = list(self.keys.values())
        if missing:
            raise UsageError(
                f"{first.place}: there is no column {missing[0]!r} among "
                f"{', '.join(columns)}; --text-column, --pair-column and --column say "
                f"which ones to read."
            )
        answer = self.chosen.answer_column
        if answer in columns:
            raise UsageError(
                f"{first.place}: there is a column {answer!r} already; give the answer "
                f"another name with --answer-column."
            )

    def settings(self) -> dict[str, Any]:
        """Give all that the answers depend on, besides the inputs and the files."""
        chosen = self.chosen
        source = "arguments" if _has_texts(chosen) else chosen.input or STDIN
        return {
            "albert": __version__,
            "task": self.kind.name,
            "model": chosen.model or DEMO_NAME,
            "tokenizer": chosen.tokenizer,
            "revision": chosen.revision,
            "framework": backend.choose(chosen.framework),
            "device": chosen.device,
            "dtype": chosen.dtype,
            "batch_size": chosen.batch_size,
            "input": source,
            "input_format": self.form,
            "columns": self.keys,
            "answer_column": chosen.answer_column,
            "options": self.options,
        }


def understand(chosen: argparse.Namespace) -> Asked:
    """Make sense of the arguments.

    Args:
        chosen: the command's arguments, as parsed.

    Returns:
        What they ask for.

    Raises:
        UsageError: they contradict each other, or the task has no such option, value
            or key.
    """
    kind, form = task_class(chosen.task), _form(chosen)
    options, named = _options(chosen, kind), _named(chosen, kind)
    if chosen.model is None:
        _check_demo(chosen, kind)
    if form == "txt":
        keys = _key_of_text(kind, named)
    else:
        keys = {key: named.get(key, key) for key in kind.keys}
    output = _output(chosen)
    return Asked(chosen, kind, options, keys, list(named.values()), form, output)


def _options(chosen: argparse.Namespace, kind: type[Task[Any]]) -> dict[str, Any]:
    """Gather the task's options, and refuse what it would refuse."""
    given = {"top_k": chosen.top_k, "candidate_labels": chosen.candidate_labels}
    short = [pair for pair in given.items() if pair[1] is not None]
    options = _once([*chosen.option, *short], "option")
    try:
        kind_options: Any = kind.options_class  # pyright: ignore
        changed(kind.name, kind_options(), options)
    except (TypeError, ValueError) as error:
        raise UsageError(str(error)) from None
    if kind.name == "zero-shot-classification" and "candidate_labels" not in options:
        raise UsageError(f"--candidate-labels must be given for {kind.name}.")
    return options


def _check_demo(chosen: argparse.Namespace, kind: type[Task[Any]]) -> None:
    if kind.name not in DEMO_TASKS:
        raise UsageError(
            f"--model must be given: the checkpoint in the package has no head for "
            f"{kind.name}."
        )
    if chosen.revision is not None:
        raise UsageError("--revision is for a --model on the hub.")


def _key_of_text(kind: type[Task[Any]], named: Mapping[str, str]) -> dict[str, str]:
    if named:
        raise UsageError(
            "plain text has no columns to name; --input-format says if it is no plain "
            "text."
        )
    if kind.name in _SEVERAL:
        raise UsageError(
            f"an input of {kind.name} is more than a line: give a table with the "
            f"columns {', '.join(kind.keys)}, or JSON objects with --input-format "
            f"jsonl."
        )
    return {kind.keys[0]: TEXT_COLUMN}


def _named(chosen: argparse.Namespace, kind: type[Task[Any]]) -> dict[str, str]:
    """Tell the columns that the user named, by the task's keys."""
    named = list(chosen.column)
    if chosen.text_column is not None:
        named.append((kind.keys[0], chosen.text_column))
    if chosen.pair_column is not None:
        if len(kind.keys) < 2:
            raise UsageError(f"--pair-column: {kind.name} reads one text, not a pair.")
        named.append((kind.keys[1], chosen.pair_column))
    found = _once(named, "column of")
    for key in found:
        if key not in kind.keys:
            raise UsageError(
                f"{kind.name} has no key {key!r}; it has {', '.join(kind.keys)}."
            )
    return found


def _once(pairs: Sequence[tuple[str, Any]], what: str) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, value in pairs:
        if name in found:
            raise UsageError(f"the {what} {name!r} is given twice.")
        found[name] = value
    return found


def _form(chosen: argparse.Namespace) -> str:
    """Tell the form of the input, and refuse what is none."""
    if chosen.text and chosen.input is not None:
        raise UsageError("give texts as arguments or --input, not both.")
    given: str | None = chosen.input_format
    if chosen.input in (None, STDIN):
        allowed = ("txt", "jsonl") if _has_texts(chosen) else ("txt", "csv", "jsonl")
        if given not in (None, *allowed):
            raise UsageError(f"--input-format {given} is for --input FILE.")
        return given or "txt"
    found = given or Path(chosen.input).suffix[1:].lower()
    if found not in FORMS:
        raise UsageError(
            f"--input must end in {', '.join(f'.{form}' for form in FORMS)}, but is "
            f"{chosen.input!r}; --input-format says what it is."
        )
    return found


def _has_texts(chosen: argparse.Namespace) -> bool:
    return bool(chosen.text) and chosen.text != [STDIN]


def _read(chosen: argparse.Namespace, form: str) -> Iterator[Record]:
    if _has_texts(chosen):
        return read_texts(chosen.text, form)
    if chosen.input not in (None, STDIN):
        return read_file(Path(chosen.input).expanduser(), form)
    asked_for = chosen.input == STDIN or chosen.text
    if sys.stdin is None or (sys.stdin.isatty() and not asked_for):
        raise UsageError(
            "there is no input: give texts as arguments, --input FILE, or lines on "
            "stdin."
        )
    return read_stdin(form)


def _output(chosen: argparse.Namespace) -> Path | None:
    if chosen.output is None:
        if chosen.resume or chosen.overwrite:
            raise UsageError("--resume and --overwrite are for --output.")
        return None
    path = Path(chosen.output).expanduser()
    if path.suffix != ".jsonl":
        raise UsageError(f"--output must end in .jsonl, but is {chosen.output!r}.")
    if not path.parent.is_dir():
        raise UsageError(f"--output: there is no folder '{path.parent}'.")
    if path.is_dir():
        raise UsageError(f"--output: '{path}' is a folder.")
    if chosen.input is not None and path.exists():
        given = Path(chosen.input).expanduser()
        if given.exists() and path.samefile(given):
            raise UsageError("--output and --input are the same file.")
    return path
