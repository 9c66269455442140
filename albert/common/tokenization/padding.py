"""How long rows become, and what they are filled with."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

STRATEGIES = ("longest", "max_length", "do_not_pad")


def check_padding(padding: object) -> str:
    """Name the strategy for a `padding` argument.

    Args:
        padding: True (longest), False or None (none), or a strategy's name.

    Returns:
        The strategy's name.

    Raises:
        ValueError: it is none of these.
    """
    if padding is None or padding is False:
        return "do_not_pad"
    if padding is True:
        return "longest"
    if padding not in STRATEGIES:
        raise ValueError(
            f"padding must be True, False or one of {', '.join(STRATEGIES)}, got "
            f"{padding!r}."
        )
    return str(padding)


def target_length(
    lengths: Sequence[int], strategy: str, max_length: int | None, multiple: int | None
) -> int:
    """Tell how long every row becomes, in tokens.

    Args:
        lengths: the rows' lengths.
        strategy: longest, max_length or do_not_pad.
        max_length: the length for max_length.
        multiple: the length is rounded up to a multiple of this; None for not.

    Returns:
        The length; 0 if rows stay as they are.

    Raises:
        ValueError: max_length is wanted and not known, or `multiple` is below 1.
    """
    if multiple is not None and multiple < 1:
        raise ValueError(f"pad_to_multiple_of must be at least 1, got {multiple}.")
    if strategy == "do_not_pad":
        return 0
    if strategy == "max_length":
        if max_length is None:
            raise ValueError(
                "padding='max_length' needs a length, and this tokenizer has no "
                "model_max_length: give max_length, or padding='longest'."
            )
        target = max_length
    else:
        target = max(lengths, default=0)
    return -(-target // multiple) * multiple if multiple else target


def fill(values: Sequence[Any], length: int, value: Any, side: str) -> list[Any]:
    """Fill a row up to `length` with `value` on `side` (left or right)."""
    extra = [value] * (length - len(values))
    return extra + list(values) if side == "left" else list(values) + extra


FILLERS: dict[str, Any] = {
    "token_type_ids": 0,
    "attention_mask": 0,
    "special_tokens_mask": 1,
    "offset_mapping": (0, 0),
}
"""What padding holds in each column; `input_ids` gets the pad token's id."""
