"""From logits to probabilities."""

from __future__ import annotations

import numpy as np


def softmax(logits: np.ndarray) -> np.ndarray:
    """Give probabilities that sum to 1 over the last axis.

    Args:
        logits: float [..., L].

    Returns:
        float64 [..., L].
    """
    wide = np.asarray(logits, np.float64)
    raised = np.exp(wide - wide.max(-1, keepdims=True))
    return raised / raised.sum(-1, keepdims=True)


def sigmoid(logits: np.ndarray) -> np.ndarray:
    """Give a probability for each logit by itself.

    Args:
        logits: float [...].

    Returns:
        float64 [...].
    """
    wide = np.asarray(logits, np.float64)
    # Each branch only where it cannot overflow.
    small = np.exp(-np.abs(wide))
    return np.where(wide >= 0, 1.0, small) / (1.0 + small)


def best(scores: np.ndarray, number: int | None = None) -> np.ndarray:
    """Order by score, the highest first; equal ones as they stand.

    Args:
        scores: float [L].
        number: how many; None for all.

    Returns:
        int [number or fewer], places in `scores`.
    """
    places = np.arange(len(scores))
    if number is not None and number < len(scores):
        # Only those that reach the last one's score are sorted; NaN reaches nothing,
        # so that with too few numbers among them all are.
        least = -np.partition(-scores, number - 1)[number - 1]
        if not np.isnan(least):
            places = np.flatnonzero(scores >= least)
    return places[np.argsort(-scores[places], kind="stable")][:number]
