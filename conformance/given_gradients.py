"""Ten updates with gradients that are given: what each optimizer makes of them.

`goldens/optimizers.npz` has weights of a small model's shapes, gradients, and what the
reference in `conformance.optimizers` gave. Among them: weights of norm 0, with and
without a gradient; a weight without any gradient; sizes from 1e-5 to 1; a step that is
not clipped; one with an infinite gradient, which is left out. To write the file again:
`python -m conformance.given_gradients`.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from pathlib import Path

import numpy as np

from albert.common.config import AlbertConfig
from albert.common.files import atomic_path
from albert.common.names import TABLE, weights
from albert.common.training.rules import OptimizerSettings
from albert.common.training.schedules import PolynomialDecay
from conformance import optimizers
from conformance.cases import random_weights
from conformance.learners import Arrays, Learner

PATH = Path(__file__).parent / "goldens" / "optimizers.npz"
STEPS = 10
INFINITE = 6
SHOWN = (2, STEPS)

SETTINGS = {
    "lamb": OptimizerSettings("lamb"),
    "adamw": OptimizerSettings("adamw"),
    "lamb, corrected": OptimizerSettings("lamb", bias_correction=True),
    "adamw, corrected": OptimizerSettings("adamw", bias_correction=True),
}
SCHEDULE = PolynomialDecay(5e-3, STEPS + 2, 3)

TOLERANCE = 1e-6
"""Absolute, for weights. They are below 2, where float32 has a spacing of 1.2e-7; a
step rounds a weight once, by half of that, and its update of at most 5e-3 * 3 * |w| by
a few parts in 1e7. Ten steps that all round one way give 7e-7."""

RELATIVE = 2e-6
"""To the largest of an array, for moments, and to the norm. A step rounds a moment
three times, by 6e-8 each; ten steps that all round one way give 1.8e-6."""

_CLASS = "AlbertForPreTraining"
_CONFIG = AlbertConfig(
    vocab_size=13,
    embedding_size=5,
    hidden_size=6,
    num_hidden_layers=1,
    num_attention_heads=2,
    intermediate_size=7,
    max_position_embeddings=9,
)
_ZERO_WEIGHTS = ("albert.pooler.weight", "sop_classifier.classifier.weight")
_ZERO_GRADIENTS = (
    "albert.embeddings.token_type_embeddings.weight",
    "sop_classifier.classifier.weight",
    "predictions.dense.bias",
)
_ROWS = {row.canonical: row for row in weights(_CONFIG, _CLASS)}


@cache
def read() -> Arrays:
    """Read the file: every weight's values in a row."""
    with np.load(PATH) as file:
        return dict(file)


def unpacked(values: np.ndarray) -> Arrays:
    """Part values in a row by weight."""
    shapes = {name: row.shape(_CONFIG) for name, row in _ROWS.items()}
    ends = np.cumsum([np.prod(shape) for shape in shapes.values()])
    parts = np.split(values, ends[:-1])
    return {n: p.reshape(shapes[n]) for n, p in zip(shapes, parts, strict=True)}


def packed(arrays: Arrays) -> np.ndarray:
    """Put every weight's values in a row."""
    return np.concatenate([arrays[name].ravel() for name in _ROWS])


def rates() -> list[np.float32]:
    """Give the learning rate of each step, and of the one behind the last."""
    return [np.float32(SCHEDULE.rate(step)) for step in range(STEPS + 1)]


def reference(file: Arrays, settings: OptimizerSettings) -> Arrays:
    """Compute what is right.

    Args:
        file: has the first weights and the gradients.
        settings: of the optimizer.

    Returns:
        "after_2", "after_10", "first" and "second", the values of every weight in a
        row, and "norm", [10].
    """
    first = unpacked(file["weights"].astype(np.float64))
    given = [unpacked(values) for values in file["gradients"]]
    float_rates = [float(rate) for rate in rates()]
    states = list(optimizers.train(_ROWS, first, given, float_rates, settings))
    found = {"norm": np.array([norm for _, _, norm in states])}
    for number in SHOWN:
        found[f"after_{number}"] = packed(states[number - 1][0])
    moments = states[-1][1]
    return found | {"first": packed(moments.first), "second": packed(moments.second)}


def learned(kind: type[Learner], settings: OptimizerSettings) -> Arrays:
    """Let a framework's optimizer do the same.

    Args:
        kind: the framework's learner.
        settings: of the optimizer.

    Returns:
        As `reference`.
    """
    file = read()
    learner = kind.from_arrays(_CONFIG, unpacked(file["weights"]))
    learner.start(settings)
    found: Arrays = {}
    norms: list[float] = []
    for step, values in enumerate(file["gradients"]):
        gradients = learner.native(unpacked(values))
        norms.append(learner.update(gradients, rates()[step]))
        if step + 1 in SHOWN:
            found[f"after_{step + 1}"] = packed(learner.weights())
    first, second = learner.moments()
    found |= {"first": packed(first), "second": packed(second)}
    return found | {"norm": np.array(norms)}


def errors(found: Arrays, right: Arrays) -> Iterator[tuple[str, float]]:
    """Compare.

    Args:
        found: of `learned` or `reference`.
        right: likewise.

    Yields:
        Name, and largest difference in units of its tolerance; infinite for another
        shape, or if one is finite where the other is not.
    """
    assert found.keys() == right.keys()
    for name, array in right.items():
        finite = np.isfinite(array)
        one = found[name]
        if one.shape != array.shape or not np.array_equal(np.isfinite(one), finite):
            yield name, float("inf")
            continue
        off = np.abs(one[finite].astype(np.float64) - array[finite])
        largest = np.abs(array[finite]).max()
        allowed = TOLERANCE if name.startswith("after") else RELATIVE * largest
        yield name, float(off.max() / allowed)


def _make() -> Arrays:
    generator = np.random.default_rng(61)
    first = random_weights(_CONFIG, _CLASS, 7)
    for name in _ZERO_WEIGHTS:
        first[name] = np.zeros_like(first[name])
    given = []
    sizes = {name: 10.0 ** generator.uniform(-5, 0) for name in first}
    for step in range(STEPS):
        scale = 1e-3 if step == 4 else 1.0
        gradients = {}
        for name, weight in first.items():
            gradient = generator.normal(size=weight.shape) * sizes[name] * scale
            if _ROWS[name].kind is TABLE:
                gradient[:: 2 + step % 2] = 0
            if name in _ZERO_GRADIENTS:
                gradient[:] = 0
            if step == INFINITE and name == "albert.pooler.bias":
                gradient[1] = np.inf
            gradients[name] = gradient.astype(np.float32)
        given.append(packed(gradients))
    return {"weights": packed(first), "gradients": np.array(given)}


def right(label: str) -> Arrays:
    """Give what the file has of one optimizer."""
    start = label + "/"
    file = read()
    return {n.removeprefix(start): file[n] for n in file if n.startswith(start)}


def write() -> None:
    """Make the file anew."""
    file = _make()
    for label, settings in SETTINGS.items():
        found = reference(file, settings)
        file |= {f"{label}/{name}": array for name, array in found.items()}
    with atomic_path(PATH) as path, open(path, "wb") as stream:
        np.savez_compressed(stream, allow_pickle=False, **file)


if __name__ == "__main__":
    write()
