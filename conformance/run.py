"""Run cases through an implementation and sum up, family by family."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from conformance import oracle
from conformance.backends import Build, Run
from conformance.cases import Case
from conformance.compare import largest_error
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
    steps: tuple[Any, ...] = ()
    note: str = ""

    @property
    def passed(self) -> bool:
        """Whether the error is within the tolerance."""
        return self.error <= self.tolerance


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


def run_cases(build: Build, cases: Iterable[Case]) -> Iterator[Result]:
    """Run cases, building a model once for neighbours that share it."""
    key, run = "", None
    for case in cases:
        try:
            if run is None or key != model_key(case):
                key, run = model_key(case), _built(build, case)
            yield Result(case, _error(run, case))
        except Exception as problem:  # whatever it is, it is this case's failure
            yield Result(case, float("inf"), f"{type(problem).__name__}: {problem}")


def _error(run: Run, case: Case) -> float:
    """Give the larger error of the detailed and the plain call."""
    right = expected(case)
    plain = {name: right[name] for name in right if name not in DETAILS}
    return max(
        largest_error(run(case.inputs, True, case.training), right),
        largest_error(run(case.inputs, False, case.training), plain),
    )


def _built(build: Build, case: Case) -> Run:
    return build(case.class_name, case.config, case.weights())


def model_key(case: Case) -> str:
    """Tell cases of one model, which may be built once, from others."""
    parts = (case.class_name, case.seed, case.embedding_scale, case.config.to_dict())
    return json.dumps(parts, sort_keys=True)
