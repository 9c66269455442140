"""Outputs that transformers 4.57.6 gave on our own cases, recorded in a file.

`make_transformers_goldens.py` writes the file, in an environment of its own.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from conformance.cases import Case, all_cases
from conformance.compare import largest_error
from conformance.run import Beside, Result

FAMILY = "transformers 4.57.6"
PATH = Path(__file__).parent / "goldens" / "transformers-4.57.6.npz"

RECORDED = (
    "loss",
    "last_hidden_state",
    "pooler_output",
    "logits",
    "prediction_logits",
    "sop_logits",
    "start_logits",
    "end_logits",
)

# Where transformers does something else on purpose or by accident; docs/migration.md
# says what.
_DIFFERENT = (
    "groups and inner blocks",
    "another epsilon in the head",
    "a row all masked",
    "mask of truth values",
    "positions shared",
    "all ignored",
    "words alone",
    "order alone",
    "words all ignored",
    "some outside",
    "one number, [B, 1]",
)


def golden_cases() -> list[Case]:
    """The cases that transformers computes as we do."""
    return [
        case
        for case in all_cases()
        if case.family in ("configuration", "inputs", "labels")
        and case.name not in _DIFFERENT
    ]


def recorded() -> Beside:
    """Read the file.

    Returns:
        A function that holds a case's outputs to what was recorded of it.

    Raises:
        FileNotFoundError: the file is missing, which no run may pass over.
    """
    with np.load(PATH) as file:
        arrays = dict(file)
    wanted = {case.id for case in golden_cases()}

    def beside(case: Case, plain: dict[str, Any]) -> Iterator[Result]:
        if case.id in wanted:
            yield Result(of(case), _error(plain, case, arrays))

    return beside


def of(case: Case) -> Case:
    """Name the comparison of a case with what was recorded."""
    return replace(case, family=FAMILY)


def _error(plain: dict[str, Any], case: Case, arrays: dict[str, np.ndarray]) -> float:
    names = [name for name in RECORDED if f"{case.id}/{name}" in arrays]
    right = {name: arrays[f"{case.id}/{name}"] for name in names}
    found = {name: value for name, value in plain.items() if name in RECORDED}
    return largest_error(found, right) if right else float("inf")
