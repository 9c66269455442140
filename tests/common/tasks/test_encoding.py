"""Texts to rows, and where they are cut."""

import pytest

from albert.common.tasks.encoding import (
    Cutting,
    CuttingFirst,
    encode_behind,
    encode_text,
    limit,
)

from .by_hand import TOKENIZER, make_config

CONFIG = make_config()
CLS, SEP = TOKENIZER.cls_token_id, TOKENIZER.sep_token_id


def ids(text):
    return TOKENIZER(text, add_special_tokens=False)["input_ids"]


def text_of(row):
    return TOKENIZER.decode(row.input_ids.tolist())


def test_a_text():
    row, cut = encode_text(TOKENIZER, CONFIG, "one two")
    assert row.input_ids.tolist() == [CLS, *ids("one two"), SEP]
    assert row.token_type_ids.tolist() == [0, 0, 0, 0]
    assert row.at is None
    assert not cut


def test_a_pair():
    row, cut = encode_text(TOKENIZER, CONFIG, "one", "two three")
    assert row.input_ids.tolist() == [CLS, *ids("one"), SEP, *ids("two three"), SEP]
    assert row.token_type_ids.tolist() == [0, 0, 0, 1, 1, 1]
    assert not cut


def test_an_empty_pair_is_a_pair():
    row, _ = encode_text(TOKENIZER, CONFIG, "one", "")
    assert row.input_ids.tolist() == [CLS, *ids("one"), SEP, SEP]


@pytest.mark.parametrize(
    ("truncation", "text"),
    [
        (True, "[CLS] one two[SEP] four five[SEP]"),
        ("longest_first", "[CLS] one two[SEP] four five[SEP]"),
        ("only_first", "[CLS] one[SEP] four five six[SEP]"),
        ("only_second", "[CLS] one two three[SEP] four[SEP]"),
    ],
)
def test_a_pair_is_cut(truncation, text):
    cutting = Cutting(truncation=truncation, max_length=7)
    row, cut = encode_text(TOKENIZER, CONFIG, "one two three", "four five six", cutting)
    assert text_of(row) == text
    assert cut


def test_the_limit_is_the_least_of_three():
    assert limit(TOKENIZER, CONFIG) == 16
    assert limit(TOKENIZER, make_config(max_position_embeddings=900)) == 512
    assert limit(TOKENIZER, CONFIG, 7) == 7
    with pytest.raises(ValueError) as error:
        limit(TOKENIZER, CONFIG, 17)
    assert str(error.value) == (
        "max_length must be at most 16, which is what the model reads, but is 17."
    )


@pytest.mark.parametrize("truncation", [True, "only_first"])
def test_the_second_text_stays_whole(truncation):
    cutting = CuttingFirst(truncation=truncation, max_length=8)
    long, second = "one two three four", "five six seven"
    row, cut = encode_behind(TOKENIZER, CONFIG, long, second, cutting)
    assert text_of(row) == "[CLS] one two[SEP] five six seven[SEP]"
    assert cut
    row, cut = encode_behind(TOKENIZER, CONFIG, "one", second, cutting)
    assert text_of(row) == "[CLS] one[SEP] five six seven[SEP]"
    assert not cut


def test_the_second_text_may_take_all_room():
    cutting = CuttingFirst(max_length=6)
    row, cut = encode_behind(TOKENIZER, CONFIG, "one", "two three four", cutting)
    assert text_of(row) == "[CLS][SEP] two three four[SEP]"
    assert cut


@pytest.mark.parametrize("truncation", [True, False])
def test_a_second_text_without_room(truncation):
    cutting = CuttingFirst(truncation=truncation, max_length=5)
    with pytest.raises(ValueError) as error:
        encode_behind(TOKENIZER, CONFIG, "one", "two three four", cutting)
    assert str(error.value) == (
        "'two three four' has 3 tokens, but as the second text of a pair it may have "
        "2, and it is not cut: shorten it."
    )


@pytest.mark.parametrize("truncation", [False, "do_not_truncate"])
def test_a_first_text_that_must_not_be_cut(truncation):
    cutting = CuttingFirst(truncation=truncation, max_length=5)
    with pytest.raises(ValueError) as error:
        encode_behind(TOKENIZER, CONFIG, "one two", "three", cutting)
    assert str(error.value) == (
        "the text has 6 tokens, but the limit is 5: shorten it, or pass "
        "truncation=True."
    )


@pytest.mark.parametrize(
    ("kind", "options", "text"),
    [
        (
            Cutting,
            {"truncation": "left"},
            (
                "truncation must be one of True, False, 'longest_first', 'only_first', "
                "'only_second', 'do_not_truncate', but is 'left'."
            ),
        ),
        (
            CuttingFirst,
            {"truncation": "only_second"},
            (
                "truncation must be one of True, False, 'only_first', "
                "'do_not_truncate', but is 'only_second'."
            ),
        ),
        (
            Cutting,
            {"max_length": 0},
            "max_length must be a whole number of at least 1, but is 0.",
        ),
    ],
)
def test_options_that_are_refused(kind, options, text):
    with pytest.raises(ValueError) as error:
        kind(**options)
    assert str(error.value) == text
