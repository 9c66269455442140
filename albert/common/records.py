"""Inputs by their columns: texts, lines of a file or of stdin, rows of a table."""

from __future__ import annotations

import csv
import gzip
import json
import sys
from collections.abc import Callable, Generator, Iterable, Mapping, Sequence
from importlib import import_module
from pathlib import Path
from typing import Any, NamedTuple, NoReturn, cast

TEXT_COLUMN = "text"
"""Column that a plain text is kept in."""

_ROWS = 1024
"""Rows of a Parquet file that are in memory as Python objects."""


class Record(NamedTuple):
    """One input, as it was read.

    Fields:
        place: where it stands, such as "texts.csv, line 4".
        columns: all that is known of it, by name.
    """

    place: str
    columns: dict[str, Any]


_Lines = Iterable[tuple[int, str]]
"""Lines with their ends, and their numbers from 1."""


def read_texts(texts: Sequence[str], form: str) -> Generator[Record]:
    """Read the arguments of the command line.

    Args:
        texts: the arguments; each is what a line of a file would be.
        form: "txt" or "jsonl".

    Yields:
        The inputs.

    Raises:
        ValueError: a text is no JSON object, but should be, or not UTF-8.
    """
    # A locale without UTF-8 leaves bytes in them that Python has not decoded.
    given = (text.encode("utf-8", "surrogateescape") for text in texts)
    yield from _LINED[form]("argument", _decoded("argument", given))


def read_stdin(form: str) -> Generator[Record]:
    """Read lines from stdin.

    Args:
        form: "txt", "csv" or "jsonl".

    Yields:
        The inputs.

    Raises:
        ValueError: it is not as the form asks, or not UTF-8.
    """
    lines = _decoded("stdin, line", sys.stdin.buffer)
    yield from _LINED[form]("stdin, line", lines)


def read_file(path: Path, form: str) -> Generator[Record]:
    """Read a file, a bounded part of it at a time.

    Args:
        path: of the file; one that ends in .gz is unpacked.
        form: one of `FORMS`.

    Yields:
        The inputs.

    Raises:
        ImportError: the library for this form is not installed.
        OSError: there is no such file, or it cannot be read.
        ValueError: it is not as the form asks, or not UTF-8.
    """
    if form == "parquet":
        yield from _parquet(path)
        return
    with _opened(path) as file:
        yield from _LINED[form](f"{path}, line", _decoded(f"{path}, line", file))


def _opened(path: Path) -> Any:
    return gzip.open(path, "rb") if path.suffix == ".gz" else open(path, "rb")


def _decoded(place: str, file: Iterable[bytes]) -> Generator[tuple[int, str]]:
    """Give lines as text; only LF ends one, whatever else Unicode has."""
    for number, line in enumerate(file, start=1):
        try:
            yield number, line.decode("utf-8-sig" if number == 1 else "utf-8")
        except UnicodeDecodeError as error:
            raise ValueError(
                f"{place} {number}: its byte {error.start + 1} "
                f"(0x{error.object[error.start]:02x}) is not UTF-8."
            ) from None


def _txt(place: str, lines: _Lines) -> Generator[Record]:
    for number, line in lines:
        if line.strip():
            text = line.removesuffix("\n").removesuffix("\r")
            yield Record(f"{place} {number}", {TEXT_COLUMN: text})


def _jsonl(place: str, lines: _Lines) -> Generator[Record]:
    for number, line in lines:
        if line.strip():
            yield Record(f"{place} {number}", _object(f"{place} {number}", line))


def _object(place: str, line: str) -> dict[str, Any]:
    try:
        found = json.loads(line, parse_constant=_refuse)
    except (RecursionError, ValueError) as error:
        raise ValueError(f"{place}: is no JSON: {error}") from None
    if not isinstance(found, dict):
        raise ValueError(
            f"{place}: must be a JSON object with the columns, but is {line.strip()!r}."
        )
    return cast("dict[str, Any]", found)


def _refuse(constant: str) -> NoReturn:
    raise ValueError(f"there is no {constant} in JSON")


def _csv(place: str, lines: _Lines) -> Generator[Record]:
    # The module's limit is 128 KiB; a long document is longer.
    csv.field_size_limit(sys.maxsize)
    rows = csv.reader((line for _, line in lines), strict=True)
    first, header = 1, None
    while True:
        try:
            row = next(rows, None)
        except csv.Error as error:
            raise ValueError(
                f"{place} {first}: is no CSV up to line {rows.line_num}: {error}."
            ) from None
        if row is None:
            return
        if row and header is None:
            header = _header(f"{place} {first}", row)
        elif row and header is not None:
            if len(row) != len(header):
                raise ValueError(
                    f"{place} {first}: has {len(row)} columns, but the header has "
                    f"{len(header)}."
                )
            columns = dict(zip(header, row, strict=True))
            yield Record(f"{place} {first}", columns)
        first = rows.line_num + 1


def _header(place: str, names: list[str]) -> list[str]:
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        raise ValueError(f"{place}: names the column {twice!r} twice.")
    return names


def _parquet(path: Path) -> Generator[Record]:
    try:
        pa: Any = import_module("pyarrow")
        parquet: Any = import_module("pyarrow.parquet")
    except ModuleNotFoundError as error:
        if error.name != "pyarrow":
            raise
        raise ImportError(
            'reading Parquet needs pyarrow: pip install "albert-models[parquet]"'
        ) from None
    number = 0
    with open(path, "rb") as opened:
        try:
            file = parquet.ParquetFile(opened)
            for batch in file.iter_batches(batch_size=_ROWS, use_threads=False):
                for columns in batch.to_pylist():
                    number += 1
                    yield Record(f"{path}, row {number}", columns)
        except (pa.ArrowException, OSError) as error:
            raise ValueError(
                f"'{path}' cannot be read as Parquet after row {number}: {error}"
            ) from None


_LINED: Mapping[str, Callable[[str, _Lines], Generator[Record]]] = {
    "txt": _txt,
    "csv": _csv,
    "jsonl": _jsonl,
}

FORMS = (*_LINED, "parquet")
"""What `--input-format` takes, and which endings of files are known."""
