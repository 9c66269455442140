"""Entities by hand; agreement with transformers is in conformance."""

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from albert.common.tasks.batching import compute
from albert.common.tasks.streaming import InputError
from albert.common.tasks.token_classification import (
    TokenClassification,
    TokenClassificationOptions,
)
from albert.common.tokenization import AlbertTokenizer, AlbertTokenizerFast

from .by_hand import TOKENIZER, make_config
from .by_piece import Runner, make_pipeline

LABELS = ("O", "B-LOC", "I-LOC")
OF_PIECE = {
    "▁z": "B-LOC",
    "ur": "I-LOC",
    "ich": "I-LOC",
    "▁new": "B-LOC",
    "▁york": "I-LOC",
    "<unk>": "B-LOC",
    # Tokens around a text have no label.
    "[CLS]": "B-LOC",
    "[SEP]": "B-LOC",
}
# Of three labels the chosen one gets 8 of 10 parts.
SURE = math.log(8)


def _outputs(pieces):
    chosen = [LABELS.index(OF_PIECE.get(piece, "O")) for piece in pieces]
    return {"logits": [[SURE * (n == one) for n in range(3)] for one in chosen]}


def _task(tokenizer=TOKENIZER, positions=16):
    config = make_config(*LABELS, max_position_embeddings=positions)
    return TokenClassification(tokenizer, config)


@pytest.fixture
def make(monkeypatch):
    def made(task=None, outputs=_outputs, **options):
        pipe, _ = make_pipeline(monkeypatch, task or _task(), outputs, **options)
        return pipe

    return made


@pytest.fixture
def tag(make):
    return make()


@pytest.fixture
def slow(make):
    return make(_task(AlbertTokenizer.from_pretrained("albert-demo")))


def _entity(label, index, word, start, end):
    score = pytest.approx(0.8)
    named = {"entity": label, "score": score, "index": index}
    return {**named, "word": word, "start": start, "end": end}


def _group(label, word, start, end):
    score = pytest.approx(0.8)
    named = {"entity_group": label, "score": score}
    return {**named, "word": word, "start": start, "end": end}


TEXT = "we saw Zürich  and New\u00a0York"
ZURICH = [
    _entity("B-LOC", 3, "▁z", 7, 8),
    _entity("I-LOC", 4, "ur", 8, 10),
    _entity("I-LOC", 5, "ich", 10, 13),
]
YORK = [_entity("B-LOC", 7, "▁new", 19, 22), _entity("I-LOC", 8, "▁york", 23, 27)]
GROUPS = [_group("LOC", "zurich", 7, 13), _group("LOC", "new york", 19, 27)]


def test_each_piece_by_itself(tag):
    found = tag(TEXT)
    assert found == ZURICH + YORK
    assert list(found[0]) == ["entity", "score", "index", "word", "start", "end"]
    kinds = [type(value) for value in found[0].values()]
    assert kinds == [str, float, int, str, int, int]


def test_places_are_of_the_original_text(tag):
    found = tag(TEXT, aggregation_strategy="simple")
    assert [TEXT[one["start"] : one["end"]] for one in found] == [
        "Zürich",
        "New\u00a0York",
    ]


@pytest.mark.parametrize("strategy", ["simple", "SIMPLE", "Simple"])
def test_groups(tag, strategy):
    assert tag(TEXT, aggregation_strategy=strategy) == GROUPS


@pytest.mark.parametrize(
    ("strategy", "scores"),
    [("first", [0.8, 0.8]), ("max", [0.8, 0.8]), ("average", [1.7 / 3, 0.45])],
)
def test_groups_of_words(tag, strategy, scores):
    # U+00A0 parts pieces, but not words: as in transformers.
    expected = [_group("LOC", "zurich", 7, 13), _group("LOC", "new york", 19, 27)]
    for one, score in zip(expected, scores, strict=True):
        one["score"] = pytest.approx(score)
    assert tag(TEXT, aggregation_strategy=strategy) == expected
    # Where words are parted, the group's lose their blank: likewise.
    assert tag("New York", aggregation_strategy=strategy) == [
        _group("LOC", "newyork", 0, 8)
    ]


