"""The errors by layer as a drawing: lines that differ in shape, not in colour alone."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from conformance.report.summary import Curve, Point

WIDTH, HEIGHT = 720.0, 300.0
KEY = (23.0, 10.0)
"""Where the mark stands in the legend."""
_LEFT, _RIGHT, _TOP, _BOTTOM = 64.0, 16.0, 16.0, 44.0
_LEAST = 1e-9
"""What is smaller, or 0, is drawn there: a logarithm has no 0."""
_DASHES = ("", "7 4", "2 4", "9 3 2 3", "12 5", "1 3")
_SHAPES = ("circle", "square", "triangle", "diamond", "cross", "ring")


@dataclass(frozen=True)
class Drawn:
    """One curve's line.

    Attributes:
        title: what it is of.
        number: chooses its colour.
        path: of its line, in SVG's language.
        dash: pattern of the line.
        marks: path of the marks on its points.
        key: path of one such mark in the middle of `KEY`.
    """

    title: str
    number: int
    path: str
    dash: str
    marks: str
    key: str


@dataclass(frozen=True)
class Plot:
    """A drawing.

    Attributes:
        steps: (name, x) along the axis.
        decades: (text, y) up the axis.
        drawn: the curves.
        tolerance: path of the smallest tolerance at each step.
        width: of the drawing.
        height: of the drawing.
        left: where the axis stands.
        bottom: where the other one stands.
        right: where it ends.
        top: where the first one ends.
    """

    steps: tuple[tuple[str, float], ...]
    decades: tuple[tuple[str, float], ...]
    drawn: tuple[Drawn, ...]
    tolerance: str
    width: float = WIDTH
    height: float = HEIGHT
    left: float = _LEFT
    bottom: float = HEIGHT - _BOTTOM
    right: float = WIDTH - _RIGHT
    top: float = _TOP


def plot(curves: Sequence[Curve]) -> Plot | None:
    """Draw curves.

    Args:
        curves: with points in order.

    Returns:
        The drawing; None if there is no curve.
    """
    if not curves:
        return None
    longest = max(curves, key=lambda curve: len(curve.points))
    names = [point.step for point in longest.points]
    names += [p.step for c in curves for p in c.points if p.step not in names]
    names = list(dict.fromkeys(names))
    room = WIDTH - _LEFT - _RIGHT
    xs = {name: _LEFT + room * (i + 0.5) / len(names) for i, name in enumerate(names)}
    low, high = _decades(curves)

    def y(value: float) -> float:
        share = (_log(value, high) - low) / (high - low)
        return HEIGHT - _BOTTOM - share * (HEIGHT - _TOP - _BOTTOM)

    drawn = tuple(
        Drawn(
            curve.column.title,
            number,
            _line([(xs[p.step], y(p.error)) for p in curve.points]),
            _DASHES[number % len(_DASHES)],
            _marks(_shape(number), [(xs[p.step], y(p.error)) for p in curve.points]),
            _marks(_shape(number), [KEY]),
        )
        for number, curve in enumerate(curves)
    )
    return Plot(
        tuple(xs.items()),
        tuple((f"1e{n}", y(10.0**n)) for n in range(low, high + 1)),
        drawn,
        _line([(xs[p.step], y(p.tolerance)) for p in _smallest(curves, names)]),
    )


def _shape(number: int) -> str:
    return _SHAPES[number % len(_SHAPES)]


def _smallest(curves: Sequence[Curve], names: Sequence[str]) -> list[Point]:
    """Give the smallest tolerance at each step; from end to end if there is one."""
    points = [point for curve in curves for point in curve.points]
    return [
        min((p for p in points if p.step == name), key=lambda point: point.tolerance)
        for name in names
    ]


def _log(value: float, most: float) -> float:
    if not math.isfinite(value):
        return most
    return math.log10(max(value, _LEAST))


def _decades(curves: Sequence[Curve]) -> tuple[int, int]:
    values = [v for c in curves for p in c.points for v in (p.error, p.tolerance)]
    logs = [_log(value, 0.0) for value in values if math.isfinite(value)] or [0.0]
    low, high = math.floor(min(logs)), math.ceil(max(logs))
    return low, max(high, low + 1)


def _line(points: Sequence[tuple[float, float]]) -> str:
    return "M" + " L".join(f"{x:.1f} {y:.1f}" for x, y in points)


def _marks(shape: str, points: Sequence[tuple[float, float]]) -> str:
    size = 4.5
    corners = {
        "square": ((-1, -1), (1, -1), (1, 1), (-1, 1)),
        "triangle": ((0, -1.2), (1.1, 0.9), (-1.1, 0.9)),
        "diamond": ((0, -1.4), (1.1, 0), (0, 1.4), (-1.1, 0)),
    }
    found = []
    for x, y in points:
        if shape in corners:
            ends = [(x + a * size, y + b * size) for a, b in corners[shape]]
            found.append(_line(ends) + "Z")
        elif shape == "cross":
            found.append(_line([(x - size, y - size), (x + size, y + size)]))
            found.append(_line([(x - size, y + size), (x + size, y - size)]))
        else:
            radius = size if shape == "circle" else 0.7 * size
            found.append(
                f"M{x - radius:.1f} {y:.1f}a{radius} {radius} 0 1 0 {2 * radius} 0"
                f"a{radius} {radius} 0 1 0 {-2 * radius} 0Z"
            )
    return " ".join(found)
