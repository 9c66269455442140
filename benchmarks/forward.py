"""Items 1, 2, 3 and 6: calls at fixed shapes, of all contenders in the same turns."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import median
from typing import NamedTuple

from benchmarks import alternate, machine, targets
from benchmarks.alternate import Ratio, Samples, Seat
from benchmarks.bound import Bound, bound
from benchmarks.session import Session, milliseconds, shape_text
from benchmarks.targets import LEAST_SHARE, Line, Shape, Target

TRAINING = "PyTorch training"
ALL_SHARES = (8, 128)
"""Where the share of the peak is a target by itself."""


def measure(session: Session, group: str) -> None:
    """Measure the targets of a group and add their lines.

    Args:
        session: of this run.
        group: a name in `targets.GROUPS`.
    """
    plan = session.plan
    rows = [
        row
        for row in targets.GROUPS[group]
        if plan.information or None not in row.wanted.values()
    ]
    shapes = (plan.training,) if group == TRAINING else plan.shapes
    names = [name for row in rows for name, _ in (row.ours, row.peer)]
    kind = _kind(rows, shapes)
    session.say(group)
    with session.started([*names, *(["matrix"] if kind else [])]) as workers:
        session.seen(workers)
        for shape in shapes:
            asked = [row for row in rows if shape in row.wanted]
            if not asked:
                continue
            seats = _seats(workers, asked, shape, _kind(asked, [shape]))
            samples = alternate.alternate(
                seats,
                plan.rounds,
                plan.turn,
                lambda found, asked=asked, shape=shape: _enough(
                    session, asked, shape, found
                ),
            )
            session.keep(group, shape_text(shape), samples)
            for row in asked:
                _add(session, row, shape, samples)


def _kind(rows: Sequence[Target], shapes: Sequence[Shape]) -> str | None:
    """Give the type whose peak bounds some of the targets at some of the shapes."""
    return next((row.peak for row in rows if row.share.keys() & set(shapes)), None)


def _seats(
    workers: dict[str, alternate.Worker],
    asked: Sequence[Target],
    shape: Shape,
    kind: str | None,
) -> dict[str, Seat]:
    batch, length = shape
    seats = {}
    for name, call in (side for row in asked for side in (row.ours, row.peer)):
        request = {"call": call, "batch": batch, "length": length}
        seats[_seat(name, call)] = Seat(workers[name], request)
    if kind:
        for name, request in machine.products(kind, machine.PRODUCTS).items():
            seats[name] = Seat(workers["matrix"], request)
    return seats


def _seat(name: str, call: str) -> str:
    return f"{name} {call}"


def _enough(
    session: Session, asked: Sequence[Target], shape: Shape, samples: Samples
) -> bool:
    """Remember the peak so far; say whether nothing is open, or time has run out."""
    kind = _kind(asked, [shape])
    if kind is not None:
        found = machine.peak_of(samples, machine.PRODUCTS)
        session.peaks[kind] = max(found, session.peaks.get(kind, 0.0))
    judged = [_judged(session, row, shape, samples) for row in asked]
    return session.hurries() or all(one.verdict != targets.NOISY for one in judged)


class _Judged(NamedTuple):
    """A target at a shape, and our share of the machine's peak, if that bounds it."""

    ratio: Ratio
    verdict: str
    note: str
    share: Ratio | None


def _judged(session: Session, row: Target, shape: Shape, samples: Samples) -> _Judged:
    ours, peer = (samples[_seat(*side)] for side in (row.ours, row.peer))
    found, wanted = alternate.ratio(ours, peer), row.wanted[shape]
    judged = targets.verdict(found, wanted, row.aim)
    if shape not in row.share:
        return _Judged(found, judged, "", None)
    share, note, alone = _by_the_peak(session, row, shape, samples)
    return _Judged(found, alone or judged, note, share)


def _add(session: Session, row: Target, shape: Shape, samples: Samples) -> None:
    """Add the line of a target at a shape, and that of its share of the peak."""
    ours, peer = (samples[_seat(*side)] for side in (row.ours, row.peer))
    found, judged, note, share = _judged(session, row, shape, samples)
    left = f"{row.ours[0]} {milliseconds(median(ours))}"
    right = f"{_seat(*row.peer)} {milliseconds(median(peer))}"
    at, wanted = shape_text(shape), row.wanted[shape]
    session.add(Line(row.item, row.what, at, left, right, *found, wanted, judged, note))
    if (
        share is not None
        and row.by_share
        and row.peak == "float32"
        and shape == ALL_SHARES
    ):
        peak, least = f"{session.peaks[row.peak] / 1e9:.0f} GFLOP/s", LEAST_SHARE
        what, judged = f"{row.what}, of the peak", targets.verdict(share, least)
        session.add(Line(row.item, what, at, left, peak, *share, least, judged))


def _by_the_peak(
    session: Session, row: Target, shape: Shape, samples: Samples
) -> Bound:
    """Say what the machine permits a target, whose peak this run has measured."""
    ours, peer = (samples[_seat(*side)] for side in (row.ours, row.peer))
    count = machine.training_flops if row.ours[1] == "train" else machine.forward_flops
    return bound(
        ours,
        peer,
        count(session.config(), *shape),
        session.peaks[str(row.peak)],
        row.wanted[shape],
        row.share[shape],
        row.by_share,
        row.aim,
    )
