"""Item 7: `albert run` as a whole process, against the framework's import."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from benchmarks.loading import seconds
from benchmarks.session import Session, in_seconds

IMPORTS = {"pt": "torch", "tf": "tensorflow", "flax": "flax"}
SENTENCE = "The capital of [MASK] is Paris."


def measure(session: Session) -> None:
    """Measure and add two lines for each framework: wall time and CPU time.

    Args:
        session: of this run.
    """
    for framework, rounds in session.plan.cold_starts.items():
        session.say(f"cold start, {framework}")
        run = run_command(framework)
        bare = [sys.executable, "-c", f"import {IMPORTS[framework]}"]
        found = [(seconds(run), seconds(bare)) for _ in range(rounds)]
        for index, kind in enumerate(("CPU", "wall")):
            ours = [pair[0][index] for pair in found]
            allowed = [1.25 * pair[1][index] + 1 for pair in found]
            session.keep(
                f"cold start, {kind}", framework, {"ours": ours, "allowed": allowed}
            )
            session.compare(
                7,
                f"albert run, {kind} time",
                framework,
                ("albert run", ours),
                (f"1.25 x import {IMPORTS[framework]} + 1 s", allowed),
                1.0 if kind == "wall" else None,
                in_seconds,
            )


def run_command(framework: str) -> Sequence[str]:
    """Give the command that answers one sentence."""
    command = [sys.executable, "-m", "albert", "run", "--task", "fill-mask"]
    return [*command, "--framework", framework, SENTENCE]
