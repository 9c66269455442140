"""What must not matter: the company of a text, padding, the way of computing, files.

Each check computes the same in two ways and compares what they give. Where both do the
same operations on the same numbers, the tolerance is 0: every bit is equal. Else each
of the two may be off the oracle by the derived tolerance of float32
(`conformance/steps.py`), so that they may be twice that apart.
"""

from __future__ import annotations

import importlib
from collections.abc import Iterator, Mapping
from dataclasses import replace
from types import ModuleType

from conformance.backends import PREFIXES
from conformance.intermediates import judge
from conformance.invariances import files, texts
from conformance.invariances.subject import FAMILY, Check, Subject, case
from conformance.run import Result


def checks(framework: str) -> Mapping[str, Check]:
    """List what is checked in a framework, by name.

    Args:
        framework: "pt", "tf" or "flax".

    Returns:
        Functions that give two answers.

    Raises:
        ImportError: the framework cannot be imported.
        ValueError: there is no such framework.
    """
    if framework not in PREFIXES:
        raise ValueError(
            f"framework must be one of {', '.join(PREFIXES)}, but is {framework!r}."
        )
    own: ModuleType = importlib.import_module(f"conformance.invariances.{framework}")
    return {**texts.CHECKS, **files.CHECKS, **own.CHECKS}


def long_checks(framework: str) -> Mapping[str, Check]:
    """List what is checked only if it is asked for; arguments as `checks`'."""
    own: ModuleType = importlib.import_module(f"conformance.invariances.{framework}")
    return getattr(own, "LONG_CHECKS", {})


def run(framework: str, long: bool = False) -> Iterator[Result]:
    """Check everything that must not matter in a framework.

    Args:
        framework: "pt", "tf" or "flax".
        long: whether to take those of `long_checks`, too.

    Yields:
        A result for each check; its steps are the outputs that were compared.

    Raises:
        ImportError: the framework cannot be imported.
    """
    subject = Subject(framework)
    chosen = {**checks(framework), **(long_checks(framework) if long else {})}
    for name, check in chosen.items():
        named = replace(case(), name=name)
        try:
            yield judge(named, subject.compared(*check(subject)))
        except Exception as problem:  # whatever it is, it is this check's failure
            text = f"{type(problem).__name__}: {problem}"
            yield Result(named, float("inf"), text)


__all__ = ["FAMILY", "Subject", "checks", "long_checks", "run"]
