"""Where examples come from: files, SQuAD's JSON, columns of words, datasets."""

from __future__ import annotations

import gzip
import hashlib
import json
from collections.abc import Callable, Generator, Mapping
from pathlib import Path
from typing import Any, cast

from albert.common.data.sources import Reading, open_sources
from albert.common.records import Record, read_file

_ENDINGS: Mapping[str, str] = {
    "csv": "csv",
    "jsonl": "jsonl",
    "parquet": "parquet",
    "json": "squad",
    "conll": "conll",
    "conllu": "conll",
    "iob": "conll",
    "bio": "conll",
}

FORMS = tuple(dict.fromkeys(_ENDINGS.values()))
"""What `--input-format` takes."""


def read_records(given: str, reading: Reading) -> Generator[Record]:
    """Read the rows of an input with all their columns.

    Args:
        given: path of a file, of a folder that `datasets` has saved, or the name of a
            dataset on the hub.
        reading: `input_format`, one of `FORMS`, `split` and `subset` count.

    Yields:
        The rows. SQuAD's have id, question, context, answers; words in columns have
        their columns by number from 0, "0", "1" and so on, each a list.

    Raises:
        ImportError: a library for this form is not installed.
        OSError: there is no such input, or it cannot be read.
        ValueError: nothing tells what a file holds, or it is damaged.
    """
    path = Path(given).expanduser()
    if path.is_file():
        yield from _file(path, reading.input_format or _form_of(path))
        return
    load = open_sources([given], reading)[0].load
    assert load is not None
    for number, row in enumerate(load(), start=1):
        yield Record(f"{given}, row {number}", dict(row))


def identity_of(given: str, reading: Reading) -> dict[str, Any]:
    """Give what tells an input from others.

    Args:
        given: as in `read_records`.
        reading: likewise.

    Returns:
        The digest of a file, or what is known of a dataset.

    Raises:
        OSError: there is no such input.
    """
    path = Path(given).expanduser()
    if path.is_file():
        with open(path, "rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
        return {"name": path.name, "sha256": digest}
    return open_sources([given], reading)[0].identity


def _form_of(path: Path) -> str:
    name = path.name.lower().removesuffix(".gz")
    form = _ENDINGS.get(name.rpartition(".")[2])
    if form is None:
        raise ValueError(
            f"input {str(path)!r}: its ending says none of {', '.join(_ENDINGS)}, with "
            f"or without .gz; give the input_format, one of {', '.join(FORMS)}."
        )
    return form


def _file(path: Path, form: str) -> Generator[Record]:
    own = _OWN.get(form)
    if own is None:
        yield from read_file(path, form)
        return
    packed = path.suffix == ".gz"
    data = gzip.decompress(path.read_bytes()) if packed else path.read_bytes()
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise ValueError(
            f"'{path}': its byte {error.start + 1} is not UTF-8."
        ) from None
    yield from own(str(path), text)


def _squad(place: str, text: str) -> Generator[Record]:
    """Read SQuAD 1.1 or 2.0: data, paragraphs, questions."""
    try:
        found: Any = json.loads(text)
    except (RecursionError, ValueError) as error:
        raise ValueError(f"'{place}' is no JSON: {error}") from None
    try:
        for article in found["data"]:
            for paragraph in article["paragraphs"]:
                for asked in paragraph["qas"]:
                    columns: dict[str, Any] = {
                        "id": asked["id"],
                        "question": asked["question"],
                        "context": paragraph["context"],
                        "answers": []
                        if asked.get("is_impossible")
                        else asked["answers"],
                    }
                    yield Record(f"{place}, question {asked['id']}", columns)
    except (KeyError, TypeError) as error:
        raise ValueError(
            f"'{place}' is not as SQuAD's JSON is, data with paragraphs with qas: "
            f"{type(error).__name__} {error}."
        ) from None


def _conll(place: str, text: str) -> Generator[Record]:
    """Read one word a line, in columns, with blank lines between sentences."""
    rows: list[list[str]] = []
    first = 1
    for number, line in enumerate((text + "\n\n").split("\n"), start=1):
        words = line.split("\t") if "\t" in line else line.split()
        if not words or not line.strip():
            if rows:
                columns: dict[str, Any] = {
                    str(at): list(one) for at, one in enumerate(zip(*rows, strict=True))
                }
                yield Record(f"{place}, line {first}", columns)
            rows = []
            continue
        # CoNLL-U: comments, words made of several, and words that are not there.
        joined = len(words) == 10 and not words[0].isdecimal()
        if line.startswith(("# ", "-DOCSTART-")) or joined:
            continue
        if rows and len(words) != len(rows[0]):
            raise ValueError(
                f"{place}, line {number}: has {len(words)} columns, but the lines "
                f"before it have {len(rows[0])}."
            )
        if not rows:
            first = number
        rows.append([word.strip() for word in words])


_OWN: Mapping[str, Callable[[str, str], Generator[Record]]] = {
    "squad": _squad,
    "conll": _conll,
}


def as_list(value: object) -> list[Any] | None:
    """Give a list that a column holds; None for anything else."""
    if isinstance(value, (list, tuple)):
        return list(cast("list[Any]", value))
    to_list: Any = getattr(value, "tolist", None)
    return to_list() if to_list is not None else None
