"""Which pieces begin a word, by the original's rule."""

# ruff: noqa: RUF001

import re

import numpy as np

from albert.common.data.words import BEGINS, GOES_ON, NEVER, begins_word, piece_kinds
from albert.common.tokenization.proto import parse_model

# Written by hand, of the rule.
STARTING = [
    "▁the",
    "▁",
    "▁a",
    "1",
    "2",
    "–",
    "£",
    "é",
    "(",
    ")",
    '"',
    "-",
    ".",
    ",",
    "'",
    "s's",
    "<",
    "=",
    ">",
    "<x>",
    "ü",
    "日",
    "a1",
    "٣",
]
GOING_ON = ["s", "ing", "ed", "th", "A", "aB", "!!", "://", "a.", "...", "##", "x-y"]

# The same rule in other words: an ASCII text of letters and punctuation without
# ' < = > that is no single punctuation character.
GOES = re.compile(r"(?![^A-Za-z]\Z)[A-Za-z!-&(-/:;?@\[-`{-~]+\Z")


def test_by_hand():
    assert [piece for piece in STARTING if not begins_word(piece)] == []
    assert [piece for piece in GOING_ON if begins_word(piece)] == []


def test_the_whole_vocabulary(tokenizer):
    pieces = parse_model(tokenizer.__getstate__()["saved"].proto).pieces
    expected = np.array([GOES_ON if GOES.match(piece) else BEGINS for piece in pieces])
    expected[:5] = NEVER
    kinds = piece_kinds(pieces, range(5), len(pieces) + 1)
    assert (kinds[:-1] == expected).all()
    assert kinds[-1] == BEGINS
    assert np.bincount(kinds).tolist() == [5, 6755, 1433]
    for piece in ("▁the", "(", "–", "."):
        assert kinds[pieces.index(piece)] == BEGINS


def test_wordpiece():
    pieces = ["[PAD]", "the", "##s", "##ing", "!", "a!"]
    expected = [NEVER, BEGINS, GOES_ON, GOES_ON, BEGINS, BEGINS]
    assert piece_kinds(pieces, [0], 6, wordpiece=True).tolist() == expected
