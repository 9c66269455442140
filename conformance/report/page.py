"""The report as one HTML page that needs nothing beside itself."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined

from conformance.report import summary
from conformance.report.plot import plot
from conformance.rows import Leg, encodable

_TEMPLATE = "page.html"


def render_page(legs: Sequence[Leg], passed: bool, facts: dict[str, Any]) -> str:
    """Make the page.

    Args:
        legs: what every framework did.
        passed: the verdict on all.
        facts: of the run, by name.

    Returns:
        HTML.
    """
    templates = Environment(
        loader=PackageLoader("conformance.report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    templates.filters.update(number=number, share=share)
    rows = [row for leg in legs for row in leg.rows]
    lines = summary.lines(legs)
    curves = summary.curves(legs)
    text = templates.get_template(_TEMPLATE).render(
        passed=passed,
        facts=facts,
        legs=legs,
        columns=summary.columns(legs),
        matrix=summary.matrix(legs),
        lines=lines,
        curves=curves,
        plot=plot(curves),
        failed=[row for row in rows if not row.passed],
        cases=len(rows),
        not_run=[one for leg in legs for one in leg.not_run],
        choices={
            name: list(dict.fromkeys(getattr(one.column, name) for one in lines))
            for name in ("framework", "device", "dtype")
        }
        | {"class": list(dict.fromkeys(one.class_name for one in lines))},
    )
    return encodable(text) + "\n"


def number(value: float) -> str:
    """Write an error or a tolerance."""
    if math.isnan(value):
        return "not a number"
    return f"{value:.1e}" if math.isfinite(value) else "infinite"


def share(ratio: float) -> str:
    """Write an error's share of its tolerance."""
    if not math.isfinite(ratio):
        return "infinite"
    return f"{100 * ratio:.0f} %" if ratio < 100 else f"{ratio:.1e} times"
