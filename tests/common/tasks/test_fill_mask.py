"""Words for masks by hand; agreement with transformers is in conformance."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from albert.common.tasks.fill_mask import FillMask, FillMaskOptions
from albert.common.tasks.streaming import InputError
from albert.common.tasks.task import Encoded, Row

from .by_hand import TOKENIZER, make_config, make_pipeline

SIZE = len(TOKENIZER)
FOOD, CAT, S = TOKENIZER.convert_tokens_to_ids(["▁food", "▁cat", "s"])
TEXT = "Plants create [MASK]."


def logits(**scores):
    """Give float [V]: logarithms of scores that sum to 8 with the others' 0."""
    found = np.full(SIZE, -1e4)
    for piece, score in scores.items():
        found[TOKENIZER.convert_tokens_to_ids(piece)] = math.log(score)
    return found


@pytest.fixture
def make(monkeypatch):
    def made(**options):
        task = FillMask(TOKENIZER, make_config())
        found = logits(**{"▁food": 5, "▁cat": 2, "s": 1})
        return make_pipeline(monkeypatch, task, lambda text: found, **options)

    return made


@pytest.fixture
def fill(make):
    return make()


def filling(score, token, word, sequence):
    return {
        "score": pytest.approx(score),
        "token": token,
        "token_str": word,
        "sequence": sequence,
    }


BEST = [
    filling(5 / 8, FOOD, "food", "plants create food."),
    filling(2 / 8, CAT, "cat", "plants create cat."),
    filling(1 / 8, S, "s", "plants creates."),
]


def tokens(answer):
    return [found["token"] for found in answer]


def test_the_best_words_first(fill):
    assert fill(TEXT, top_k=3) == BEST
    assert fill({"text": TEXT}, top_k=1) == BEST[:1]
    assert len(fill(TEXT)) == 5


def test_the_answer_is_plain(fill):
    found = fill(TEXT)[0]
    assert list(found) == ["score", "token", "token_str", "sequence"]
    assert [type(value) for value in found.values()] == [float, int, str, str]


def test_lists(fill):
    assert fill([TEXT, TEXT], top_k=3) == [BEST, BEST]
    assert fill([]) == []
    # As in transformers, a list of one is like the text alone, a generator is not.
    assert fill([TEXT], top_k=3) == BEST
    assert list(fill(iter([TEXT]), top_k=3)) == [BEST]


def test_options_of_the_constructor(make):
    fill = make(top_k=1, targets="▁cat")
    assert fill(TEXT) == [BEST[1]]
    assert fill(TEXT, targets=None) == [BEST[0]]


def test_several_masks(fill):
    first, second = fill("[MASK] create [MASK].", top_k=1)
    assert first == [
        filling(5 / 8, FOOD, "food", "[CLS] food create[MASK].[SEP]"),
    ]
    assert second == [
        filling(5 / 8, FOOD, "food", "[CLS][MASK] create food.[SEP]"),
    ]
    assert fill(["[MASK] [MASK]"], top_k=1)[1][0]["token"] == FOOD
    both = fill([TEXT, "[MASK] [MASK]"], top_k=1)
    assert [len(one) for one in both] == [1, 2]


def test_masks_are_apart(monkeypatch):
    """Each mask has the logits of its own place."""
    task = FillMask(TOKENIZER, make_config())
    row = Row(
        np.array([2, TOKENIZER.mask_token_id, 9, TOKENIZER.mask_token_id, 3]),
        np.zeros(5, np.int32),
        np.array([1, 3], np.int32),
    )
    both = np.stack([logits(**{"▁food": 8}), logits(**{"s": 2, "▁cat": 6})])
    first, second = task.decode(
        Encoded([row]), [{"logits": both}], FillMaskOptions(top_k=2)
    )
    assert [(f["token"], f["score"]) for f in first[:1]] == [(FOOD, pytest.approx(1))]
    assert [(f["token"], f["score"]) for f in second] == [
        (CAT, pytest.approx(0.75)),
        (S, pytest.approx(0.25)),
    ]


def test_the_row_asks_only_for_the_masks(fill):
    task = FillMask(TOKENIZER, make_config())
    (row,) = task.encode("[MASK] create [MASK].", FillMaskOptions()).rows
    assert row.at is not None
    assert row.at.tolist() == [1, 3]


def test_targets_are_not_weighed_anew(fill):
    assert fill(TEXT, targets="food") == BEST[:1]
    assert fill(TEXT, targets=["▁cat", "food"]) == BEST[:2]
    assert fill(TEXT, targets=["▁cat", "food"], top_k=1) == BEST[:1]


