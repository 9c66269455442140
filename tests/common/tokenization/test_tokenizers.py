"""The promise: both classes give Google's ids on every text."""

# ruff: noqa: RUF001

import random
import time
from itertools import chain

import pytest
from hypothesis import given
from hypothesis import strategies as st

from albert.common.tokenization import AlbertTokenizer, AlbertTokenizerFast

from .conftest import CLASSES, load, truth_of
from .hostile import CHEAP, TEXTS
from .rules import DEMO, GOOGLE

FOLDERS = [
    pytest.param(DEMO, id="demo"),
    pytest.param(
        GOOGLE,
        id="google",
        marks=pytest.mark.skipif(
            not GOOGLE.is_dir(), reason=f"Google's vocabulary is not there: {GOOGLE}"
        ),
    ),
]
SETTINGS = [
    {},
    {"do_lower_case": False},
    {"keep_accents": True},
    {"do_lower_case": False, "keep_accents": True},
]


@pytest.mark.parametrize("settings", SETTINGS, ids=str)
@pytest.mark.parametrize("folder", FOLDERS)
def test_same_ids_as_google_on_hostile_text(folder, settings):
    slow, fast = (load(kind, folder, **settings) for kind in CLASSES)
    truth = truth_of(folder)
    how = {
        "lower": settings.get("do_lower_case", True),
        "keep_accents": settings.get("keep_accents", False),
    }

    @CHEAP
    @given(TEXTS)
    def check(text):
        expected = truth.ids(text, **how)
        assert slow.encode(text, add_special_tokens=False) == expected
        assert fast.encode(text, add_special_tokens=False) == expected

    check()


@pytest.mark.parametrize("folder", FOLDERS)
def test_same_ids_where_rounding_decides(folder):
    """Few letters make many cuts of equal score, which float32 sums choose among."""
    slow, fast = (load(kind, folder) for kind in CLASSES)
    rng = random.Random(0)
    for _ in range(1500):
        letters = rng.choice(["abx ", 'hxaz"(. ', "12ab, "])
        text = "".join(rng.choice(letters) for _ in range(rng.choice([8, 40, 300])))
        assert fast.encode(text) == slow.encode(text), text


@CHEAP
@given(TEXTS)
def test_offsets_lead_back_to_the_text(text):
    fast = load(AlbertTokenizerFast, DEMO)
    found = fast(text, add_special_tokens=False, return_offsets_mapping=True)
    offsets = found["offset_mapping"]
    assert len(offsets) == len(found["input_ids"])
    assert all(0 <= start <= end <= len(text) for start, end in offsets)
    starts = [start for start, _ in offsets]
    assert starts == sorted(starts)


@CHEAP
@given(st.lists(st.sampled_from(["The ", "3.0,", "[MASK]", " ", "-", "x9,", "ok"])))
def test_slices_are_the_tokens(parts):
    text = "".join(parts)
    found = load(AlbertTokenizerFast, DEMO)(text, add_special_tokens=False)
    for token, (start, end) in zip(found.tokens(), found[0].offsets, strict=True):
        piece = token.replace("▁", "")
        assert text[start:end].lower().strip() == piece.lower()


@CHEAP
@given(TEXTS)
def test_every_visible_character_is_in_a_token(text):
    fast = load(AlbertTokenizerFast, DEMO)
    found = fast(text, add_special_tokens=False, return_offsets_mapping=True)
    covered = {at for span in found["offset_mapping"] for at in range(*span)}
    for at, char in enumerate(text):
        # Alone it is a token of its own, so it must be in one here.
        if char.isalnum() and fast.tokenize(char):
            assert at in covered, (at, char)


EXACT = [
    ("3.0,", ["▁3", ".", "0", ","]),
    ("1,000,", None),
    ("\"it's", ["▁", '"', "it", "'", "s"]),
    ("[MASK].", ["[MASK]", "."]),
    ("a [MASK].", ["▁a", "[MASK]", "."]),
    ("a [MASK] the", ["▁a", "[MASK]", "▁the"]),
    ("[MASK]ing", ["[MASK]", "ing"]),
    ("the  ", ["▁the"]),
    ("  the", ["▁the"]),
    ("the [MASK] ", ["▁the", "[MASK]"]),
    ("``the''", ["▁", '"', "the", '"']),
    ("[CLS] the [SEP]", ["[CLS]", "▁the", "[SEP]"]),
    ("", []),
    (" \n\t ", []),
    ("\u200b", []),
    ("Thé THE", ["▁the", "▁the"]),
    ("<unk><pad>", ["<unk>", "<pad>"]),
    ("[mask]", None),
]


