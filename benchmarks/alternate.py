"""A B A B: several contenders in turn, and what may be concluded from their times."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

from benchmarks.worker import Worker

Samples = dict[str, list[float]]
"""Seconds by seat: one value for each round, the median of that turn's calls."""

SHORT = 0.5
"""Seconds below which a call is one of many."""


class Seat(NamedTuple):
    """Who runs what when it is this seat's turn."""

    worker: Worker
    request: dict[str, Any]


class Ratio(NamedTuple):
    """A ratio of medians and how far it can be trusted."""

    value: float
    spread: float
    """Half of the range in which the true ratio lies with a probability of 95 %."""

    def clear_of(self, wanted: float) -> bool:
        """Whether noise cannot have carried it across what is wanted."""
        return abs(self.value - wanted) > self.spread


def alternate(
    seats: Mapping[str, Seat],
    rounds: tuple[int, int],
    turn: float,
    enough: Callable[[Samples], bool],
) -> Samples:
    """Let each seat run in turn, round after round.

    Args:
        seats: by name, in the order of their turns.
        rounds: how many at least, and at most.
        turn: seconds that a turn should take; calls that are shorter are repeated.
        enough: whether the samples so far decide; asked after the least rounds.

    Returns:
        The samples.
    """
    for seat in seats.values():
        # Compilation, and all that a first call does.
        seat.worker.ask(**seat.request, warm=1, times=0)
    times: dict[str, int] = {}
    samples: Samples = {name: [] for name in seats}
    for done in range(1, rounds[1] + 1):
        for name, seat in seats.items():
            found: list[float] = []
            if name not in times:
                found = seat.worker.ask(**seat.request, times=1)["seconds"]
                if found[0] < SHORT:
                    # Some compile when a size comes for the third time.
                    found = seat.worker.ask(**seat.request, warm=1, times=1)["seconds"]
                times[name] = max(1, min(50, int(turn / max(found[0], 1e-9))))
            if times[name] > 1 or not found:
                # After another's turn the caches are cold; short calls feel that.
                warm = int(times[name] > 1)
                answer = seat.worker.ask(**seat.request, warm=warm, times=times[name])
                found = answer["seconds"]
            samples[name].append(statistics.median(found))
        if done >= rounds[0] and enough(samples):
            break
    return samples


def ratio(ours: Sequence[float], theirs: Sequence[float]) -> Ratio:
    """Compare two seats of the same rounds.

    The spread is that of the median of the rounds' own ratios, in which what slowed
    both down at the time cancels out: 1.57 interquartile ranges by the root of the
    number of rounds (McGill, Tukey and Larsen 1978). Of a single round nobody knows it:
    a tenth is taken.

    Args:
        ours: seconds, one for each round.
        theirs: likewise.

    Returns:
        Theirs by ours: above 1 we are faster.
    """
    value = statistics.median(theirs) / statistics.median(ours)
    pairs = [their / our for our, their in zip(ours, theirs, strict=True)]
    if len(pairs) < 2:
        return Ratio(value, value / 10)
    low, _, high = statistics.quantiles(pairs, n=4, method="inclusive")
    return Ratio(value, 1.57 * (high - low) / len(pairs) ** 0.5)
