import math
import random
from itertools import product

import pytest

from albert.common.tokenization.commas import ends_in_digit_comma, recut
from albert.common.tokenization.margins import make_scores, margin, steps_of
from albert.common.tokenization.proto import (
    BYTE,
    NORMAL,
    UNKNOWN,
    USER_DEFINED,
    SpmModel,
    parse_model,
)
from albert.common.tokenization.unigram import UnigramCutter

PIECES = {"▁": -2.0, "a": -3.0, "aa": -5.5, "ab": -4.0, "▁a": -3.5, "b": -4.25}


def _model(**more):
    pieces = ("<unk>", *PIECES, *more)
    kinds = (UNKNOWN, *[NORMAL] * len(PIECES), *more.values())
    scores = (0.0, *PIECES.values(), *[0.0] * len(more))
    return SpmModel(pieces, scores, kinds)


def _all_cuts(word, scores):
    """List the score of every way to cut a word."""
    sums = []
    for choice in product([0, 1], repeat=len(word) - 1):
        ends = [*(n + 1 for n, cut in enumerate(choice) if cut), len(word)]
        parts = [word[a:b] for a, b in zip([0, *ends], ends, strict=False)]
        costs = [
            scores.steps.get(part, scores.unknown if len(part) == 1 else -math.inf)
            for part in parts
        ]
        sums.append((sum(costs), parts))
    return sorted(sums, reverse=True)


def test_margin_is_the_gap_to_the_runner_up():
    scores = make_scores(_model())
    rng = random.Random(0)
    for _ in range(300):
        word = "".join(rng.choice("aabz") for _ in range(rng.randint(2, 8)))
        (best, parts), (second, _), *_ = _all_cuts(word, scores)
        gap = margin(word, steps_of(parts, scores), scores)
        assert gap == pytest.approx(best - second) or second == gap == -math.inf


def test_margin_without_a_runner_up():
    scores = make_scores(_model())
    assert margin("b", [(1, -4.25)], scores) == math.inf


def test_unknown_characters_are_one_piece():
    assert UnigramCutter(_model()).cut("▁ayxa") == ["▁a", "yx", "a"]


def test_a_tie_is_left_to_sentencepiece():
    model = _model()
    tied = SpmModel(
        model.pieces, (0.0, -2.0, -3.0, -6.0, *model.scores[4:]), model.kinds
    )
    assert UnigramCutter(tied).cut("▁baa") is None
    assert UnigramCutter(model).cut("▁baa") == ["▁", "b", "aa"]


def test_control_pieces_are_never_cut():
    assert UnigramCutter(_model(z=3)).cut("▁az") == ["▁a", "z"]
    assert UnigramCutter(_model(zy=3)).cut("▁azy") == ["▁a", "zy"]
    assert UnigramCutter(_model(b2=3)).cut("▁b2") == ["▁", "b", "2"]


def test_long_user_defined_pieces_are_left_to_sentencepiece():
    cutter = UnigramCutter(_model(zz=USER_DEFINED))
    assert cutter.cut("▁azz") is None
    assert cutter.cut("▁ab") == ["▁", "ab"]


def test_without_a_blank_piece_sentencepiece_cuts():
    model = SpmModel(("<unk>", "a"), (0.0, -1.0), (UNKNOWN, NORMAL))
    assert UnigramCutter(model).cut("▁a") is None


def test_nothing_is_cut_into_nothing():
    assert UnigramCutter(_model()).cut("") == []


def test_real_text_rarely_needs_sentencepiece(folder, truth):
    model = parse_model((folder / "spiece.model").read_bytes())
    cutter = UnigramCutter(model)
    text = truth.starting.normalize(
        "the quick brown fox jumps over the lazy dog (again)."
    )
    assert cutter.cut(text) == truth.starting.encode(text[1:], out_type=str)


REFUSED = [
    (
        {"model_type": 2},
        (
            "the SentencePiece model is of type 2, and AlbertTokenizerFast cuts with "
            "unigram models (type 1) only: use AlbertTokenizer."
        ),
    ),
    (
        {"whitespace_as_suffix": True},
        (
            "the SentencePiece model puts blanks at the end of words "
            "(treat_whitespace_as_suffix), which AlbertTokenizerFast cannot: use "
            "AlbertTokenizer."
        ),
    ),
    (
        {"kinds": (UNKNOWN, BYTE)},
        (
            "the SentencePiece model falls back to bytes (byte_fallback), which "
            "AlbertTokenizerFast cannot: use AlbertTokenizer."
        ),
    ),
]


@pytest.mark.parametrize(("fields", "message"), REFUSED)
def test_models_that_unigram_cannot(fields, message):
    given = {
        "pieces": ("<unk>", "a"),
        "scores": (0.0, -1.0),
        "kinds": (UNKNOWN, NORMAL),
        **fields,
    }
    with pytest.raises(ValueError) as error:
        UnigramCutter(SpmModel(**given))
    assert str(error.value) == message


@pytest.mark.parametrize(
    ("piece", "again", "expected"),
    [
        ("▁2001,", ["▁2001"], ["▁2001", ","]),
        ("99,", ["▁99"], ["99", ","]),
        ("99,", ["▁", "99"], ["99", ","]),
        ("▁99,", ["▁", "99"], ["▁", "99", ","]),
        ("9,", [], [","]),
    ],
)
def test_numbers_are_cut_again(piece, again, expected):
    asked = []

    def cut(text):
        asked.append(text)
        return again

    assert recut(piece, cut) == expected
    assert asked == [piece[:-1].replace("▁", "")]


@pytest.mark.parametrize(
    ("piece", "expected"),
    [("9,", True), (",", False), ("a,", False), ("▁1,0", False), ("٣,", True)],
)
def test_which_pieces_are_numbers(piece, expected):
    assert ends_in_digit_comma(piece) is expected
