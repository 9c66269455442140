"""Files to documents, one at a time.

Only LF ends a line, whatever else Unicode has. All text is UTF-8.
"""

from __future__ import annotations

import gzip
import json
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing
from importlib import import_module
from pathlib import Path
from typing import Any, BinaryIO

from albert.common.texts import some
from albert.common.tokenization.normalize import check_text

_ROWS = 256


def form_of(path: Path) -> str | None:
    """Tell by its ending what a file holds.

    Args:
        path: of the file; ".gz" behind the ending is for a compressed one.

    Returns:
        One of `FORMS`, or None.
    """
    name = path.name.lower().removesuffix(".gz")
    return next((form for form in FORMS if name.endswith("." + form)), None)


def read_documents(path: Path, form: str, text_field: str) -> Iterator[str]:
    """Read a file, a bounded part of it at a time.

    Args:
        path: of the file; compressed with gzip if it ends in ".gz".
        form: one of `FORMS`.
        text_field: where the text is, in JSON lines and Parquet.

    Yields:
        The documents; an empty one may be among them.

    Raises:
        ImportError: the library for this form is not installed.
        OSError: there is no such file, or it cannot be read.
        ValueError: it is not as the form asks; the text says where.
    """
    yield from FORMS[form](path, text_field)


def _open(path: Path) -> BinaryIO:
    if path.name.lower().endswith(".gz"):
        return gzip.open(path, "rb")  # pyright: ignore[reportReturnType]
    return open(path, "rb")


def _lines(path: Path) -> Iterator[tuple[str, str]]:
    """Give the lines without their ends, and where each stands."""
    number = 0
    with closing(_open(path)) as file:
        try:
            for line in file:
                number += 1
                yield f"{path}, line {number}", _decoded(path, number, line)
        except (EOFError, gzip.BadGzipFile, zlib.error) as error:
            raise ValueError(
                f"'{path}' cannot be unpacked after line {number}: {error}"
            ) from None


def _decoded(path: Path, number: int, line: bytes) -> str:
    try:
        text = line.decode("utf-8-sig" if number == 1 else "utf-8")
    except UnicodeDecodeError as error:
        raise ValueError(
            f"{path}, line {number}: its byte {error.start + 1} "
            f"(0x{error.object[error.start]:02x}) is not UTF-8."
        ) from None
    return text.removesuffix("\n").removesuffix("\r")


def _txt(path: Path, text_field: str) -> Iterator[str]:
    """Give what stands between blank lines."""
    held: list[str] = []
    for _, line in _lines(path):
        if line.strip():
            held.append(line)
        elif held:
            yield "\n".join(held)
            held = []
    if held:
        yield "\n".join(held)


def _jsonl(path: Path, text_field: str) -> Iterator[str]:
    for place, line in _lines(path):
        if not line.strip():
            continue
        try:
            found: Any = json.loads(line)
        except (RecursionError, ValueError) as error:
            raise ValueError(f"{place}: is no JSON: {error}.") from None
        if not isinstance(found, dict):
            raise ValueError(f"{place}: must be a JSON object, but is {line[:60]!r}.")
        yield text_of(found, text_field, place)  # pyright: ignore


def text_of(record: Mapping[str, Any], text_field: str, place: str) -> str:
    """Take the text out of a record.

    Args:
        record: its fields by name.
        text_field: the text's; None in it is an empty text.
        place: where the record stands, for an error.

    Returns:
        The text.

    Raises:
        ValueError: there is no such field, or no text in it.
    """
    check_field(record.keys(), text_field, place)
    text = record[text_field]
    if text is None:
        return ""
    if not isinstance(text, str):
        raise ValueError(
            f"{place}: {text_field!r} must be a text, but is {type(text).__name__}."
        )
    try:
        return check_text(text)
    except ValueError as error:
        raise ValueError(f"{place}: {error}") from None


def check_field(names: Any, text_field: str, place: str) -> None:
    """Check that a field is there.

    Args:
        names: of all fields.
        text_field: the text's.
        place: where they are, for an error.

    Raises:
        ValueError: it is not among them.
    """
    if text_field not in names:
        there = some(map(repr, names)) or "none"
        raise ValueError(
            f"{place}: has no field {text_field!r}; its fields are {there}: give the "
            f"one with the text as text_field."
        )


def _parquet(path: Path, text_field: str) -> Iterator[str]:
    arrow, parquet = import_arrow()
    number = 0
    with open(path, "rb") as opened:
        try:
            file = parquet.ParquetFile(opened)
            check_field(file.schema_arrow.names, text_field, str(path))
            for batch in file.iter_batches(_ROWS, columns=[text_field]):
                for record in batch.to_pylist():
                    number += 1
                    yield text_of(record, text_field, f"{path}, row {number}")
        except (arrow.ArrowException, OSError) as error:
            raise ValueError(
                f"'{path}' cannot be read as Parquet after row {number}: {error}"
            ) from None


def import_arrow() -> Sequence[Any]:
    """Import pyarrow.

    Returns:
        The modules `pyarrow` and `pyarrow.parquet`.

    Raises:
        ImportError: it is not installed.
    """
    try:
        arrow: Any = import_module("pyarrow")
        parquet: Any = import_module("pyarrow.parquet")
    except ModuleNotFoundError as error:
        if error.name != "pyarrow":
            raise
        raise ImportError(
            'pre-training data needs pyarrow: pip install "albert-models[train]"'
        ) from None
    return arrow, parquet


FORMS: Mapping[str, Callable[[Path, str], Iterator[str]]] = {
    "txt": _txt,
    "jsonl": _jsonl,
    "parquet": _parquet,
}
"""What a file can hold, by its ending."""
