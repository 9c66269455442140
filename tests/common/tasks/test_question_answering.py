"""Answers by hand; agreement with transformers is in conformance."""

import math
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from albert.common.tasks.batching import compute
from albert.common.tasks.question_answering import (
    QuestionAnswering,
    QuestionAnsweringOptions,
)
from albert.common.tasks.streaming import InputError
from albert.common.tokenization import AlbertTokenizer, AlbertTokenizerFast

from .by_hand import TOKENIZER, make_config
from .by_piece import Runner, make_pipeline

# Parts of the probability; every other piece gets 1.
STARTS = {"▁z": 9.0, "▁new": 5.0, "▁york": 3.0}
ENDS = {"ich": 9.0, "▁york": 5.0}


def _outputs(pieces):
    return {
        "start_logits": np.log([STARTS.get(piece, 1.0) for piece in pieces]),
        "end_logits": np.log([ENDS.get(piece, 1.0) for piece in pieces]),
    }


def _task(tokenizer=TOKENIZER, positions=64):
    return QuestionAnswering(tokenizer, make_config(max_position_embeddings=positions))


@pytest.fixture
def make(monkeypatch):
    def made(task=None, outputs=_outputs, **options):
        pipe, _ = make_pipeline(monkeypatch, task or _task(), outputs, **options)
        return pipe

    return made


@pytest.fixture
def ask(make):
    return make()


def _answer(score, context, answer, start=None):
    start = context.index(answer) if start is None else start
    end = start + len(answer)
    return {
        "score": pytest.approx(score),
        "start": start,
        "end": end,
        "answer": answer,
    }


Q = "new york"
"""Its pieces have high scores, too: no answer may come from them."""
C = "we saw  Zürich and we saw it"
# [CLS] and 9 pieces, of which one has 9 parts: 18 in all. From "z" to "ich" is 9 x 9;
# four stretches inside the word are 9 x 1 and are widened to it.
ZURICH = _answer((81 + 4 * 9) / 18**2, C, "Zürich")
PAIR = {"question": Q, "context": C}
OTHER = {"question": "we", "context": "New York"}
YORK = _answer(5 / 9 * 5 / 7, "New York", "New York")


def test_the_best_answer(ask):
    found = ask(question=Q, context=C)
    assert found == ZURICH
    assert list(found) == ["score", "start", "end", "answer"]
    assert [type(value) for value in found.values()] == [float, int, int, str]


@pytest.mark.parametrize(
    ("inputs", "named"),
    [
        ((PAIR,), {}),
        ((Q, C), {}),
        (([PAIR],), {}),
        ((), {"question": [Q], "context": [C]}),
        ((), {"question": [Q], "context": C}),
        (({"question": [Q], "context": [C]},), {}),
    ],
)
def test_one_question(ask, inputs, named):
    assert ask(*inputs, **named) == ZURICH


@pytest.mark.parametrize(
    ("inputs", "named"),
    [
        (([PAIR, OTHER],), {}),
        ((PAIR, OTHER), {}),
        ((), {"question": [Q, "we"], "context": [C, "New York"]}),
        ((), {"question": (Q, "we"), "context": (C, "New York")}),
        (({"question": [Q, "we"], "context": [C, "New York"]},), {}),
    ],
)
def test_several_questions(ask, inputs, named):
    assert ask(*inputs, **named) == [ZURICH, YORK]


def test_one_context_for_all(ask):
    assert ask(question=[Q, "we", "it"], context=C) == [ZURICH] * 3
    assert ask(question=[], context=C) == []


def test_a_generator(ask):
    assert list(ask(one for one in [OTHER, PAIR])) == [YORK, ZURICH]
    assert list(ask(iter([PAIR]))) == [ZURICH]


@pytest.mark.parametrize("name", ["top_k", "topk"])
def test_several_answers(ask, name):
    assert ask(question=Q, context=C, **{name: 3}) == [
        ZURICH,
        # 9 x 1, and twice 1 x 1 to other pieces of "Zürich".
        _answer((9 + 2) / 18**2, C, "we saw  Zürich"),
        # Others are as good, and behind it.
        _answer(9 / 18**2, C, "saw  Zürich"),
    ]


