"""Documents in the work folder: any input, cut where the shards will be.

An input can be read from the first document on only, once and by one process. Written
down in parts, many processes can read it, each its part, and only that is in memory.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

from albert.common.data.documents import import_arrow
from albert.common.files import write_text

_LIST = "documents.json"


class Part(NamedTuple):
    """The documents of one shard.

    Fields:
        number: of the shard.
        first: number of the first document, counted over all inputs from 0.
        documents: how many there are.
    """

    number: int
    first: int
    documents: int


def write_parts(
    documents: Iterable[str], folder: Path, shard_bytes: int
) -> tuple[list[Part], int]:
    """Write documents in parts; blank ones are left out.

    Args:
        documents: from the first to the last.
        folder: of the run, for its own use.
        shard_bytes: a part ends with the document with which its text reaches this,
            in bytes of UTF-8.

    Returns:
        The parts, and the number of documents left out. What an earlier run has
        written is not written again.

    Raises:
        OSError: the disk is full, or a document cannot be read.
    """
    found = folder / _LIST
    if found.is_file():
        facts: Any = json.loads(found.read_text("utf-8"))
        return [Part(*part) for part in facts["parts"]], int(facts["blank"])
    parts: list[Part] = []
    held: list[str] = []
    size = blank = 0

    def write() -> None:
        first = parts[-1].first + parts[-1].documents if parts else 0
        parts.append(Part(len(parts), first, len(held)))
        _write(path_of(folder, parts[-1].number), held)
        held.clear()

    for text in documents:
        if not text.strip():
            blank += 1
            continue
        held.append(text)
        size += len(text.encode())
        if size >= shard_bytes:
            write()
            size = 0
    if held:
        write()
    write_text(found, json.dumps({"parts": parts, "blank": blank}))
    return parts, blank


def read_part(folder: Path, part: Part) -> Iterator[str]:
    """Give the documents of a part, in their order."""
    _, parquet = import_arrow()
    file = parquet.ParquetFile(path_of(folder, part.number))
    for batch in file.iter_batches(64):
        yield from batch.column(0).to_pylist()


def path_of(folder: Path, number: int) -> Path:
    """Give the path of a part."""
    return folder / f"documents-{number:05d}.parquet"


def _write(path: Path, texts: list[str]) -> None:
    arrow, parquet = import_arrow()
    table = arrow.table({"text": arrow.array(texts, arrow.large_string())})
    parquet.write_table(
        table, path, compression="zstd", use_dictionary=False, row_group_size=64
    )
