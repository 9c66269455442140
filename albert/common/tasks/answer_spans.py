"""The best stretches of a text by where they start and where they end.

Letters: P pieces of the text in a window.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from albert.common.tasks.scores import best, softmax


class Spans(NamedTuple):
    """Stretches of a window, the best first.

    Fields:
        firsts: int [N], first piece of each.
        lasts: int [N], last piece of each.
        scores: float64 [N], probability of the start times that of the end.
        null: the same of [CLS], which stands for "no answer".
    """

    firsts: np.ndarray
    lasts: np.ndarray
    scores: np.ndarray
    null: float


def best_spans(
    starts: np.ndarray, ends: np.ndarray, longest: int, number: int
) -> Spans:
    """Find the best stretches of a window.

    Probabilities are shared among [CLS] and the pieces of the window.

    Args:
        starts: float [1 + P], logits of [CLS] and of the pieces.
        ends: float [1 + P], likewise.
        longest: pieces in a stretch at most.
        number: how many at most.

    Returns:
        The stretches.
    """
    start, end = softmax(starts), softmax(ends)
    size = len(start) - 1
    longest = min(longest, size)
    null = float(start[0] * end[0])
    if not size:
        nothing = np.zeros(0, np.int64)
        return Spans(nothing, nothing, np.zeros(0), null)
    # [P, longest]: a row holds the ends that a start may have, 0 beyond the last.
    reach = np.concatenate([end[1:], np.zeros(longest - 1)])
    band = start[1:, None] * np.lib.stride_tricks.sliding_window_view(reach, longest)
    order = best(band.ravel(), number)
    firsts, further = np.divmod(order, longest)
    inside = firsts + further < size
    firsts, further, order = firsts[inside], further[inside], order[inside]
    return Spans(firsts, firsts + further, band.ravel()[order], null)
