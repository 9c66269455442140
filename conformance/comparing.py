"""`python -m conformance compare A B`: hold two recorded runs together.

It needs NumPy and nothing else: no framework, and none of this package's libraries.
`python -m conformance record` writes the records, on whatever machine; this module
says what is in one.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from conformance.differences import Difference, difference, first_beyond

FORMAT = 1
"""Version of the records' form: one more whenever an older one cannot be read alike."""

_KEYS = {"format", "fixtures", "arrays", "cases", "tolerance", "subject", "environment"}
REFUSED = 2

Arrays = dict[str, np.ndarray]


@dataclass(frozen=True)
class Record:
    """A run's outputs and what they were made with.

    Attributes:
        path: of the JSON file; the arrays are in the NPZ file beside it.
        facts: what the JSON file says.
        arrays: float32 by "case id/step".
    """

    path: Path
    facts: dict[str, Any]
    arrays: Arrays

    @property
    def title(self) -> str:
        """Say what it is of, such as "pt on cpu in float32"."""
        of = self.facts["subject"]
        return f"{of['framework']} on {of['device']} in {of['dtype']}"


def read(path: Path) -> Record:
    """Read a record.

    Args:
        path: of its JSON or NPZ file, or of both without the ending.

    Returns:
        The record.

    Raises:
        OSError: a file of it is missing or cannot be read.
        ValueError: it is no record, of another format, or its files do not belong
            together.
    """
    bare = path.with_suffix("") if path.suffix in (".json", ".npz") else path
    json_path, npz_path = (bare.with_name(bare.name + e) for e in (".json", ".npz"))
    try:
        facts: Any = json.loads(json_path.read_text("utf-8"))
    except ValueError:
        facts = None
    if not isinstance(facts, dict) or "format" not in facts:
        raise ValueError(f"{json_path} is no record of conformance.")
    if facts["format"] != FORMAT:
        raise ValueError(
            f"{json_path} has format {facts['format']}, but this version reads "
            f"{FORMAT}: record the run again with the version that compares."
        )
    missing = sorted(_KEYS - facts.keys())
    if missing:
        raise ValueError(f"{json_path} lacks {', '.join(missing)}.")
    if digest_of(npz_path.read_bytes()) != facts["arrays"]:
        raise ValueError(
            f"{npz_path} is not the file that {json_path} was written for."
        )
    with np.load(npz_path, allow_pickle=False) as file:
        return Record(json_path, facts, dict(file))


def digest_of(content: bytes) -> str:
    """Give the SHA-256 of bytes."""
    return hashlib.sha256(content).hexdigest()


@dataclass(frozen=True)
class Compared:
    """One case in two records.

    Attributes:
        case: its id.
        steps: the differences of its steps, in order.
    """

    case: str
    steps: tuple[Difference, ...]

    @property
    def error(self) -> float:
        """The largest difference."""
        return max(step.error for step in self.steps)

    @property
    def passed(self) -> bool:
        """Whether every step is within its tolerance."""
        return all(step.error <= step.tolerance for step in self.steps)


def compare(one: Record, other: Record) -> list[Compared]:
    """Hold two records together.

    Args:
        one: the first.
        other: the second.

    Returns:
        Every case. What is allowed is the sum of what each may be off from the oracle.

    Raises:
        ValueError: they are of other fixtures, or hold no cases.
    """
    if one.facts["fixtures"] != other.facts["fixtures"]:
        raise ValueError(
            f"{one.path} and {other.path} are of different fixture sets "
            f"({one.facts['fixtures'][:12]} and {other.facts['fixtures'][:12]}): "
            f"record both with one version of conformance."
        )
    cases = one.facts["cases"]
    if not cases or cases.keys() != other.facts["cases"].keys():
        raise ValueError(
            f"{one.path} and {other.path} do not hold the same cases, one at least."
        )
    allowed = one.facts["tolerance"] + other.facts["tolerance"]
    return [
        Compared(case, tuple(_steps(case, cases[case], one, other, allowed)))
        for case in cases
    ]


def _steps(
    case: str, steps: Sequence[str], one: Record, other: Record, allowed: float
) -> Iterator[Difference]:
    theirs = other.facts["cases"][case]
    for step in [*steps, *(name for name in theirs if name not in steps)]:
        name = f"{case}/{step}"
        if name in one.arrays and name in other.arrays:
            yield difference(step, one.arrays[name], other.arrays[name], allowed)
        else:
            lacks = other if name in one.arrays else one
            why = f"{lacks.path.name} lacks it"
            yield Difference(step, float("inf"), allowed, why=why)


def main(arguments: Sequence[str]) -> int:
    """Compare two records and print what differs.

    Args:
        arguments: of the command line, behind `compare`.

    Returns:
        0 if they agree, 1 if not, 2 if they cannot be compared.
    """
    parser = argparse.ArgumentParser(
        prog="python -m conformance compare",
        description="Hold two recorded runs together, without any framework.",
    )
    parser.add_argument("one", type=Path, metavar="A")
    parser.add_argument("other", type=Path, metavar="B")
    chosen = parser.parse_args(arguments)
    try:
        one, other = read(chosen.one), read(chosen.other)
        compared = compare(one, other)
    except (OSError, ValueError) as error:
        print(f"cannot compare: {error}", file=sys.stderr)
        return REFUSED
    print(f"A  {one.title}\nB  {other.title}")
    for line in _unlike(one.facts["environment"], other.facts["environment"]):
        print(line)
    _print(compared)
    agree = all(case.passed for case in compared)
    print("compare:", "agree" if agree else "DIFFER")
    return 0 if agree else 1


def _unlike(one: Mapping[str, Any], other: Mapping[str, Any]) -> Iterator[str]:
    """Say in what versions, devices and flags they differ."""
    for name in dict.fromkeys((*one, *other)):
        left, right = one.get(name, "-"), other.get(name, "-")
        if left != right:
            yield f"   {name}: {left} | {right}"


def _print(compared: Sequence[Compared]) -> None:
    for case in compared:
        if not case.passed:
            print(f"{case.case}: {case.error:.1e}")
            step = first_beyond(case.steps)
            assert isinstance(step, Difference)
            print(
                f"   first at {step.name}{list(step.place)}: off by {step.error:.1e} "
                f"of {step.tolerance:.0e} {step.why}"
            )
            print(f"   A {_shown(step.found)}\n   B {_shown(step.right)}")
    worst = max(compared, key=lambda case: case.error)
    step = max(worst.steps, key=lambda step: step.error)
    print(
        f"{len(compared)} cases; worst {worst.error:.1e} of {step.tolerance:.0e}: "
        f"{worst.case}, {step.name}"
    )


def _shown(values: Sequence[float]) -> str:
    return " ".join(f"{value:.8g}" for value in values)
