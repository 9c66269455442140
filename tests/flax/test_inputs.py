import re

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from albert.flax.inputs import check_inputs, check_labels, flatten_choices

IDS = np.ones((3, 7), np.int32)

LAST = "last dimension, but has the shape [3, 7, 6]"
ADVICE = "truncate the text or split it"
POSITIONS = "max_position_embeddings"

WRONG = {
    "neither": (
        {},
        "give exactly one of input_ids and inputs_embeds, but neither was given.",
    ),
    "both": (
        {"input_ids": IDS, "inputs_embeds": np.zeros((3, 7, 5))},
        "give exactly one of input_ids and inputs_embeds, but both were given.",
    ),
    "flat ids": (
        {"input_ids": IDS[0]},
        "input_ids must have the shape [B, S], but has [7].",
    ),
    "wide embeds": (
        {"inputs_embeds": np.zeros((3, 7, 6))},
        f"inputs_embeds must have embedding_size=5 as its {LAST}.",
    ),
    "too long": (
        {"input_ids": np.ones((3, 20), np.int32)},
        f"input_ids has 20 positions, but max_position_embeddings is 19: {ADVICE}.",
    ),
    "short mask": (
        {"input_ids": IDS, "attention_mask": IDS[:, 1:]},
        "attention_mask must have the shape [3, 7] of input_ids, but has [3, 6].",
    ),
    "short segments": (
        {"input_ids": IDS, "token_type_ids": IDS[1:]},
        "token_type_ids must have the shape [3, 7] of input_ids, but has [2, 7].",
    ),
    "short positions": (
        {"input_ids": IDS, "position_ids": IDS[:1, 1:]},
        "position_ids must have the shape [3, 7] of input_ids, but has [1, 6].",
    ),
    "great id": (
        {"input_ids": IDS * 101},
        "input_ids must be at least 0 and below vocab_size=101, but has 101.",
    ),
    "id beyond 32 bits": (
        {"input_ids": IDS.astype(np.int64) << 32},
        "input_ids must be at least 0 and below vocab_size=101, but has 4294967296.",
    ),
    "negative id": (
        {"input_ids": -IDS},
        "input_ids must be at least 0 and below vocab_size=101, but has -1.",
    ),
    "great segment": (
        {"input_ids": IDS, "token_type_ids": IDS * 2},
        "token_type_ids must be at least 0 and below type_vocab_size=2, but has 2.",
    ),
    "great position": (
        {"input_ids": IDS, "position_ids": IDS * 19},
        f"position_ids must be at least 0 and below {POSITIONS}=19, but has 19.",
    ),
}

NAMES = (
    "input_ids",
    "attention_mask",
    "token_type_ids",
    "position_ids",
    "inputs_embeds",
)


def _check(config, given, **flags):
    return check_inputs(config, *(given.get(name) for name in NAMES), **flags)


@pytest.mark.parametrize("case", WRONG)
def test_wrong_inputs_are_refused(config, case):
    given, message = WRONG[case]
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        _check(config, given)


def test_right_inputs_give_their_shape(config):
    assert _check(config, {"input_ids": jnp.asarray(IDS)}) == (3, 7)
    assert _check(config, {"inputs_embeds": np.zeros((3, 7, 5))}) == (3, 7)
    assert _check(config, {"input_ids": IDS, "position_ids": IDS[:1]}) == (3, 7)


def test_choices_have_an_axis_of_their_own(config):
    assert _check(config, {"input_ids": IDS[:, None]}, choices=True) == (3, 1, 7)
    message = "input_ids must have the shape [B, C, S], but has [3, 7]."
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        _check(config, {"input_ids": IDS}, choices=True)


def test_traced_values_are_not_read(config):
    def shape_of(ids):
        assert _check(config, {"input_ids": ids}) == (3, 7)
        return ids

    jax.jit(shape_of)(IDS * 101)
    with pytest.raises(ValueError) as raised:
        jax.vmap(shape_of)(IDS)
    assert str(raised.value) == "input_ids must have the shape [B, S], but has [7]."


def test_labels_are_checked():
    check_labels("labels", np.array([-100, 3]), (2,), "[B]", 4, "classes")
    message = "labels must have the shape [B] = [3], but has [2]."
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        check_labels("labels", np.array([-100, 3]), (3,), "[B]", 4, "classes")
    message = "labels must be at least 0 and below classes=3 or -100, but has 3."
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        check_labels("labels", np.array([-100, 3]), (2,), "[B]", 3, "classes")


def test_choices_fold_into_the_batch():
    array = np.arange(3 * 2 * 7 * 5).reshape(3, 2, 7, 5)
    folded = flatten_choices(array)
    np.testing.assert_array_equal(folded, array.reshape(6, 7, 5))
    assert flatten_choices(None) is None
