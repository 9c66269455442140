"""Pieces of messages."""

from __future__ import annotations

from collections.abc import Iterable


def some(names: Iterable[str]) -> str:
    """Name the first three and count the rest.

    Args:
        names: any number.

    Returns:
        Such as "a, b, c and 4 more".
    """
    every = list(names)
    more = f" and {len(every) - 3} more" if len(every) > 3 else ""
    return ", ".join(every[:3]) + more
