"""Item 3: the first call, compilation included, each time in a fresh process."""

from __future__ import annotations

from benchmarks.session import Session, in_seconds

SHAPE = {"batch": 1, "length": 16}
FASTER = 2.0
"""How many times faster than transformers' first call."""

FLAT = 1 / 1.15
"""Least ratio of the first calls at the lesser and at the greater depth."""


def measure(session: Session) -> None:
    """Measure and add the lines.

    Args:
        session: of this run.
    """
    less, more = session.plan.depths
    session.say(f"first calls at depths {less} and {more}")
    seats = {
        f"albert-flax, {less} layers": ("albert-flax", "forward", less),
        f"transformers-flax, {less} layers": ("transformers-flax", "jit", less),
        f"albert-flax, {more} layers": ("albert-flax", "forward", more),
    }
    samples: dict[str, list[float]] = {name: [] for name in seats}
    for _ in range(session.plan.first_calls):
        for seat, (name, call, depth) in seats.items():
            config = session.config(num_hidden_layers=depth)
            with session.started([name], config=config) as workers:
                session.seen(workers)
                answer = workers[name].ask(call=call, **SHAPE)
                samples[seat].append(answer["seconds"][0])
    session.keep("first call", "1x16", samples)
    ours, theirs, deep = samples.items()
    session.compare(3, "Flax, first call", "1x16", ours, theirs, FASTER, in_seconds)
    session.compare(
        3, "Flax, first call by depth", "1x16", deep, ours, FLAT, in_seconds
    )
