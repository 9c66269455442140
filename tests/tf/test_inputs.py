"""What a call may be given, and the error texts."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest
import tensorflow as tf

IDS = np.arange(21).reshape(3, 7)


class Batch(Mapping[str, Any]):
    """A mapping that is no dictionary, as a tokenizer gives it."""

    def __init__(self, **held: Any) -> None:
        self.held = held

    def __getitem__(self, name: str) -> Any:
        return self.held[name]

    def __iter__(self) -> Any:
        return iter(self.held)

    def __len__(self) -> int:
        return len(self.held)


@pytest.fixture(scope="module")
def model(flat: Any) -> Any:
    from albert.tf import TFAlbertForMaskedLM

    return TFAlbertForMaskedLM(flat)


def test_all_ways_to_call_give_the_same(model: Any) -> None:
    mask = np.ones_like(IDS)
    mask[1, 3:] = 0
    expected = model(IDS, attention_mask=mask, labels=IDS)
    held = {"input_ids": IDS, "attention_mask": mask, "labels": IDS}
    lists = {name: value.tolist() for name, value in held.items()}
    tensors = {name: tf.constant(value) for name, value in held.items()}
    others = [
        model(held),
        model(**held),
        model(lists),
        model(**lists),
        model(tensors),
        model(Batch(**held)),
        model(IDS, mask, None, None, None, IDS),
        model({"input_ids": IDS, "labels": IDS}, attention_mask=mask),
        model(IDS.astype(np.int32), mask.astype(bool), labels=IDS.astype(np.int16)),
    ]
    for other in others:
        np.testing.assert_array_equal(other.loss, expected.loss)
        np.testing.assert_array_equal(other.logits, expected.logits)


def test_flags_may_be_positional(model: Any) -> None:
    output = model(IDS, None, None, None, None, None, True, True, False, False)
    assert isinstance(output, tuple)
    assert [len(part) for part in output[1:]] == [2, 1]


@pytest.mark.parametrize(
    ("arguments", "keywords", "message"),
    [
        (
            ({"input_ids": IDS, "length": IDS},),
            {},
            (
                "TFAlbertForMaskedLM has no input 'length'; it takes input_ids, "
                "attention_mask, token_type_ids, position_ids, inputs_embeds, labels, "
                "output_attentions, output_hidden_states, return_dict, training, "
                "masked_lm_positions, output_logits."
            ),
        ),
        ((IDS,), {"input_ids": IDS}, "TFAlbertForMaskedLM was given input_ids twice."),
        (
            (None,) * 13,
            {},
            "TFAlbertForMaskedLM takes 12 positional arguments, but 13 were given.",
        ),
    ],
)
def test_type_errors(model: Any, arguments: Any, keywords: Any, message: str) -> None:
    with pytest.raises(TypeError) as caught:
        model(*arguments, **keywords)
    assert str(caught.value) == message


@pytest.mark.parametrize(
    ("keywords", "message"),
    [
        (
            {},
            "give exactly one of input_ids and inputs_embeds, but neither was given.",
        ),
        (
            {"input_ids": IDS, "inputs_embeds": np.zeros((3, 7, 5))},
            "give exactly one of input_ids and inputs_embeds, but both were given.",
        ),
        (
            {"input_ids": IDS[0]},
            "input_ids must have the shape [B, S], but has [7].",
        ),
        (
            {"inputs_embeds": np.zeros((3, 7, 4))},
            (
                "inputs_embeds must have embedding_size=5 as its last dimension, but "
                "has the shape [3, 7, 4]."
            ),
        ),
        (
            {"input_ids": np.zeros((1, 12), int)},
            (
                "input_ids has 12 positions, but max_position_embeddings is 11: "
                "truncate the text or split it."
            ),
        ),
        (
            {"input_ids": IDS, "attention_mask": IDS[:, :6]},
            "attention_mask must have the shape [3, 7] of input_ids, but has [3, 6].",
        ),
        (
            {"input_ids": IDS + 90},
            "input_ids must be at least 0 and below vocab_size=101, but has 101.",
        ),
        (
            {"input_ids": IDS, "token_type_ids": IDS},
            "token_type_ids must be at least 0 and below type_vocab_size=3, but has 3.",
        ),
        (
            {"input_ids": IDS, "position_ids": IDS - 1},
            (
                "position_ids must be at least 0 and below max_position_embeddings=11, "
                "but has -1."
            ),
        ),
    ],
)
def test_value_errors(model: Any, keywords: Any, message: str) -> None:
    with pytest.raises(ValueError) as caught:
        model(**keywords)
    assert str(caught.value) == message


def test_shapes_are_checked_while_tracing(model: Any) -> None:
    traced = tf.function(lambda ids: model(ids).logits)
    with pytest.raises(ValueError, match="input_ids has 12 positions, but max_pos"):
        traced(np.zeros((1, 12), int))