def test_answers_that_are_alike_are_one(ask):
    context = "a New York b new york"
    # Both as [CLS] and 6 pieces: starts 1+1+5+3+1+5+3, ends 1+1+1+5+1+1+5.
    score = 5 / 19 * 5 / 15
    found = ask(question="we", context=context, max_answer_len=2)
    assert found == _answer(2 * score, context, "New York")
    # transformers' answers have the blank in front of them, and one has none.
    context = "New York b new york"
    found = ask(question="we", context=context, max_answer_len=2, top_k=3)
    score = 5 / 18 * 5 / 14
    assert found == [
        _answer(2 * 3 / 18 * 5 / 14, context, "York"),
        _answer(score, context, "New York"),
        _answer(score, context, "new york"),
    ]


def test_a_list_of_one_answer_is_that_answer(ask):
    assert ask(question="we", context="it", top_k=5) == _answer(1 / 4, "it", "it")


def test_answers_are_widened_to_words(ask):
    context = "we saw Zürichsee"
    # Pieces: we saw z ur ich see; the best span ends before "see".
    wide = ask(question="we", context=context)
    assert wide["answer"] == "Zürichsee"
    pieces = ask(question="we", context=context, align_to_words=False)
    assert pieces == _answer(9 / 15 * 9 / 15, context, "Zürich")


def test_a_comma_behind_a_number_is_no_part_of_it(make):
    def outputs(pieces):
        logits = [9.0 * (piece == "55") for piece in pieces]
        return {"start_logits": logits, "end_logits": logits}

    found = make(outputs=outputs)(question="we", context="in 1755, it was")
    assert (found["answer"], found["start"], found["end"]) == ("1755", 3, 7)


def test_no_longer_than_allowed(ask):
    short = ask(question=Q, context=C, max_answer_len=2, align_to_words=False)
    assert short == _answer(9 / 18 / 18, C, "Z")
    # With fewer stretches to choose from, 1 x 1 inside the word counts, too.
    found = ask(question=Q, context=C, max_answer_len=3)
    assert found == _answer(118 / 18**2, C, "Zürich")
    assert ask(question=Q, context=C, max_answer_len=10**9) == ZURICH


def test_no_answer(ask):
    nothing = {"score": pytest.approx(1 / 18 / 18), "start": 0, "end": 0, "answer": ""}
    found = ask(question=Q, context=C, handle_impossible_answer=True, top_k=100)
    assert nothing in found
    assert nothing not in ask(question=Q, context=C, top_k=100)
    assert ask(question=Q, context=C, handle_impossible_answer=True) == ZURICH


def test_no_answer_is_the_best(make):
    def outputs(pieces):
        logits = [math.log(9.0)] + [0.0] * (len(pieces) - 1)
        return {"start_logits": logits, "end_logits": logits}

    ask = make(outputs=outputs, handle_impossible_answer=True)
    score = pytest.approx(9 / 11 * 9 / 11)
    nothing = {"score": score, "start": 0, "end": 0, "answer": ""}
    assert ask(question="we", context="it is") == nothing


def test_a_blank_context(ask):
    nothing = {"score": 0.0, "start": 0, "end": 0, "answer": ""}
    assert ask(question="we", context="  \n") == nothing
    found = ask(question="we", context=" ", handle_impossible_answer=True)
    assert found == {**nothing, "score": 1.0}


def test_a_blank_question(ask):
    assert ask(question=" ", context=C) == ZURICH


LONG = "it is in we " * 10 + "Zürich\u00a0😀 " + "we it is in " * 10 + "New  York."


def test_windows_of_a_long_context(make, monkeypatch):
    pipe, runner = make_pipeline(monkeypatch, _task(), _outputs)
    options = {"max_seq_len": 20, "doc_stride": 4, "top_k": 2}
    found = pipe(question="we saw", context=LONG, **options)
    # 15 pieces of the context in a window, each 11 further.
    assert {len(row) for row in runner.rows[:-1]} == {20}
    assert [row[:4] for row in runner.rows] == [
        ["[CLS]", "▁we", "▁saw", "[SEP]"]
    ] * len(runner.rows)
    texts = [row[4:-1] for row in runner.rows]
    assert all(one[-4:] == two[:4] for one, two in pairwise(texts))
    assert [one["answer"] for one in found] == ["Zürich", "New  York."]
    assert all(LONG[one["start"] : one["end"]] == one["answer"] for one in found)


def test_windows_that_overlap_add_up(make):
    # [CLS], 2 pieces of the question, 2 [SEP]: 6 of the 9 pieces of the context.
    found = make()(question="we", context=C, max_seq_len=10, doc_stride=5)
    # z, ur and ich are pieces 2 to 4: whole in windows 0, 1 and 2, of 9 + 6 parts each.
    parts = 117 + 117 + 118
    assert found == _answer(parts / 15**2, C, "Zürich")


