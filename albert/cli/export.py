"""`albert export`: files that run without this package, checked before they count."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from albert.cli.arguments import UsageError, add_source, class_named, not_empty
from albert.common.exporting import FILES, INT8_FILE, TOLERANCE, Report, export

_WIDTH = 11


def add_parser(commands: Any) -> None:
    """Add the command to the parser."""
    parser = commands.add_parser(
        "export",
        help="write a model for ONNX Runtime, TensorFlow, JAX or PyTorch alone",
        description="Write a model as files that run without this package, for every "
        "batch size and length. They are run and compared with the model; if an output "
        f"differs by more than {TOLERANCE:.0e}, nothing is written.",
        epilog="example: albert export albert-demo build/demo-onnx --to onnx",
    )
    add_source(parser, "MODEL")
    parser.add_argument(
        "directory",
        metavar="DIR",
        type=not_empty,
        help="a folder that is new or empty, or an earlier export, which makes way",
    )
    parser.add_argument(
        "--to",
        choices=tuple(FILES),
        required=True,
        help="onnx for ONNX Runtime, savedmodel for TensorFlow, stablehlo for JAX on "
        "CPU, GPU and TPU, torch-export for PyTorch",
    )
    parser.add_argument(
        "--class",
        dest="class_name",
        metavar="CLASS",
        type=class_named,
        help="one of the classes in the model, such as AlbertForMaskedLM (default: the "
        "one that its configuration names, or else the only one complete)",
    )
    parser.add_argument(
        "--int8",
        action="store_true",
        help=f"with --to onnx: write {INT8_FILE}, too, of about a third of the size, "
        f"and count how many answers are the same",
    )
    parser.add_argument(
        "--sentences",
        metavar="FILE",
        type=not_empty,
        help="with --int8: count on these texts, one on a line (default: ten English "
        "sentences)",
    )
    parser.set_defaults(run=run)


def run(chosen: argparse.Namespace) -> int:
    """Export, compare and print.

    Args:
        chosen: the command's arguments, as parsed.

    Returns:
        0.

    Raises:
        ImportError: the framework, or the packages for ONNX, are not installed.
        OSError: there is no such model, or the folder cannot be written to.
        UsageError: --int8 or --sentences do not go with the other options.
        ValueError: the model holds no such class, or the exported files compute
            something else; the folder is as it was.
    """
    if chosen.int8 and chosen.to != "onnx":
        raise UsageError(f"--int8 goes with --to onnx, not with --to {chosen.to}.")
    if chosen.sentences and not chosen.int8:
        raise UsageError("--sentences goes with --int8, whose answers it compares.")
    report = export(
        chosen.source,
        chosen.directory,
        chosen.to,
        class_name=chosen.class_name,
        int8=chosen.int8,
        sentences=_read_lines(chosen.sentences) if chosen.sentences else None,
    )
    _print(report)
    _line("wrote", Path(chosen.directory) / FILES[chosen.to])
    return 0


def _read_lines(path: str) -> list[str]:
    text = Path(path).expanduser().read_text("utf-8")
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    if not lines:
        raise ValueError(f"--sentences {path!r} holds no text.")
    return lines


def _print(report: Report) -> None:
    _line("class", f"{report.class_name} ({report.why})")
    _line("tokenizer", report.tokenizer)
    shapes = ", ".join("x".join(map(str, shape)) for shape in report.shapes)
    _line("compared", f"at {shapes}: outputs differ by up to {report.difference:.1e}")
    ratio = report.file_bytes / report.weight_bytes
    _line("size", f"{report.file_bytes:,} bytes, {ratio:.2f} x the weights")
    if report.int8 is not None:
        ratio = report.int8_bytes / report.file_bytes
        _line("int8", f"{report.int8_bytes:,} bytes, {ratio:.2f} x the float32 file")
        for line in report.int8.lines():
            _line("", line)


def _line(title: str, text: object) -> None:
    print(f"{title:{_WIDTH}}{text}")
