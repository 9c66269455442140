"""What the page shows: the matrix, the lines and the curves, made of the results."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from conformance.rows import Leg, NotRun, Row

OK, FAILED, NOT_RUN = "ok", "FAILED", "not run"
SYMBOLS = {OK: "\u2713", FAILED: "\u2717", NOT_RUN: "\u2013"}
"""Beside the words, so that nothing hangs on colour."""


@dataclass(frozen=True)
class Column:
    """One column of the matrix: framework, device and type."""

    framework: str
    device: str
    dtype: str

    def holds(self, one: Row | NotRun) -> bool:
        """Whether a result belongs to it."""
        return (one.framework, one.device, one.dtype) == (
            self.framework,
            self.device,
            self.dtype,
        )

    @property
    def title(self) -> str:
        """Name it."""
        return f"{self.framework} {self.device} {self.dtype}"


@dataclass(frozen=True)
class Line:
    """Results that are shown as one.

    Attributes:
        column: where they were made.
        class_name: PyTorch's name of the class.
        family: the family's name; "" for all of a class.
        number: how many there are.
        worst: the one with the largest share of its tolerance; None without any.
        failed: how many failed.
        notes: what a reader must know.
    """

    column: Column
    class_name: str
    family: str
    number: int
    worst: Row | None
    failed: int
    notes: tuple[str, ...] = ()

    @property
    def verdict(self) -> str:
        """In a word."""
        if self.worst is None:
            return NOT_RUN
        return FAILED if self.failed else OK

    @property
    def symbol(self) -> str:
        """In a sign."""
        return SYMBOLS[self.verdict]


def columns(legs: Sequence[Leg]) -> list[Column]:
    """List the columns that have results, then those that have none."""
    rows = [row for leg in legs for row in leg.rows]
    found = [Column(row.framework, row.device, row.dtype) for row in rows]
    found += [
        Column(leg.framework, leg.device, leg.not_run[0].dtype)
        for leg in legs
        if not leg.rows and leg.not_run
    ]
    return list(dict.fromkeys(found))


def class_names(legs: Sequence[Leg]) -> list[str]:
    """List the classes of all results, in their order."""
    return list(dict.fromkeys(row.class_name for leg in legs for row in leg.rows))


def matrix(legs: Sequence[Leg]) -> list[tuple[str, list[Line]]]:
    """Give each class with a cell for each column."""
    rows = [row for leg in legs for row in leg.rows]
    return [
        (
            name,
            [
                line(
                    column,
                    name,
                    "",
                    [r for r in rows if column.holds(r) and r.class_name == name],
                )
                for column in columns(legs)
            ],
        )
        for name in class_names(legs)
    ]


def lines(legs: Sequence[Leg]) -> list[Line]:
    """Give a line for each column, class and family."""
    groups: dict[tuple[Column, str, str], list[Row]] = {}
    for leg in legs:
        for row in leg.rows:
            column = Column(row.framework, row.device, row.dtype)
            groups.setdefault((column, row.class_name, row.family), []).append(row)
    return [line(*key, rows) for key, rows in groups.items()]


def line(column: Column, class_name: str, family: str, rows: Sequence[Row]) -> Line:
    """Sum up results."""
    worst = max(rows, key=lambda row: (not row.passed, row.ratio), default=None)
    failed = sum(not row.passed for row in rows)
    notes = tuple(dict.fromkeys(row.note for row in rows if row.note))
    return Line(column, class_name, family, len(rows), worst, failed, notes)


class Point(NamedTuple):
    """One point of a curve.

    Fields:
        step: where in the model.
        error: the largest of all results; infinite for what cannot be compared.
        tolerance: the smallest of all results.
    """

    step: str
    error: float
    tolerance: float


@dataclass(frozen=True)
class Curve:
    """The errors layer by layer.

    Attributes:
        column: where they were found.
        points: in the order of the computation.
    """

    column: Column
    points: tuple[Point, ...]


_LAYER = re.compile(r"hidden_states\.(\d+)")
_BLOCK = re.compile(r"blocks\.(\d+)\.full_layer_layer_norm")
_MAPPED = "embedding_hidden_mapping_in"
_BEHIND = {
    "pooler_output": "pooled",
    "logits": "scores",
    "prediction_logits": "scores",
    "sop_logits": "scores",
    "start_logits": "scores",
    "end_logits": "scores",
    "loss": "loss",
}


def curves(legs: Sequence[Leg]) -> list[Curve]:
    """Give a curve for each column whose results tell of layers.

    Of several families that do, the first, since each has tolerances of its own.
    """
    found = []
    for column in columns(legs):
        rows = [row for leg in legs for row in leg.rows if column.holds(row)]
        groups = dict.fromkeys(row.group for row in rows)
        every = (_points(r for r in rows if r.group == group) for group in groups)
        points = next(filter(None, every), None)
        if points:
            found.append(Curve(column, tuple(sorted(points, key=_order))))
    return found


def _points(rows: Iterable[Row]) -> list[Point]:
    worst: dict[str, Point] = {}
    for row in rows:
        for step, error, tolerance in row.steps:
            name = _point(step)
            if name:
                error = math.inf if math.isnan(error) else error
                one = worst.get(name, Point(name, 0.0, math.inf))
                larger, smaller = max(one.error, error), min(one.tolerance, tolerance)
                worst[name] = Point(name, larger, smaller)
    return list(worst.values())


def _point(step: str) -> str:
    """Name a step's place on the axis; "" if it has none."""
    layer, block = _LAYER.fullmatch(step), _BLOCK.fullmatch(step)
    if layer:
        return layer[1] if int(layer[1]) else "mapped"
    if block:
        return str(int(block[1]) + 1)
    return "mapped" if step == _MAPPED else _BEHIND.get(step, "")


def _order(point: Point) -> tuple[int, int]:
    last = ("pooled", "scores", "loss")
    if point.step in last:
        return 2, last.index(point.step)
    return (0, 0) if point.step == "mapped" else (1, int(point.step))
