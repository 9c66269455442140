"""Run cases through an implementation and sum up, family by family."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from conformance import oracle
from conformance.backends import Build, Run
from conformance.cases import Case
from conformance.compare import largest_error
from conformance.differences import Step, differences, first_beyond
from conformance.tolerances import FLOAT32

DETAILS = ("hidden_states", "attentions")
WORDS = {"AlbertForPreTraining": "prediction_logits", "AlbertForMaskedLM": "logits"}


@dataclass(frozen=True)
class Result:
    """What became of one case.

    Attributes:
        case: the case.
        error: largest difference from the oracle; infinite if the call failed.
        failure: the exception's text, or "".
        tolerance: how large the error may be.
        steps: the error of each step in the order of the computation, if it is known.
        note: what a reader must know, such as "compiled, not run".
    """

    case: Case
    error: float
    failure: str = ""
    tolerance: float = FLOAT32
    steps: tuple[Step, ...] = ()
    note: str = ""

    @property
    def passed(self) -> bool:
        """Whether the error is within the tolerance."""
        return self.error <= self.tolerance

    @property
    def diverging(self) -> Step | None:
        """The first step beyond its tolerance."""
        return first_beyond(self.steps)


Beside = Callable[[Case, dict[str, Any]], Iterable[Result]]
"""Makes of a case and its plain outputs what else they are held to."""


@dataclass(frozen=True)
class Missing:
    """What a family could not check.

    Attributes:
        what: it is.
        reason: why.
    """

    what: str
    reason: str


def expected(case: Case) -> dict[str, Any]:
    """Give the oracle's outputs for a case."""
    weights = {name: a.astype(np.float64) for name, a in case.weights().items()}
    outputs = oracle.MODELS[case.class_name](case.config, weights, case.inputs)
    return shown(case, outputs)


def shown(case: Case, outputs: dict[str, Any]) -> dict[str, Any]:
    """Leave out what the call does not give: in training no scores beside a loss."""
    if not (case.training and "labels" in case.inputs):
        return outputs
    left_out = WORDS[case.class_name]
    return {name: value for name, value in outputs.items() if name != left_out}


def run_cases(
    build: Build, cases: Iterable[Case], beside: Beside | None = None
) -> Iterator[Result]:
    """Run cases, building a model once for neighbours that share it.

    Args:
        build: the implementation.
        cases: what to run.
        beside: what the same outputs are held to beside the oracle.

    Yields:
        A result for each case, then what `beside` gives.
    """
    key, run = "", None
    for case in cases:
        try:
            if run is None or key != model_key(case):
                key, run = model_key(case), _built(build, case)
            result, plain = _compared(run, case)
        except Exception as problem:  # whatever it is, it is this case's failure
            result, plain = failed(case, problem), {}
        yield result
        if beside is not None:
            yield from beside(case, plain)


def failed(case: Case, problem: Exception) -> Result:
    """Make the result of a case that raised."""
    return Result(case, float("inf"), f"{type(problem).__name__}: {problem}")


def _compared(run: Run, case: Case) -> tuple[Result, dict[str, Any]]:
    """Give the larger error of the detailed and the plain call, and the latter."""
    right = expected(case)
    right_plain = {name: right[name] for name in right if name not in DETAILS}
    detailed = run(case.inputs, True, case.training)
    plain = run(case.inputs, False, case.training)
    one, other = largest_error(detailed, right), largest_error(plain, right_plain)
    # Shown is the call that is worse; the detailed one if both are right.
    steps = tuple(differences(detailed, right, FLOAT32))
    if other > FLOAT32 and not one > FLOAT32:
        steps = tuple(differences(plain, right_plain, FLOAT32))
    return Result(case, max(one, other), steps=steps), plain


def _built(build: Build, case: Case) -> Run:
    return build(case.class_name, case.config, case.weights())


def model_key(case: Case) -> str:
    """Tell cases of one model, which may be built once, from others."""
    parts = (case.class_name, case.seed, case.embedding_scale, case.config.to_dict())
    return json.dumps(parts, sort_keys=True)
