"""The checks of inputs and labels that all frameworks share."""

import numpy as np
import pytest

from albert.common.config import AlbertConfig
from albert.common.inputs import (
    check_both,
    check_label_shape,
    check_places,
    check_shapes,
    check_values,
    problem_type,
    words_asked,
    words_wanted,
)

B, C, S, E, P = 3, 9, 7, 5, 19

CONFIG = AlbertConfig(
    vocab_size=101,
    embedding_size=E,
    hidden_size=24,
    num_attention_heads=4,
    intermediate_size=37,
    max_position_embeddings=P,
)


def shapes(**given):
    names = (
        "input_ids",
        "attention_mask",
        "token_type_ids",
        "position_ids",
        "inputs_embeds",
    )
    return {name: given.get(name) for name in names}


@pytest.mark.parametrize(
    ("given", "choices", "lead"),
    [
        ({"input_ids": (B, S)}, False, (B, S)),
        ({"inputs_embeds": (B, S, E)}, False, (B, S)),
        ({"input_ids": (B, C, S)}, True, (B, C, S)),
        ({"inputs_embeds": (B, C, S, E)}, True, (B, C, S)),
        ({"input_ids": (B, P)}, False, (B, P)),
        ({"input_ids": (1, 1)}, False, (1, 1)),
        ({"input_ids": (None, None)}, False, (None, None)),
        ({"input_ids": (None, S)}, False, (None, S)),
        ({"inputs_embeds": (B, None, None)}, False, (B, None)),
        ({"input_ids": [B, S], "position_ids": [1, S]}, False, (B, S)),
        ({"input_ids": (B, S), "position_ids": (B, S)}, False, (B, S)),
        ({"input_ids": (None, S), "attention_mask": (B, None)}, False, (None, S)),
        (
            {
                "inputs_embeds": (B, S, E),
                "attention_mask": (B, S),
                "token_type_ids": (B, S),
            },
            False,
            (B, S),
        ),
        (
            {"input_ids": (B, C, S), "position_ids": (B, C, S)},
            True,
            (B, C, S),
        ),
    ],
)
def test_good_shapes(given, choices, lead):
    assert check_shapes(CONFIG, shapes(**given), choices) == lead


@pytest.mark.parametrize(
    ("given", "choices", "message"),
    [
        (
            {},
            False,
            "give exactly one of input_ids and inputs_embeds, but neither was given.",
        ),
        (
            {"input_ids": (B, S), "inputs_embeds": (B, S, E)},
            False,
            "give exactly one of input_ids and inputs_embeds, but both were given.",
        ),
        (
            {"input_ids": (S,)},
            False,
            "input_ids must have the shape [B, S], but has [7].",
        ),
        (
            {"input_ids": ()},
            False,
            "input_ids must have the shape [B, S], but has [].",
        ),
        (
            {"input_ids": (B, C, S)},
            False,
            "input_ids must have the shape [B, S], but has [3, 9, 7].",
        ),
        (
            {"input_ids": (None, S)},
            True,
            "input_ids must have the shape [B, C, S], but has [?, 7].",
        ),
        (
            {"inputs_embeds": (B, S)},
            False,
            "inputs_embeds must have the shape [B, S, E], but has [3, 7].",
        ),
        (
            {"inputs_embeds": (B, S, E)},
            True,
            "inputs_embeds must have the shape [B, C, S, E], but has [3, 7, 5].",
        ),
        (
            {"inputs_embeds": (B, S, 24)},
            False,
            (
                "inputs_embeds must have embedding_size=5 as its last dimension, but "
                "has the shape [3, 7, 24]."
            ),
        ),
        (
            {"input_ids": (B, P + 1)},
            False,
            (
                "input_ids has 20 positions, but max_position_embeddings is 19: "
                "truncate the text or split it."
            ),
        ),
        (
            {"inputs_embeds": (B, P + 4, E)},
            False,
            (
                "inputs_embeds has 23 positions, but max_position_embeddings is 19: "
                "truncate the text or split it."
            ),
        ),
        (
            {"input_ids": (B, S), "attention_mask": (B, S + 1)},
            False,
            "attention_mask must have the shape [3, 7] of input_ids, but has [3, 8].",
        ),
        (
            {"input_ids": (B, S), "attention_mask": (1, S)},
            False,
            "attention_mask must have the shape [3, 7] of input_ids, but has [1, 7].",
        ),
        (
            {"input_ids": (B, S), "attention_mask": (B, 1, 1, S)},
            False,
            (
                "attention_mask must have the shape [3, 7] of input_ids, but has "
                "[3, 1, 1, 7]."
            ),
        ),
        (
            {"inputs_embeds": (B, S, E), "token_type_ids": (S,)},
            False,
            "token_type_ids must have the shape [3, 7] of inputs_embeds, but has [7].",
        ),
        (
            {"input_ids": (B, S), "position_ids": (2, S)},
            False,
            "position_ids must have the shape [3, 7] of input_ids, but has [2, 7].",
        ),
        (
            {"input_ids": (B, S), "position_ids": (1, S + 1)},
            False,
            "position_ids must have the shape [3, 7] of input_ids, but has [1, 8].",
        ),
        (
            {"input_ids": (B, S), "position_ids": (S,)},
            False,
            "position_ids must have the shape [3, 7] of input_ids, but has [7].",
        ),
        (
            {"input_ids": (B, C, S), "position_ids": (1, S)},
            True,
            "position_ids must have the shape [3, 9, 7] of input_ids, but has [1, 7].",
        ),
        (
            {"input_ids": (B, C, S), "attention_mask": (B, S)},
            True,
            (
                "attention_mask must have the shape [3, 9, 7] of input_ids, but has "
                "[3, 7]."
            ),
        ),
        (
            {"input_ids": (None, S), "token_type_ids": (B, 8)},
            False,
            "token_type_ids must have the shape [?, 7] of input_ids, but has [3, 8].",
        ),
    ],
)
def test_bad_shapes(given, choices, message):
    with pytest.raises(ValueError) as caught:
        check_shapes(CONFIG, shapes(**given), choices)
    assert str(caught.value) == message


