"""Probabilities of entailment by hand; transformers' answers are in conformance."""

import math
import warnings

import numpy as np
import pytest

from albert.common.tasks.zero_shot import ZeroShotClassification

from .by_hand import TOKENIZER, make_config, make_pipeline

# Of entailment, neutral and contradiction.
LOGITS = {
    "this example is sport.": [math.log(6), 9, math.log(2)],
    "this example is food.": [math.log(3), 0, math.log(3)],
    "this example is law.": [math.log(1), -9, math.log(4)],
    "about food!": [0, 0, 0],
    "about sport!": [1, 0, 0],
}
NAMES = ("entailment", "neutral", "contradiction")
LABELS = ["law", "sport", "food"]


def hypothesis(text):
    return text.split("[SEP]")[1].strip()


@pytest.fixture
def make(monkeypatch):
    def made(*names, order=(0, 1, 2), room=16, **options):
        config = make_config(*names, max_position_embeddings=room)
        task = ZeroShotClassification(TOKENIZER, config)
        return make_pipeline(
            monkeypatch,
            task,
            lambda text: [LOGITS[hypothesis(text)][place] for place in order],
            **options,
        )

    return made


@pytest.fixture
def choose(make):
    return make(*NAMES)


def answer(labels, scores, sequence="A match."):
    return {
        "sequence": sequence,
        "labels": labels,
        "scores": pytest.approx(scores),
    }


TOGETHER = answer(["sport", "food", "law"], [0.6, 0.3, 0.1])
EACH = answer(["sport", "food", "law"], [0.75, 0.5, 0.2])


def test_labels_together(choose):
    assert choose("A match.", LABELS) == TOGETHER
    assert choose("A match.", candidate_labels=LABELS) == TOGETHER
    assert choose(sequences="A match.", candidate_labels=LABELS) == TOGETHER
    assert choose("A match.", " law,sport , ,food,") == TOGETHER
    assert choose({"sequence": "A match."}, LABELS) == TOGETHER


def test_each_label_by_itself(choose):
    assert choose("A match.", LABELS, multi_label=True) == EACH


def test_a_single_label_is_by_itself(choose):
    assert choose("A match.", "sport") == answer(["sport"], [0.75])


def test_lists(choose):
    other = answer(["sport", "food", "law"], [0.6, 0.3, 0.1], "B")
    assert choose(["A match."], LABELS) == [TOGETHER]
    assert choose(["A match.", "B"], LABELS) == [TOGETHER, other]
    assert list(choose(iter(["B"]), LABELS)) == [other]
    assert choose([], LABELS) == []


def test_the_answer_is_plain(choose):
    found = choose("A match.", LABELS)
    assert list(found) == ["sequence", "labels", "scores"]
    assert [type(score) for score in found["scores"]] == [float] * 3


def test_options_of_the_constructor(make):
    choose = make(*NAMES, candidate_labels=LABELS, multi_label=True)
    assert choose("A match.") == EACH
    assert choose("A match.", multi_label=False) == TOGETHER


def test_a_template(choose):
    found = choose("A", ["food", "sport"], hypothesis_template="about {}!")
    high = math.e / (1 + math.e)
    assert found == answer(["sport", "food"], [high, 1 - high], "A")


@pytest.mark.parametrize(
    ("names", "order"),
    [
        (("Entailment", "b", "c"), (0, 1, 2)),
        (("a", "b", "ENTAIL"), (2, 1, 0)),
        (("a", "entailed", "c"), (2, 0, 1)),
        (("neutral", "Contradicts", "entailment"), (1, 2, 0)),
        (("neutral", "entailment", "contradiction"), (1, 0, 2)),
        (("entailment", "not_entailment"), (0, 2)),
    ],
)
def test_which_labels_are_meant(make, names, order):
    assert make(*names, order=order)("A match.", LABELS) == TOGETHER
    assert make(*names, order=order)("A match.", LABELS, multi_label=True) == EACH


def test_without_names_the_last_label_is_entailment(make):
    with pytest.warns(UserWarning) as warned:
        choose = make("LABEL_0", "LABEL_1", "LABEL_2", order=(2, 1, 0))
    assert [str(one.message) for one in warned] == [
        (
            "zero-shot-classification needs a model of natural language inference, but "
            "none of its labels begins with 'entail': the last, 'LABEL_2', is taken "
            "for it."
        )
    ]
    assert choose("A match.", LABELS) == TOGETHER
    assert choose("A match.", LABELS, multi_label=True) == EACH


