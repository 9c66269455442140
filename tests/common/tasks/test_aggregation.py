"""Labels of pieces to labels of words and groups; expected values by hand."""

import numpy as np
import pytest

from albert.common.tasks.aggregation import Piece, aggregate, without_overlaps
from albert.common.tokenization.engine import join_pieces

LABELS = ["O", "B-PER", "I-PER", "I-LOC"]


def _piece(word, scores, start, end, continues=False):
    return Piece(word, np.array(scores, np.float32), start + 1, start, end, continues)


def _sure(word, label, start, end, continues=False, score=0.75):
    scores = np.full(4, (1 - score) / 3)
    scores[LABELS.index(label)] = score
    return _piece(word, scores, start, end, continues)


def _aggregate(pieces, strategy):
    return aggregate(pieces, strategy, LABELS, join_pieces)


def _short(entities):
    return [(one["entity_group"], one["word"]) for one in entities]


def test_none_gives_each_piece():
    pieces = [_sure("▁al", "B-PER", 0, 2), _sure("bert", "O", 2, 6, score=0.5)]
    assert _aggregate(pieces, "none") == [
        {
            "entity": "B-PER",
            "score": 0.75,
            "index": 1,
            "word": "▁al",
            "start": 0,
            "end": 2,
        },
        {"entity": "O", "score": 0.5, "index": 3, "word": "bert", "start": 2, "end": 6},
    ]


def test_the_order_of_fields():
    pieces = [_sure("▁al", "B-PER", 0, 2)]
    keys = ["entity", "score", "index", "word", "start", "end"]
    assert list(_aggregate(pieces, "none")[0]) == keys
    for strategy in ("simple", "first", "average", "max"):
        (group,) = _aggregate(pieces, strategy)
        assert list(group) == ["entity_group", "score", "word", "start", "end"]
        assert type(group["score"]) is float


def test_of_labels_that_are_alike_the_first_counts():
    (entity,) = _aggregate([_piece("▁a", [0.25, 0.25, 0.25, 0.25], 0, 1)], "none")
    assert entity["entity"] == "O"


def test_simple_groups_pieces_by_their_tag():
    pieces = [
        _sure("▁al", "B-PER", 0, 2, score=0.5),
        _sure("bert", "I-PER", 2, 6, continues=True),
        _sure("▁ein", "I-PER", 6, 10, score=1.0),
        _sure("▁in", "O", 10, 13),
        _sure("▁ulm", "I-LOC", 13, 17),
    ]
    assert _aggregate(pieces, "simple") == [
        {
            "entity_group": "PER",
            "score": 0.75,
            "word": "albert ein",
            "start": 0,
            "end": 10,
        },
        {"entity_group": "O", "score": 0.75, "word": "in", "start": 10, "end": 13},
        {"entity_group": "LOC", "score": 0.75, "word": "ulm", "start": 13, "end": 17},
    ]


@pytest.mark.parametrize(
    ("labels", "groups"),
    [
        (("B-PER", "B-PER"), [("PER", "a"), ("PER", "b")]),
        (("I-PER", "I-PER"), [("PER", "a b")]),
        (("I-PER", "B-PER"), [("PER", "a"), ("PER", "b")]),
        (("B-PER", "I-LOC"), [("PER", "a"), ("LOC", "b")]),
        (("O", "O"), [("O", "a b")]),
    ],
)
def test_when_a_group_goes_on(labels, groups):
    pieces = [_sure("▁a", labels[0], 0, 1), _sure("▁b", labels[1], 1, 3)]
    assert _short(_aggregate(pieces, "simple")) == groups


def test_labels_with_other_hyphens():
    labels = ["X-Y", "Y"]
    one, other = np.array([0.75, 0.25], np.float32), np.array([0.25, 0.75], np.float32)
    pieces = [Piece("▁a", one, 1, 0, 1), Piece("▁b", other, 2, 1, 3)]
    # "X-Y" is a tag of its own, though the group is called by what is behind it.
    assert _short(aggregate(pieces, "simple", labels, join_pieces)) == [
        ("Y", "a"),
        ("Y", "b"),
    ]


WORD = [
    _piece("▁mi", [0.125, 0.5, 0.25, 0.125], 0, 2),
    _piece("cro", [0.75, 0.125, 0.0, 0.125], 2, 5, continues=True),
    _piece("soft", [0.125, 0.5, 0.25, 0.125], 5, 9, continues=True),
]


@pytest.mark.parametrize(
    ("strategy", "label", "score"),
    [("first", "PER", 0.5), ("max", "O", 0.75), ("average", "PER", 1.125 / 3)],
)
def test_a_word_has_one_label(strategy, label, score):
    (group,) = _aggregate(WORD, strategy)
    assert group["score"] == pytest.approx(score, abs=1e-7)
    del group["score"]
    assert group == {"entity_group": label, "word": "microsoft", "start": 0, "end": 9}


def test_max_takes_the_first_of_pieces_that_are_as_sure():
    pieces = [_sure("▁a", "I-LOC", 0, 1), _sure("b", "O", 1, 2, continues=True)]
    assert _short(_aggregate(pieces, "max")) == [("LOC", "ab")]


def test_words_of_a_group_stand_without_blanks_as_in_transformers():
    pieces = [_sure("▁al", "B-PER", 0, 2), _sure("▁ein", "I-PER", 2, 6)]
    (group,) = _aggregate(pieces, "first")
    assert (group["word"], group["start"], group["end"]) == ("alein", 0, 6)
    assert group["score"] == pytest.approx(0.75)


def test_a_window_may_begin_inside_a_word():
    pieces = [
        _sure("soft", "B-PER", 5, 9, continues=True),
        _sure("▁x", "I-LOC", 9, 11),
    ]
    assert _short(_aggregate(pieces, "first")) == [("PER", "soft"), ("LOC", "x")]


@pytest.mark.parametrize("strategy", ["none", "simple", "first", "average", "max"])
def test_nothing_gives_nothing(strategy):
    assert _aggregate([], strategy) == []


def _stretch(start, end, score=0.5):
    return {"start": start, "end": end, "score": score}


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ([], []),
        ([(5, 7), (0, 5)], [(0, 5), (5, 7)]),
        ([(0, 5), (3, 9)], [(3, 9)]),
        ([(0, 6), (3, 9), (8, 10)], [(0, 6), (8, 10)]),
        ([(0, 9), (3, 5), (8, 10)], [(0, 9)]),
        ([(0, 4), (2, 8), (6, 15)], [(6, 15)]),
    ],
)
def test_the_longer_of_two_that_overlap(given, kept):
    found = without_overlaps([_stretch(*one) for one in given])
    assert [(one["start"], one["end"]) for one in found] == kept


def test_the_surer_of_two_that_are_as_long():
    low, high = _stretch(0, 5, 0.25), _stretch(0, 5, 0.75)
    assert without_overlaps([low, high]) == [high]
    assert without_overlaps([high, low]) == [high]
    same = _stretch(2, 7, 0.25)
    assert without_overlaps([low, same])[0] is low
