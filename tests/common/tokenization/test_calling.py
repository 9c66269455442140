"""The calling convention: every argument, both classes."""

import re
import warnings
from itertools import chain

import pytest
from hypothesis import given
from hypothesis import strategies as st

from albert.common.tokenization import AlbertTokenizer, AlbertTokenizerFast

from .conftest import CLASSES, load
from .hostile import CHEAP
from .rules import DEMO

A, B = "the old man", "and the sea of grass"
CLS, SEP, PAD = 2, 3, 0


def _ids(tokenizer, text):
    return tokenizer.encode(text, add_special_tokens=False)


def test_one_text(tokenizer):
    ids = [CLS, *_ids(tokenizer, A), SEP]
    assert tokenizer(A) == {
        "input_ids": ids,
        "token_type_ids": [0] * len(ids),
        "attention_mask": [1] * len(ids),
    }


def test_a_pair(tokenizer):
    a, b = _ids(tokenizer, A), _ids(tokenizer, B)
    found = tokenizer(A, B)
    assert found["input_ids"] == [CLS, *a, SEP, *b, SEP]
    assert found["token_type_ids"] == [0] * (len(a) + 2) + [1] * (len(b) + 1)
    assert found["input_ids"] == tokenizer.build_inputs_with_special_tokens(a, b)
    types = tokenizer.create_token_type_ids_from_sequences(a, b)
    assert found["token_type_ids"] == types
    assert tokenizer.encode_plus(A, B) == found


def test_an_empty_second_text_is_a_pair(tokenizer):
    assert tokenizer("", "")["input_ids"] == [CLS, SEP, SEP]
    assert tokenizer("", "")["token_type_ids"] == [0, 0, 1]


def test_a_batch_and_its_spellings(tokenizer):
    one, two = tokenizer(A, B), tokenizer(B, A)
    both = {name: [one[name], two[name]] for name in one}
    assert tokenizer([A, B], [B, A]) == both
    assert tokenizer([(A, B), (B, A)]) == both
    assert tokenizer([[A, B], [B, A]]) == both
    assert tokenizer.batch_encode_plus([(A, B), (B, A)]) == both
    assert tokenizer((A, B))["input_ids"] == [tokenizer.encode(A), tokenizer.encode(B)]


def test_an_empty_batch(tokenizer):
    found = tokenizer([], padding=True)
    assert found == {"input_ids": [], "token_type_ids": [], "attention_mask": []}


def test_ready_made_words(tokenizer):
    words = A.split()
    ids = [
        CLS,
        *chain(*(_ids(tokenizer, word) for word in words)),
        SEP,
    ]
    assert tokenizer.encode(words, is_split_into_words=True) == ids
    assert tokenizer([words], is_split_into_words=True)["input_ids"] == [ids]
    pair = tokenizer([(words, words)], is_split_into_words=True)
    assert pair["input_ids"] == [[*ids, *ids[1:]]]
    assert tokenizer.encode([], is_split_into_words=True) == [CLS, SEP]


def test_without_special_tokens(tokenizer):
    found = tokenizer(A, B, add_special_tokens=False)
    a, b = _ids(tokenizer, A), _ids(tokenizer, B)
    assert found["input_ids"] == a + b
    assert found["token_type_ids"] == [0] * len(a) + [1] * len(b)


def test_columns_that_are_asked_for(tokenizer):
    found = tokenizer(
        A,
        B,
        return_token_type_ids=False,
        return_attention_mask=False,
        return_special_tokens_mask=True,
        return_length=True,
    )
    a, b = _ids(tokenizer, A), _ids(tokenizer, B)
    mask = [1, *[0] * len(a), 1, *[0] * len(b), 1]
    assert list(found) == ["input_ids", "special_tokens_mask", "length"]
    assert found["special_tokens_mask"] == mask
    assert found["special_tokens_mask"] == tokenizer.get_special_tokens_mask(a, b)
    assert found["length"] == len(mask)


def test_special_tokens_in_the_text_are_the_texts_own(tokenizer):
    found = tokenizer("[MASK]", return_special_tokens_mask=True)
    assert found["special_tokens_mask"] == [1, 0, 1]
    whole = tokenizer.get_special_tokens_mask(
        found["input_ids"], already_has_special_tokens=True
    )
    assert whole == [1, 1, 1]