def test_a_list_and_its_order(tag):
    given = [TEXT, "", "we saw", "York", TEXT]
    york = [_entity("I-LOC", 1, "▁york", 0, 4)]
    assert tag(given) == [ZURICH + YORK, [], [], york, ZURICH + YORK]
    assert tag(given[:1]) == [ZURICH + YORK]
    assert list(tag(iter(given[:2]))) == [ZURICH + YORK, []]
    assert tag([{"text": "York"}]) == [york]
    assert tag([]) == []


@pytest.mark.parametrize("text", ["", "   ", "\n"])
@pytest.mark.parametrize("strategy", ["none", "simple", "max"])
def test_no_pieces(tag, text, strategy):
    assert tag(text, aggregation_strategy=strategy, ignore_labels=[]) == []


def test_ignored_labels(tag):
    assert tag(TEXT, ignore_labels=["O", "I-LOC"]) == [ZURICH[0], YORK[0]]
    every = tag("we saw", ignore_labels=[])
    assert every == [_entity("O", 1, "▁we", 0, 2), _entity("O", 2, "▁saw", 3, 6)]
    assert tag(TEXT, ignore_labels=None) == ZURICH + YORK
    # Groups go by the name of the group.
    grouped = {"aggregation_strategy": "simple"}
    assert tag(TEXT, ignore_labels=["O", "B-LOC"], **grouped) == GROUPS
    assert tag(TEXT, ignore_labels=["LOC"], **grouped) == [
        _group("O", "we saw", 0, 6),
        _group("O", "and", 15, 18),
    ]


@pytest.mark.parametrize(
    ("text", "start", "end"),
    [
        ("we 😀", 3, 4),
        ("we  \t 😀😀", 6, 8),
        ("ﬁne 日 we", 4, 5),
        ("e\u0301te\u0301 日", 6, 7),
    ],
)
def test_an_unknown_piece_is_its_text(tag, text, start, end):
    (found,) = tag(text)
    assert (found["start"], found["end"]) == (start, end)
    assert found["word"] == text[start:end]
    (grouped,) = tag(text, aggregation_strategy="first")
    assert (grouped["start"], grouped["end"]) == (start, end)


def test_a_blank_at_the_end_of_a_group_goes(tag):
    # "▁saw" and the "▁" of the emoji are one group.
    options = {"aggregation_strategy": "simple", "ignore_labels": []}
    assert tag("saw 😀", **options) == [
        _group("O", "saw", 0, 4),
        _group("LOC", "😀", 4, 5),
    ]


def test_a_blank_at_the_end_of_a_word_parts_it(make):
    def outputs(pieces):
        return {"logits": [[SURE, 0, 0]] * len(pieces)}

    options = {"aggregation_strategy": "first", "ignore_labels": []}
    # Without U+0020 between them, "▁saw" and the "▁" of the emoji are one word.
    assert make(outputs=outputs)("saw\n😀", **options) == [_group("O", "saw 😀", 0, 5)]


def test_ready_made_words(tag):
    words = ["we", "Zürich", "New York"]
    expected = [
        _group("LOC", "zurich", 3, 9),
        _group("LOC", "new york", 10, 18),
    ]
    options = {"is_split_into_words": True, "aggregation_strategy": "simple"}
    # One list of words stands for a list with one input: as in transformers.
    assert tag(words, **options) == [expected]
    assert tag([words, ["we"]], **options) == [expected, []]
    assert tag({"text": words}, **options) == expected
    assert tag(words, delimiter="--", **options) == [
        [_group("LOC", "zurich", 4, 10), _group("LOC", "new york", 12, 20)]
    ]


def test_a_long_text_is_cut(tag):
    text = "we " * 13 + "New York"
    with pytest.warns(UserWarning, match="input 0 is longer"):
        assert tag(text) == [_entity("B-LOC", 14, "▁new", 39, 42)]


