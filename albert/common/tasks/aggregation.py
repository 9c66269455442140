"""Labels of pieces to labels of words and of stretches of text.

Letters: L labels.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np

STRATEGIES = ("none", "simple", "first", "average", "max")
"""Values of `aggregation_strategy`."""

OF_WORDS = ("first", "average", "max")
"""Those that decide for whole words, and so must know which pieces make one."""

Entity = dict[str, Any]
Join = Callable[[list[str]], str]


class Piece(NamedTuple):
    """A piece with its scores.

    Fields:
        word: the piece.
        scores: float32 [L], the labels' probabilities.
        place: its place in the row.
        start: its first character in the text; None if it is not known.
        end: the character after its last; None likewise.
        continues: whether it is of the same word as the piece before it.
    """

    word: str
    scores: np.ndarray
    place: int
    start: int | None
    end: int | None
    continues: bool = False


class _Labelled(NamedTuple):
    """A piece, or a word, whose label is decided."""

    label: str
    score: float
    word: str
    start: int | None
    end: int | None


def aggregate(
    pieces: Sequence[Piece], strategy: str, labels: Sequence[str], join: Join
) -> list[Entity]:
    """Label pieces and, unless the strategy is "none", put neighbours together.

    Neighbours are one group if their labels are alike but for "B-" or "I-" in front,
    and the later one's is not "B-".

    Args:
        pieces: of one row, in order.
        strategy: one of `STRATEGIES`. "simple" groups pieces. The others give every
            piece of a word the same label first: "first" that of its first piece, "max"
            that of the piece which is surest, "average" the best of the mean of the
            probabilities.
        labels: [L].
        join: makes a text of pieces.

    Returns:
        For "none" each piece as `entity`, `score`, `index`, `word`, `start`, `end`; or
            else each group as `entity_group` (without "B-" or "I-"), `score` (the mean
            of its pieces' or words'), `word`, `start`, `end`.
    """
    if strategy == "none":
        return [_entity(piece, labels) for piece in pieces]
    if strategy == "simple":
        labelled = [_label([piece], "first", labels, _only) for piece in pieces]
    else:
        words = _words(pieces)
        labelled = [_label(word, strategy, labels, join) for word in words]
    return [_group(group, join) for group in _groups(labelled)]


def without_overlaps(entities: Sequence[Entity]) -> list[Entity]:
    """Choose among entities that overlap, as those of overlapping windows do.

    Args:
        entities: with `start` and `end`, in any order.

    Returns:
        Those that stay, by their start: of two that overlap the longer one, of equally
            long ones the one with the higher score.
    """
    kept: list[Entity] = []
    for entity in sorted(entities, key=lambda one: one["start"]):
        if not kept or entity["start"] >= kept[-1]["end"]:
            kept.append(entity)
        elif _weight(entity) > _weight(kept[-1]):
            kept[-1] = entity
    return kept


def _weight(entity: Entity) -> tuple[int, float]:
    return entity["end"] - entity["start"], entity["score"]


def _entity(piece: Piece, labels: Sequence[str]) -> Entity:
    best = int(piece.scores.argmax())
    return {
        "entity": labels[best],
        "score": float(piece.scores[best]),
        "index": piece.place,
        "word": piece.word,
        "start": piece.start,
        "end": piece.end,
    }


def _words(pieces: Sequence[Piece]) -> list[list[Piece]]:
    words: list[list[Piece]] = []
    for piece in pieces:
        if piece.continues and words:
            words[-1].append(piece)
        else:
            words.append([piece])
    return words


def _label(
    word: list[Piece], strategy: str, labels: Sequence[str], join: Join
) -> _Labelled:
    if strategy == "first":
        scores = word[0].scores
    elif strategy == "max":
        scores = max(word, key=lambda piece: float(piece.scores.max())).scores
    else:
        scores = np.mean([piece.scores for piece in word], axis=0)
    best = int(scores.argmax())
    text = join([piece.word for piece in word])
    return _Labelled(
        labels[best], float(scores[best]), text, word[0].start, word[-1].end
    )


def _only(words: list[str]) -> str:
    (word,) = words
    return word


def _groups(labelled: Sequence[_Labelled]) -> list[list[_Labelled]]:
    groups: list[list[_Labelled]] = []
    for one in labelled:
        begins, tag = _tag(one.label)
        if groups and not begins and tag == _tag(groups[-1][-1].label)[1]:
            groups[-1].append(one)
        else:
            groups.append([one])
    return groups


def _tag(label: str) -> tuple[bool, str]:
    """Tell whether a label says that something begins, and what."""
    if label.startswith(("B-", "I-")):
        return label[0] == "B", label[2:]
    return False, label


def _group(group: list[_Labelled], join: Join) -> Entity:
    return {
        # transformers cuts at any hyphen, be it behind B, I or something else.
        "entity_group": group[0].label.split("-", 1)[-1],
        "score": float(np.mean([one.score for one in group])),
        # Words of several pieces have been joined before, and so have lost the "▁" that
        # would part them here: as in transformers.
        "word": join([one.word for one in group]).rstrip(" "),
        "start": group[0].start,
        "end": group[-1].end,
    }
