"""`albert inspect`: what a checkpoint holds, without loading the weights."""

from __future__ import annotations

import argparse
import itertools
import json
import math
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from albert.cli.arguments import add_source
from albert.common import converting, names
from albert.common.checkpoint import forms, shards
from albert.common.checkpoint.forms import KINDS
from albert.common.converting import Fit
from albert.common.dialects import DIALECTS
from albert.common.opening import Checkpoint, open_checkpoint
from albert.common.texts import some

_LEFT = {
    "ignored": "left by training",
    "unexpected": "no ALBERT has these",
}
_WIDTH = 13


def add_parser(commands: Any) -> None:
    """Add the command to the parser."""
    parser = commands.add_parser(
        "inspect",
        help="show what a checkpoint holds",
        description="Show the form, the configuration and the tensors of a checkpoint, "
        "and which classes it is complete for, without loading the weights.",
        epilog="example: albert inspect albert-demo",
    )
    add_source(parser)
    parser.add_argument("--json", action="store_true", help="print JSON instead")
    parser.set_defaults(run=run)


def run(chosen: argparse.Namespace) -> int:
    """Open the checkpoint and print what is in it.

    Args:
        chosen: the command's arguments, as parsed.

    Returns:
        0.

    Raises:
        ImportError: the library for this form of file is not installed.
        OSError: there is no such checkpoint.
        ValueError: it is damaged or of another model.
    """
    checkpoint = open_checkpoint(chosen.source)
    found = _facts(checkpoint)
    if chosen.json:
        print(json.dumps(found, indent=2))
    else:
        _print(found)
    return 0


def _facts(checkpoint: Checkpoint) -> dict[str, Any]:
    """Say everything in a form that JSON has."""
    files = _files(checkpoint.file)
    return {
        # The suffix of an index in JSON says nothing, that of a file it names does.
        "form": next(KINDS[p.suffix].title for p in files if p.suffix in KINDS),
        "written_by": DIALECTS[checkpoint.dialect].title,
        "files": [{"path": str(path), "bytes": path.stat().st_size} for path in files],
        "config": checkpoint.config.to_dict(),
        "tensors": [
            {"name": name, "shape": list(array.shape), "dtype": array.dtype}
            for name, array in checkpoint.arrays.items()
        ],
        "parameters": sum(math.prod(a.shape) for a in checkpoint.arrays.values()),
        "ignored": list(checkpoint.ignored),
        "unexpected": list(checkpoint.unexpected),
        "classes": {
            name: _fit(converting.fit(checkpoint, name)) for name in names.PARTS
        },
        **_choice(checkpoint),
    }


def _files(path: Path) -> list[Path]:
    """List the files that hold the weights, an index first, the head's last."""
    task = forms.task_file(path)
    return [*_own_files(path), *([] if task is None else [task])]


def _own_files(path: Path) -> list[Path]:
    if path.suffix == ".json":
        return [path, *(path.parent / name for name in shards.shard_names(path))]
    if path.suffix == ".index":
        return [path, *sorted(path.parent.glob(f"{path.stem}.data-*"))]
    return [path]


def _fit(fit: Fit) -> dict[str, Any]:
    return {
        "complete": fit.complete,
        "pooling_layer": fit.pooling,
        "missing": list(fit.missing),
        "mis_shaped": [
            {"name": name, "shape": list(found), "needed": list(needed)}
            for name, found, needed in fit.mismatched
        ],
    }


def _choice(checkpoint: Checkpoint) -> dict[str, str | None]:
    """Say what `albert convert` would take the checkpoint for."""
    try:
        fit, why = converting.choose(checkpoint)
    except ValueError as error:
        return {"class": None, "why": str(error)}
    return {"class": fit.class_name, "why": why}


def _print(found: dict[str, Any]) -> None:
    _line("form", f"{found['form']}, as {found['written_by']} writes it")
    for title, file in zip(_titles("files"), found["files"], strict=False):
        _line(title, f"{file['path']} ({file['bytes']:,} bytes)")
    _line("parameters", f"{found['parameters']:,}")
    _line("class", f"{found['class'] or 'not known'} ({found['why']})")
    print("\nconfiguration")
    _print_columns([(name, repr(value)) for name, value in found["config"].items()])
    print("\ntensors")
    _print_columns([(t["name"], str(t["shape"]), t["dtype"]) for t in found["tensors"]])
    for title, why in _LEFT.items():
        if found[title]:
            print(f"\n{title}: {why}")
            _print_columns([(name,) for name in found[title]])
    print("\nclasses")
    _print_columns([(name, _lack(fit)) for name, fit in found["classes"].items()])


def _titles(first: str) -> Iterator[str]:
    yield first
    yield from itertools.repeat("")


def _line(title: str, text: str) -> None:
    print(f"{title:{_WIDTH}}{text}")


def _print_columns(rows: Sequence[tuple[str, ...]]) -> None:
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        cells = [f"{cell:{width}}" for cell, width in zip(row, widths, strict=True)]
        print(f"  {'  '.join(cells)}".rstrip())


def _lack(fit: dict[str, Any]) -> str:
    lack = [f"{name} is missing" for name in fit["missing"]]
    lack += [f"{t['name']} is not {t['needed']}" for t in fit["mis_shaped"]]
    if not lack and not fit["pooling_layer"]:
        return "complete, but for the pooling layer"
    return some(lack) or "complete"
