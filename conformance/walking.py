"""Walk through the families on one device, with the strict precision flags set."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

from conformance.backends import PREFIXES
from conformance.families import Family, families_of
from conformance.flags import strict
from conformance.places import placed, why_absent
from conformance.rows import Leg, NotRun, Row, encodable, row_of
from conformance.run import Missing
from conformance.subjects import Subject

EVERYTHING = "everything"


@dataclass(frozen=True)
class Order:
    """What one framework shall do on one device.

    Attributes:
        subject: what is run; its dtype is each of `dtypes` in turn.
        dtypes: which are wanted; none means all that there are.
        demanded: whether the device was asked for by name, so that it must be there.
        family: the only family that is wanted; "" for all.
    """

    subject: Subject
    dtypes: tuple[str, ...] = ()
    demanded: bool = True
    family: str = ""


def walk(order: Order) -> Leg:
    """Run what was ordered and print a line for each family of cases.

    Args:
        order: what to run.

    Returns:
        What was found. Whatever goes wrong is in it; nothing is raised but what stops
        Python.
    """
    subject = order.subject
    leg = Leg(subject.framework, subject.device)
    try:
        reason = why_absent(subject.framework, subject.device)
        if reason:
            leg.not_run.append(_missing(order, reason, order.demanded))
        else:
            with placed(subject.framework, subject.device), strict(subject.framework):
                leg.environment = environment(subject.framework)
                for dtype in order.dtypes or _every_dtype(order):
                    _walk_one(leg, replace(subject, dtype=dtype), order)
    except Exception as error:
        reason = f"cannot be run: {type(error).__name__}: {error}"
        leg.not_run.append(_missing(order, reason, True))
    if not leg.rows and not any(one.failure for one in leg.not_run) and order.demanded:
        leg.not_run.append(_missing(order, "no case ran", True))
    for one in leg.not_run:
        if one.what == EVERYTHING:
            _print_not_run(one)
    return leg


def _every_dtype(order: Order) -> tuple[str, ...]:
    """List the types that a family which is wanted has tolerances for."""
    subject = order.subject
    if subject.quick:
        return ("float32",)
    wanted = (
        one
        for one in families_of(subject)
        if order.family in ("", one.name) and (subject.ours or one.any_build)
    )
    found = dict.fromkeys(dtype for one in wanted for dtype in one.dtypes)
    return tuple(found) or ("float32",)


def _missing(order: Order, reason: str, failure: bool) -> NotRun:
    one = order.subject
    dtype = ", ".join(order.dtypes) or "all"
    return NotRun(one.framework, one.device, dtype, EVERYTHING, reason, failure)


def environment(framework: str) -> dict[str, Any]:
    """Give versions, devices and the precision flags that are in force now."""
    if framework not in PREFIXES:
        return {}
    from albert.cli.env import described

    return described(framework)


def _walk_one(leg: Leg, subject: Subject, order: Order) -> None:
    """Run every family that has a tolerance for a type."""
    families = [
        one
        for one in families_of(subject)
        if order.family in ("", one.name) and subject.dtype in one.dtypes
    ]
    if not families:
        reason = f"no family of cases has a tolerance for {subject.dtype}"
        leg.not_run.append(_left_out(subject, EVERYTHING, reason, True))
    for family in families:
        reason = family.why_not(subject)
        if reason:
            one = _left_out(subject, family.name, reason, bool(order.family))
            leg.not_run.append(one)
            _print_not_run(one)
            continue
        start = time.process_time()
        rows = list(_rows(family, subject, leg))
        spent = time.process_time() - start
        leg.seconds[family.name] = round(leg.seconds.get(family.name, 0) + spent, 1)
        leg.rows += rows
        least = 1 if subject.quick else family.cases
        if len(rows) < least and not subject.only:
            reason = f"it had {len(rows)} cases, but must have {least} at least"
            leg.not_run.append(_left_out(subject, family.name, reason, True))
            _print_not_run(leg.not_run[-1])
        _print_rows(rows)


def _left_out(subject: Subject, what: str, reason: str, failure: bool) -> NotRun:
    return NotRun(
        subject.framework, subject.device, subject.dtype, what, reason, failure
    )


def _rows(family: Family, subject: Subject, leg: Leg) -> Iterator[Row]:
    """Run a family; if it stops before its end, that is a failure of its own."""
    try:
        for result in family.run(subject):
            if isinstance(result, Missing):
                told = f"{family.name}, {result.what}"
                leg.not_run.append(_left_out(subject, told, result.reason, False))
                _print_not_run(leg.not_run[-1])
            elif subject.wants(result.case.id):
                yield row_of(result, subject, family.name)
    except Exception as error:
        yield Row(
            subject.framework,
            subject.device,
            subject.dtype,
            family.name,
            "(all classes)",
            family.name,
            "(stopped before its end)",
            float("inf"),
            0.0,
            encodable(f"{type(error).__name__}: {error}"),
        )


def by_line(rows: Sequence[Row]) -> dict[tuple[str, str], list[Row]]:
    """Put the results of one class and family together."""
    lines: dict[tuple[str, str], list[Row]] = {}
    for row in rows:
        lines.setdefault((row.class_name, row.family), []).append(row)
    return lines


def _print_rows(rows: Sequence[Row]) -> None:
    for (class_name, family), line in by_line(rows).items():
        worst = max(line, key=lambda row: row.ratio)
        verdict = "ok" if all(row.passed for row in line) else "FAILED"
        where = f"{worst.framework:5} {worst.device} {worst.dtype}"
        print(
            f"{where} {class_name:31} {family:20} {len(line):3} cases  "
            f"worst {worst.error:.1e} of {worst.tolerance:.1e}  {verdict}",
            flush=True,
        )
        for row in line:
            if not row.passed:
                print(f"      {row.name}: {row.error:.1e} {row.failure}", flush=True)
                _print_step(row)


def _print_step(row: Row) -> None:
    step = row.diverging
    if step is not None:
        at = step.place[-1] - step.first if step.place else 0
        found, right = (
            f"{values[at]:.7g}" if at < len(values) else "nothing"
            for values in (step.found, step.right)
        )
        print(
            f"        first at {step.name}{list(step.place)}: {found} "
            f"instead of {right} {step.why}",
            flush=True,
        )
    if row.command:
        print(f"        {row.command}", flush=True)


def _print_not_run(one: NotRun) -> None:
    verdict = "FAILED, not run" if one.failure else "not run"
    where = f"{one.framework:5} {one.device} {one.dtype}"
    print(f"{where} {one.what}: {verdict}: {one.reason}", flush=True)


@contextmanager
def unspoiled() -> Iterator[None]:
    """Keep a framework's own greetings out of the lines, where that can be asked."""
    import os

    wanted = {
        "TF_CPP_MIN_LOG_LEVEL": "3",
        # Or one framework takes the whole of a GPU's memory from the others.
        "XLA_PYTHON_CLIENT_PREALLOCATE": "false",
        "TF_FORCE_GPU_ALLOW_GROWTH": "true",
    }
    before = {name: os.environ.get(name) for name in wanted}
    for name, value in wanted.items():
        os.environ.setdefault(name, value)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
