"""Windows of rows in memory, read ahead of their use."""

from __future__ import annotations

import os
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from albert.common.data.documents import import_arrow
from albert.common.data.order import Order, Window


class Column(NamedTuple):
    """Lists of one column.

    Fields:
        values: of all rows, one after the other.
        offsets: int64 [R + 1]; row i has the values from offsets[i] to offsets[i + 1].
    """

    values: np.ndarray
    offsets: np.ndarray

    def of(self, row: int) -> np.ndarray:
        """Give a row's values."""
        return self.values[self.offsets[row] : self.offsets[row + 1]]


class Held(NamedTuple):
    """A window in memory.

    Fields:
        window: which.
        numbers: int64 [R], of each row, counted over all shards.
        columns: the columns of lists by name.
        labels: int8 [R], of the sentence order.
    """

    window: Window
    numbers: np.ndarray
    columns: dict[str, Column]
    labels: np.ndarray


class Windows:
    """Reads windows; the next one while the one before it is used.

    Args:
        paths: of the shards.
        order: of the rows.
        columns: the columns of lists.
    """

    def __init__(
        self, paths: Sequence[Path], order: Order, columns: Sequence[str]
    ) -> None:
        self._paths, self._order, self._columns = list(paths), order, list(columns)
        self._forget()

    def get(self, epoch: int, number: int) -> Held:
        """Give a window, and begin to read the one behind it.

        Args:
            epoch: which epoch.
            number: of the window in it.

        Returns:
            The window with its rows.

        Raises:
            OSError: a shard cannot be read.
        """
        if self._process != os.getpid():
            # A process that was forked has no threads.
            self._forget()
        last = number + 1 == self._order.windows
        ahead = (epoch + 1, 0) if last else (epoch, number + 1)
        wanted = ((epoch, number), ahead)
        held = {key: self._held[key] for key in wanted if key in self._held}
        for key in wanted:
            if key not in held:
                held[key] = self._pool.submit(self._read, *key)
        self._held = held
        return held[wanted[0]].result()

    def _forget(self) -> None:
        self._process = os.getpid()
        self._pool = ThreadPoolExecutor(max_workers=1)
        self._held: dict[tuple[int, int], Future[Held]] = {}

    def __getstate__(self) -> dict[str, Any]:
        kept = ("_paths", "_order", "_columns")
        return {name: getattr(self, name) for name in kept}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        self._forget()

    def _read(self, epoch: int, number: int) -> Held:
        arrow, parquet = import_arrow()
        window = self._order.window(epoch, number)
        names = [*self._columns, "sentence_order_label"]
        tables: list[Any] = []
        for group in window.groups:
            with parquet.ParquetFile(self._paths[group.shard]) as file:
                read = file.read_row_group(group.place, names, use_threads=False)
            tables.append(read)
        table = arrow.concat_tables(tables)
        numbers = [np.arange(one.first, one.first + one.rows) for one in window.groups]
        columns = {name: _column(table.column(name)) for name in self._columns}
        labels = table.column("sentence_order_label").to_numpy()
        return Held(window, np.concatenate(numbers), columns, labels)


def _column(chunked: Any) -> Column:
    parts: list[np.ndarray] = []
    lengths: list[np.ndarray] = [np.zeros(1, np.int64)]
    for chunk in chunked.chunks:
        parts.append(chunk.flatten().to_numpy())
        lengths.append(np.diff(chunk.offsets.to_numpy()))
    offsets = np.cumsum(np.concatenate(lengths), dtype=np.int64)
    return Column(np.concatenate(parts), offsets)
