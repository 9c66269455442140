"""The columns of a batch: made from rows, or taken from what a user gives."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from albert.common.tokenization.encoding import Encoding
from albert.common.tokenization.kinds import is_list, is_mapping


def make_columns(
    rows: Sequence[Encoding],
    type_ids: bool,
    attention_mask: bool,
    special_tokens_mask: bool,
    offsets: bool,
    length: bool,
) -> dict[str, Any]:
    """Make the columns that a call asks for, a list of rows in each."""
    columns: dict[str, Any] = {"input_ids": [row.ids for row in rows]}
    if type_ids:
        columns["token_type_ids"] = [row.type_ids for row in rows]
    if attention_mask:
        columns["attention_mask"] = [row.attention_mask for row in rows]
    if special_tokens_mask:
        columns["special_tokens_mask"] = [row.special_tokens_mask for row in rows]
    if offsets:
        columns["offset_mapping"] = [row.offsets for row in rows]
    if length:
        columns["length"] = [len(row) for row in rows]
    return columns


def gather_columns(encoded: Any) -> dict[str, Any]:
    """Make columns of lists out of columns, or of rows.

    Args:
        encoded: columns, or a list of rows.

    Returns:
        The columns by name.

    Raises:
        ValueError: there is no column `input_ids`.
    """
    if is_list(encoded):
        names = list(encoded[0]) if encoded else ["input_ids"]
        encoded = {name: [row[name] for row in encoded] for name in names}
    found = ", ".join(encoded) if is_mapping(encoded) else "none"
    if not is_mapping(encoded) or "input_ids" not in encoded:
        raise ValueError(
            f"encoded_inputs must have a column 'input_ids' to be padded; its columns "
            f"are: {found}."
        )
    return {name: _plain(column) for name, column in encoded.items()}


def _plain(value: Any) -> Any:
    """Make lists of arrays and tensors, at any depth."""
    if hasattr(value, "tolist"):
        return value.tolist()
    if hasattr(value, "numpy"):
        return value.numpy().tolist()
    if is_list(value) and value and not isinstance(value[0], int):
        return [_plain(entry) for entry in value]
    return value
