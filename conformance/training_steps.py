"""Whole training steps: what each framework's trainer makes of a batch.

The trainer cuts the batch into parts with unequal numbers of labels, weighs the two
losses, multiplies by a scale for small gradients, clips and updates. In float64 all
that is one gradient of one batch.
"""

from __future__ import annotations

import importlib
import tempfile
from collections.abc import Iterator
from functools import cache
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np

from albert.common import names
from albert.common.opening import open_checkpoint
from albert.common.saving import save_arrays
from albert.common.tasks import backend
from albert.common.training.objectives import cut, pretraining
from albert.common.training.rules import OptimizerSettings
from albert.common.training.settings import TrainingSettings
from conformance import optimizers, oracle
from conformance.backward import gradients
from conformance.cases import Case, random_weights
from conformance.learners import Arrays
from conformance.run import Result
from conformance.tolerances import FLOAT32
from conformance.trajectories import CLASS, CONFIG, LOSS, batches

FAMILY = "steps"
STEPS, RATE, SCALE, SOP_WEIGHT = 3, 5e-3, 64.0, 0.5
NUMBERS = ("loss", "mlm_loss", "sop_loss", "gradient_norm")
PARTS = (2, 1, 2)
"""Into how many parts the batch of each step is cut."""

# Small enough that every step is clipped, by another factor each time.
SETTINGS = OptimizerSettings("lamb", max_grad_norm=0.25)

WEIGHTS = 5e-6
"""Absolute, of every weight after the last step. A step moves a weight by at most
5e-3 of its norm, three times the norm of its elements: three steps whose updates are
off by a part in 1e4 each, as in `trajectories`, make 4.5e-6. Seen: 7e-7."""

KEY_BIAS = 1e-3
"""The same for the keys' biases, whose gradient is 0; see `trajectories`."""


def run(framework: str) -> Iterator[Result]:
    """Take three steps, and compare losses, norms and the weights after them.

    Args:
        framework: "pt", "tf" or "flax".

    Yields:
        A result, in units of the one tolerance that the report shows.
    """
    case = Case(FAMILY, "accumulated, scaled and clipped", CLASS, CONFIG, {})
    try:
        found, right = _learned(framework), reference()
        worst = max(_errors(found, right), key=lambda one: one[1])
        yield Result(case, worst[1] * FLOAT32, worst[0])
    except Exception as problem:  # whatever it is, it is this case's failure
        yield Result(case, float("inf"), f"{type(problem).__name__}: {problem}")


@cache
def reference() -> Arrays:
    """Take the steps in float64.

    Returns:
        "loss", "mlm_loss", "sop_loss" and "gradient_norm" of each step, and the
        weights after the last.
    """
    rows = {row.canonical: row for row in names.weights(CONFIG, CLASS)}
    weights = {n: a.astype(np.float64) for n, a in _first().items()}
    moments = optimizers.start(weights)
    numbers: list[tuple[float, ...]] = []
    for batch in _batches():
        words = {n: a for n, a in batch.items() if n != "sentence_order_label"}
        order = {n: a for n, a in batch.items() if n != "labels"}
        mlm, sop = (
            float(oracle.MODELS[CLASS](CONFIG, weights, one)["loss"])
            for one in (words, order)
        )
        of_words, of_order = (
            gradients(CLASS, CONFIG, weights, one) for one in (words, order)
        )
        whole = {name: of_words[name] + SOP_WEIGHT * of_order[name] for name in weights}
        clipped, norm = optimizers.clip(whole, SETTINGS.max_grad_norm)
        weights, moments = optimizers.step(
            rows, weights, clipped, moments, RATE, SETTINGS
        )
        numbers.append((mlm + SOP_WEIGHT * sop, mlm, sop, norm))
    return _gathered(numbers, weights)


def _learned(framework: str) -> Arrays:
    module: Any = importlib.import_module(f"albert.{framework}.training")
    settings = TrainingSettings(
        steps=STEPS,
        batch_size=len(next(_batches())["labels"]),
        optimizer=SETTINGS,
        sop_weight=SOP_WEIGHT,
    )
    objective = pretraining(SOP_WEIGHT)
    with tempfile.TemporaryDirectory() as folder:
        save_arrays(folder, CONFIG, _first(), CLASS)
        trainer = module.make_trainer(
            backend.model_class(framework, CLASS), folder, settings, objective
        )
        numbers = []
        for step, (batch, parts) in enumerate(zip(_batches(), PARTS, strict=True)):
            cuts = cut(batch, parts)
            shares = objective.shares(cuts, batch)
            found = trainer.step(cuts, shares, step, RATE, SCALE)
            numbers.append(tuple(found[name] for name in NUMBERS))
        # The trainer may read its checkpoint for as long as it lives.
        after = Path(folder, "after")
        trainer.save_model(after)
        saved = open_checkpoint(after).arrays
        weights = {name: saved[name].read() for name in reference() if name in saved}
    return _gathered(numbers, weights)


def _gathered(numbers: list[tuple[float, ...]], weights: Arrays) -> Arrays:
    columns = np.array(numbers).T
    return {**dict(zip(NUMBERS, columns, strict=True)), **weights}


def _errors(found: Arrays, right: Arrays) -> Iterator[tuple[str, float]]:
    """Give each difference in units of its tolerance."""
    if found.keys() != right.keys():
        yield "what there is", float("inf")
        return
    for name, array in right.items():
        one = found[name].astype(np.float64)
        if one.shape != array.shape or not np.isfinite(one).all():
            yield name, float("inf")
            continue
        key = name.endswith("attention.key.bias")
        allowed = LOSS if name in NUMBERS else KEY_BIAS if key else WEIGHTS
        yield name, float(np.abs(one - array).max() / allowed)


def _first() -> Arrays:
    return random_weights(CONFIG, CLASS, 5)


def _batches() -> Iterator[Arrays]:
    return islice(batches(), STEPS)
