"""What is run to catch a defect, and what of it counts.

A defect names a check. Of forward cases all follow the ones that are named, until one
fails; of everything else the named check alone is run.
"""

from __future__ import annotations

import functools
import importlib
import math
import re
from collections.abc import Iterator
from typing import Any

from conformance.mutants.seeding import Mutant, mutated

CHANGES = "changes"
"""`conformance.changes`."""

UPDATES = "updates: "
"""`conformance.given_gradients`; behind it a key of its `SETTINGS`."""

STEPS, WRITTEN = "steps", "other tools' files"
TOKENIZATION, FIELDS = "tokenization", "configuration fields"

_ERROR = re.compile(r"^\w+(Error|Exception|Warning)\b")


def caught_by(framework: str, mutant: Mutant) -> Any | None:
    """Run a defect's check until a result of it fails.

    Args:
        framework: "pt", "tf" or "flax"; "common" for none.
        mutant: the defect.

    Returns:
        The `Result` that failed where the sound source passes, or None if there is
        none: the defect was not caught.

    Raises:
        ValueError: the right source text is not in the file.
    """
    with mutated(framework, mutant):
        # What a defect in `common` reaches was imported anew.
        checks = importlib.import_module(__name__)
        caught = next(
            (one for one in checks.results(framework, mutant.first) if not one.passed),
            None,
        )
    if caught is None:
        return None
    # A case that fails anyway proves nothing.
    return caught if _passes(framework, mutant.first, caught.case.id) else None


def crashed(result: Any) -> bool:
    """Tell whether a check ended in an exception.

    A defect that crashes would show without any suite: it proves nothing of this one.

    Args:
        result: of `caught_by`.

    Returns:
        Whether it did.
    """
    return math.isinf(result.error) and _ERROR.match(result.failure) is not None


@functools.cache
def _passes(framework: str, first: str, case_id: str) -> bool:
    """Run a check on the sound source; of forward cases the one that is named."""
    sound = list(results(framework, first, case_id))
    return bool(sound) and all(one.passed for one in sound)


def results(framework: str, first: str, only: str | None = None) -> Iterator[Any]:
    """Run a check.

    Args:
        framework: "pt", "tf" or "flax"; "common" for none.
        first: of a defect: a class or the name of a case, which are run before all
            others; the id of one case of gradients or dropout; or a family of the
            above.
        only: the id of the one forward case to run; None for all.

    Yields:
        The results.

    Raises:
        ValueError: there is no such check.
    """
    if first in _FAMILIES:
        yield from _FAMILIES[first](framework)
    elif first.startswith(UPDATES):
        yield _updates(framework, first.removeprefix(UPDATES))
    elif "-gradients-" in first:
        yield from _gradients(framework, first)
    elif "-dropout-" in first:
        yield from _dropout(framework, first)
    else:
        yield from _forward(framework, first, only)


def _forward(framework: str, first: str, only: str | None) -> Iterator[Any]:
    from conformance.backends import implementation
    from conformance.cases import all_cases
    from conformance.run import run_cases

    cases = [case for case in all_cases() if only in (None, case.id)]
    named = [case for case in cases if first in (case.class_name, case.name)]
    if not named:
        raise ValueError(f"there is no check {first!r}")
    # Once for each case, those that are named before the others.
    chosen = {case.id: case for case in (*named, *cases)}
    yield from run_cases(implementation(framework), chosen.values())


def _gradients(framework: str, name: str) -> Iterator[Any]:
    from conformance import gradients

    cases = [one for one in gradients.all_gradient_cases() if one.case.id == name]
    if not cases:
        raise ValueError(f"there is no check {name!r}")
    yield from gradients.run(framework, cases)


def _dropout(framework: str, name: str) -> Iterator[Any]:
    from conformance import dropout

    found = list(dropout.run(framework, only=name))
    if not found:
        raise ValueError(f"there is no check {name!r}")
    yield from found


def _updates(framework: str, label: str) -> Any:
    from conformance import training

    return training.updates(framework, label)


def _changes(framework: str) -> Iterator[Any]:
    from conformance import changes

    yield from changes.run(framework)


def _steps(framework: str) -> Iterator[Any]:
    from conformance import training_steps

    yield from training_steps.run(framework)


def _written(framework: str) -> Iterator[Any]:
    from conformance import written
    from conformance.backends import loader

    yield from written.run(loader(framework))


def _tokenization(_: str) -> Iterator[Any]:
    from conformance import tokenization

    yield from tokenization.run()


def _fields(_: str) -> Iterator[Any]:
    from conformance import configurations

    yield from configurations.run()


_FAMILIES = {
    CHANGES: _changes,
    STEPS: _steps,
    WRITTEN: _written,
    TOKENIZATION: _tokenization,
    FIELDS: _fields,
}
