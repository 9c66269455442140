"""How far the best cut of a word is ahead of the next best.

SentencePiece adds the scores along a text in float32, tokenizers' Unigram in float64.
Where two cuts of a word have (almost) the same sum, as for "zzz" with the pieces "z"
and "zz", rounding decides, and that depends on everything in front of the word.

Source: sentencepiece, src/unigram_model.cc, Model::EncodeOptimized.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from albert.common.tokenization.proto import NORMAL, USER_DEFINED, SpmModel

_UNKNOWN_PENALTY = 10.0

Step = tuple[int, float]
"""(length in characters, score) of one piece of a cut."""


@dataclass(frozen=True)
class Scores:
    """What each piece adds to the score of a cut.

    Args:
        steps: log probability by piece. A user-defined piece is taken whatever its
            score, so it gets the best score of the others.
        unknown: score of a character that is no piece.
        longest: length of the longest piece, in characters.
    """

    steps: dict[str, float]
    unknown: float
    longest: int


def make_scores(model: SpmModel) -> Scores:
    """Take the scores of all pieces that a text may be cut into."""
    entries = list(zip(model.pieces, model.scores, model.kinds, strict=True))
    normal = [score for _, score, kind in entries if kind == NORMAL] or [0.0]
    steps = {piece: score for piece, score, kind in entries if kind == NORMAL}
    steps |= {piece: max(normal) for piece, _, kind in entries if kind == USER_DEFINED}
    unknown = min(normal) - _UNKNOWN_PENALTY
    return Scores(steps, unknown, max(map(len, steps), default=1))


def steps_of(pieces: Sequence[str], scores: Scores) -> list[Step]:
    """Score the pieces of a cut; characters of an unknown piece count one by one."""
    steps: list[Step] = []
    for piece in pieces:
        score = scores.steps.get(piece)
        if score is None:
            steps.extend([(1, scores.unknown)] * len(piece))
        else:
            steps.append((len(piece), score))
    return steps


def margin(word: str, best: Sequence[Step], scores: Scores) -> float:
    """Tell how far the best cut of `word` is ahead of every other.

    Args:
        word: the characters to cut.
        best: the steps of the best cut.
        scores: the pieces' scores.

    Returns:
        Score of the best cut less that of the runner-up, infinite if there is none;
        negative if `best` is not the best.
    """
    size, get = len(word), scores.steps.get
    # Best sums up to each place: of the best cut itself, and of those that left it.
    on_best = [-math.inf] * (size + 1)
    left_it = [-math.inf] * (size + 1)
    chosen = [0] * (size + 1)
    at, total = 0, 0.0
    for length, score in best:
        on_best[at], chosen[at] = total, at + length
        at, total = at + length, total + score
    # Written out in one loop, since each new word of a text comes by here.
    for start in range(size):
        before = left_it[start]
        either = max(on_best[start], before)
        if either == -math.inf:
            continue
        follows = chosen[start]
        for end in range(start + 1, min(start + scores.longest, size) + 1):
            score = get(word[start:end])
            if score is None:
                if end > start + 1:
                    continue
                score = scores.unknown
            found = (before if end == follows else either) + score
            if found > left_it[end]:
                left_it[end] = found
    return total - left_it[size]
