"""One input or several: lists, generators and datasets alike."""

from __future__ import annotations

from collections.abc import Generator, Mapping
from typing import Any, cast


def is_one(given: Any) -> bool:
    """Tell a single input from several.

    Args:
        given: what a pipeline was called with.

    Returns:
        Whether it is one input, and not to be iterated.

    Raises:
        TypeError: it is a table, which would give its header.
    """
    if isinstance(given, (str, bytes, Mapping)) or getattr(given, "shape", None) == ():
        return True
    if hasattr(given, "columns") and hasattr(given, "shape"):
        raise TypeError(
            "a table must be given by a column, such as table['text'], or by its rows, "
            "such as table.to_dict('records'); iterated, it would give its header."
        )
    return not hasattr(given, "__iter__") and not _is_indexed(given)


def _is_indexed(given: Any) -> bool:
    """Tell a dataset of PyTorch's kind, which has a length and items by number."""
    return hasattr(given, "__getitem__") and hasattr(given, "__len__")


def items_of(given: Any, keys: tuple[str, ...]) -> Generator[Any]:
    """Give the inputs one after another.

    Args:
        given: a list, a generator, a dataset or the like.
        keys: columns that the task reads; others of a dataset are left out.

    Yields:
        The inputs.

    Raises:
        ValueError: a dataset has none of these columns.
    """
    # A streamed dataset has the attribute, but may not know its columns.
    is_dataset = hasattr(given, "column_names")
    columns: Any = getattr(given, "column_names", None)
    if columns and not set(keys) & set(columns):
        raise ValueError(
            f"the dataset has the columns {', '.join(columns)}, but of "
            f"{', '.join(keys)} none: rename one, or give one alone, such as "
            f"dataset[{columns[0]!r}]."
        )
    for item in given if hasattr(given, "__iter__") else _indexed(given):
        if is_dataset and isinstance(item, Mapping):
            row = cast(Mapping[str, Any], item)
            yield {key: row[key] for key in keys if key in row}
        else:
            yield item


def _indexed(given: Any) -> Generator[Any]:
    for index in range(len(given)):
        yield given[index]