@pytest.mark.parametrize("side", ["left", "right"])
def test_padding_values(tokenizer, side):
    found = tokenizer(
        [A, "the"], padding=True, padding_side=side, return_special_tokens_mask=True
    )
    size = len(tokenizer.encode(A))
    values = {
        "input_ids": ([CLS, tokenizer.encode("the")[1], SEP], PAD),
        "token_type_ids": ([0, 0, 0], 0),
        "attention_mask": ([1, 1, 1], 0),
        "special_tokens_mask": ([1, 0, 1], 1),
    }
    for name, (row, pad) in values.items():
        extra = [pad] * (size - 3)
        assert found[name][1] == (extra + row if side == "left" else row + extra)
    assert (
        tokenizer.pad(tokenizer([A, "the"]), padding_side=side)["input_ids"]
        == (found["input_ids"])
    )


def test_padding_of_rows_known_to_the_fast_class(fast):
    found = fast([A, "the"], padding=True, return_offsets_mapping=True)
    assert found.tokens(1)[3:] == ["<pad>"] * (len(found["input_ids"][0]) - 3)
    assert found["offset_mapping"][1][3:] == [(0, 0)] * len(found.tokens(1)[3:])
    assert set(found.word_ids(1)[3:]) == set(found.sequence_ids(1)[3:]) == {None}


def test_padding_lengths(tokenizer):
    def length(**how):
        return len(tokenizer(A, **how)["input_ids"])

    own = len(tokenizer.encode(A))
    assert length(padding=False) == length(padding="do_not_pad") == own
    assert length(padding="longest") == own
    assert length(padding="max_length", max_length=20) == 20
    assert length(padding="longest", pad_to_multiple_of=8) == 8
    assert length(padding="max_length", max_length=17, pad_to_multiple_of=8) == 24
    tokenizer.model_max_length = 12
    assert length(padding="max_length") == 12
    assert length(truncation=True) == own
    tokenizer.model_max_length = 4
    assert length(truncation=True) == 4


def test_tokenizer_sides(kind):
    tokenizer = kind.from_pretrained(DEMO, padding_side="left", truncation_side="left")
    ids = _ids(tokenizer, A)
    assert tokenizer.encode(A, truncation=True, max_length=4) == [CLS, *ids[-2:], SEP]
    padded = tokenizer.encode(A, padding="max_length", max_length=8)
    assert padded == [PAD] * (8 - len(ids) - 2) + [CLS, *ids, SEP]


@CHEAP
@given(
    st.integers(0, 9),
    st.one_of(st.none(), st.integers(0, 9)),
    st.integers(2, 14),
    st.sampled_from([True, "only_first", "only_second"]),
    st.sampled_from(["left", "right"]),
)
def test_truncation_never_exceeds_the_limit(first, second, limit, strategy, side):
    texts = [
        None if count is None else " ".join(["the"] * count)
        for count in (first, second)
    ]
    rows = []
    for kind in CLASSES:
        tokenizer = load(kind, DEMO, truncation_side=side)
        try:
            found = tokenizer(*texts, truncation=strategy, max_length=limit)
        except ValueError as error:
            rows.append(str(error))
            continue
        ids = found["input_ids"]
        rows.append(ids)
        assert len(ids) <= limit
        assert ids[0] == CLS
        assert ids[-1] == SEP
        assert ids.count(SEP) == (1 if second is None else 2)
        whole = first + (second or 0) + (2 if second is None else 3)
        assert len(ids) == min(whole, limit)
    assert rows[0] == rows[1]


def test_longest_first_takes_from_the_longer(tokenizer):
    found = tokenizer("the of and to in", "the of", truncation=True, max_length=7)
    tokens = tokenizer.convert_ids_to_tokens(found["input_ids"])
    assert tokens == ["[CLS]", "▁the", "▁of", "[SEP]", "▁the", "▁of", "[SEP]"]
    found = tokenizer("the of and to", "the of and to", truncation=True, max_length=8)
    assert found["token_type_ids"] == [0] * 5 + [1] * 3


