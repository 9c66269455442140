import numpy as np
import pytest

from albert.flax.fast import calls
from albert.flax.fast.lengths import lengthen, round_up
from albert.flax.fast.switches import using

LENGTHS = {1: 8, 8: 8, 9: 16, 64: 64, 65: 80, 129: 160, 250: 256, 257: 320, 500: 512}


@pytest.mark.parametrize("length", LENGTHS)
def test_round_up(config, length):
    config = config.replace(max_position_embeddings=512)
    assert round_up(length, config) == LENGTHS[length]


def test_no_more_positions_than_there_are(config):
    assert round_up(17, config.replace(max_position_embeddings=18)) == 18


def test_few_lengths(config):
    config = config.replace(max_position_embeddings=512)
    assert len({round_up(length, config) for length in range(1, 513)}) == 20


def test_lengthen(config):
    ids = np.arange(14).reshape(2, 7)
    found = lengthen(config, {"input_ids": ids, "attention_mask": ids * 0})
    assert found is not None
    assert found["input_ids"].shape == (2, 8)
    # A row that hides all hides none, but the padding.
    np.testing.assert_array_equal(found["attention_mask"], [[1] * 7 + [0]] * 2)
    assert lengthen(config, found) is None


def test_embeddings_are_lengthened_along_the_sequence(config):
    found = lengthen(config, {"inputs_embeds": np.ones((3, 7, 5), np.float32)})
    assert found is not None
    assert found["inputs_embeds"].shape == (3, 8, 5)


CLASSES = [
    "AlbertModel",
    "AlbertForPreTraining",
    "AlbertForMaskedLM",
    "AlbertForSequenceClassification",
    "AlbertForMultipleChoice",
    "AlbertForTokenClassification",
    "AlbertForQuestionAnswering",
]


@pytest.mark.parametrize("class_name", CLASSES)
def test_outputs_have_the_callers_length(class_name, load, inputs, simple, assert_same):
    """Lengths 7 and 8, with all details, in both ways."""
    model, given = load(class_name, simple), inputs(class_name)
    flags = {"output_attentions": True, "output_hidden_states": True}
    with using(rounded=False):
        right = model(**given, **flags)
    assert_same(model(**given, **flags), right)


def test_lengths_share_a_program(load, inputs, simple, compilations):
    model = load(config=simple)
    model(**inputs())
    del compilations[:]
    model(**{name: array[:, :6] for name, array in inputs().items()})
    # The cutting alone.
    assert len(compilations) == 1


def test_on_accelerators_and_meshes_lengths_stay(load, inputs, simple, monkeypatch):
    model = load(config=simple)
    monkeypatch.setattr(calls, "_is_near", lambda array: False)
    monkeypatch.setattr(calls, "lengthen", None)
    assert model(**inputs()).last_hidden_state.shape == (3, 7, 24)