def test_a_model_with_one_label_is_refused():
    with pytest.raises(ValueError) as error:
        ZeroShotClassification(TOKENIZER, make_config("entailment"))
    assert str(error.value) == (
        "zero-shot-classification needs a model that tells entailment from "
        "contradiction, but this one has a single label."
    )


def test_equal_labels_stand_as_in_transformers(choose):
    found = choose("A", ["Sport", "food", "sport"])
    assert found["labels"] == ["sport", "Sport", "food"]


@pytest.mark.parametrize("options", [{}, {"truncation": "only_first"}])
def test_only_the_text_is_cut(make, options):
    choose = make(*NAMES, room=10)
    text = "one two three four"
    with pytest.warns(UserWarning, match="input 0 is longer than its limit"):
        found = choose(text, LABELS, **options)
    assert found == answer(["sport", "food", "law"], [0.6, 0.3, 0.1], text)
    assert choose.runner.shapes == [(3, 10)]


def test_a_text_that_must_not_be_cut(make):
    with pytest.raises(ValueError) as error:
        make(*NAMES, room=10)("one two three four", LABELS, truncation=False)
    assert str(error.value) == (
        "the text has 12 tokens, but the limit is 10: shorten it, or pass "
        "truncation=True."
    )


def test_a_label_without_room(make):
    choose = make(*NAMES, room=12)
    label = "a very very very long label"
    with pytest.raises(ValueError) as error:
        choose("A", label)
    assert str(error.value) == (
        f"'This example is {label}.' has 10 tokens, but as the second text of a pair "
        f"it may have 9, and it is not cut: shorten it."
    )


@pytest.mark.parametrize(
    ("given", "options", "text"),
    [
        (
            "A",
            {},
            "candidate_labels must be given: the labels to choose from.",
        ),
        (
            "A",
            {"candidate_labels": []},
            "candidate_labels must hold at least one label.",
        ),
        (
            "A",
            {"candidate_labels": " , "},
            "candidate_labels must hold at least one label.",
        ),
        ("", {"candidate_labels": "a"}, "the text must not be empty."),
        (
            "A",
            {"hypothesis_template": "no place"},
            "hypothesis_template must hold {} in the label's place, but is 'no place'.",
        ),
        (
            "A",
            {"hypothesis_template": "{label}"},
            (
                "hypothesis_template must be a sentence with {} in the label's place, "
                "but '{label}' cannot be filled: 'label'."
            ),
        ),
        (
            "A",
            {"hypothesis_template": "{"},
            (
                "hypothesis_template must be a sentence with {} in the label's place, "
                "but '{' cannot be filled: Single '{' encountered in format string."
            ),
        ),
        (
            "A",
            {"multi_label": "yes"},
            "multi_label must be True or False, but is 'yes'.",
        ),
        (
            "A",
            {"truncation": "longest_first"},
            (
                "truncation must be one of True, False, 'only_first', "
                "'do_not_truncate', but is 'longest_first'."
            ),
        ),
    ],
)
def test_what_is_refused(choose, given, options, text):
    with pytest.raises(ValueError) as error:
        choose(given, **options)
    assert str(error.value) == text


def test_labels_are_texts(choose):
    with pytest.raises(TypeError) as error:
        choose("A", ["a", 3])
    assert str(error.value) == (
        "each of candidate_labels must be a text, but is of type int."
    )


@pytest.mark.parametrize("labels", [3, b"a", {"a": 1}])
def test_labels_that_are_no_list(choose, labels):
    with pytest.raises(TypeError) as error:
        choose("A", labels)
    assert str(error.value) == (
        "candidate_labels must be a list of texts, or one text with commas, but is of "
        f"type {type(labels).__name__}."
    )


@pytest.mark.parametrize("kind", [np.array, iter, tuple])
def test_labels_in_whatever_can_be_iterated(choose, kind):
    assert choose(["A match.", "A match."], kind(LABELS)) == [TOGETHER, TOGETHER]


def test_the_older_name_of_multi_label(choose):
    assert choose("A match.", LABELS, multi_class=True) == EACH
    assert choose("A match.", LABELS, multi_class=False) == TOGETHER
    with pytest.raises(ValueError) as error:
        choose("A", LABELS, multi_class="yes")
    assert str(error.value) == "multi_class must be True or False, but is 'yes'."


def test_labels_in_two_places(choose):
    with pytest.raises(TypeError) as error:
        choose("A", ["a"], candidate_labels=["b"])
    assert str(error.value) == (
        "zero-shot-classification takes one input, or several in a list, but was "
        "given 2 arguments."
    )


def test_models_with_names_need_no_warning(make):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        make(*NAMES)
