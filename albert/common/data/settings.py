"""What a user can choose about pre-training data."""

from __future__ import annotations

import math
from dataclasses import dataclass

from albert.common.data.masking import Masking
from albert.common.data.randomness import check_seed
from albert.common.data.sentences import SEGMENTS

_SHORTEST_ROW = 8


@dataclass(frozen=True)
class PrepareSettings:
    """How examples are made of documents.

    Args:
        segments: "sentences" or "lines", what pairs of text are made of.
        sentence_order: whether rows are pairs of text, half of them swapped; otherwise
            they are plain consecutive text.
        static: whether masks are drawn once and stored; otherwise they are drawn
            whenever a row is read.
        dupe_factor: how often each document is gone through, each time with other
            pairs and, if they are stored, other masks.
        max_length: the most tokens of a row, special ones included.
        max_predictions: the most masked tokens of a row; None for `mask_probability`
            of `max_length`, rounded up. The original's default is 20.
        mask_probability: the part of a row's tokens that is masked.
        ngram: the most words that are masked in one run.
        short_probability: the part of documents with shorter rows.
        seed: of all that is drawn here.
        shard_bytes: text of a shard, in bytes of UTF-8.

    Raises:
        ValueError: a value is out of range.
    """

    segments: str = "sentences"
    sentence_order: bool = True
    static: bool = False
    dupe_factor: int = 1
    max_length: int = 512
    max_predictions: int | None = None
    mask_probability: float = 0.15
    ngram: int = 3
    short_probability: float = 0.1
    seed: int = 0
    shard_bytes: int = 1 << 22

    def __post_init__(self) -> None:
        if self.segments not in SEGMENTS:
            raise ValueError(
                f"segments must be one of {', '.join(SEGMENTS)}, but is "
                f"{self.segments!r}."
            )
        _at_least("max_length", self.max_length, _SHORTEST_ROW)
        for name in ("dupe_factor", "ngram", "shard_bytes"):
            _at_least(name, getattr(self, name), 1)
        if self.max_predictions is not None:
            _at_least("max_predictions", self.max_predictions, 1)
        if not 0 < self.mask_probability <= 1:
            raise ValueError(
                f"mask_probability must be above 0 and at most 1, but is "
                f"{self.mask_probability}."
            )
        if not 0 <= self.short_probability <= 1:
            raise ValueError(
                f"short_probability must be 0 to 1, but is {self.short_probability}."
            )
        check_seed(self.seed)

    @property
    def masking(self) -> Masking:
        """How positions are masked."""
        most = self.max_predictions
        if most is None:
            # 0.15 * 20 is above 3 in floating point.
            most = math.ceil(round(self.mask_probability * self.max_length, 6))
        return Masking(self.mask_probability, most, self.ngram)


def _at_least(name: str, value: int, least: int) -> None:
    if value < least:
        raise ValueError(f"{name} must be at least {least}, but is {value}.")
