"""Item 8: time and memory against batch, length, depth, width and cores.

The horizontal axis is always the arithmetic: operations of the pass (divided by the
cores, where they vary) for time, bytes that a layer holds for memory. So a slope of 1
on logarithmic axes is what the arithmetic asks for.
"""

from __future__ import annotations

import math
import os
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field
from itertools import pairwise
from statistics import fmean, median
from typing import Any

from benchmarks import machine
from benchmarks.session import Session
from benchmarks.targets import MET, MISSED, Line

MARGIN = 1.15
"""By how much a step may grow beyond its arithmetic: what noise can do."""

LEAST_BYTES = 4e6
"""Below this, a peak is more of the framework's own than of the model's."""

WIDTHS = {
    "base": (768, 12, 3072),
    "large": (1024, 16, 4096),
    "xlarge": (2048, 16, 8192),
    "xxlarge": (4096, 64, 16384),
}


@dataclass(frozen=True)
class Place:
    """One point of a series, before it is measured.

    Args:
        label: of the point.
        batch: and
        length: of the inputs.
        config: fields of the configuration that differ.
        cores: that may be used; None for all.
    """

    label: str
    batch: int
    length: int
    config: dict[str, Any] = field(default_factory=dict)
    cores: int | None = None


@dataclass(frozen=True)
class Point:
    """A place, measured.

    Args:
        label: of the place.
        flops: of the pass, for each core.
        seconds: median.
        held: bytes that a layer holds by its arithmetic.
        peak: bytes of memory at the most, beyond what was held before.
    """

    label: str
    flops: float
    seconds: float
    held: float
    peak: float


SERIES: dict[str, tuple[Place, ...]] = {
    "batch": tuple(Place(str(size), size, 128) for size in (1, 2, 4, 8, 16, 32)),
    "length": tuple(Place(str(size), 2, size) for size in (16, 32, 64, 128, 256, 512)),
    "depth": tuple(
        Place(str(depth), 4, 128, {"num_hidden_layers": depth})
        for depth in (1, 2, 4, 8, 16, 24)
    ),
    "width": tuple(
        Place(
            name,
            2,
            128,
            {
                "num_hidden_layers": 2,
                "hidden_size": hidden,
                "num_attention_heads": heads,
                "intermediate_size": inner,
            },
        )
        for name, (hidden, heads, inner) in WIDTHS.items()
    ),
    "cores": tuple(
        Place(str(cores), 8, 128, cores=cores)
        for cores in range(len(os.sched_getaffinity(0)), 0, -1)
    ),
}
"""By what varies; each with its arithmetic growing."""

CONTENDERS = ("albert-pt", "albert-pt-bf16", "albert-tf", "albert-flax")
KEEPS_SCORES = ("albert-tf", "albert-flax")
"""Which hold the scores of attention, [B, N, S, S], as an array."""


def measure(session: Session) -> None:
    """Measure all series and add a line for time and one for memory of each.

    Args:
        session: of this run.
    """
    kept: dict[str, dict[str, list[dict[str, Any]]]] = {}
    for name in CONTENDERS:
        for axis, places in SERIES.items():
            session.say(f"growth of {name} with {axis}")
            points = list(_measured(session, name, places))
            kept.setdefault(axis, {})[name] = [asdict(point) for point in points]
            for line in lines(name, axis, points):
                session.add(line)
    session.notes["growth"] = kept


def _measured(session: Session, name: str, places: Sequence[Place]) -> Iterator[Point]:
    """Measure the places of a series; those that can share a process do."""
    first = places[0]
    shared = all(
        (one.config, one.cores) == (first.config, first.cores) for one in places
    )
    groups = [places] if shared else [(place,) for place in places]
    for group in groups:
        config, cores = session.config(**group[0].config), group[0].cores
        with session.started([name], config=config, cores=cores) as workers:
            session.seen(workers)
            times = [_seconds(workers[name], place) for place in group]
        options = {"config": config, "cores": cores, "no_heaps": True}
        with session.started([name], **options) as workers:
            peaks = [_peak(workers[name], place) for place in group]
        for place, seconds, peak in zip(group, times, peaks, strict=True):
            yield _point(name, place, config, seconds, peak)


def _seconds(worker: Any, place: Place) -> float:
    once = worker.ask(**_request(place), warm=4, times=1)["seconds"][0]
    times = max(3, min(30, int(1 / once)))
    return median(worker.ask(**_request(place), times=times)["seconds"])


def _peak(worker: Any, place: Place) -> float:
    return float(worker.ask(**_request(place), warm=1, memory=True)["bytes"])


def _request(place: Place) -> dict[str, Any]:
    return {"call": "forward", "batch": place.batch, "length": place.length}


def _point(
    name: str, place: Place, config: dict[str, Any], seconds: float, peak: float
) -> Point:
    cores = place.cores or len(os.sched_getaffinity(0))
    flops = machine.forward_flops(config, place.batch, place.length) / cores
    held = machine.activation_bytes(config, place.batch, place.length)
    if name in KEEPS_SCORES:
        heads = config["num_attention_heads"]
        held += 4.0 * place.batch * heads * place.length**2
    return Point(place.label, flops, seconds, held, peak)


def lines(name: str, axis: str, points: Sequence[Point]) -> Iterator[Line]:
    """Judge a series: no step may grow faster than its arithmetic, within the margin.

    Args:
        name: of the contender.
        axis: what varies.
        points: with the arithmetic growing.

    Yields:
        The line of time and, where there is enough of it to be measured, of memory.
    """
    times = [(point.flops, point.seconds) for point in points]
    yield _line(name, f"time by {axis}", points, times)
    memory = [(one.held, one.peak) for one in points if one.peak >= LEAST_BYTES]
    varies = len({held for held, _ in memory}) > 1
    if varies:
        yield _line(name, f"memory by {axis}", points, memory)


def _line(
    name: str, what: str, points: Sequence[Point], pairs: Sequence[tuple[float, float]]
) -> Line:
    worst = worst_step(pairs)
    return Line(
        8,
        what,
        f"{points[0].label} to {points[-1].label}",
        f"{name} slope {slope(pairs):.2f}",
        "arithmetic slope 1",
        1 / worst,
        0.0,
        1 / MARGIN,
        MET if worst <= MARGIN else MISSED,
        f"its worst step grows {worst:.2f} x as much as the arithmetic",
    )


def worst_step(pairs: Sequence[tuple[float, float]]) -> float:
    """Give the largest growth between neighbours, by that of the arithmetic."""
    return max(
        (after[1] / before[1]) / (after[0] / before[0])
        for before, after in pairwise(pairs)
    )


def slope(pairs: Sequence[tuple[float, float]]) -> float:
    """Fit a line by least squares on logarithmic axes; give its slope."""
    logs = [(math.log(x), math.log(y)) for x, y in pairs]
    middle_x, middle_y = fmean(x for x, _ in logs), fmean(y for _, y in logs)
    over = sum((x - middle_x) * (y - middle_y) for x, y in logs)
    return over / sum((x - middle_x) ** 2 for x, _ in logs)