def test_left_over_rows(fast):
    text = "the of and to in a"
    ids = fast.encode(text, add_special_tokens=False)
    assert len(ids) == 6
    found = fast(
        text, truncation=True, max_length=5, stride=1, return_overflowing_tokens=True
    )
    assert found["input_ids"] == [
        [CLS, *ids[0:3], SEP],
        [CLS, *ids[2:5], SEP],
        [CLS, *ids[4:6], SEP],
    ]
    assert found["overflow_to_sample_mapping"] == [0, 0, 0]
    assert len(found[0].overflowing) == 2
    assert found[1].offsets[1] == (7, 10)


def test_left_over_rows_of_a_batch_with_questions(fast):
    found = fast(
        ["the", "of and"],
        ["the of and to in", "a"],
        truncation="only_second",
        max_length=7,
        stride=2,
        padding=True,
        return_overflowing_tokens=True,
        return_offsets_mapping=True,
    )
    assert found["overflow_to_sample_mapping"] == [0, 0, 0, 1]
    assert {len(row) for row in found["input_ids"]} == {7}
    assert [row[:3] for row in found["input_ids"][:3]] == [fast.encode("the")] * 3
    # Three tokens fit; two of them again in the next row.
    assert found["offset_mapping"][0][3:6] == [(0, 3), (4, 6), (7, 10)]
    assert found["offset_mapping"][1][3:6] == [(4, 6), (7, 10), (11, 13)]


def test_left_over_rows_of_a_pair_cover_both(fast):
    first, second = "the of and to", "in a the of and"
    found = fast(
        first, second, truncation=True, max_length=7, return_overflowing_tokens=True
    )
    a, b = (fast.encode(text, add_special_tokens=False) for text in (first, second))
    assert found["input_ids"] == [
        [CLS, *a[i : i + 2], SEP, *b[j : j + 2], SEP] for i in (0, 2) for j in (0, 2, 4)
    ]


@pytest.mark.parametrize("side", ["left", "right"])
def test_left_over_ids_of_the_slow_class(side):
    slow = AlbertTokenizer.from_pretrained(DEMO, truncation_side=side)
    text = "the of and to in a"
    ids = slow.encode(text, add_special_tokens=False)
    found = slow(
        text, truncation=True, max_length=5, stride=1, return_overflowing_tokens=True
    )
    left = side == "left"
    assert found["input_ids"] == [CLS, *(ids[3:] if left else ids[:3]), SEP]
    assert found["overflowing_tokens"] == (ids[:4] if left else ids[2:])
    assert found["num_truncated_tokens"] == 3
    nothing = slow("the", truncation=True, max_length=5, return_overflowing_tokens=True)
    assert nothing["overflowing_tokens"] == []
    assert nothing["num_truncated_tokens"] == 0


def test_left_over_ids_of_a_second_text(slow):
    ids = slow.encode("of and to", add_special_tokens=False)
    found = slow(
        "the",
        "of and to",
        truncation="only_second",
        max_length=5,
        return_overflowing_tokens=True,
    )
    assert found["overflowing_tokens"] == ids[1:]
    assert found["num_truncated_tokens"] == 2


def test_tokenize(tokenizer):
    tokens = tokenizer.tokenize(A, B, add_special_tokens=True)
    assert tokens == tokenizer.convert_ids_to_tokens(tokenizer.encode(A, B))
    assert tokenizer.tokenize("日 a")[:2] == ["▁", "日"]


def test_special_token_counts(tokenizer):
    assert tokenizer.num_special_tokens_to_add() == 2
    assert tokenizer.num_special_tokens_to_add(pair=True) == 3


def test_pad_takes_rows_and_columns(tokenizer):
    rows = [tokenizer(A), tokenizer("the")]
    columns = tokenizer([A, "the"], padding=True)
    assert tokenizer.pad(rows) == columns
    assert tokenizer.pad({"input_ids": tokenizer([A, "the"])["input_ids"]}) == {
        name: columns[name] for name in ("input_ids", "attention_mask")
    }
    one = tokenizer.pad(tokenizer("the"), padding="max_length", max_length=5)
    assert one["input_ids"] == [*tokenizer.encode("the"), PAD, PAD]
    kept = tokenizer.pad({"input_ids": [[1], [1, 1]], "labels": [7, 8]}, padding=False)
    assert kept["labels"] == [7, 8]
    assert kept["input_ids"] == [[1], [1, 1]]
    bare = tokenizer.pad({"input_ids": [[1]]}, return_attention_mask=False)
    assert list(bare) == ["input_ids"]
    arrays = tokenizer.pad(tokenizer([A, "the"]), return_tensors="np")
    assert arrays["input_ids"].tolist() == columns["input_ids"]
    again = tokenizer.pad(arrays, padding="max_length", max_length=9)
    assert {len(row) for row in again["input_ids"]} == {9}


