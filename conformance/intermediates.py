"""Every step of a backend beside the oracle's, and the first that is off."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace

from albert.common import names
from conformance.backends import make_model
from conformance.cases import Case, all_cases
from conformance.rounding import FLOAT32
from conformance.run import Result
from conformance.steps import (
    Step,
    compare,
    exact_steps,
    first_diverging,
    tolerances,
    without_details,
)
from conformance.tracing import trace

FAMILY = "intermediates"
INPUTS = ("left padding", "a row all masked", "positions shared", "embeds")


def cases() -> list[Case]:
    """Give the cases: each class with groups and inner blocks, and unusual inputs."""
    chosen = [
        case
        for case in all_cases()
        if (case.family, case.name) == ("configuration", "groups and inner blocks")
        or (case.class_name == "AlbertModel" and case.name in INPUTS)
    ]
    if len(chosen) != len(names.PARTS) + len(INPUTS):
        raise ValueError(f"{len(chosen)} cases of steps, which is too few or too many")
    return [replace(case, family=FAMILY) for case in chosen]


def run(framework: str, chosen: Iterable[Case] | None = None) -> Iterator[Result]:
    """Hold a framework's steps to the oracle's.

    Args:
        framework: "pt", "tf" or "flax".
        chosen: the cases; None for `cases()`.

    Yields:
        A result for each case: the error and the tolerance of the step that is off the
        most in units of its tolerance, and all steps.
    """
    for case in cases() if chosen is None else chosen:
        try:
            yield judge(case, steps_of(framework, case))
        except Exception as problem:  # whatever it is, it is this case's failure
            yield Result(case, float("inf"), f"{type(problem).__name__}: {problem}")


def steps_of(framework: str, case: Case) -> tuple[Step, ...]:
    """Watch one case in a framework, in float32.

    Args:
        framework: "pt", "tf" or "flax".
        case: any; all its outputs but hidden states and attentions are steps, too.

    Returns:
        The oracle's steps in their order, with what the framework was off.
    """
    model = make_model(framework, case.class_name, case.config, case.weights())
    found, outputs = trace(
        framework, model, case.class_name, case.inputs, case.training
    )
    exact = exact_steps(case, FLOAT32)
    allowed = tolerances(case, FLOAT32, exact)
    return compare({**found, **without_details(outputs)}, exact, allowed)


def judge(case: Case, steps: tuple[Step, ...]) -> Result:
    """Sum a case's steps up: the worst, and the first that is off too far."""
    worst = max(steps, key=lambda step: step.ratio)
    first = first_diverging(steps)
    failure = "" if first is None else f"first diverging step: {first}"
    return Result(case, worst.error, failure, worst.tolerance, steps)


def explain(framework: str, case: Case) -> str:
    """Say where a case that failed first leaves the oracle.

    Args:
        framework: "pt", "tf" or "flax".
        case: the case.

    Returns:
        The first diverging step, its values side by side; or that the plain way of the
        model, which is the one that can be watched, does not diverge.
    """
    first = first_diverging(steps_of(framework, case))
    if first is None:
        return (
            "no step of the plain way diverges: what does is in a quick way "
            f"(albert/{framework}/fast)"
        )
    return f"first diverging step: {first}"
