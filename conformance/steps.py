"""The named steps of a model: what the oracle gives, and how far another may be off.

In the order in which they are computed:

    embeddings.sum, embeddings.LayerNorm        [B, S, E]
    embedding_hidden_mapping_in                 [B, S, H]
    blocks.0.attention.query, .key, .value      [B, S, H]
    blocks.0.attention.scores, .probabilities   [B, N, S, S]
    blocks.0.attention.context, .dense, .LayerNorm
    blocks.0.ffn, blocks.0.activation           [B, S, I]
    blocks.0.ffn_output, blocks.0.full_layer_layer_norm
    ... every further application of a block, counted through all layers ...
    pooler                                      [B, H], before the tanh
    predictions.dense, .activation, .LayerNorm  [B, S, E]
    pooler_output, logits, loss ...             the outputs by their names
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from conformance import oracle
from conformance.cases import Case
from conformance.rounding import Precision, rounded
from conformance.run import DETAILS

Arrays = dict[str, np.ndarray]

FACTOR = 2.0
"""How many times the oracle's own rounding error a backend may be off.

The error is the largest of four runs of the oracle, one that rounds to nearest and
three that round otherwise, which are off about twice as far as the first. The factor is
for what a backend rounds and the oracle does not: a query scaled before its product, an
activation centred before its norm, weights cast once more."""

NUDGED_RUNS = 3
"""Runs of the oracle that round otherwise, beside the one that rounds to nearest."""

HIDDEN = -1e4
"""A score that is as low or lower hides a key; how much lower is each backend's own."""


@dataclass(frozen=True)
class Step:
    """How far one step was off.

    Attributes:
        name: of the step.
        error: largest absolute difference; infinite if it is missing or not finite.
        tolerance: how large it may be.
        found: the value that is off the most, or None.
        right: what it should be, or None.
        place: its indices.
    """

    name: str
    error: float
    tolerance: float
    found: float | None = None
    right: float | None = None
    place: tuple[int, ...] = ()

    @property
    def passed(self) -> bool:
        """Whether the error is within the tolerance."""
        return self.error <= self.tolerance

    @property
    def ratio(self) -> float:
        """The error in units of the tolerance."""
        if self.error == 0:
            return 0.0
        return self.error / self.tolerance if self.tolerance else np.inf

    def __str__(self) -> str:
        """Say it in words, the values side by side."""
        if self.found is None or self.right is None:
            return f"{self.name}: missing, of another size or not finite"
        where = ", ".join(map(str, self.place))
        return (
            f"{self.name}[{where}]: {self.found:.8g}, should be {self.right:.8g} "
            f"(off by {self.error:.1e} of {self.tolerance:.1e})"
        )


def weights_in(case: Case, precision: Precision) -> Arrays:
    """Make a case's weights, rounded to values of a precision: float32."""
    return {name: precision.round(array) for name, array in case.weights().items()}


def exact_steps(case: Case, precision: Precision) -> Arrays:
    """Give the oracle's steps in float64, with weights that the precision has."""
    weights = weights_in(case, precision)
    return _steps(case, {name: a.astype(np.float64) for name, a in weights.items()})


def rounded_steps(case: Case, precision: Precision, run: int = 0) -> Arrays:
    """Give the oracle's steps where every operation's result is rounded.

    Args:
        case: the case.
        precision: to round to.
        run: 0 rounds to nearest; each other number moves other results.

    Returns:
        float32 by name.
    """
    nudge = np.random.default_rng(run) if run else None
    weights = {
        name: rounded(array, precision, nudge) for name, array in case.weights().items()
    }
    return {name: np.asarray(one) for name, one in _steps(case, weights).items()}


def _steps(case: Case, weights: Mapping[str, np.ndarray]) -> Arrays:
    steps: Arrays = {}
    outputs = oracle.MODELS[case.class_name](
        case.config, weights, case.inputs, steps.__setitem__
    )
    return {**steps, **without_details(outputs)}


