"""The first diverging step is the first, with the right values beside it."""

import math

import numpy as np
import pytest

from conformance.differences import difference, differences, first_beyond, in_order

STATE = np.zeros((1, 2, 8), np.float32)
SCORES = np.zeros((1, 1, 2, 2), np.float32)


def test_order_is_that_of_the_computation():
    outputs = {
        "loss": np.float32(0),
        "logits": STATE,
        "pooler_output": STATE,
        "last_hidden_state": STATE,
        "attentions": (SCORES,) * 4,
        "hidden_states": (STATE,) * 3,
    }
    assert list(in_order(outputs)) == [
        "hidden_states.0",
        "attentions.0",
        "attentions.1",
        "hidden_states.1",
        "attentions.2",
        "attentions.3",
        "hidden_states.2",
        "last_hidden_state",
        "pooler_output",
        "logits",
        "loss",
    ]


def test_nothing_is_left_out_of_odd_numbers_of_layers():
    states, attentions = (STATE,) * 3, (SCORES,) * 3
    found = in_order({"hidden_states": states, "attentions": attentions})
    assert len(found) == 6
    assert list(in_order({"attentions": attentions})) == [
        f"attentions.{number}" for number in range(3)
    ]


def test_first_step_beyond_the_tolerance():
    second = STATE.copy()
    second[0, 1, 6] = 0.25
    found = {"hidden_states": (STATE, second, second + 1)}
    steps = list(differences(found, {"hidden_states": (STATE,) * 3}, 1e-3))
    first = first_beyond(steps)
    assert first == steps[1]
    assert (first.name, first.error, first.place) == (
        "hidden_states.1",
        0.25,
        (0, 1, 6),
    )
    assert (first.first, first.found) == (2, (0.0, 0.0, 0.0, 0.0, 0.25, 0.0))
    assert first.right == (0.0,) * 6
    assert first_beyond(steps[:1]) is None


@pytest.mark.parametrize(
    ("found", "right", "why"),
    [
        (STATE * np.nan, STATE, "it is not finite"),
        (STATE * np.nan, STATE * np.nan, "it is not finite"),
        (STATE, STATE + np.float32(np.inf), "it is not finite"),
        (STATE[:, :1], STATE, "its shape is (1, 1, 8), not (1, 2, 8)"),
        (STATE[:0], STATE[:0], "it is empty"),
    ],
)
def test_what_cannot_be_compared_is_infinitely_off(found, right, why):
    step = difference("logits", found, right, 1e-3)
    assert (step.error, step.why) == (math.inf, why)
    assert first_beyond([step]) is step


def test_missing_and_added_outputs():
    steps = list(differences({"loss": STATE}, {"logits": STATE}, 1e-3))
    assert [(s.name, s.error, s.why) for s in steps] == [
        ("logits", math.inf, "missing"),
        ("loss", math.inf, "not asked for"),
    ]


def test_single_number():
    step = difference("loss", np.float32(2), np.float64(1.5), 1e-3)
    assert (step.error, step.place, step.found, step.right) == (0.5, (), (2,), (1.5,))
