"""Check training step by step against runs of Google's original, where they are.

The files lie beside the repository, in ../shared/google/training, and are not part of
it; without them this check is not run, and the report says so.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from albert.common.config import GOOGLE_CONFIG_NAME, AlbertConfig
from albert.common.dialects import DIALECTS, match
from albert.common.names import weights
from albert.common.training.rules import OptimizerSettings
from albert.common.training.schedules import PolynomialDecay
from conformance.learners import Arrays, Learner

FOLDER = Path(__file__).resolve().parents[2] / "shared" / "google" / "training"

TOLERANCES = {
    "loss": 5e-6,
    "norm": 2e-5,
    "grad": 3e-6,
    "after": 8e-6,
    "adam_m": 5e-7,
    "adam_v": 2e-9,
}
"""Absolute: what float64 code of others differs from the original by, and room for the
rounding of another order of summation."""

# Its gradient is 0, since a shift of all scores changes no softmax: what is there is
# rounding, which the optimizer divides by its own size.
KEY_BIAS = "attention.key.bias"
_WIDER = {"after": 3e-5}

_CLASS = "AlbertForPreTraining"


def folders() -> list[Path]:
    """List the runs that are there."""
    return sorted(path.parent for path in FOLDER.glob("*/trajectory.npz"))


def available() -> bool:
    """Whether there are any."""
    return bool(folders())


def errors_of(kind: type[Learner], folder: Path) -> Iterator[tuple[str, float]]:
    """Train as the original did and compare.

    Args:
        kind: the framework's learner.
        folder: of one run.

    Yields:
        What is compared, and the largest difference in units of its tolerance.
    """
    settings, schedule = read_settings(folder)
    with np.load(folder / "trajectory.npz") as file:
        right = dict(file)
    with np.load(folder / "batches.npz") as file:
        batches = dict(file)
    learner = kind.from_checkpoint(folder)
    learner.start(settings)
    for step in range(len(right["lr"])):
        rate = np.float32(schedule.rate(step))
        # The original computes it in float32, step by step.
        assert abs(rate - right["lr"][step]) <= 1e-7 * schedule.peak
        batch = _batch({name: array[step] for name, array in batches.items()})
        found, gradients = learner.differentiate(batch)
        sop = _sentence_order_loss(found["sop_logits"], batch["sentence_order_label"])
        words = right["mlm_loss"][step] * _divisor(batches["masked_lm_weights"][step])
        yield "sop_loss", _off(sop, right["sop_loss"][step], "loss")
        yield "mlm_loss", _off(found["loss"] - sop, words, "loss")
        total = right["total_loss"][step] + words - right["mlm_loss"][step]
        yield "total_loss", _off(found["loss"], total, "loss")
        named = learner.canonical(gradients)
        norm = learner.update(gradients, rate)
        yield "global_norm", _off(norm, right["global_norm"][step], "norm")
        yield from _compared(f"grad_{step}", named, right, folder)
        yield from _compared(f"after_{step + 1}", learner.weights(), right, folder)
    for name, arrays in zip(("adam_m", "adam_v"), learner.moments(), strict=True):
        yield from _compared(f"{name}_10", arrays, right, folder)


def read_settings(folder: Path) -> tuple[OptimizerSettings, PolynomialDecay]:
    """Read what a run was made with."""
    given = json.loads((folder / "training.json").read_text())
    settings = OptimizerSettings(
        given["optimizer"],
        (given["beta_1"], given["beta_2"]),
        given["epsilon"],
        given["weight_decay"],
        given["clip_norm"],
    )
    schedule = PolynomialDecay(
        given["learning_rate"],
        given["num_train_steps"],
        given["num_warmup_steps"],
        given["poly_power"],
        given["start_warmup_step"],
    )
    return settings, schedule


def _batch(given: Arrays) -> Arrays:
    weighted = given["masked_lm_weights"] > 0
    return {
        "input_ids": given["input_ids"],
        "attention_mask": given["input_mask"],
        "token_type_ids": given["segment_ids"],
        "masked_lm_positions": given["masked_lm_positions"],
        "labels": np.where(weighted, given["masked_lm_ids"], -100).astype(np.int32),
        "sentence_order_label": given["sentence_order_labels"],
    }


def _divisor(weights: np.ndarray) -> float:
    """What the original divides by, the number of words plus 1e-5, in terms of ours."""
    number = float(weights.sum())
    return (number + 1e-5) / number if number else 1.0


def _sentence_order_loss(logits: np.ndarray, labels: np.ndarray) -> float:
    logits = logits.astype(np.float64)
    each = np.log(np.exp(logits).sum(-1)) - logits[np.arange(len(labels)), labels]
    return float(each.mean())


def _compared(
    prefix: str, found: Arrays, right: dict[str, np.ndarray], folder: Path
) -> Iterator[tuple[str, float]]:
    config = AlbertConfig.from_json_file(folder / GOOGLE_CONFIG_NAME)
    rows = weights(config, _CLASS)
    held = [
        name.removeprefix(prefix + "/")
        for name in right
        if name.startswith(prefix + "/")
    ]
    if not held:
        return
    google = DIALECTS["google"]
    spelled = match(google, held, config, rows)
    assert sorted(names[0] for names in spelled.values()) == sorted(held)
    kind = prefix.rpartition("_")[0]
    for row in rows:
        theirs: Any = right[f"{prefix}/{spelled[row.canonical][0]}"]
        theirs = theirs.T if google.turned(row) else theirs
        key = row.canonical.endswith(KEY_BIAS)
        yield (
            f"{prefix}{' key biases' if key else ''}",
            _off(found[row.canonical], theirs, kind, _WIDER if key else {}),
        )


def _off(
    found: Any, right: Any, kind: str, wider: dict[str, float] | None = None
) -> float:
    found = np.asarray(found)
    if found.shape != np.shape(right) or not np.isfinite(found).all():
        return float("inf")
    tolerance = {**TOLERANCES, **(wider or {})}[kind]
    difference = np.abs(found.astype(np.float64) - right)
    return float(difference.max(initial=0.0) / tolerance)