@pytest.mark.parametrize(("text", "tokens"), EXACT)
def test_tokens_by_hand(pair, truth, text, tokens):
    for tokenizer in pair:
        found = tokenizer.tokenize(text)
        assert tokens is None or found == tokens
        assert tokenizer.convert_tokens_to_ids(found) == truth.ids(text)


def test_special_ids(pair):
    for tokenizer in pair:
        roles = ("pad", "unk", "cls", "sep", "mask")
        assert [getattr(tokenizer, f"{role}_token_id") for role in roles] == [*range(5)]
        assert tokenizer.encode("a [MASK]")[-2:] == [4, 3]


def test_final_sigma(pair):
    for tokenizer in pair:
        assert "".join(tokenizer.tokenize("ΟΔΟΣ")) == "▁οδος"
        assert "".join(tokenizer.tokenize("ΟΔΟΣΑ")) == "▁οδοσα"


def test_vowel_signs_are_not_accents(pair):
    for tokenizer in pair:
        # Of these marks only the virama has a combining class.
        assert "".join(tokenizer.tokenize("हिन्दी")) == "▁हिनदी"


def test_accents_stay_if_wanted(kind):
    keeping = load(kind, DEMO, keep_accents=True)
    assert "".join(keeping.tokenize("schön")) == "▁schön"
    assert "".join(load(kind, DEMO).tokenize("schön")) == "▁schon"


def test_case_stays_if_wanted(kind):
    keeping = load(kind, DEMO, do_lower_case=False)
    assert "".join(keeping.tokenize("The")) == "▁The"


def test_space_stays_if_wanted(kind):
    keeping = load(kind, DEMO, remove_space=False)
    # Google folds this separator; SentencePiece alone knows nothing of it.
    assert keeping.tokenize("a\x1cb") != ["▁a", "▁b"]
    assert load(kind, DEMO).tokenize("a\x1cb") == ["▁a", "▁b"]


@pytest.mark.parametrize("folder", FOLDERS)
def test_time_grows_with_the_text(folder):
    text = "".join(f"Line {n}: the {n * 7919} quick “foxes”, é; " for n in range(300))
    for kind in CLASSES:
        tokenizer = load(kind, folder)
        tokenizer.tokenize(text)
        times = []
        for copies in (6, 24):
            start = time.process_time()
            tokenizer.encode(text * copies)
            times.append(time.process_time() - start)
        # Four times the text; a square would take sixteen times as long.
        assert times[1] < 9 * times[0]


def test_no_blanks_is_linear_too(kind):
    tokenizer = load(kind, DEMO)
    start = time.process_time()
    tokenizer.encode("ab" * 50_000)
    once = time.process_time() - start
    start = time.process_time()
    tokenizer.encode("ab" * 200_000)
    assert time.process_time() - start < 10 * once


def test_pre_split_words_are_texts_of_their_own(pair):
    words = ["The", "3.0,", "", "[MASK]", "foxes."]
    slow, fast = pair
    found = fast(words, is_split_into_words=True)
    assert found["input_ids"] == slow(words, is_split_into_words=True)["input_ids"]
    inner = [fast.encode(word, add_special_tokens=False) for word in words]
    assert found["input_ids"][1:-1] == [*chain(*inner)]
    numbers = [n for n, ids in enumerate(inner) for _ in ids]
    assert found.word_ids() == [None, *numbers, None]


def test_offsets_of_decomposed_text(fast):
    text = "  Ｔｈé   ﬁnal ``x''  "
    found = fast(text, return_offsets_mapping=True)
    slices = [text[start:end] for start, end in found["offset_mapping"]]
    assert "".join(slices).replace(" ", "") == "Ｔｈéﬁnal``x''"
    assert found["offset_mapping"][0] == found["offset_mapping"][-1] == (0, 0)


def test_words_of_text(fast):
    found = fast("the [MASK]. The end.")
    assert found.tokens() == [
        *("[CLS]", "▁the", "[MASK]", ".", "▁the", "▁end", ".", "[SEP]")
    ]
    assert found.word_ids() == [None, 0, 1, 2, 3, 4, 4, None]


def test_token_types_are_always_there(pair):
    for tokenizer in pair:
        found = tokenizer("the", "end of it")
        second = len(tokenizer.tokenize("end of it"))
        assert found["token_type_ids"] == [0] * 3 + [1] * (second + 1)
        assert tokenizer("the")["token_type_ids"] == [0, 0, 0]


def test_slow_and_fast_say_what_they_are():
    assert AlbertTokenizerFast.is_fast
    assert not AlbertTokenizer.is_fast