def test_the_score_of_no_answer_is_the_least_of_all_windows(make):
    ask = make(handle_impossible_answer=True, top_k=100)
    found = ask(question="we", context="it is in " * 4 + "Zürich", max_seq_len=8)
    (score,) = [one["score"] for one in found if not one["answer"]]
    # The last window holds [CLS], z, ur and ich: 1 of 12 parts.
    assert score == pytest.approx(1 / 12 / 12)


def test_a_window_may_cut_a_word(make):
    # 3 pieces in a window, none shared: "ur", "ich" and "it" are in the second.
    context = "we saw Zürich it"
    found = make()(question="we", context=context, max_seq_len=7, doc_stride=0)
    # 9 x 1 from each of its pieces, and 1 x 1.
    assert found == _answer(19 / 4 / 12, context, "ürich")


def test_from_the_other_side(make):
    tokenizer = AlbertTokenizerFast.from_pretrained(
        "albert-demo", truncation_side="left"
    )
    ask = make(_task(tokenizer))
    found = ask(question="we", context=LONG, max_seq_len=20, doc_stride=4)
    assert found["answer"] == "Zürich"
    assert LONG[found["start"] : found["end"]] == "Zürich"


def test_the_defaults_of_windows(make, monkeypatch):
    task = _task(positions=512)
    for context, lengths in [(" we" * 380, [384]), (" we" * 381, [384, 133])]:
        pipe, runner = make_pipeline(monkeypatch, task, _outputs)
        pipe(question="it", context=context)
        assert [len(row) for row in runner.rows] == lengths
    # What is shared is less where the question leaves little room.
    pipe, runner = make_pipeline(monkeypatch, task, _outputs)
    pipe(question=" it" * 281, context=" we" * 150)
    assert [len(row) for row in runner.rows] == [384, 384]


def test_a_long_question_is_cut_where_asked(make, monkeypatch):
    pipe, runner = make_pipeline(monkeypatch, _task(), _outputs)
    assert pipe(question="it is in", context="New York") == YORK
    with pytest.warns(UserWarning, match="input 0 is longer"):
        assert pipe(question="it is in", context="New York", max_question_len=2) == YORK
    assert [len(row) for row in runner.rows] == [8, 7]


def test_a_later_choice_counts(make):
    ask = make(topk=2)
    assert len(ask(question=Q, context=C)) == 2
    assert ask(question=Q, context=C, top_k=1) == ZURICH


@pytest.mark.parametrize(
    ("option", "message"),
    [
        ({"top_k": 0}, "top_k must be a whole number of at least 1, but is 0."),
        ({"topk": 0}, "topk must be a whole number of at least 1, but is 0."),
        (
            {"max_answer_len": 0},
            "max_answer_len must be a whole number of at least 1, but is 0.",
        ),
        (
            {"max_seq_len": 0},
            "max_seq_len must be a whole number of at least 1, but is 0.",
        ),
        (
            {"max_question_len": 0},
            "max_question_len must be a whole number of at least 1, but is 0.",
        ),
        (
            {"doc_stride": -1},
            "doc_stride must be a whole number of at least 0, but is -1.",
        ),
        ({"align_to_words": 1}, "align_to_words must be True or False, but is 1."),
        (
            {"handle_impossible_answer": None},
            "handle_impossible_answer must be True or False, but is None.",
        ),
        (
            {"max_seq_len": 65},
            "max_seq_len must be at most 64, which is what the model reads, but is 65.",
        ),
        (
            {"max_seq_len": 20, "doc_stride": 21},
            "doc_stride must be at most max_seq_len, which is 20, but is 21.",
        ),
        (
            {"max_seq_len": 10, "doc_stride": 5},
            (
                "doc_stride must be less than 5, which is how many tokens of the "
                "context a window has room for, but is 5."
            ),
        ),
        (
            {"max_seq_len": 5},
            (
                "the question has 2 tokens, which with 3 special ones leaves no room "
                "for the context in a window of 5: shorten it, or choose a "
                "max_question_len, or a greater max_seq_len."
            ),
        ),
    ],
)
def test_bad_options(ask, option, message):
    with pytest.raises(ValueError) as caught:
        ask(question=Q, context=C, **option)
    assert str(caught.value) == message


