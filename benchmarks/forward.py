"""Items 1, 2, 3 and 6: calls at fixed shapes, of all contenders in the same turns."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import median
from typing import NamedTuple

from benchmarks import alternate, machine, targets
from benchmarks.alternate import Ratio, Samples, Seat
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
    kind = next((row.peak for row in rows if row.peak), None)
    session.say(group)
    with session.started([*names, *(["matrix"] if kind else [])]) as workers:
        session.seen(workers)
        for shape in shapes:
            asked = [row for row in rows if shape in row.wanted]
            if not asked:
                continue
            seats = _seats(workers, asked, shape, kind)
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
    kind = next((row.peak for row in asked if row.peak), None)
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
    if row.peak is None or wanted is None:
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
    if share is not None and row.peak == "float32" and shape == ALL_SHARES:
        peak, least = f"{session.peaks[row.peak] / 1e9:.0f} GFLOP/s", LEAST_SHARE
        what, judged = f"{row.what}, of the peak", targets.verdict(share, least)
        session.add(Line(row.item, what, at, left, peak, *share, least, judged))


def _by_the_peak(
    session: Session, row: Target, shape: Shape, samples: Samples
) -> tuple[Ratio, str, str | None]:
    """Say what the machine permits.

    Args:
        session: of this run, which has measured the peak.
        row: a target that the peak bounds.
        shape: batch and length.
        samples: of all seats.

    Returns:
        Our share of the peak; a note about it; and the verdict by that share, where
            not even a pass as near the peak as the issue means reaches the ratio.
    """
    ours, peer = (samples[_seat(*side)] for side in (row.ours, row.peer))
    peak = session.peaks[str(row.peak)]
    flops = machine.forward_flops(session.config(), *shape)
    share = alternate.ratio(ours, [flops / peak] * len(ours))
    bound = targets.permitted(median(peer), flops, peak)
    least, wanted = row.share[shape], row.wanted[shape] or 0.0
    if bound * least >= wanted:
        return share, f"{share.value:.2f} of the peak; at the peak {bound:.2f}", None
    note = (
        f"judged by the machine's peak: {share.value:.2f} of it, wanted {least:.2f}; "
        f"the ratio at the peak would be {bound:.2f}"
    )
    return share, note, targets.verdict(share, least)