def without_details(outputs: Mapping[str, Any]) -> Arrays:
    """Leave hidden states and attentions out, which the steps hold already."""
    return {
        name: np.asarray(value)
        for name, value in outputs.items()
        if name not in DETAILS
    }


def rounding_errors(
    case: Case, precision: Precision, exact: Arrays, runs: int = NUDGED_RUNS
) -> dict[str, float]:
    """Measure what a precision does to each step.

    Args:
        case: the case.
        precision: which.
        exact: of `exact_steps`.
        runs: how many nudged runs.

    Returns:
        By name the largest error of all runs, but at least what one rounding of the
        step's largest value is.
    """
    found = [rounded_steps(case, precision, run) for run in range(runs + 1)]
    return {
        name: rounding_error(name, precision, right, [run[name] for run in found])
        for name, right in exact.items()
    }


def rounding_error(
    name: str, precision: Precision, right: np.ndarray, found: list[np.ndarray]
) -> float:
    """Measure what a precision does to one step.

    Args:
        name: of the step.
        precision: which.
        right: the step in float64.
        found: the same in runs that round.

    Returns:
        The largest error of all runs, but at least one rounding of the largest value.
    """
    largest = max(_furthest(name, one, right).error for one in found)
    shown = right[~_hidden(name, right)]
    return max(largest, precision.unit * float(np.abs(shown).max(initial=0.0)))


def tolerances(case: Case, precision: Precision, exact: Arrays) -> dict[str, float]:
    """Give how far each step may be off; arguments as `rounding_errors`'."""
    errors = rounding_errors(case, precision, exact)
    return {name: FACTOR * error for name, error in errors.items()}


def compare(
    found: Mapping[str, np.ndarray], right: Arrays, allowed: Mapping[str, float]
) -> tuple[Step, ...]:
    """Hold steps against the oracle's.

    Args:
        found: by name; rows may be folded, [B * S, ...] for [B, S, ...].
        right: of `exact_steps`.
        allowed: how far each may be off.

    Returns:
        All steps, in the order of `right`.
    """
    return tuple(
        _furthest(name, found.get(name), right[name], allowed[name]) for name in right
    )


def first_diverging(steps: tuple[Step, ...]) -> Step | None:
    """Give the first step that is off too far, or None."""
    return next((step for step in steps if not step.passed), None)


def _hidden(name: str, right: np.ndarray) -> np.ndarray:
    if not name.endswith("attention.scores"):
        return np.zeros(right.shape, bool)
    return np.isneginf(right)


def _furthest(
    name: str, found: np.ndarray | None, right: np.ndarray, allowed: float = 0.0
) -> Step:
    wrong = Step(name, np.inf, allowed)
    if found is None or found.size != right.size:
        return wrong
    seen = np.asarray(found, np.float64).reshape(right.shape)
    right = np.asarray(right, np.float64)
    hidden = _hidden(name, right)
    if (seen[hidden] > HIDDEN).any():
        place = np.unravel_index(
            int(np.where(hidden, seen, -np.inf).argmax()), seen.shape
        )
        return Step(
            name, np.inf, allowed, float(seen[place]), -np.inf, tuple(map(int, place))
        )
    seen, right = np.where(hidden, 0.0, seen), np.where(hidden, 0.0, right)
    if name == "predictions.activation":
        # The norm that follows takes the mean out; backends take it out before, too.
        seen = seen - seen.mean(-1, keepdims=True)
        right = right - right.mean(-1, keepdims=True)
    if not (np.isfinite(seen).all() and np.isfinite(right).all()):
        return wrong
    if seen.size == 0:
        return Step(name, 0.0, allowed)
    off = np.abs(seen - right)
    place = np.unravel_index(int(off.argmax()), off.shape)
    return Step(
        name,
        float(off[place]),
        allowed,
        float(seen[place]),
        float(right[place]),
        tuple(map(int, place)),
    )
