"""Masked positions: runs of whole words, drawn at random.

Source: ALBERT paper, section 4.1 (n-gram masking); google-research/albert
create_pretraining_data.py, create_masked_lm_predictions.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from albert.common.data.words import BEGINS, GOES_ON

_MASKED, _KEPT = 0.8, 0.9


@dataclass(frozen=True)
class Masking:
    """How positions are masked.

    Args:
        probability: part of a row's tokens, special ones included, that is masked.
        max_predictions: the most positions of a row.
        ngram: the most words that are masked in one run; n words have a probability
            proportional to 1/n.
    """

    probability: float
    max_predictions: int
    ngram: int

    def budget(self, length: int) -> int:
        """Tell how many pieces of a row are masked.

        Args:
            length: of the row in tokens, special ones included.

        Returns:
            The number, at least 1; halves are rounded to the even number.
        """
        wanted = max(1, round(self.probability * length))
        return min(self.max_predictions, wanted)


def draw_positions(
    kinds: np.ndarray, masking: Masking, generator: np.random.Generator
) -> np.ndarray:
    """Draw the positions of a row that are to be predicted.

    Words are taken in random order as the first of a run, whose number of words is
    drawn. A run ends where its text does, so none goes over a [SEP]; it is shortened
    while it has more pieces than are still wanted, and left out if it cannot be, or
    if it touches a word that is taken.

    Args:
        kinds: uint8 [S]: what each piece of the row is, as `words.piece_kinds` says;
            a text's first piece begins a word.
        masking: how.
        generator: the row's own.

    Returns:
        Positions in ascending order, int64 [at most the budget]: fewer where no word
        fits any more, none where there is no word.
    """
    first, end, last_in_reach = _words(kinds)
    number = len(first)
    order: list[int] = generator.permutation(number).tolist()
    limits = _limits(masking.ngram)
    more: list[int] = np.searchsorted(
        limits, generator.random(number), "right"
    ).tolist()
    taken = bytearray(number)
    left = masking.budget(len(kinds))
    spans: list[tuple[int, int]] = []
    for word, further in zip(order, more, strict=True):
        begin = first[word]
        last = min(word + further, last_in_reach[word])
        while last >= word and end[last] - begin > left:
            last -= 1
        if last < word or any(taken[word : last + 1]):
            continue
        taken[word : last + 1] = b"\1" * (last + 1 - word)
        spans.append((begin, end[last]))
        left -= end[last] - begin
        if not left:
            break
    found = [place for span in sorted(spans) for place in range(*span)]
    return np.array(found, np.int64)


@lru_cache(maxsize=8)
def _limits(ngram: int) -> np.ndarray:
    """Give the chances of at most one word, at most two, and so on."""
    weights = 1 / np.arange(1, ngram + 1)
    return np.cumsum(weights / weights.sum())[:-1]


def _words(kinds: np.ndarray) -> tuple[list[int], list[int], list[int]]:
    """Give each word's first position, the one behind it, and its text's last word."""
    first = np.flatnonzero(kinds == BEGINS)
    borders = np.append(np.flatnonzero(kinds != GOES_ON), len(kinds))
    end = borders[np.searchsorted(borders, first, "right")]
    # Words that touch are of one text.
    apart = np.flatnonzero(np.append(end[:-1] != first[1:], len(first) > 0))
    reach = apart[np.searchsorted(apart, np.arange(len(first)))]
    return first.tolist(), end.tolist(), reach.tolist()


def replace(
    tokens: np.ndarray,
    mask_id: int,
    ordinary: np.ndarray,
    generator: np.random.Generator,
) -> np.ndarray:
    """Replace tokens that are to be predicted: 80 % by the mask, 10 % at random.

    Args:
        tokens: int [P], the true ones.
        mask_id: of the mask.
        ordinary: int [at most V], the ids that a random one is drawn from, all alike.
        generator: the row's own.

    Returns:
        int [P], each drawn for itself: the mask with probability 0.8, the token
        itself with 0.1, a random one (which may be the same) with 0.1.
    """
    chance = generator.random(len(tokens))
    random = ordinary[generator.integers(0, len(ordinary), len(tokens))]
    return np.where(
        chance < _MASKED, mask_id, np.where(chance < _KEPT, tokens, random)
    ).astype(tokens.dtype)