def test_from_the_other_side(make):
    tokenizer = AlbertTokenizerFast.from_pretrained(
        "albert-demo", truncation_side="left"
    )
    tag = make(_task(tokenizer))
    with pytest.warns(UserWarning, match="input 0 is longer"):
        found = tag("York " + "we " * 12 + "New York")
    assert [(one["index"], one["start"]) for one in found] == [(13, 41), (14, 45)]


def test_windows_over_a_long_text(make, monkeypatch):
    # 6 pieces in a window, 2 of them shared: the group in the middle is cut by the
    # first window's end, and whole in the second.
    pipe, runner = make_pipeline(monkeypatch, _task(positions=8), _outputs)
    text = "we we we we saw New York we we we we we Zürich"
    found = pipe(text, stride=2, aggregation_strategy="simple")
    assert [len(row) - 2 for row in runner.rows] == [6, 6, 6, 3]
    firsts = [row[1] for row in runner.rows]
    assert firsts == ["▁we", "▁saw", "▁we", "▁z"]
    assert found == [_group("LOC", "new york", 16, 24), _group("LOC", "zurich", 40, 46)]


def test_windows_without_an_overlap_cut_groups(make):
    tag = make(_task(positions=8))
    text = "we we we we saw New York we"
    assert tag(text, stride=0, aggregation_strategy="simple") == [
        _group("LOC", "new", 16, 19),
        _group("LOC", "york", 20, 24),
    ]


def test_windows_of_single_pieces(make):
    tag = make(_task(positions=8))
    text = "we we we we saw New York we"
    found = tag(text, stride=1)
    assert [(one["word"], one["index"]) for one in found] == [("▁new", 6), ("▁york", 2)]


def test_a_stride_changes_nothing_in_a_short_text(tag):
    grouped = {"aggregation_strategy": "simple"}
    assert tag(TEXT, stride=3, **grouped) == GROUPS


def test_without_places(slow):
    found = slow("we saw Zürich")
    assert [(one["word"], one["start"], one["end"]) for one in found] == [
        ("▁z", None, None),
        ("ur", None, None),
        ("ich", None, None),
    ]
    assert slow("we saw Zürich", aggregation_strategy="simple") == [
        _group("LOC", "zurich", None, None)
    ]


@pytest.mark.parametrize(
    ("option", "shown"),
    [
        ({"aggregation_strategy": "first"}, "aggregation_strategy='first'"),
        ({"stride": 3}, "stride=3"),
        ({"is_split_into_words": True}, "is_split_into_words=True"),
    ],
)
def test_what_needs_places(slow, option, shown):
    with pytest.raises(ValueError) as caught:
        slow({"text": "we"}, **option)
    assert str(caught.value) == (
        f"{shown} needs to know where in the text a piece is, and that is known to "
        f"AlbertTokenizerFast only: use it, it gives the same ids."
    )


def test_pieces_that_are_marked(make, tmp_path):
    vocab = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "zu", "##rich", "is", "."]
    (tmp_path / "vocab.txt").write_text("\n".join(vocab), encoding="utf-8")
    tokenizer = AlbertTokenizerFast(tmp_path / "vocab.txt")
    labels = {"zu": "B-LOC", "##rich": "O"}

    def outputs(pieces):
        chosen = [LABELS.index(labels.get(piece, "O")) for piece in pieces]
        return {"logits": [[SURE * (n == one) for n in range(3)] for one in chosen]}

    tag = make(_task(tokenizer), outputs)
    assert tag("zurich.is", aggregation_strategy="first") == [
        _group("LOC", "zurich", 0, 6)
    ]


@pytest.mark.parametrize(
    ("older", "strategy"),
    [
        ({"grouped_entities": True}, "simple"),
        ({"grouped_entities": True, "ignore_subwords": True}, "first"),
        ({"grouped_entities": True, "ignore_subwords": False}, "simple"),
        ({"grouped_entities": False}, "none"),
        ({"ignore_subwords": True}, "none"),
    ],
)
def test_older_options(older, strategy):
    options = TokenClassificationOptions(**older)
    assert options == TokenClassificationOptions(aggregation_strategy=strategy)


def test_a_later_choice_counts(make):
    tag = make(grouped_entities=True)
    assert tag(TEXT) == GROUPS
    assert tag(TEXT, aggregation_strategy="none") == ZURICH + YORK


