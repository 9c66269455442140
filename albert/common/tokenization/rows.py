"""Sequences to rows: special tokens, truncation, and the rows it leaves over."""

from __future__ import annotations

from dataclasses import dataclass

from albert.common.tokenization.encoding import (
    Around,
    Encoding,
    Sequenced,
    Slice,
    make_row,
)
from albert.common.tokenization.truncation import keep_lengths, windows


@dataclass(frozen=True)
class RowPlan:
    """How rows are made.

    Args:
        cls: the token in front; None for none.
        sep: the token behind each text; None for none.
        strategy: a name from `truncation.STRATEGIES`.
        max_length: the greatest length of a row in tokens, special ones included;
            None for no limit.
        stride: tokens that a row left over shares with the one before it.
        side: the side that loses tokens.
    """

    cls: Around | None
    sep: Around | None
    strategy: str
    max_length: int | None
    stride: int
    side: str

    def around(self, pair: bool) -> int:
        """Count the special tokens of a row."""
        return (self.cls is not None) + (self.sep is not None) * (2 if pair else 1)


def kept_lengths(
    first: Sequenced, second: Sequenced | None, plan: RowPlan
) -> tuple[int, int]:
    """Tell how many tokens of each text fit into a row.

    Args:
        first: the first text.
        second: the second; None for none.
        plan: how rows are made.

    Returns:
        Tokens kept of the first text and of the second.

    Raises:
        ValueError: `max_length` leaves no room for the special tokens, or the
            strategy cannot make the row short enough.
    """
    other = None if second is None else len(second)
    if plan.strategy == "do_not_truncate" or plan.max_length is None:
        return len(first), other or 0
    around = plan.around(second is not None)
    if plan.max_length < around:
        raise ValueError(
            f"max_length must be at least {around}, the number of special tokens in a "
            f"row, got {plan.max_length}."
        )
    return keep_lengths(len(first), other, plan.max_length - around, plan.strategy)


def make_rows(
    first: Sequenced, second: Sequenced | None, plan: RowPlan, overflow: bool
) -> list[Encoding]:
    """Make the row of a text or pair, and with `overflow` the rows left over.

    Where both texts are cut, every stretch of the first meets every stretch of the
    second, the second's changing faster.

    Args:
        first: the first text.
        second: the second; None for none.
        plan: how rows are made.
        overflow: whether to return the rows left over.

    Returns:
        The row, and its rows left over (`overflowing` of the row, too).

    Raises:
        ValueError: as `kept_lengths` and `truncation.windows` say.
    """
    keep = kept_lengths(first, second, plan)
    firsts = _stretches(len(first), keep[0], plan, overflow)
    seconds = _stretches(len(second or ()), keep[1], plan, overflow)
    rows: list[Encoding] = []
    for start, end in firsts:
        for other_start, other_end in seconds:
            pair = Slice(second, other_start, other_end) if second is not None else None
            rows.append(make_row(Slice(first, start, end), pair, plan.cls, plan.sep))
    rows[0].overflowing = rows[1:]
    return rows


def left_over(
    first: Sequenced, second: Sequenced | None, plan: RowPlan
) -> tuple[list[int], int]:
    """List the ids that truncation takes, after `stride` ids that it keeps.

    Args:
        first: the first text.
        second: the second; None for none.
        plan: how rows are made.

    Returns:
        Ids, and how many of them are not in the row.

    Raises:
        ValueError: both texts would be cut.
    """
    keep = kept_lengths(first, second, plan)
    if second is not None and plan.strategy == "longest_first":
        raise ValueError(
            "AlbertTokenizer cannot return overflowing tokens of a pair with "
            "truncation='longest_first': use only_first or only_second, or "
            "AlbertTokenizerFast."
        )
    cut, kept = (first, keep[0]) if keep[0] < len(first) else (second, keep[1])
    removed = len(cut or ()) - kept
    if cut is None or removed <= 0:
        return [], 0
    window = min(len(cut), removed + plan.stride)
    ids = list(cut.ids)
    return (ids[:window] if plan.side == "left" else ids[-window:]), removed


def _stretches(
    length: int, keep: int, plan: RowPlan, overflow: bool
) -> list[tuple[int, int]]:
    if overflow and keep < length:
        return windows(length, keep, plan.stride, plan.side)
    return [(length - keep, length) if plan.side == "left" else (0, keep)]
