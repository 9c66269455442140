"""Cut text with the tokenizers library wherever SentencePiece must cut it alike."""

from __future__ import annotations

import math
import re
from functools import lru_cache
from importlib import import_module
from typing import Any, NamedTuple

from albert.common.tokenization.charsmap import BLANK
from albert.common.tokenization.margins import Scores, make_scores, margin, steps_of
from albert.common.tokenization.proto import (
    BYTE,
    NORMAL,
    UNIGRAM,
    USER_DEFINED,
    SpmModel,
)

_CACHED_WORDS = 1 << 16
_LONGEST_WORD = 128
_FLOAT32_STEP = 2.0**-23


class Word(NamedTuple):
    """How a stretch of text is cut when rounding plays no part.

    Attributes:
        pieces: the pieces; an unknown run is one piece, with its own characters.
        cost: sum of the scores, without sign.
        reach: the cost of the text in front of it from which on rounding may decide.
    """

    pieces: tuple[str, ...]
    cost: float
    reach: float


class UnigramCutter:
    """The unigram model: normalised text in, pieces out.

    Text is cut word by word with tokenizers' Unigram model, and words are remembered.

    Args:
        model: a unigram model.

    Raises:
        ValueError: the model is of another kind, or needs what Unigram has not.
    """

    def __init__(self, model: SpmModel) -> None:
        _check_model(model)
        self._scores = make_scores(model)
        unigram: Any = import_module("tokenizers.models").Unigram
        self._unigram = unigram(_unigram_vocab(model, self._scores), model.unk_id)
        self._stretches, self._hard = _splitters(model)
        self._word = lru_cache(_CACHED_WORDS)(self._cut_word)

    def cut(self, text: str) -> list[str] | None:
        """Cut normalised text.

        Args:
            text: what `SpmNormalizer.normalize` returned.

        Returns:
            Pieces that make up `text`; a run of unknown characters is one piece. None
            if a runner-up is so near that SentencePiece, adding in float32, may prefer
            it, or a word is too long to tell: then SentencePiece must be asked.
        """
        if self._hard is not None and self._hard.search(text):
            return None
        cost = 0.0
        pieces: list[str] = []
        for stretch in self._stretches.findall(text):
            if len(stretch) > _LONGEST_WORD:
                return None
            word = self._word(stretch)
            if cost >= word.reach:
                return None
            pieces += word.pieces
            cost += word.cost
        return pieces

    def _cut_word(self, stretch: str) -> Word:
        pieces: list[str] = [token.value for token in self._unigram.tokenize(stretch)]
        steps = steps_of(pieces, self._scores)
        cost = math.fsum(abs(score) for _, score in steps)
        # Along both cuts each addition may round by half a float32 step of the sum so
        # far, which is at most the cost in front and that of the word's characters,
        # all unknown. Four times that is for safety.
        ahead = margin(stretch, steps, self._scores)
        largest = ahead / (2 * (len(stretch) + 2) * _FLOAT32_STEP)
        return Word(tuple(pieces), cost, largest + len(stretch) * self._scores.unknown)


def _check_model(model: SpmModel) -> None:
    if model.model_type != UNIGRAM:
        raise ValueError(
            f"the SentencePiece model is of type {model.model_type}, and "
            f"AlbertTokenizerFast cuts with unigram models (type 1) only: use "
            f"AlbertTokenizer."
        )
    if model.whitespace_as_suffix:
        raise ValueError(
            "the SentencePiece model puts blanks at the end of words "
            "(treat_whitespace_as_suffix), which AlbertTokenizerFast cannot: use "
            "AlbertTokenizer."
        )
    if BYTE in model.kinds:
        raise ValueError(
            "the SentencePiece model falls back to bytes (byte_fallback), which "
            "AlbertTokenizerFast cannot: use AlbertTokenizer."
        )


def _unigram_vocab(model: SpmModel, scores: Scores) -> list[tuple[str, float]]:
    """List pieces and scores; those that no text is cut into are made unmatchable."""
    best = max(scores.steps.values(), default=0.0)
    entries: list[tuple[str, float]] = []
    for index, (piece, kind) in enumerate(zip(model.pieces, model.kinds, strict=True)):
        if kind in (NORMAL, USER_DEFINED):
            entries.append((piece, scores.steps[piece]))
        else:
            # Two "▁" in a row are never in one stretch.
            entries.append((f"{BLANK}{BLANK}{index}", best))
    return entries


def _splitters(model: SpmModel) -> tuple[re.Pattern[str], re.Pattern[str] | None]:
    """Make the pattern of stretches, and that of text for SentencePiece alone.

    Stretches end where every cut has a boundary: in front of each "▁", if no piece
    holds one further in, and around a character that is a piece but stands in no
    longer one. A user-defined piece that is no such character is taken by rules that
    changed between SentencePiece's versions.
    """
    kinds = zip(model.pieces, model.kinds, strict=True)
    pieces = {piece for piece, kind in kinds if kind in (NORMAL, USER_DEFINED)}
    # Most pieces begin with one, so that a search from the right ends soonest.
    if BLANK not in pieces or any(piece.rfind(BLANK) > 0 for piece in pieces):
        return re.compile(".+", re.DOTALL), re.compile("")
    single = {piece for piece in pieces if len(piece) == 1}
    alone = single - set("".join(pieces - single)) - {BLANK}
    lonely = re.escape("".join(sorted(alone)))
    others = f"[^{BLANK}{lonely}]"
    pattern = f"{BLANK}{others}*|{others}+" + (f"|[{lonely}]" if alone else "")
    hard = "|".join(map(re.escape, sorted(model.user_defined - alone)))
    return re.compile(pattern, re.DOTALL), re.compile(hard) if hard else None