def test_too_long_a_row_is_told_once(kind):
    tokenizer = kind.from_pretrained(DEMO, model_max_length=4)
    size = len(tokenizer.encode(A, verbose=False))
    with pytest.warns(UserWarning) as seen:
        tokenizer(A)
    assert [str(warning.message) for warning in seen] == [
        (
            f"a row has {size} tokens, and the model takes 4 (model_max_length): the "
            f"model will refuse it. Use truncation=True."
        )
    ]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        tokenizer(A)
        tokenizer(A, truncation=True)


def test_max_length_alone_cuts_and_tells(tokenizer):
    with pytest.warns(UserWarning) as seen:
        found = tokenizer.encode(A, max_length=4)
    assert len(found) == 4
    assert [str(warning.message) for warning in seen] == [
        (
            "max_length was given without truncation: rows are cut as with "
            "truncation='longest_first'. Give truncation=True, or "
            "truncation=False for not."
        )
    ]
    assert len(tokenizer.encode(A, max_length=4, truncation=False)) > 4


def test_truncation_without_a_limit_tells(tokenizer):
    with pytest.warns(UserWarning) as seen:
        found = tokenizer.encode(A, truncation=True)
    assert found == tokenizer.encode(A)
    assert [str(warning.message) for warning in seen] == [
        (
            "truncation was asked for, and neither max_length nor the tokenizer's "
            "model_max_length is set: nothing is cut."
        )
    ]


WRONG = [
    (
        ([A], B),
        {},
        TypeError,
        (
            "text is a batch, and text_pair is of type str: give a text_pair for each "
            "text."
        ),
    ),
    (
        (A, [B]),
        {},
        TypeError,
        "text_pair is a batch, and text is not: give both as a batch, or neither.",
    ),
    (
        ([A, A], [B]),
        {},
        ValueError,
        "text and text_pair must have the same length, got 2 and 1.",
    ),
    (
        ([[A, A, A]],),
        {},
        TypeError,
        (
            "text holds a list where a text belongs: for ready-made words use "
            "is_split_into_words=True; a pair of texts has two strings."
        ),
    ),
    (
        (A,),
        {"is_split_into_words": True},
        TypeError,
        "text must be a list of words with is_split_into_words=True, got str.",
    ),
    (
        (7,),
        {},
        TypeError,
        "text must be a string, got int: give a str, or a list of str for a batch.",
    ),
    (
        (A,),
        {"padding": "full"},
        ValueError,
        (
            "padding must be True, False or one of longest, max_length, do_not_pad, "
            "got 'full'."
        ),
    ),
    (
        (A,),
        {"padding": "max_length"},
        ValueError,
        (
            "padding='max_length' needs a length, and this tokenizer has no "
            "model_max_length: give max_length, or padding='longest'."
        ),
    ),
    (
        (A,),
        {"padding": True, "pad_to_multiple_of": 0},
        ValueError,
        "pad_to_multiple_of must be at least 1, got 0.",
    ),
    (
        (A,),
        {"padding_side": "up"},
        ValueError,
        "padding_side must be 'left' or 'right', got 'up'.",
    ),
    (
        (A,),
        {"truncation": "first"},
        ValueError,
        (
            "truncation must be True, False or one of longest_first, only_first, "
            "only_second, do_not_truncate, got 'first'."
        ),
    ),
    (
        (A, B),
        {"truncation": True, "max_length": 2},
        ValueError,
        "max_length must be at least 3, the number of special tokens in a row, got 2.",
    ),
    (
        (A,),
        {"truncation": True, "max_length": -1},
        ValueError,
        "max_length must not be negative, got -1.",
    ),
    (
        (A,),
        {"stride": -1},
        ValueError,
        "stride must not be negative, got -1.",
    ),
    (
        (A,),
        {"truncation": "only_second", "max_length": 3},
        ValueError,
        (
            "truncation='only_second' needs a pair of texts, and there is one text: "
            "give text_pair, or truncation='only_first'."
        ),
    ),
    (
        ("the", "of and to in"),
        {"truncation": "only_first", "max_length": 4},
        ValueError,
        (
            "truncation='only_first' cannot make the row short enough: 4 tokens must "
            "go, and the first text has 1. Use truncation='longest_first' or a greater "
            "max_length."
        ),
    ),
    (
        ("the of and to", "in"),
        {"truncation": "only_second", "max_length": 5},
        ValueError,
        (
            "truncation='only_second' cannot make the row short enough: 3 tokens must "
            "go, and the second text has 1. Use truncation='longest_first' or a "
            "greater max_length."
        ),
    ),
    (
        (A,),
        {"truncation": True, "max_length": 9, "padding": True, "pad_to_multiple_of": 8},
        ValueError,
        (
            "max_length must be a multiple of pad_to_multiple_of with truncation and "
            "padding, got 9 and 8: padding would exceed it."
        ),
    ),
    (
        (A,),
        {"return_tensors": "numpy"},
        ValueError,
        "return_tensors must be 'pt', 'tf', 'jax', 'np' or None, got 'numpy'.",
    ),
]


