"""`python -m conformance.mutants`: seed every defect and see that each is caught."""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
from collections.abc import Iterator, Sequence

from conformance.backends import PREFIXES
from conformance.mutants import COMMON, GROUPS, Mutant, caught_by, crashed, seedings

FRAMEWORKS = (*PREFIXES, COMMON)


def main(arguments: Sequence[str] | None = None) -> int:
    """Seed the defects, each framework and subject in a process of its own.

    Args:
        arguments: of the command line; None reads the process's own.

    Returns:
        0 if every defect was caught wherever it was seeded, by a number that is
        wrong; 1 if one was not, or none was seeded.
    """
    parser = argparse.ArgumentParser(
        prog="python -m conformance.mutants", description=__doc__
    )
    parser.add_argument("--framework", action="append", choices=FRAMEWORKS)
    parser.add_argument("--group", action="append", choices=tuple(GROUPS))
    given = parser.parse_args(arguments)
    chosen = [
        (framework, group)
        for framework in given.framework or FRAMEWORKS
        for group in given.group or GROUPS
        if seedings(framework, group)
    ]
    if len(chosen) == 1:
        return _seed(*chosen[0])
    failed = sum(_seed_elsewhere(*one) != 0 for one in chosen)
    defects = {one.name for place in chosen for one in seedings(*place)}
    number = sum(len(seedings(*place)) for place in chosen)
    spent = os.times()
    print(
        f"{len(defects)} defects in {number} places, "
        f"{'all caught' if chosen and not failed else 'NOT ALL CAUGHT'}; "
        f"{spent.children_user + spent.children_system:.0f} s of processors"
    )
    return 1 if failed or not chosen else 0


def _seed(framework: str, group: str) -> int:
    """Seed the defects of a subject in this process."""
    survivors = 0
    for name, verdict, caught in _verdicts(framework, seedings(framework, group)):
        survivors += not caught
        print(f"{framework:6} {name:62} {verdict}", flush=True)
    return 1 if survivors else 0


def _verdicts(
    framework: str, mutants: Sequence[Mutant]
) -> Iterator[tuple[str, str, bool]]:
    for mutant in mutants:
        caught = caught_by(framework, mutant)
        if caught is None:
            yield mutant.name, "NOT CAUGHT", False
        elif crashed(caught):
            yield mutant.name, f"CRASHED: {caught.case.id}: {caught.failure}", False
        else:
            yield mutant.name, f"caught by {caught.case.id}", True


def _seed_elsewhere(framework: str, group: str) -> int:
    command = [sys.executable, "-m", "conformance.mutants"]
    return subprocess.call([*command, "--framework", framework, "--group", group])


if __name__ == "__main__":
    sys.exit(main())