def test_targets_are_pieces_or_words(fill):
    assert tokens(fill(TEXT, targets=["▁food"])) == [FOOD]
    assert tokens(fill(TEXT, targets=["s"])) == [S]
    # A piece that goes on with a word goes before the word.
    inside = TOKENIZER.convert_tokens_to_ids("cat")
    assert tokens(fill(TEXT, targets=["cat"])) == [inside] != [CAT]
    assert tokens(fill(TEXT, targets=["Food", " food", "food", "▁food"])) == [FOOD]
    assert tokens(fill(TEXT, targets=["<unk>"])) == [TOKENIZER.unk_token_id]


def test_a_target_of_several_pieces(fill):
    with pytest.warns(UserWarning) as warned:
        found = fill(TEXT, targets="photosynthesis")
    assert [str(one.message) for one in warned] == [
        (
            "the target 'photosynthesis' is not one piece of the vocabulary; its "
            "first, '▁photosynthe', is scored instead."
        )
    ]
    assert warned[0].filename == __file__
    assert tokens(found) == TOKENIZER.convert_tokens_to_ids(["▁photosynthe"])


def test_more_words_than_there_are(fill):
    assert sorted(tokens(fill(TEXT, top_k=10 * SIZE))) == list(range(SIZE))
    assert len(fill(TEXT, targets=["▁cat", "food"], top_k=9)) == 2


def test_long_texts(fill):
    text = f"{TEXT} {'one ' * 20}"
    with pytest.warns(UserWarning, match="input 0 is longer than its limit"):
        assert fill(text)[0]["token"] == FOOD
    options = {"truncation": True, "max_length": 6, "padding": True}
    with pytest.warns(UserWarning, match="input 0 is longer than its limit"):
        found = fill(text, tokenizer_kwargs=options)
    assert found[0]["sequence"] == "plants create food."
    with pytest.raises(ValueError) as error:
        fill(text, tokenizer_kwargs={"truncation": False})
    assert str(error.value) == (
        "the text has 26 tokens, but the limit is 16: shorten it, or pass "
        "truncation=True."
    )
    assert fill(TEXT, tokenizer_kwargs=None, top_k=3) == BEST


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("no mask", "is 'no mask'"),
        ("", "is ''"),
        ("one " * 20, f"is {'one ' * 14 + 'o...'!r}"),
        ("one " * 20 + "[MASK]", "its masks are cut off"),
    ],
)
@pytest.mark.filterwarnings("ignore:input 0 is longer")
def test_texts_without_a_mask(fill, text, found):
    with pytest.raises(ValueError) as error:
        fill(text)
    expected = f"the text must hold [MASK] where a word is to be found, but {found}."
    assert str(error.value) == expected
    with pytest.raises(InputError) as error:
        fill([TEXT, text])
    assert str(error.value) == f"input 1: {expected}"


@pytest.mark.parametrize(
    ("options", "kind", "text"),
    [
        (
            {"top_k": 0},
            ValueError,
            "top_k must be a whole number of at least 1, but is 0.",
        ),
        (
            {"top_k": True},
            ValueError,
            "top_k must be a whole number of at least 1, but is True.",
        ),
        (
            {"targets": []},
            ValueError,
            "targets must be a word, or a list of at least one.",
        ),
        (
            {"targets": ""},
            ValueError,
            "targets must be a word, or a list of at least one.",
        ),
        (
            {"targets": ["food", ""]},
            ValueError,
            "targets holds '', which has no piece to score.",
        ),
        (
            {"targets": ["food", 3]},
            TypeError,
            "each of targets must be a text, but is of type int.",
        ),
        (
            {"tokenizer_kwargs": {"stride": 3}},
            TypeError,
            (
                "tokenizer_kwargs has no option 'stride'; it has truncation, "
                "max_length, padding."
            ),
        ),
        (
            {"tokenizer_kwargs": {"max_length": 0}},
            ValueError,
            "max_length must be a whole number of at least 1, but is 0.",
        ),
    ],
)
def test_what_is_refused(fill, options, kind, text):
    with pytest.raises(kind) as error:
        fill(TEXT, **options)
    assert str(error.value) == text


@given(st.integers(0, 2**32 - 1), st.integers(1, 20), st.integers(1, 3))
def test_any_logits(seed, top_k, masks):
    generator = np.random.default_rng(seed)
    task = FillMask(TOKENIZER, make_config())
    encoded = task.encode("a [MASK]" * masks, FillMaskOptions())
    made = generator.normal(0, 5, (masks, SIZE)).astype(np.float32)
    answer = task.decode(encoded, [{"logits": made}], FillMaskOptions(top_k=top_k))
    for scores, found in zip(made, [answer] if masks == 1 else answer, strict=True):
        assert tokens(found) == np.argsort(-scores, kind="stable")[:top_k].tolist()
        odds = [one["score"] for one in found]
        assert odds == sorted(odds, reverse=True)
        assert 0 < sum(odds) <= 1 + 1e-9
