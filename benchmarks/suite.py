"""Which measurements there are, in which sizes, and the result they make."""

from __future__ import annotations

import datetime
import traceback
from collections.abc import Callable
from typing import Any

from benchmarks import (
    cold_start,
    contenders,
    environments,
    first_calls,
    forward,
    growth,
    int8,
    machine,
    mixed,
    pretraining,
    targets,
)
from benchmarks.session import Plan, Session

QUICK = Plan(
    rounds=(2, 6),
    turn=0.1,
    training=(2, 128),
    information=False,
    first_calls=1,
    texts=128,
    long_texts=23,
    pipeline_layers=2,
    pipeline_turns=2,
    pretraining=(2, 256),
    cold_starts={"pt": 2, "tf": 1, "flax": 1},
    sentences=60,
    patience=90,
)
FULL = Plan(growth=True)


def _group(name: str) -> Callable[[Session], None]:
    return lambda session: forward.measure(session, name)


MEASUREMENTS: tuple[tuple[int, str, Callable[[Session], None]], ...] = (
    (1, "PyTorch float32", _group("PyTorch float32")),
    (1, "PyTorch bfloat16", _group("PyTorch bfloat16")),
    (1, "PyTorch training", _group("PyTorch training")),
    (2, "TensorFlow", _group("TensorFlow")),
    (3, "Flax", _group("Flax")),
    (3, "Flax, first call", first_calls.measure),
    (4, "pipeline on mixed lengths", mixed.measure),
    (5, "pre-training", pretraining.measure),
    (6, "int8", int8.measure),
    (7, "albert run", cold_start.measure),
    (8, "growth", growth.measure),
)
"""Item of the issue, title, and what measures it."""


def run(
    session: Session,
    items: set[int] | None = None,
    after: Callable[[], object] = lambda: None,
) -> None:
    """Measure; what cannot be measured is a missed line, and the rest goes on.

    Args:
        session: of this run.
        items: numbers in the issue; None for all that the plan has.
        after: called after each measurement.
    """
    for item, title, measure in MEASUREMENTS:
        if items is not None and item not in items:
            continue
        if item == 8 and not session.plan.growth:
            continue
        try:
            measure(session)
        except Exception as error:
            # Minutes of other measurements must not be lost with it.
            traceback.print_exc()
            reason = str(error).partition("\n")[0] or type(error).__name__
            session.add(targets.failed(item, title, "", reason))
        after()


def build(session: Session, index: str | None = None) -> None:
    """Build the environments that are missing.

    Args:
        session: of this run.
        index: see `environments.build`.

    Raises:
        RuntimeError: one cannot be built.
    """
    names = {one.environment for one in contenders.TABLE.values()}
    environments.build(session.environments, names, index)


def result(session: Session, command: str) -> dict[str, Any]:
    """Give everything that a run found, as JSON holds it.

    Args:
        session: of the run.
        command: that ran it.

    Returns:
        Date, command, machine, the share of the cores that others used, versions,
            peaks, lines, samples, notes.
    """
    return {
        "date": datetime.datetime.now(datetime.UTC).strftime("%Y-%m-%d"),
        "command": command,
        "machine": machine.describe(),
        "others": round(session.others(), 3),
        "versions": session.versions,
        "peaks": session.peaks,
        "lines": [line.as_dict() for line in session.lines],
        "samples": session.samples,
        "notes": session.notes,
    }
