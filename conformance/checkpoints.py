"""A user's own checkpoint: every framework held to the oracle on it.

How far off a framework may be depends on the size of the model. It is measured: the
oracle runs in float64, and again with every operation rounded to float32, once to
nearest and some times with other roundings. A framework, which adds in another order,
may be off by `FACTOR` times the largest error of these runs, step by step.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from albert.common import names
from albert.common.config import AlbertConfig
from albert.common.loading import load_arrays, prepare
from albert.common.opening import open_checkpoint
from albert.common.probe import make_inputs
from conformance import oracle
from conformance.cases import Case
from conformance.differences import differences, in_order
from conformance.rounding import FLOAT32, rounded
from conformance.run import DETAILS, Result, failed
from conformance.subjects import Subject

FAMILY = "your checkpoint"
FACTOR = 4.0
"""Another order of the same operations has an error of the same size, not the same
error: its largest is up to twice as large. As much again is for what a framework
computes in other operations than the oracle, such as a query scaled before its
product."""

ROUNDINGS = 3
"""Runs of the oracle with other roundings, beside the one that rounds to nearest."""

LENGTHS = {"short": 7, "longer": 64}
"""Tokens of a text."""

Arrays = dict[str, np.ndarray]


@dataclass(frozen=True)
class OfACheckpoint(Case):
    """A case whose weights were read.

    Attributes:
        arrays: float32 by canonical name.
    """

    arrays: Arrays = field(default_factory=dict[str, np.ndarray], repr=False)

    def weights(self) -> Arrays:
        """Give the weights."""
        return self.arrays


def run(subject: Subject) -> Iterator[Result]:
    """Hold a subject to the oracle on its checkpoint.

    Args:
        subject: has a `checkpoint`.

    Yields:
        A result for each length of text, its error in units of the tolerance, as
        every step has its own.

    Raises:
        OSError: the checkpoint cannot be read.
        ValueError: it does not fit its configuration.
    """
    folder = Path(subject.checkpoint)
    class_name, config, arrays = read(folder)
    model = subject.load()(class_name, folder)
    for label, length in LENGTHS.items():
        length = min(length, config.max_position_embeddings)
        inputs = make_inputs(config, class_name, seed=130, length=length)
        case = OfACheckpoint(FAMILY, label, class_name, config, inputs, arrays=arrays)
        if not subject.wants(case.id):
            continue
        try:
            yield _held(case, model)
        except Exception as problem:  # whatever it is, it is this case's failure
            yield failed(case, problem)


def read(folder: Path) -> tuple[str, AlbertConfig, Arrays]:
    """Read a checkpoint for the oracle.

    Args:
        folder: with the checkpoint, in any of the forms of docs/checkpoints.md.

    Returns:
        PyTorch's name of its class, the configuration, float32 arrays by canonical
        name. The class is the bare model's if the configuration names none.

    Raises:
        OSError: it cannot be read.
        ValueError: it does not fit its configuration, or it is of a class that the
            oracle does not know, or some weights of the class are missing.
    """
    named = open_checkpoint(folder).config.architectures or ("AlbertModel",)
    class_name = named[0].removeprefix("TF").removeprefix("Flax")
    if class_name not in names.PARTS:
        raise ValueError(
            f"--checkpoint must hold a model of one of {', '.join(names.PARTS)}, but "
            f"its configuration says {named[0]!r}."
        )
    checkpoint, config = prepare(folder, None, {})
    rows = names.weights(config, class_name)
    lazy, report = load_arrays(checkpoint, config, rows)
    if report.missing:
        raise ValueError(
            f"--checkpoint lacks weights of {class_name}: {', '.join(report.missing)}."
        )
    return class_name, config, {n: lazy[n].read().astype("f4") for n in lazy}


def _held(case: OfACheckpoint, model: Any) -> Result:
    exact = _exact(case)
    allowed = tolerances(case, in_order(exact))
    steps = list(differences(model(case.inputs, True), exact, allowed))
    plain = {name: value for name, value in exact.items() if name not in DETAILS}
    again = list(differences(model(case.inputs, False), plain, allowed))
    shown = steps if _worst(steps) >= _worst(again) else again
    return Result(case, max(_worst(steps), _worst(again)), "", 1.0, tuple(shown))


def _worst(steps: list[Any]) -> float:
    return max(step.error / step.tolerance for step in steps)


def _exact(case: OfACheckpoint) -> dict[str, Any]:
    weights = {name: array.astype(np.float64) for name, array in case.arrays.items()}
    return oracle.MODELS[case.class_name](case.config, weights, case.inputs)


def tolerances(case: OfACheckpoint, exact: Arrays) -> dict[str, float]:
    """Measure how far each step may be off.

    Args:
        case: the model and the call.
        exact: the oracle's steps in float64.

    Returns:
        By step, `FACTOR` times the largest error of the oracle in float32, and at
        least of one rounding of its largest value.
    """
    errors = {
        name: FLOAT32.unit * float(np.abs(right).max()) for name, right in exact.items()
    }
    for number in range(ROUNDINGS + 1):
        nudge = np.random.default_rng(number) if number else None
        weights: Arrays = {
            n: rounded(a, FLOAT32, nudge) for n, a in case.arrays.items()
        }
        found = oracle.MODELS[case.class_name](case.config, weights, case.inputs)
        for name, array in in_order(found).items():
            off = np.abs(np.asarray(array, np.float64) - exact[name]).max()
            errors[name] = max(errors[name], float(off))
    return {name: FACTOR * error for name, error in errors.items()}
