"""The same curve in three frameworks: 50 updates from one checkpoint.

Every framework starts from the same file, sees the same batches in the same order, and
is given the same float32 learning rates; dropout is 0. Each is held to the reference
that `oracle`, `backward` and `optimizers` make in float64, so that all are held to each
other.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import numpy as np

from albert.common import names
from albert.common.config import AlbertConfig
from albert.common.saving import save_arrays
from albert.common.training.rules import OptimizerSettings
from albert.common.training.schedules import PolynomialDecay
from conformance import optimizers, oracle
from conformance.backward import gradients
from conformance.cases import random_weights
from conformance.learners import Arrays, Learner

STEPS = 50
BATCHES = 8
PEAKS = {"lamb": 5e-3, "adamw": 1e-3}

LOSS = 5e-5
"""Absolute, from the reference: any two frameworks are within 1e-4 of each other."""

WEIGHTS = 2.5e-5
"""Absolute, of every weight after the last step, from the reference. The rates add up
to 0.12 for LAMB, whose updates are about as large as the weights, and to 0.025 for
AdamW, whose updates are 3.2 at most. So this is what comes of updates that are all off
by a few parts in 1e4 in one direction; gradients agree to 1e-5 of the largest, which is
as much of those that are smaller by a factor of 20. Seen: 5e-6."""

KEY_BIAS = 1e-3
"""The same for the keys' biases, whose gradient is 0, since a shift of all scores
changes no softmax. Float32 gives about 1e-8 instead, which over an epsilon of 1e-6 is
an update of 1e-2 at most, 0.12 times. Seen: 1.5e-4."""

CLASS = "AlbertForPreTraining"
CONFIG = AlbertConfig(
    vocab_size=67,
    embedding_size=10,
    hidden_size=24,
    num_hidden_layers=2,
    num_attention_heads=4,
    intermediate_size=37,
    max_position_embeddings=19,
    hidden_dropout_prob=0.0,
    attention_probs_dropout_prob=0.0,
)
_SHAPE = (6, 13)
_WORDS = 4


def batches() -> Iterator[Arrays]:
    """Give the batch of each step: the same few, in a new order each time round."""
    generator = np.random.default_rng(17)
    made = [_batch(generator) for _ in range(BATCHES)]
    order: list[int] = []
    for _ in range(STEPS):
        order = order or list(generator.permutation(BATCHES))
        yield made[order.pop()]


def _batch(generator: np.random.Generator) -> Arrays:
    rows, length = _SHAPE
    ids = generator.integers(5, CONFIG.vocab_size, _SHAPE)
    lengths = generator.integers(_WORDS + 2, length + 1, rows)
    mask = np.arange(length) < lengths[:, None]
    halves = np.arange(length) >= lengths[:, None] // 2
    places = np.array([generator.permutation(n)[:_WORDS] for n in lengths])
    labels = np.take_along_axis(ids, places, 1)
    labels[:, -1] = np.where(generator.random(rows) < 0.5, -100, labels[:, -1])
    np.put_along_axis(ids, places, 4, 1)
    batch = {
        "input_ids": ids * mask,
        "attention_mask": mask,
        "token_type_ids": halves & mask,
        "masked_lm_positions": places,
        "labels": labels,
        "sentence_order_label": generator.integers(0, 2, rows),
    }
    return {name: array.astype(np.int32) for name, array in batch.items()}


@cache
def reference() -> dict[str, Arrays]:
    """Train in float64.

    Returns:
        For "lamb" and "adamw": "loss" and "norm", [50], and the final weights.
    """
    rows = {row.canonical: row for row in names.weights(CONFIG, CLASS)}
    found = {}
    for name in PEAKS:
        settings = OptimizerSettings(name)
        weights = {n: a.astype(np.float64) for n, a in _first().items()}
        moments = optimizers.start(weights)
        numbers: list[tuple[float, float]] = []
        for step, batch in enumerate(batches()):
            loss = oracle.MODELS[CLASS](CONFIG, weights, batch)["loss"]
            given = gradients(CLASS, CONFIG, weights, batch)
            clipped, norm = optimizers.clip(given, settings.max_grad_norm)
            rate = float(_rate(name, step))
            weights, moments = optimizers.step(
                rows, weights, clipped, moments, rate, settings
            )
            numbers.append((float(loss), norm))
        found[name] = _gathered(numbers, weights)
    return found


def trajectories(kind: type[Learner]) -> dict[str, Arrays]:
    """Train in a framework.

    Args:
        kind: its learner.

    Returns:
        As `reference`.
    """
    with tempfile.TemporaryDirectory() as folder:
        save_arrays(folder, CONFIG, _first(), CLASS)
        learner = kind.from_checkpoint(Path(folder))
    found = {}
    for name in PEAKS:
        learner.start(OptimizerSettings(name))
        numbers: list[tuple[float, float]] = []
        for step, batch in enumerate(batches()):
            outputs, given = learner.differentiate(batch)
            norm = learner.update(given, _rate(name, step))
            numbers.append((float(outputs["loss"]), norm))
        found[name] = _gathered(numbers, learner.weights())
    return found


def _first() -> Arrays:
    return random_weights(CONFIG, CLASS, 5)


def _rate(name: str, step: int) -> np.float32:
    schedule = PolynomialDecay(PEAKS[name], STEPS, STEPS // 10)
    return np.float32(schedule.rate(step))


def _gathered(numbers: list[tuple[float, float]], weights: Arrays) -> Arrays:
    loss, norm = np.array(numbers).T
    return {"loss": loss, "norm": norm, **weights}


def errors(found: Arrays, right: Arrays) -> Iterator[tuple[str, float]]:
    """Compare one optimizer's losses and final weights.

    Args:
        found: of `trajectories`.
        right: of `reference`.

    Yields:
        Name, and largest difference in units of its tolerance; infinite for another
        shape or what is not finite.
    """
    assert found.keys() == right.keys()
    for name, array in right.items():
        if name == "norm":
            continue
        one = found[name]
        if one.shape != array.shape or not np.isfinite(one).all():
            yield name, float("inf")
            continue
        key = name.endswith("attention.key.bias")
        allowed = LOSS if name == "loss" else KEY_BIAS if key else WEIGHTS
        yield name, float(np.abs(one.astype(np.float64) - array).max() / allowed)
