"""What the machine's peak permits, and when it judges in the ratio's place."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import median
from typing import NamedTuple

from benchmarks import alternate, targets
from benchmarks.alternate import Ratio


class Bound(NamedTuple):
    """How near a call is to the machine's peak.

    Fields:
        share: of the peak that ours reaches.
        note: for the line.
        verdict: by that share; None where the ratio judges.
    """

    share: Ratio
    note: str
    verdict: str | None


def bound(
    ours: Sequence[float],
    peer: Sequence[float],
    flops: float,
    peak: float,
    wanted: float | None,
    least: float,
    by_share: bool = False,
    aim: bool = False,
) -> Bound:
    """Say what the machine permits.

    Args:
        ours: seconds, one for each round.
        peer: likewise.
        flops: of our call.
        peak: operations a second.
        wanted: least ratio.
        least: share of the peak that `wanted` meant on the issue's processor.
        by_share: whether the share judges as soon as a call that reaches `least` would
            miss the ratio; or else only if one at the peak would.
        aim: see `targets.Target`.

    Returns:
        The share, and what follows from it.
    """
    share = alternate.ratio(ours, [flops / peak] * len(ours))
    most = targets.permitted(median(peer), flops, peak)
    if most * (least if by_share else 1.0) >= (wanted or 0.0):
        return Bound(
            share, f"{share.value:.2f} of the peak; at the peak {most:.2f}", None
        )
    note = (
        f"judged by the machine's peak: {share.value:.2f} of it, wanted {least:.2f}; "
        f"the ratio at the peak would be {most:.2f}"
    )
    return Bound(share, note, targets.verdict(share, least, aim))
