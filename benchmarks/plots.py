"""Plots as SVG, written by hand: few enough kinds that no library is needed."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from html import escape

WIDTH, HEIGHT = 560, 360
LEFT, RIGHT, TOP, BOTTOM = 70, 20, 40, 50
COLOURS = ("#1f5fa8", "#c8501e", "#2b8a4b", "#7a4aa0", "#8a6d1a")

Points = Sequence[tuple[float, float]]


def growth(title: str, x: str, y: str, series: Mapping[str, Points]) -> str:
    """Draw lines on logarithmic axes, and through each's end the slope 1, dashed.

    Args:
        title: of the plot.
        x: what the horizontal axis shows, with its unit.
        y: likewise.
        series: points above zero, by name, with x growing.

    Returns:
        The SVG.
    """
    every = [point for points in series.values() for point in points]
    across = _Scale([one for one, _ in every], LEFT, WIDTH - RIGHT)
    up = _Scale([one for _, one in every], HEIGHT - BOTTOM, TOP)
    parts = _frame(title, x, y)
    parts += [_tick_below(across.place(one), _number(one)) for one in across.ticks()]
    parts += [_tick_left(up.place(one), _number(one)) for one in up.ticks()]
    for index, (name, points) in enumerate(series.items()):
        colour = COLOURS[index % len(COLOURS)]
        places = [(across.place(a), up.place(b)) for a, b in points]
        parts.append(_line(places, colour))
        parts += [
            f'<circle cx="{a:.1f}" cy="{b:.1f}" r="3" fill="{colour}"/>'
            for a, b in places
        ]
        (first, _), (last, end) = points[0], points[-1]
        parts.append(_arithmetic(across, up, (first, end * first / last), (last, end)))
        parts.append(_text(LEFT + 12, TOP + 16 * (index + 1), name, colour))
    return _svg(parts)


def bars(title: str, rows: Sequence[tuple[str, float, float, bool]]) -> str:
    """Draw ratios as bars, each with a mark where it should reach.

    Args:
        title: of the plot.
        rows: label, ratio, what is wanted, and whether that counts as met.

    Returns:
        The SVG.
    """
    step, start, width = 22, 410, 780
    height = TOP + step * len(rows) + 20
    most = max([1.0, *(max(found, wanted) for _, found, wanted, _ in rows)])
    wide = (width - start - 60) / most
    parts = [_text(12, 22, title, "#222", size=14)]
    for index, (label, found, wanted, met) in enumerate(rows):
        y = TOP + step * index
        colour = COLOURS[0] if met else COLOURS[1]
        parts.append(_text(12, y + 13, label, "#222"))
        parts.append(
            f'<rect x="{start}" y="{y + 2}" width="{found * wide:.1f}" '
            f'height="{step - 8}" fill="{colour}"/>'
        )
        mark = start + wanted * wide
        parts.append(
            f'<line x1="{mark:.1f}" x2="{mark:.1f}" y1="{y}" y2="{y + step - 4}" '
            f'stroke="#222" stroke-width="2"/>'
        )
        parts.append(_text(start + found * wide + 6, y + 13, f"{found:.2f}", "#222"))
    return _svg(parts, width, height)


class _Scale:
    """A logarithmic scale from values to places."""

    def __init__(self, values: Sequence[float], start: float, end: float) -> None:
        self._low, self._high = math.log10(min(values)), math.log10(max(values))
        if self._high - self._low < 0.1:
            self._low, self._high = self._low - 0.1, self._high + 0.1
        self._start, self._end = start, end

    def place(self, value: float) -> float:
        share = (math.log10(value) - self._low) / (self._high - self._low)
        return self._start + share * (self._end - self._start)

    def ticks(self) -> list[float]:
        """Give 1, 2 and 5 times the powers of ten that lie in the range, few enough."""
        powers = range(math.floor(self._low), math.ceil(self._high) + 1)
        fine = [step * 10.0**power for power in powers for step in (1, 2, 5)]
        found = [one for one in fine if self._low <= math.log10(one) <= self._high]
        tens = [one for one in found if math.log10(one).is_integer()]
        return tens if len(found) > 9 and len(tens) > 1 else found


def _frame(title: str, x: str, y: str) -> list[str]:
    right, bottom = WIDTH - RIGHT, HEIGHT - BOTTOM
    middle = (TOP + bottom) / 2
    size = f'width="{right - LEFT}" height="{bottom - TOP}"'
    turned = _text(16, middle, y, "#222", anchor="middle")
    return [
        _text(LEFT, 22, title, "#222", size=14),
        f'<rect x="{LEFT}" y="{TOP}" {size} fill="none" stroke="#999"/>',
        _text((LEFT + right) / 2, HEIGHT - 12, x, "#222", anchor="middle"),
        f'<g transform="rotate(-90 16 {middle})">{turned}</g>',
    ]


def _arithmetic(
    across: _Scale, up: _Scale, start: tuple[float, float], end: tuple[float, float]
) -> str:
    """Draw the slope 1 that ends in a point, as far as it lies inside the frame."""
    a, b = ((across.place(x), up.place(y)) for x, y in (start, end))
    bottom = HEIGHT - BOTTOM
    if a[1] > bottom:
        share = (bottom - b[1]) / (a[1] - b[1])
        a = (b[0] + share * (a[0] - b[0]), float(bottom))
    return _line([a, b], "#999", dashed=True)


def _line(places: Points, colour: str, dashed: bool = False) -> str:
    joined = " ".join(f"{x:.1f},{y:.1f}" for x, y in places)
    dash = ' stroke-dasharray="4 4"' if dashed else ""
    return f'<polyline points="{joined}" fill="none" stroke="{colour}"{dash}/>'


def _tick_below(x: float, label: str) -> str:
    y = HEIGHT - BOTTOM
    mark = f'<line x1="{x:.1f}" x2="{x:.1f}" y1="{y}" y2="{y + 5}" stroke="#999"/>'
    return mark + _text(x, y + 18, label, "#222", anchor="middle")


def _tick_left(y: float, label: str) -> str:
    mark = (
        f'<line x1="{LEFT - 5}" x2="{LEFT}" y1="{y:.1f}" y2="{y:.1f}" stroke="#999"/>'
    )
    return mark + _text(LEFT - 8, y + 4, label, "#222", anchor="end")


def _text(
    x: float, y: float, text: str, colour: str, anchor: str = "start", size: int = 12
) -> str:
    return (
        f'<text x="{x:.1f}" y="{y:.1f}" fill="{colour}" font-size="{size}" '
        f'font-family="sans-serif" text-anchor="{anchor}">{escape(text)}</text>'
    )


def _number(value: float) -> str:
    return f"{value:g}"


def _svg(parts: Sequence[str], width: int = WIDTH, height: int = HEIGHT) -> str:
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" '
        f'viewBox="0 0 {width} {height}">'
    )
    back = f'<rect width="{width}" height="{height}" fill="#fff"/>'
    return "\n".join([head, back, *parts, "</svg>"]) + "\n"
