"""What a run found, as plain data: for the report, the terminal and other processes."""

from __future__ import annotations

import math
import shlex
from dataclasses import asdict, dataclass, field
from typing import Any

from conformance.differences import Difference, Step, numbers
from conformance.run import Result
from conformance.subjects import FULL, Subject


@dataclass(frozen=True)
class Row:
    """One result.

    Attributes:
        framework: "pt", "tf", "flax" or "module:callable".
        device: "cpu", "gpu" or "tpu".
        dtype: the type of the computation.
        group: name of the family in `conformance.families`.
        class_name: PyTorch's name of the class.
        family: the line of the report that it counts for.
        name: of the case.
        error: how far it is off; infinite for what cannot be compared.
        tolerance: how large the error may be.
        failure: an exception's text, or "".
        note: what a reader must know, such as "compiled, not run".
        steps: (name, error, tolerance) of each step, in the order of the computation.
        diverging: the first step beyond the tolerance.
        command: runs this case alone.
    """

    framework: str
    device: str
    dtype: str
    group: str
    class_name: str
    family: str
    name: str
    error: float
    tolerance: float
    failure: str = ""
    note: str = ""
    steps: tuple[tuple[str, float, float], ...] = ()
    diverging: Difference | None = None
    command: str = ""

    @property
    def passed(self) -> bool:
        """Whether the error is within the tolerance."""
        return self.error <= self.tolerance

    @property
    def ratio(self) -> float:
        """The error in units of its tolerance; infinite for what is not a number."""
        if not self.tolerance > 0:
            return 0.0 if self.passed else math.inf
        ratio = self.error / self.tolerance
        return math.inf if math.isnan(ratio) else ratio

    @property
    def id(self) -> str:
        """Name of the case, as `--case` takes it."""
        return f"{self.class_name}-{self.family}-{self.name}"


@dataclass(frozen=True)
class NotRun:
    """What was not run, and why.

    Attributes:
        framework: as `Row`'s.
        device: as `Row`'s.
        dtype: as `Row`'s.
        what: a family's name or "everything".
        reason: why.
        failure: whether this makes the run fail, as what was asked for explicitly does.
    """

    framework: str
    device: str
    dtype: str
    what: str
    reason: str
    failure: bool = False


@dataclass
class Leg:
    """What one framework did on one device.

    Attributes:
        framework: as `Row`'s.
        device: as `Row`'s.
        environment: versions, devices and precision flags in force.
        rows: results.
        not_run: what was left out.
        seconds: {family: seconds of the processor's time}.
    """

    framework: str
    device: str
    environment: dict[str, Any] = field(default_factory=dict[str, Any])
    rows: list[Row] = field(default_factory=list[Row])
    not_run: list[NotRun] = field(default_factory=list[NotRun])
    seconds: dict[str, float] = field(default_factory=dict[str, float])

    @property
    def passed(self) -> bool:
        """Whether something ran, all of it passed, and nothing asked for is missing."""
        return (
            bool(self.rows)
            and all(row.passed for row in self.rows)
            and not any(one.failure for one in self.not_run)
        )


def row_of(result: Result, subject: Subject, group: str) -> Row:
    """Take the data out of a result.

    Args:
        result: of a family.
        subject: what was run.
        group: the family's name.

    Returns:
        The row.
    """
    case = result.case
    return Row(
        subject.framework,
        subject.device,
        subject.dtype,
        group,
        case.class_name,
        case.family,
        case.name,
        float(result.error),
        float(result.tolerance),
        encodable(result.failure),
        result.note,
        tuple((one.name, one.error, one.tolerance) for one in result.steps),
        None if result.passed else _plain(result.diverging),
        command(subject, group, case.id),
    )


def encodable(text: str) -> str:
    """Write what no encoding knows, such as half of a surrogate pair, as an escape."""
    return text.encode("utf-8", "backslashreplace").decode("utf-8")


def _plain(step: Step | None) -> Difference | None:
    """Copy what is known of a step, whatever kind of object it is."""
    if step is None:
        return None
    found, right = numbers(step.found), numbers(step.right)
    why, first = getattr(step, "why", ""), getattr(step, "first", None)
    if first is None:
        first = step.place[-1] if step.place else 0
    return Difference(
        step.name, step.error, step.tolerance, step.place, found, right, why, first
    )


def command(subject: Subject, group: str, case_id: str = "") -> str:
    """Give the command that runs a family, or one case of it, again."""
    which = "--framework" if subject.ours else "--implementation"
    words = ["python", "-m", "conformance", which, subject.framework]
    words += ["--device", subject.device, "--dtype", subject.dtype]
    if subject.level != FULL:
        words += ["--level", subject.level]
    if subject.checkpoint:
        words += ["--checkpoint", subject.checkpoint]
    if subject.published:
        words += ["--pretrained", *subject.published]
    words += ["--family", group]
    return shlex.join([*words, "--case", case_id] if case_id else words)


def as_json(row: Row) -> dict[str, Any]:
    """Give a row as JSON can hold it: what is not finite is null."""
    values = asdict(row)
    values["error"] = finite(row.error)
    values["steps"] = [[name, *map(finite, both)] for name, *both in row.steps]
    if row.diverging is not None:
        values["diverging"]["error"] = finite(row.diverging.error)
        values["diverging"]["tolerance"] = finite(row.diverging.tolerance)
        for side in ("found", "right"):
            values["diverging"][side] = [finite(v) for v in values["diverging"][side]]
    return {"id": row.id, "passed": row.passed, **values}


def finite(number: float) -> float | None:
    """Give a number, or None if it is not finite."""
    return number if math.isfinite(number) else None
