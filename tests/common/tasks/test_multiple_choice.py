"""Probabilities of choices by hand."""

import math

import numpy as np
import pytest

from albert.common.tasks.multiple_choice import MultipleChoice

from .by_hand import TOKENIZER, make_config, make_pipeline


@pytest.fixture
def seen():
    return []


@pytest.fixture
def choose(monkeypatch, seen):
    task = MultipleChoice(TOKENIZER, make_config())

    def outputs(text):
        seen.append(text)
        scores = {"one": 1, "two": 6, "three": 3}
        return [math.log(max(n for word, n in scores.items() if word in text))]

    return make_pipeline(monkeypatch, task, outputs)


def one(choice, index, score):
    return {"choice": choice, "index": index, "score": pytest.approx(score)}


CHOICES = ["one", "two", "three"]
ORDERED = [one("two", 1, 0.6), one("three", 2, 0.3), one("one", 0, 0.1)]
GIVEN = {"question": "What?", "choices": CHOICES}


def test_the_best_choice_first(choose):
    assert choose(GIVEN) == ORDERED
    assert choose([GIVEN]) == [ORDERED]
    assert choose([]) == []
    assert choose({**GIVEN, "choices": ("three",)}) == [one("three", 0, 1)]
    assert choose({**GIVEN, "choices": np.array(CHOICES)}) == ORDERED


def test_by_name(choose):
    assert choose(question="What?", choices=CHOICES) == ORDERED
    assert choose(context="Here.", choices=CHOICES, top_k=1) == ORDERED[:1]


def test_inputs_with_different_numbers_of_choices(choose):
    two = {"context": "Here.", "choices": ["three", "one"]}
    found = choose([GIVEN, two], batch_size=2)
    assert found == [ORDERED, [one("three", 0, 0.75), one("one", 1, 0.25)]]
    # Each choice is a row with an axis of one choice.
    assert {shape[:2] for shape in choose.runner.shapes} == {(2, 1), (1, 1)}


def test_the_answer_is_plain(choose):
    found = choose(GIVEN)[0]
    assert list(found) == ["choice", "index", "score"]
    assert [type(value) for value in found.values()] == [str, int, float]


@pytest.mark.parametrize(
    ("given", "row"),
    [
        ({"question": "what?"}, "[CLS] what?[SEP] one[SEP]"),
        ({"context": "here."}, "[CLS] here.[SEP] one[SEP]"),
        ({"context": "here.", "question": None}, "[CLS] here.[SEP] one[SEP]"),
        (
            {"context": "here.", "question": "what?"},
            "[CLS] here.[SEP] what? one[SEP]",
        ),
        (
            {"context": "here.", "question": "was it _ or not?"},
            "[CLS] here.[SEP] was it one or not?[SEP]",
        ),
    ],
)
def test_what_the_model_reads(choose, seen, given, row):
    choose({**given, "choices": ["one"]})
    assert seen == [row]


def test_of_equal_choices_the_first_comes_first(choose):
    assert [a["index"] for a in choose(context="a", choices=["one"] * 3)] == [0, 1, 2]


def test_choices_are_never_cut(choose, seen):
    given = {"context": "good " * 20, "choices": ["two two two", "one"]}
    with pytest.warns(UserWarning, match="input 0 is longer than its limit"):
        choose(given, max_length=8)
    assert seen == [
        "[CLS] good good[SEP] two two two[SEP]",
        "[CLS] good good good good[SEP] one[SEP]",
    ]


def test_choices_without_room(choose):
    with pytest.raises(ValueError) as error:
        choose(context="good", choices=["one " * 14])
    assert str(error.value) == (
        f"'{'one ' * 14}' has 14 tokens, but as the second text of a pair it may have "
        f"13, and it is not cut: shorten it."
    )


@pytest.mark.parametrize(
    ("given", "kind", "text"),
    [
        (
            "What?",
            TypeError,
            (
                "the input must be a dictionary with question or context, and choices, "
                "but is of type str."
            ),
        ),
        (
            {"choices": ["a"]},
            ValueError,
            "an input must hold 'question', 'context' or both.",
        ),
        (
            {"question": "What?"},
            TypeError,
            "choices must be a list of texts, but is of type NoneType.",
        ),
        (
            {"question": "What?", "choices": "one"},
            TypeError,
            "choices must be a list of texts, but is of type str.",
        ),
        (
            {"question": "What?", "choices": []},
            ValueError,
            "choices must hold at least one text.",
        ),
        (
            {"question": "What?", "choices": ["one", 2]},
            TypeError,
            "each of choices must be a text, but is of type int.",
        ),
        (
            {"question": ["What?"], "choices": ["one"]},
            TypeError,
            "question must be a text, but is of type list.",
        ),
        (
            {"question": "What?", "answers": ["one"]},
            ValueError,
            "an input may hold question, context, choices, but holds 'answers', too.",
        ),
    ],
)
def test_inputs_that_are_refused(choose, given, kind, text):
    with pytest.raises(kind) as error:
        choose(given)
    assert str(error.value) == text


def test_an_input_in_two_ways(choose):
    with pytest.raises(TypeError) as error:
        choose(GIVEN, choices=CHOICES)
    assert str(error.value) == (
        "multiple-choice takes an input by position or by name, but was given choices "
        "and something by position, too."
    )


def test_no_input(choose):
    with pytest.raises(TypeError) as error:
        choose()
    assert str(error.value) == (
        "multiple-choice takes one input, or several in a list, but was given 0 "
        "arguments."
    )


def test_top_k(choose):
    assert choose(GIVEN, top_k=2) == ORDERED[:2]
    with pytest.raises(ValueError) as error:
        choose(GIVEN, top_k=0)
    assert str(error.value) == "top_k must be a whole number of at least 1, but is 0."
