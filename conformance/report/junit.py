"""The report for machines that count tests: JUnit XML."""

from __future__ import annotations

import re
from collections.abc import Sequence
from xml.etree import ElementTree

from conformance.rows import Leg, NotRun, Row

# What XML 1.0 cannot hold, not even escaped.
_UNFIT = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def render_junit(legs: Sequence[Leg]) -> str:
    """Make the file's text.

    Args:
        legs: what every framework did.

    Returns:
        A suite for each leg, a case for each result and for what was not run.
    """
    root = ElementTree.Element("testsuites", name="conformance")
    for leg in legs:
        failed = sum(not row.passed for row in leg.rows)
        failed += sum(one.failure for one in leg.not_run)
        suite = ElementTree.SubElement(
            root,
            "testsuite",
            name=f"{leg.framework} {leg.device}",
            tests=str(len(leg.rows) + len(leg.not_run)),
            failures=str(failed),
            errors="0",
            skipped=str(sum(not one.failure for one in leg.not_run)),
        )
        for row in leg.rows:
            _add_row(suite, row)
        for one in leg.not_run:
            _add_not_run(suite, one)
    ElementTree.indent(root)
    text = ElementTree.tostring(root, encoding="unicode")
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{text}\n'


def _add_row(suite: ElementTree.Element, row: Row) -> None:
    case = ElementTree.SubElement(
        suite,
        "testcase",
        classname=_fit(f"{row.framework}.{row.device}.{row.dtype}.{row.group}"),
        name=_fit(row.id),
    )
    said = f"{row.error:.3e} of {row.tolerance:.3e}"
    if row.passed:
        return
    failure = ElementTree.SubElement(case, "failure", message=_fit(said))
    step = row.diverging
    where = f"first at {step.name}{list(step.place)}" if step else ""
    failure.text = _fit("\n".join(filter(None, (row.failure, where, row.command))))


def _add_not_run(suite: ElementTree.Element, one: NotRun) -> None:
    case = ElementTree.SubElement(
        suite,
        "testcase",
        classname=_fit(f"{one.framework}.{one.device}.{one.dtype}"),
        name=_fit(one.what),
    )
    kind = "failure" if one.failure else "skipped"
    ElementTree.SubElement(case, kind, message=_fit(one.reason))


def _fit(text: str) -> str:
    return _UNFIT.sub("?", text)
