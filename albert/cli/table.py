"""Answers as tables on a terminal."""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, TextIO

import numpy as np

from albert.common.records import TEXT_COLUMN, Record

_FIRST = 4
"""Numbers of a vector that are shown."""


class Tables:
    """For each input its columns, and below them a table of the answer.

    Args:
        file: a terminal; its encoding and width are kept to.
    """

    def __init__(self, file: TextIO) -> None:
        self._file = file
        self._lines: list[str] = []

    def write(self, record: Record, answer: Any) -> None:
        """Take an answer; it is kept back until `flush`.

        Args:
            record: the input.
            answer: to it.
        """
        for name, value in record.columns.items():
            plain = list(record.columns) == [TEXT_COLUMN]
            self._lines.append(_cell(value) if plain else f"{name}: {_cell(value)}")
        self._lines += [f"  {line}" for line in _lines(answer)]
        self._lines.append("")

    def flush(self) -> None:
        """Print what was kept back."""
        width = shutil.get_terminal_size().columns
        encoding = self._file.encoding or "utf-8"
        for line in self._lines:
            shown = line if len(line) <= width else f"{line[: width - 1]}…"
            printable = shown.encode(encoding, "replace").decode(encoding)
            self._file.write(f"{printable}\n")
        self._lines.clear()
        self._file.flush()


def _lines(answer: Any) -> Iterable[str]:
    if _is_nested(answer):
        for number, part in enumerate(answer, start=1):
            yield f"({number})"
            yield from _lines(part)
        return
    rows = _rows(answer)
    if not rows:
        yield "(none)"
        return
    cells = [list(rows[0]), *([_cell(value) for value in row.values()] for row in rows)]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    for row in cells:
        padded = (f"{cell:{width}}" for cell, width in zip(row, widths, strict=True))
        yield "  ".join(padded).rstrip()


def _is_nested(answer: Any) -> bool:
    """Tell several tables, as of several masks, from one."""
    return bool(_is_list(answer) and answer and _is_list(answer[0]) and answer[0]) and (
        isinstance(answer[0][0], Mapping)
    )


def _rows(answer: Any) -> Sequence[Mapping[str, Any]]:
    if isinstance(answer, Mapping):
        columns = {name: value for name, value in answer.items() if _is_list(value)}
        if columns and len({len(value) for value in columns.values()}) == 1:
            # Such as labels and scores, place by place.
            found = zip(*columns.values(), strict=True)
            return [dict(zip(columns, values, strict=True)) for values in found]
        return [answer]
    if _is_list(answer) and all(isinstance(one, Mapping) for one in answer):
        return answer
    return [{"answer": answer}]


def _is_list(value: Any) -> bool:
    return isinstance(value, (list, tuple))


def _cell(value: Any) -> str:
    if isinstance(value, (float, np.floating)):
        return f"{value:.4f}"
    if isinstance(value, np.ndarray) or (_is_list(value) and _is_numbers(value)):
        array = np.asarray(value)
        first = ", ".join(f"{number:.4f}" for number in array.ravel()[:_FIRST])
        more = ", …" if array.size > _FIRST else ""
        shape = ", ".join(str(size) for size in array.shape)
        return f"[{shape}]: {first}{more}"
    # What moves the cursor or colours must not come from a text.
    return "".join(c if c.isprintable() else " " for c in str(value))


def _is_numbers(value: Any) -> bool:
    while _is_list(value) and value:
        value = value[0]
    return isinstance(value, (float, np.floating))