@pytest.mark.parametrize(
    ("given", "kind", "message"),
    [
        ({"question": "", "context": C}, ValueError, "question must not be empty."),
        ({"question": Q, "context": ""}, ValueError, "context must not be empty."),
        (
            {"question": Q},
            ValueError,
            "an input that is a dictionary must hold 'context'.",
        ),
        (
            {**PAIR, "id": 3},
            ValueError,
            "an input may hold question, context, but holds 'id', too.",
        ),
        (
            {"question": Q, "context": None},
            TypeError,
            "context must be a text, but is of type NoneType.",
        ),
        (
            {"question": 3, "context": C},
            TypeError,
            "question must be a text, but is of type int.",
        ),
    ],
)
def test_bad_inputs(ask, given, kind, message):
    with pytest.raises(kind) as caught:
        ask(given)
    assert str(caught.value) == message


CALL = (
    "question-answering takes question= and context=, or a dictionary with these, or "
    "several in a list."
)


@pytest.mark.parametrize(
    ("inputs", "named"),
    [
        ((), {}),
        ((), {"question": Q}),
        ((), {"context": C}),
        ((Q,), {}),
        ((Q,), {"context": C}),
        ((PAIR,), {"context": C}),
        ((Q, C, C), {}),
        ((PAIR, Q), {}),
    ],
)
def test_calls_that_cannot_be_understood(ask, inputs, named):
    with pytest.raises(TypeError) as caught:
        ask(*inputs, **named)
    assert str(caught.value) == CALL


@pytest.mark.parametrize("kind", [list, tuple, np.array])
def test_columns_of_questions_and_contexts(ask, kind):
    one = ask(question=Q, context=C)
    assert ask(question=kind([Q, Q]), context=kind([C, C])) == [one, one]
    assert ask(question=kind([Q, Q]), context=C) == [one, one]
    assert ask({"question": kind([Q, Q]), "context": kind([C, C])}) == [one, one]


def test_lists_that_do_not_go_together(ask):
    with pytest.raises(ValueError) as caught:
        ask(question=[Q, Q, Q], context=[C, C])
    assert str(caught.value) == (
        "question and context must be of one length, but have 3 and 2 entries."
    )
    with pytest.raises(TypeError) as wrong:
        ask(question=Q, context=[C, C])
    assert str(wrong.value) == (
        "question is one and context several: give a question for each."
    )


def test_a_list_of_other_things(ask):
    with pytest.raises(InputError) as caught:
        ask([PAIR, Q])
    assert str(caught.value) == (
        "input 1: the input must be a dictionary with question and context, but is of "
        "type str."
    )


def test_without_places(make):
    ask = make(_task(AlbertTokenizer.from_pretrained("albert-demo")))
    with pytest.raises(ValueError) as caught:
        ask(PAIR)
    assert str(caught.value) == (
        "question-answering needs to know where in the context a piece is, and that is "
        "known to AlbertTokenizerFast only: use it, it gives the same ids."
    )


TASK = _task()
WORDS = ["Zürich", "New", "York", "it", "ﬁne", "😀", "cafe\u0301", "(x", "y)", "İ"]


def _random(pieces):
    numbers = np.random.default_rng([len(piece) for piece in pieces])
    return {name: numbers.normal(size=len(pieces)) * 3 for name in TASK.fields}


@settings(max_examples=80, deadline=None)
@given(
    st.lists(st.sampled_from(WORDS), min_size=1, max_size=25),
    st.sampled_from([" ", "  ", "\n", "\u00a0", " \t"]),
    st.booleans(),
    st.integers(1, 4),
    st.sampled_from([12, 24, None]),
)
def test_an_answer_is_its_stretch_of_the_context(words, blank, align, top_k, length):
    context = blank.join(words)
    options = QuestionAnsweringOptions(
        align_to_words=align, top_k=top_k, max_seq_len=length, doc_stride=2
    )
    encoded = TASK.encode({"question": "we", "context": context}, options)
    runner = Runner(TASK, _random)
    found = TASK.decode(encoded, compute(runner, TASK, encoded.rows, 4), options)
    found = found if isinstance(found, list) else [found]
    assert len(found) <= top_k
    for one in found:
        assert context[one["start"] : one["end"]] == one["answer"]
        assert one["answer"] == one["answer"].lstrip()
    # The pieces of the windows are those of the context, each at least once.
    seen = {place for window in encoded.state.windows for place in range(*window)}
    assert seen == set(range(len(encoded.state.context.ids)))
