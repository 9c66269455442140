"""Pieces with their places in the text."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from albert.common.tasks.windows import (
    make_row,
    pieces_of,
    pieces_of_words,
    trimmed,
)
from albert.common.tokenization import AlbertTokenizer, AlbertTokenizerFast

FAST = AlbertTokenizerFast.from_pretrained("albert-demo")


def _shown(pieces):
    tokens = FAST.convert_ids_to_tokens(pieces.ids.tolist())
    places = pieces.places
    return list(zip(tokens, places.begins.tolist(), places.ends.tolist(), strict=True))


def test_pieces_begin_with_their_blank():
    pieces = pieces_of(FAST, "nice  café\nto")
    assert pieces.text == "nice  café\nto"
    assert _shown(pieces) == [
        ("▁nice", 0, 4),
        ("▁ca", 5, 8),
        ("fe", 8, 10),
        ("▁to", 10, 13),
    ]
    assert pieces.places.words.tolist() == [0, 1, 1, 2]


def test_a_blank_that_is_a_piece():
    assert _shown(pieces_of(FAST, "a   😀")) == [
        ("▁a", 0, 1),
        ("▁", 3, 4),
        ("<unk>", 4, 5),
    ]


def test_ready_made_words_have_no_blank_in_front_of_them():
    pieces = pieces_of_words(FAST, ["a", "in the", "", "a"], "--")
    assert pieces.text == "a--in the----a"
    shown = [(begin, end) for _, begin, end in _shown(pieces)]
    assert shown == [(0, 1), (3, 5), (5, 9), (13, 14)]
    assert pieces.places.words.tolist() == [0, 1, 1, 3]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("in 1755, it", [["▁in"], ["▁17", "55"], [","], ["▁it"]]),
        ("in 1755,it", [["▁in"], ["▁17", "55"], [","], ["it"]]),
        ("a1,,2", [["▁a", "1"], [","], [",", "2"]]),
        ("1,234", [["▁1", ",", "2", "34"]]),
        ("a, 2", [["▁a", ","], ["▁2"]]),
    ],
)
def test_a_comma_behind_a_number_is_a_word(text, words):
    pieces = pieces_of(FAST, text)
    found = {}
    for (token, _, _), word in zip(
        _shown(pieces), pieces.places.words.tolist(), strict=True
    ):
        found.setdefault(word, []).append(token)
    assert list(found) == list(range(len(words)))
    assert list(found.values()) == words


def test_no_words():
    pieces = pieces_of_words(FAST, [], " ")
    assert (pieces.text, len(pieces.ids)) == ("", 0)


def test_without_places():
    slow = AlbertTokenizer.from_pretrained("albert-demo")
    pieces = pieces_of(slow, "in the")
    assert pieces.places is None
    assert pieces.ids.tolist() == pieces_of(FAST, "in the").ids.tolist()


def test_rows_are_the_tokenizers():
    one, other = pieces_of(FAST, "in the").ids, pieces_of(FAST, "a café").ids
    pair = FAST("in the", "a café")
    row = make_row(FAST, one, other)
    assert row.input_ids.tolist() == pair["input_ids"]
    assert row.token_type_ids.tolist() == pair["token_type_ids"]
    assert make_row(FAST, one).input_ids.tolist() == FAST("in the")["input_ids"]


@pytest.mark.parametrize(
    ("begin", "end", "start"), [(0, 3, 0), (1, 3, 2), (4, 7, 6), (4, 6, 6), (7, 7, 7)]
)
def test_trimmed(begin, end, start):
    assert trimmed("a b \t\u00a0c", begin, end) == start


@settings(max_examples=60, deadline=None)
@given(st.text(st.sampled_from("aé b\n\u00a0ﬁ😀,.e\u0301Zİ日"), max_size=30))
def test_places_go_forward(text):
    places = pieces_of(FAST, text).places
    begins, ends = places.begins.tolist(), places.ends.tolist()
    assert all(0 <= a <= b <= len(text) for a, b in zip(begins, ends, strict=True))
    assert begins == sorted(begins)
    assert places.words.tolist() == sorted(places.words.tolist())