@pytest.mark.parametrize("shape", [(B, S), (None, S), (B, None)])
def test_good_label_shape(shape):
    assert check_label_shape("labels", shape, (B, S), "[B, S]") is None


@pytest.mark.parametrize(
    ("shape", "text"), [((B,), "[3]"), ((S, B), "[7, 3]"), ((None, 8), "[?, 8]")]
)
def test_bad_label_shape(shape, text):
    with pytest.raises(ValueError) as caught:
        check_label_shape("labels", shape, (B, S), "[B, S]")
    assert str(caught.value) == (
        f"labels must have the shape [B, S] = [3, 7], but has {text}."
    )


@pytest.mark.parametrize(
    ("values", "ignored"),
    [
        (np.array([[0, 100]], np.int32), False),
        (np.array([255, 100], np.uint8) % 101, False),
        ([0, 5, 100], False),
        (np.array([-100, 0, 100]), True),
        (np.array([], np.int64), False),
    ],
)
def test_good_values(values, ignored):
    assert check_values("input_ids", values, 101, "vocab_size", ignored) is None


@pytest.mark.parametrize(
    ("values", "ignored", "message"),
    [
        (
            [[3, 101], [102, 0]],
            False,
            "input_ids must be at least 0 and below vocab_size=101, but has 101.",
        ),
        (
            [0, -1],
            False,
            "input_ids must be at least 0 and below vocab_size=101, but has -1.",
        ),
        (
            [0, -100],
            False,
            "input_ids must be at least 0 and below vocab_size=101, but has -100.",
        ),
        (
            [0, -100, -1],
            True,
            (
                "input_ids must be at least 0 and below vocab_size=101 or -100, but "
                "has -1."
            ),
        ),
        (
            np.array([101], np.uint8),
            True,
            (
                "input_ids must be at least 0 and below vocab_size=101 or -100, but "
                "has 101."
            ),
        ),
    ],
)
def test_bad_values(values, ignored, message):
    with pytest.raises(ValueError) as caught:
        check_values("input_ids", values, 101, "vocab_size", ignored)
    assert str(caught.value) == message


@pytest.mark.parametrize(
    ("kind", "number", "integers", "expected"),
    [
        (None, 1, True, "regression"),
        (None, 1, False, "regression"),
        (None, 2, True, "single_label_classification"),
        (None, 2, False, "multi_label_classification"),
        ("regression", 4, True, "regression"),
        ("single_label_classification", 1, False, "single_label_classification"),
        ("multi_label_classification", 4, True, "multi_label_classification"),
    ],
)
def test_problem_type(kind, number, integers, expected):
    config = CONFIG.replace(problem_type=kind, num_labels=number)
    assert problem_type(config, integers) == expected


def test_check_both():
    check_both("start_positions", 1, "end_positions", 2)
    for values, missing in (((None, 2), "start"), ((1, None), "end")):
        with pytest.raises(ValueError) as raised:
            check_both("start_positions", values[0], "end_positions", values[1])
        assert str(raised.value) == (
            f"give start_positions and end_positions together: {missing}_positions is "
            "missing."
        )


def test_values_must_be_integers():
    with pytest.raises(ValueError) as raised:
        check_values("labels", [0.5], 3, "num_labels")
    assert str(raised.value) == "labels must be integers, but are of type float64."


def test_no_positions():
    shapes = dict.fromkeys(NAMES) | {"input_ids": (2, 0)}
    with pytest.raises(ValueError) as raised:
        check_shapes(AlbertConfig(), shapes)
    assert str(raised.value) == (
        "input_ids must have at least one position, but has the shape [2, 0]."
    )


NAMES = (
    "input_ids",
    "attention_mask",
    "token_type_ids",
    "position_ids",
    "inputs_embeds",
)


@pytest.mark.parametrize("batch", [B, None])
def test_places_to_score(batch):
    for shape in ((B, 4), (B, 0), (None, None)):
        check_places(shape, batch)
    for shape in ((B,), (B, 4, 2)):
        with pytest.raises(ValueError) as caught:
            check_places(shape, batch)
        assert str(caught.value) == (
            f"masked_lm_positions must have the shape [B, P] = [{batch or '?'}, ?], "
            f"but has {list(shape)}."
        )


@pytest.mark.parametrize(
    ("labels", "training", "default"),
    [
        (None, True, True),
        (None, False, True),
        ("some", None, True),
        ("some", False, True),
        ("some", True, False),
    ],
)
def test_when_words_are_scored(labels, training, default):
    assert words_wanted(None, labels, training) is default
    for asked in (True, False):
        assert words_wanted(asked, labels, training) is asked


def test_arguments_for_the_words_that_are_read():
    assert words_asked(None, ("logits",), "places") == {}
    for fields, read in ((("logits",), True), (("sop_logits",), False)):
        assert words_asked("logits", fields, "places") == {
            "masked_lm_positions": "places",
            "output_logits": read,
        }
