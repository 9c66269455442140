"""Shards: rows of examples in Parquet files."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from albert.common.data.documents import import_arrow
from albert.common.data.pairs import IN_ORDER, NO_ORDER, SWAPPED
from albert.common.files import atomic_path

FOLDER = "data"
"""Where shards are, inside the folder of the dataset."""

GROUP_ROWS = 256
"""Rows of a row group, the last of a shard left out: what is read at once."""

DYNAMIC = ("input_ids", "token_type_ids", "word_parts", "sentence_order_label")
"""Columns, if masks are drawn when rows are read."""

STATIC = (
    "input_ids",
    "token_type_ids",
    "masked_lm_positions",
    "labels",
    "sentence_order_label",
)
"""Columns, if masks are stored."""

_TYPES = {
    "input_ids": np.int32,
    "token_type_ids": np.int8,
    "word_parts": np.int8,
    "masked_lm_positions": np.int32,
    "labels": np.int32,
}
_COUNTED = {IN_ORDER: "in_order", SWAPPED: "swapped", NO_ORDER: "one_text"}
_COUNTS = b"albert.counts"


@dataclass
class ShardRows:
    """Rows that become a shard.

    Args:
        columns: `DYNAMIC` or `STATIC`.
    """

    columns: tuple[str, ...]
    _held: dict[str, list[np.ndarray]] = field(default_factory=dict[str, Any])
    _labels: list[int] = field(default_factory=list[int])
    _tokens: int = 0

    def add(self, label: int, **row: np.ndarray) -> None:
        """Add a row.

        Args:
            label: of the sentence order.
            **row: the other columns, one array each.
        """
        for name, values in row.items():
            self._held.setdefault(name, []).append(values)
        self._labels.append(label)
        self._tokens += len(row["input_ids"])

    def write(self, path: Path, **counts: int) -> None:
        """Write the shard, whole or not at all.

        Args:
            path: of the file.
            **counts: written beside those of rows, tokens and labels.

        Raises:
            OSError: the disk is full.
        """
        arrow, parquet = import_arrow()
        labels = Counter(self._labels)
        counts |= {"rows": len(self._labels), "tokens": self._tokens}
        counts |= {name: labels[label] for label, name in _COUNTED.items()}
        arrays = [
            _listed(arrow, name, self._held.get(name, [])) for name in self._lists
        ]
        arrays.append(arrow.array(self._labels, arrow.int8()))
        table = arrow.table(arrays, names=list(self.columns))
        table = table.replace_schema_metadata({_COUNTS: json.dumps(counts)})
        with atomic_path(path) as temporary:
            parquet.write_table(
                table,
                temporary,
                row_group_size=GROUP_ROWS,
                compression="zstd",
                write_statistics=False,
            )

    @property
    def _lists(self) -> tuple[str, ...]:
        return self.columns[:-1]


def _listed(arrow: Any, name: str, rows: list[np.ndarray]) -> Any:
    offsets = np.cumsum([0, *map(len, rows)], dtype=np.int32)
    empty = np.zeros(0, _TYPES[name])
    flat = np.concatenate([empty, *rows]).astype(_TYPES[name], copy=False)
    return arrow.ListArray.from_arrays(arrow.array(offsets), arrow.array(flat))


def name_of(number: int) -> str:
    """Give a shard's path inside the folder of the dataset."""
    return f"{FOLDER}/shard-{number:05d}.parquet"


def read_counts(path: Path) -> dict[str, int]:
    """Read what `ShardRows.write` has counted.

    Args:
        path: of the shard.

    Returns:
        documents, rows, tokens, in_order, swapped, one_text.

    Raises:
        ValueError: it is no shard.
    """
    arrow, parquet = import_arrow()
    try:
        counts: Any = json.loads(parquet.read_schema(path).metadata[_COUNTS])
    except (arrow.ArrowException, OSError, KeyError, TypeError, ValueError):
        raise ValueError(
            f"'{path}' is no shard that `albert prepare` has written, or is damaged: "
            f"remove it and run `albert prepare` again."
        ) from None
    return counts
