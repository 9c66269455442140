"""Labels and scores by hand; agreement with transformers is in conformance."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from albert.common.tasks.streaming import InputError
from albert.common.tasks.task import Encoded
from albert.common.tasks.text_classification import (
    TextClassification,
    TextClassificationOptions,
    function_of,
)

from .by_hand import TOKENIZER, make_config, make_pipeline

LOGITS = {
    "[CLS] good[SEP]": [0, math.log(3), 0],
    "[CLS] bad[SEP]": [math.log(6), 0, 0],
    "[CLS] good[SEP] bad[SEP]": [0, 0, math.log(2)],
}
GOOD = {"label": "up", "score": 0.6}
BAD = {"label": "down", "score": 0.75}
BOTH = {"label": "level", "score": 0.5}
PAIR = {"text": "good", "text_pair": "bad"}


@pytest.fixture
def make(monkeypatch):
    def made(*labels, outputs=LOGITS.__getitem__, fields=None, **options):
        config = make_config(*labels, **(fields or {}))
        task = TextClassification(TOKENIZER, config)
        return make_pipeline(monkeypatch, task, outputs, **options)

    return made


@pytest.fixture
def classify(make):
    return make("down", "up", "level")


def near(expected):
    """Compare the scores with a tolerance, whatever holds them."""
    if isinstance(expected, list):
        return [near(one) for one in expected]
    return {"label": expected["label"], "score": pytest.approx(expected["score"])}


def one(label, score):
    return {"label": label, "score": score}


def test_the_best_label_by_itself(classify):
    assert classify("good") == near([GOOD])
    assert classify(["good"]) == near([GOOD])
    assert classify(["good", "bad"]) == near([GOOD, BAD])
    assert classify(PAIR) == near(BOTH)
    assert classify([PAIR, "bad"]) == near([BOTH, BAD])
    assert classify({"text": "bad"}) == near(BAD)
    assert classify([]) == []
    assert list(classify(iter(["good", PAIR]))) == near([GOOD, BOTH])


def test_several_labels(classify):
    two = [GOOD, one("down", 0.2)]
    assert classify("good", top_k=2) == near(two)
    assert classify(["good"], top_k=2) == near([two])
    assert classify("good", top_k=None) == near([*two, one("level", 0.2)])
    assert classify("good", top_k=9) == near([*two, one("level", 0.2)])
    assert classify(PAIR, top_k=1) == near([BOTH])
    assert classify("good", top_k=1) == near([GOOD])


def test_several_labels_chosen_in_the_constructor(make):
    classify = make("down", "up", "level", top_k=1)
    assert classify("good") == near([[GOOD]])
    assert classify(["good"]) == near([[GOOD]])
    assert classify(PAIR) == near([BOTH])
    assert classify("good", top_k="") == near(GOOD)


def test_all_labels_in_the_old_way(classify):
    unsorted = [one("down", 0.2), GOOD, one("level", 0.2)]
    assert classify("good", return_all_scores=True) == near([unsorted])
    assert classify(["good"], return_all_scores=True) == near([unsorted])
    assert classify("good", return_all_scores=False) == near([GOOD])
    assert classify("good", return_all_scores=True, top_k=1) == near([GOOD])


def test_all_labels_by_an_old_configuration(make):
    classify = make("down", "up", "level", fields={"return_all_scores": True})
    assert len(classify(["bad"])[0]) == 3
    assert classify(["bad"], return_all_scores=False) == near([BAD])


def test_scores_are_plain_numbers(classify):
    (answer,) = classify("good")
    assert type(answer["score"]) is float
    assert list(answer) == ["label", "score"]


@pytest.mark.parametrize(
    ("function", "scores"),
    [
        ("softmax", [0.6, 0.2, 0.2]),
        ("sigmoid", [0.75, 0.5, 0.5]),
        ("SIGMOID", [0.75, 0.5, 0.5]),
        ("none", [math.log(3), 0, 0]),
    ],
)
def test_functions(classify, function, scores):
    answer = classify("good", function_to_apply=function, top_k=None)
    assert [found["score"] for found in answer] == pytest.approx(scores)


@pytest.mark.parametrize(
    ("labels", "problem_type", "function"),
    [
        ("a", None, "sigmoid"),
        ("a", "single_label_classification", "sigmoid"),
        ("a", "regression", "none"),
        ("ab", None, "softmax"),
        ("ab", "single_label_classification", "softmax"),
        ("ab", "multi_label_classification", "sigmoid"),
        ("ab", "regression", "none"),
    ],
)
def test_the_function_that_the_configuration_implies(labels, problem_type, function):
    assert function_of(make_config(*labels, problem_type=problem_type)) == function


def test_regression(make):
    classify = make(
        "warmth", outputs=lambda text: [-3.5], fields={"problem_type": "regression"}
    )
    assert classify("good") == [one("warmth", -3.5)]


def test_several_labels_at_once(make):
    fields = {"problem_type": "multi_label_classification"}
    classify = make("down", "up", "level", fields=fields)
    assert classify("good") == near([one("up", 0.75)])


def test_of_equal_labels_the_first_comes_first(make):
    classify = make("a", "b", "c", outputs=lambda text: [0, 1, 1])
    assert classify(["x"])[0]["label"] == "b"
    assert [a["label"] for a in classify("x", top_k=None)] == ["b", "c", "a"]


def test_long_texts(make):
    rows = []

    def outputs(text):
        rows.append(text)
        return [0, 1]

    classify = make("a", "b", outputs=outputs)
    notice = "input 0 is longer than its limit and is cut"
    with pytest.warns(UserWarning, match=notice):
        classify("one two three", max_length=4)
    assert rows == ["[CLS] one two[SEP]"]
    with pytest.raises(InputError) as error:
        classify("one two three", max_length=4, truncation=False)
    assert str(error.value) == (
        "input 0: the text has 5 tokens, but the limit is 4: shorten it, or pass "
        "truncation=True."
    )


def test_padding_is_accepted(classify):
    assert classify(["good"], padding=True, truncation=True) == near([GOOD])


@pytest.mark.parametrize("pair", [["good", "bad"], ("good", "bad"), [["good", "bad"]]])
def test_pairs_are_dictionaries(classify, pair):
    with pytest.raises(InputError) as error:
        classify(["good", pair])
    assert str(error.value) == (
        'input 1: a pair of texts must be given as {"text": ..., "text_pair": ...}, '
        f"but is of type {type(pair).__name__}."
    )


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ({"top_k": 0}, "top_k must be a whole number of at least 1, but is 0."),
        ({"top_k": "all"}, "top_k must be a whole number of at least 1, but is 'all'."),
        (
            {"function_to_apply": "default"},
            (
                "function_to_apply must be one of 'sigmoid', 'softmax', 'none', but is "
                "'default'."
            ),
        ),
        (
            {"function_to_apply": 3},
            "function_to_apply must be one of 'sigmoid', 'softmax', 'none', but is 3.",
        ),
        (
            {"return_all_scores": 1},
            "return_all_scores must be True or False, but is 1.",
        ),
    ],
)
def test_options_that_are_refused(classify, options, text):
    with pytest.raises(ValueError) as error:
        classify("good", **options)
    assert str(error.value) == text


@given(st.lists(st.floats(-50, 50, width=32), min_size=2, max_size=9), st.data())
def test_top_k_is_the_head_of_all(logits, data):
    task = TextClassification(TOKENIZER, make_config(*map(str, range(len(logits)))))
    k = data.draw(st.integers(1, len(logits)))

    def answer(**options):
        chosen = TextClassificationOptions(**options)
        outputs = [{"logits": np.array(logits, np.float32)}]
        return task.decode(Encoded([]), outputs, chosen)

    everything = answer(top_k=None)
    scores = [found["score"] for found in everything]
    assert scores == sorted(scores, reverse=True)
    assert sum(scores) == pytest.approx(1)
    assert answer(top_k=k) == everything[:k]
    assert answer() == everything[0]
    assert {f["label"]: f["score"] for f in answer(return_all_scores=True)} == {
        f["label"]: f["score"] for f in everything
    }
