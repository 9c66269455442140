"""Columns of a dataset, as inputs of a pipeline; transformers has the same two."""

from __future__ import annotations

from typing import Any

from albert.common.tasks.inputs import PAIR


class KeyDataset:
    """One column of a dataset.

    Args:
        dataset: has a length, and rows by number that are dictionaries.
        key: of the column.
    """

    def __init__(self, dataset: Any, key: str) -> None:
        self.dataset, self.key = dataset, key

    def __len__(self) -> int:
        return len(self.dataset)

    def __getitem__(self, index: int) -> Any:
        return self.dataset[index][self.key]


class KeyPairDataset:
    """Two columns of a dataset, as `text` and `text_pair`.

    Args:
        dataset: has a length, and rows by number that are dictionaries.
        key1: of the first text's column.
        key2: of the second's.
    """

    def __init__(self, dataset: Any, key1: str, key2: str) -> None:
        self.dataset, self.keys = dataset, (key1, key2)

    def __len__(self) -> int:
        return len(self.dataset)

    def __getitem__(self, index: int) -> dict[str, Any]:
        row = self.dataset[index]
        return {name: row[key] for name, key in zip(PAIR, self.keys, strict=True)}
