"""The report: one page, with the same as JSON and as JUnit XML.

Files: `index.html` needs nothing beside itself and no network; `report.json` holds
every result; `junit.xml` is for machines that count tests.
"""

from __future__ import annotations

import json
import platform
from collections.abc import Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from albert._version import __version__
from albert.common.files import make_folder, write_text
from conformance.report.junit import render_junit
from conformance.report.page import render_page
from conformance.rows import Leg, as_json

FORMAT = 1
"""Version of report.json's form."""


def write(folder: Path, legs: Sequence[Leg], passed: bool) -> None:
    """Write the three files.

    Args:
        folder: made if need be.
        legs: what every framework did.
        passed: the verdict on all.

    Raises:
        OSError: the folder cannot be written to.
    """
    make_folder(folder)
    facts = facts_of_run()
    report = {"format": FORMAT, "passed": passed, **facts, "legs": _as_json(legs)}
    write_text(folder / "report.json", json.dumps(report, indent=1) + "\n")
    write_text(folder / "junit.xml", render_junit(legs))
    write_text(folder / "index.html", render_page(legs, passed, facts))


def facts_of_run() -> dict[str, Any]:
    """Say when and on what kind of machine; nothing names it or its user."""
    return {
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "albert": __version__,
        "Python": platform.python_version(),
        "platform": platform.platform(),
    }


def _as_json(legs: Sequence[Leg]) -> list[dict[str, Any]]:
    return [
        {
            "framework": leg.framework,
            "device": leg.device,
            "passed": leg.passed,
            "environment": leg.environment,
            "seconds": leg.seconds,
            "rows": [as_json(row) for row in leg.rows],
            "not_run": [asdict(one) for one in leg.not_run],
        }
        for leg in legs
    ]
