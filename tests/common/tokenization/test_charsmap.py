# ruff: noqa: RUF001

import random
from dataclasses import replace

import pytest
from sentencepiece import SentencePieceProcessor

from albert.common.tokenization.charsmap import CharRules, SpmNormalizer
from albert.common.tokenization.proto import (
    NORMAL,
    UNKNOWN,
    USER_DEFINED,
    SpmModel,
    parse_model,
    serialize_model,
)

from .rules import DEMO

_ALPHABET = [
    *("\u1100", "\u1161", "\u11a8", "가", "e", "\u0301", "\u0315", " ", "▁", "\u200b"),
    *("\x00", "\u09c7", "\u09be", "Å", "ﬁ", "…", "–", "€", "\u3000", "\ufffd", "か"),
    *("\u3099", "ﾞ", "\u0f71", "\u0f72", "ΐ", "a"),
]


def _model(folder):
    return parse_model((folder / "spiece.model").read_bytes())


def test_every_third_character_as_sentencepiece(folder, truth):
    normalizer = SpmNormalizer(_model(folder))
    for code in [*range(0x300), *range(0x300, 0xD800, 3), *range(0xE000, 0x11000, 3)]:
        text = chr(code)
        assert normalizer.normalize(text) == truth.starting.normalize(text), hex(code)


def test_strings_as_sentencepiece(folder, truth):
    normalizer = SpmNormalizer(_model(folder))
    rng = random.Random(0)
    for _ in range(4000):
        text = "".join(rng.choice(_ALPHABET) for _ in range(rng.randint(0, 12)))
        for prefix, processor in ((True, truth.starting), (False, truth.continuing)):
            expected = processor.normalize(text)
            assert normalizer.normalize(text, prefix=prefix) == expected, text
            aligned = normalizer.aligned(text, prefix=prefix)
            assert "".join(char for char, _, _ in aligned) == expected, text


def test_aligned_counts_source_characters(folder):
    normalizer = SpmNormalizer(_model(folder))
    assert normalizer.aligned("ﬁ  각") == [
        ("▁", 0, 0),
        ("f", 0, 1),
        ("i", 0, 1),
        ("▁", 1, 2),
        ("각", 3, 4),
    ]


def test_jamo_become_one_syllable(folder):
    normalizer = SpmNormalizer(_model(folder))
    assert normalizer.aligned("\u1100\u1161\u11a8", prefix=False) == [("각", 0, 3)]


def test_no_rules():
    rules = CharRules(b"")
    assert rules.alone("ﬁ") == (None, False)
    assert rules.longest("ﬁ", 0) == ("ﬁ", 1)
    assert not rules.begins("ab")


def test_flags_of_the_model():
    pieces, scores, kinds = ("<unk>", "▁", "a"), (0.0, -1.0, -2.0), (UNKNOWN, NORMAL, 1)
    bare = SpmModel(pieces, scores, kinds, b"", False, False)
    assert SpmNormalizer(bare).normalize(" a  a ") == "▁a▁▁a▁"
    aligned = SpmNormalizer(bare).aligned(" a  a ")
    assert "".join(char for char, _, _ in aligned) == "▁a▁▁a▁"


def test_user_defined_piece_is_not_rewritten():
    pieces, kinds = ("<unk>", "ab"), (UNKNOWN, 4)
    normalizer = SpmNormalizer(SpmModel(pieces, (0.0, 0.0), kinds))
    assert normalizer.normalize("xab") == "▁xab"
    assert [char for char, _, _ in normalizer.aligned("xab")] == [*"▁xab"]


@pytest.mark.parametrize("symbol", ["ﬁ", "ﬁx", "\x07", "a\x07"])
def test_user_defined_piece_goes_before_the_rules(symbol):
    demo = _model(DEMO)
    model = replace(
        demo,
        pieces=(*demo.pieces, symbol),
        scores=(*demo.scores, 0.0),
        kinds=(*demo.kinds, USER_DEFINED),
    )
    sp = SentencePieceProcessor(model_proto=serialize_model(model))
    normalizer = SpmNormalizer(model)
    for text in ("ﬁx aﬁ", "a\x07", "ﬁ, é \x07", "a" * 60 + "ﬁ各"):
        assert normalizer.normalize(text) == sp.normalize(text)
        aligned = normalizer.aligned(text)
        assert "".join(char for char, _, _ in aligned) == sp.normalize(text)