@pytest.mark.parametrize(
    ("option", "message"),
    [
        (
            {"aggregation_strategy": "best"},
            (
                "aggregation_strategy must be one of 'none', 'simple', 'first', "
                "'average', 'max', but is 'best'."
            ),
        ),
        (
            {"aggregation_strategy": 3},
            (
                "aggregation_strategy must be one of 'none', 'simple', 'first', "
                "'average', 'max', but is 3."
            ),
        ),
        (
            {"ignore_labels": "O"},
            "ignore_labels must be a list of labels, but is 'O'.",
        ),
        ({"stride": -1}, "stride must be a whole number of at least 0, but is -1."),
        (
            {"is_split_into_words": 1},
            "is_split_into_words must be True or False, but is 1.",
        ),
        (
            {"stride": 14},
            (
                "stride must be less than 14, which is how many tokens of a text the "
                "model reads at once, but is 14."
            ),
        ),
    ],
)
def test_bad_options(tag, option, message):
    with pytest.raises(ValueError) as caught:
        tag("we", **option)
    assert str(caught.value) == message


@pytest.mark.parametrize(
    ("given", "options", "message"),
    [
        (3, {}, "the input must be a text, but is of type int."),
        (
            {"text": "we"},
            {"is_split_into_words": True},
            (
                "the input must be a list of words, as is_split_into_words=True says, "
                "but is of type str."
            ),
        ),
        (
            {"text": ["we", 3]},
            {"is_split_into_words": True},
            "each word must be a text, but is of type int.",
        ),
        (
            {"text": "we"},
            {"delimiter": 3},
            "delimiter must be a text, but is of type int.",
        ),
    ],
)
def test_bad_inputs(tag, given, options, message):
    with pytest.raises(TypeError) as caught:
        tag(given, **options)
    assert str(caught.value) == message


def test_a_list_of_words_without_the_option(tag):
    with pytest.raises(InputError) as caught:
        tag([["we", "saw"]])
    assert (
        str(caught.value) == "input 0: the input must be a text, but is of type list."
    )


TASK = _task(positions=9)
RUNNER = Runner(TASK, _outputs)


def _answer(text, **chosen):
    options = TokenClassificationOptions(**chosen)
    encoded = TASK.encode(text, options)
    return TASK.decode(encoded, compute(RUNNER, TASK, encoded.rows, 4), options)


@settings(max_examples=80, deadline=None)
@given(
    st.lists(
        st.sampled_from(
            ["Zürich", "New", "York", "we", "café", "ﬁne", "😀", "e\u0301"]
        ),
        max_size=12,
    ),
    st.sampled_from([" ", "  ", "\n", "\u00a0", " \t"]),
    st.sampled_from(["none", "simple"]),
    st.sampled_from([None, 0, 2]),
)
def test_an_entity_is_its_stretch_of_the_text(words, blank, strategy, stride):
    text = blank.join(words)
    found = _answer(text, aggregation_strategy=strategy, stride=stride)
    known = {"ü": "u", "é": "e", "ﬁ": "fi", "e\u0301": "e", "\u00a0": " "}
    for one in found:
        stretch = text[one["start"] : one["end"]]
        assert stretch == stretch.strip()
        for char, plain in known.items():
            stretch = stretch.replace(char, plain)
        word = one["word"].replace("▁", "")
        assert word.replace(" ", "") == "".join(stretch.lower().split())
    starts = [one["start"] for one in found]
    assert starts == sorted(starts)


@settings(max_examples=80, deadline=None)
@given(
    st.text(st.sampled_from("aZ ü\n\u00a0\u200b\u2028ﬁ😀,.e\u0301İ日[]"), max_size=40),
    st.sampled_from(["none", "simple", "first", "average", "max"]),
    st.sampled_from([None, 0, 3]),
)
def test_any_text(text, strategy, stride):
    chosen = {"aggregation_strategy": strategy, "stride": stride}
    found = _answer(text, ignore_labels=[], **chosen)
    assert all(0 <= one["start"] <= one["end"] <= len(text) for one in found)
