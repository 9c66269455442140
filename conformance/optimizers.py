"""The two optimizers in NumPy float64: the specification, one step at a time.

Weights, gradients and moments are dictionaries by canonical name.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from albert.common.names import BIAS, SCALE, SHIFT, Weight
from albert.common.training.rules import OptimizerSettings

Arrays = dict[str, np.ndarray]


@dataclass(frozen=True)
class Moments:
    """What an optimizer keeps.

    Attributes:
        first: of the gradients.
        second: of their squares.
        steps: number of updates.
    """

    first: Arrays
    second: Arrays
    steps: int = 0


def train(
    rows: Mapping[str, Weight],
    weights: Arrays,
    gradients: Sequence[Arrays],
    rates: Sequence[float],
    settings: OptimizerSettings,
) -> Iterator[tuple[Arrays, Moments, float]]:
    """Make an update with each of some gradients.

    Args:
        rows: canonical name -> row of the weight-name table.
        weights: before the first.
        gradients: of each step, not clipped.
        rates: the learning rate of each step, of 0 and on.
        settings: which optimizer, and its numbers.

    Yields:
        After each step: weights, moments, and the norm of its gradients. A step whose
        norm is not finite changes nothing.
    """
    moments = start(weights)
    for number, given in enumerate(gradients):
        clipped, norm = clip(given, settings.max_grad_norm)
        if np.isfinite(norm):
            rate = rates[number]
            weights, moments = step(rows, weights, clipped, moments, rate, settings)
        yield weights, moments, norm


def start(weights: Mapping[str, np.ndarray]) -> Moments:
    """Give the moments before the first step, which are 0."""
    zeros = {name: np.zeros(weights[name].shape) for name in weights}
    return Moments(zeros, zeros)


def global_norm(gradients: Mapping[str, np.ndarray]) -> float:
    """Give the root of the sum of all squares."""
    return float(np.sqrt(sum(np.square(g).sum() for g in gradients.values())))


def clip(
    gradients: Mapping[str, np.ndarray], max_norm: float | None
) -> tuple[Arrays, float]:
    """Scale all gradients alike, so that their global norm is `max_norm` at most.

    Args:
        gradients: as they come from the loss.
        max_norm: the norm; None for no clipping.

    Returns:
        The gradients, all NaN if the norm is not finite; the norm before.
    """
    wide = {name: gradients[name].astype(np.float64) for name in gradients}
    norm = global_norm(wide)
    factor = 1.0 if max_norm is None else max_norm / max(norm, max_norm)
    if not np.isfinite(norm):
        factor = np.nan
    return {name: wide[name] * factor for name in wide}, norm


def step(
    rows: Mapping[str, Weight],
    weights: Arrays,
    gradients: Arrays,
    moments: Moments,
    rate: float,
    settings: OptimizerSettings,
) -> tuple[Arrays, Moments]:
    """Make one update.

    Args:
        rows: canonical name -> row of the weight-name table.
        weights: before it.
        gradients: clipped.
        moments: before it.
        rate: the learning rate of this step.
        settings: which optimizer, and its numbers.

    Returns:
        Weights and moments after it.
    """
    beta_1, beta_2 = settings.betas
    moments = Moments(
        {n: beta_1 * moments.first[n] + (1 - beta_1) * g for n, g in gradients.items()},
        {
            n: beta_2 * moments.second[n] + (1 - beta_2) * g**2
            for n, g in gradients.items()
        },
        moments.steps + 1,
    )
    after = {}
    for name, weight in weights.items():
        first, second = moments.first[name], moments.second[name]
        if settings.bias_correction:
            first = first / (1 - beta_1**moments.steps)
            second = second / (1 - beta_2**moments.steps)
        update = first / (np.sqrt(second) + settings.epsilon)
        decays = rows[name].kind not in (BIAS, SCALE, SHIFT)
        if decays:
            update = update + settings.weight_decay * weight
        adapts = decays and settings.name == "lamb"
        ratio = trust_ratio(weight, update) if adapts else 1.0
        after[name] = weight - rate * ratio * update
    return after, moments


def trust_ratio(weight: np.ndarray, update: np.ndarray) -> float:
    """Give the weight's norm in terms of the update's; 1 if either is 0."""
    norms = np.linalg.norm(weight), np.linalg.norm(update)
    return float(norms[0] / norms[1]) if norms[0] and norms[1] else 1.0
