"""Weights that training leaves as they are."""

from __future__ import annotations

from collections.abc import Iterable

from albert.common.names import BACKBONE, PREFIX, Weight

CHOICES = ("embeddings", "encoder")
"""What can be frozen."""


def frozen(rows: Iterable[Weight], freeze: str | None) -> tuple[Weight, ...]:
    """Give the weights that stay.

    Single layers cannot be frozen: all of them, or those of a group, are one set of
    weights.

    Args:
        rows: a model's weights.
        freeze: "embeddings" for the three tables and their norm; "encoder" for these
            and all layers, so that only the pooler and the head learn; None for none.

    Returns:
        Some of the rows.
    """
    start = {"embeddings": PREFIX + "embeddings.", "encoder": PREFIX}.get(freeze or "")
    return tuple(
        row
        for row in rows
        if start is not None and row.part == BACKBONE and row.module.startswith(start)
    )
