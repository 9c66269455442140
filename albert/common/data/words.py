"""Which pieces begin a word, so that words are masked whole."""

from __future__ import annotations

import string
from collections.abc import Collection, Sequence

import numpy as np

NEVER, BEGINS, GOES_ON = 0, 1, 2
"""What a piece is: never masked, the first of a word, or a further one of it."""

# The list of the original has all of ASCII's punctuation but these.
_PUNCTUATION = frozenset(string.punctuation) - frozenset("'<=>")
_INSIDE = _PUNCTUATION | frozenset(string.ascii_letters)


def begins_word(piece: str) -> bool:
    """Whether a SentencePiece piece begins a word.

    It does if it begins with "▁" or "<", is a single ASCII punctuation character, or
    has any character but ASCII letters and punctuation; `'`, `<`, `=` and `>` do not
    count as punctuation. So a digit, or a letter of another script, is a word.

    Args:
        piece: the piece.

    Returns:
        Whether.

    Source: google-research/albert create_pretraining_data.py, _is_start_piece_sp.
    """
    if piece.startswith(("▁", "<")) or piece in _PUNCTUATION:
        return True
    return not _INSIDE.issuperset(piece)


def piece_kinds(
    pieces: Sequence[str], special: Collection[int], size: int, wordpiece: bool = False
) -> np.ndarray:
    """Tell for every id what its piece is.

    Args:
        pieces: the vocabulary's, by id.
        special: ids that are never masked.
        size: the number of ids; those behind `pieces` are added tokens, words each.
        wordpiece: whether a piece goes on with a word if it has "##" in front, as in
            a vocab.txt.

    Returns:
        uint8 [size]: `NEVER`, `BEGINS` or `GOES_ON`.
    """
    kinds = np.full(size, BEGINS, np.uint8)
    for index, piece in enumerate(pieces):
        begins = not piece.startswith("##") if wordpiece else begins_word(piece)
        if not begins:
            kinds[index] = GOES_ON
    kinds[list(special)] = NEVER
    return kinds