@pytest.mark.parametrize(("texts", "how", "error", "message"), WRONG)
def test_wrong_calls(tokenizer, texts, how, error, message):
    with pytest.raises(error, match=f"^{re.escape(message)}$"):
        tokenizer(*texts, **how)


def test_stride_that_does_not_get_on(fast):
    with pytest.raises(ValueError) as error:
        fast(
            "the of and",
            truncation=True,
            max_length=4,
            stride=2,
            return_overflowing_tokens=True,
        )
    assert str(error.value) == (
        "stride must be smaller than the 2 tokens of text that fit into a row, got 2: "
        "use a smaller stride or a greater max_length."
    )


def test_offsets_of_the_slow_class(slow):
    with pytest.raises(NotImplementedError) as error:
        slow(A, return_offsets_mapping=True)
    assert str(error.value) == (
        "AlbertTokenizer does not know the offsets of its tokens: use "
        "AlbertTokenizerFast, which gives the same ids and their offsets."
    )


def test_left_over_ids_of_both_texts(slow):
    with pytest.raises(ValueError) as error:
        slow(A, B, truncation=True, max_length=5, return_overflowing_tokens=True)
    assert str(error.value) == (
        "AlbertTokenizer cannot return overflowing tokens of a pair with "
        "truncation='longest_first': use only_first or only_second, or "
        "AlbertTokenizerFast."
    )


def test_tokenize_takes_one_text(tokenizer):
    with pytest.raises(TypeError) as error:
        tokenizer.tokenize([A])
    assert str(error.value) == (
        "text must be one string for tokenize(): call the tokenizer for a batch."
    )


def test_special_tokens_mask_of_a_row_and_a_text(tokenizer):
    with pytest.raises(ValueError) as error:
        tokenizer.get_special_tokens_mask([1], [1], already_has_special_tokens=True)
    assert str(error.value) == (
        "token_ids_1 must be None with already_has_special_tokens=True: token_ids_0 is "
        "the whole row."
    )


def test_roles_that_are_needed(tokenizer):
    tokenizer.sep_token = None
    with pytest.raises(ValueError) as error:
        tokenizer(A)
    assert str(error.value) == (
        "sep_token is not set, and rows need it: set it, or use "
        "add_special_tokens=False."
    )
    tokenizer.pad_token = None
    with pytest.raises(ValueError) as error:
        tokenizer([A, B], padding=True, add_special_tokens=False)
    assert str(error.value) == "pad_token is not set, and padding needs it: set it."


@pytest.mark.parametrize(
    ("given", "columns"), [({"labels": [1]}, "labels"), (7, "none")]
)
def test_pad_needs_ids(tokenizer, given, columns):
    with pytest.raises(ValueError) as error:
        tokenizer.pad(given)
    assert str(error.value) == (
        f"encoded_inputs must have a column 'input_ids' to be padded; its columns are: "
        f"{columns}."
    )


def test_both_classes_agree_on_whole_batches():
    slow, fast = (load(kind, DEMO) for kind in (AlbertTokenizer, AlbertTokenizerFast))
    how = {
        "padding": "max_length",
        "truncation": True,
        "max_length": 8,
        "return_special_tokens_mask": True,
        "return_length": True,
    }
    assert slow([A, B], [B, ""], **how) == fast([A, B], [B, ""], **how)
