from types import SimpleNamespace

import numpy as np
import pytest

from albert.common.tasks.task import Row
from albert.common.tuning.batches import TaskData, padded
from albert.common.tuning.kind import Example, Feature


class _Kind:
    """Rows of as many ids as the example says."""

    tokenizer = SimpleNamespace(pad_token_id=9)
    config = SimpleNamespace(max_position_embeddings=20)

    def features(self, example):
        if example.given < 0:
            raise ValueError("below 0")
        ids = np.full(example.given, example.given, np.int32)
        row = Row(ids, np.ones_like(ids))
        return [Feature([row], {"labels": np.int32(example.target)})]

    def vary(self, batch, seed, epochs, numbers):
        return {**batch, "epochs": np.array(epochs), "numbers": np.array(numbers)}


def _data(number=5, batch_size=3, seed=1):
    examples = [Example(f"row {at}", at + 2, at) for at in range(number)]
    return TaskData(_Kind(), examples, batch_size, seed)


def test_every_row_comes_once_in_each_epoch_in_another_order():
    data = _data()
    labels = np.concatenate([data.batch(step)["labels"] for step in range(5)])
    epochs = np.concatenate([data.batch(step)["epochs"] for step in range(5)])
    orders = [labels[epochs == epoch].tolist() for epoch in range(3)]
    assert [sorted(order) for order in orders] == [[0, 1, 2, 3, 4]] * 3
    assert orders[0] != orders[1]
    assert (
        labels.tolist()
        != np.concatenate(
            [_data(seed=2).batch(step)["labels"] for step in range(5)]
        ).tolist()
    )


def test_a_batch_depends_on_its_step_alone():
    data, other = _data(), _data()
    data.batch(0)
    for name, array in data.batch(3).items():
        np.testing.assert_array_equal(array, other.batch(3)[name])
    assert len(_data(number=2, batch_size=7).batch(0)["labels"]) == 7


def test_rows_are_padded_to_one_length():
    data = _data(number=8)
    assert data.length == 16
    batch = data.batch(0)
    for ids, mask, label in zip(
        batch["input_ids"], batch["attention_mask"], batch["labels"], strict=True
    ):
        size = label + 2
        assert ids.tolist() == [size] * size + [9] * (16 - size)
        assert mask.tolist() == [1] * size + [0] * (16 - size)


def test_choices_have_an_axis_and_labels_along_the_sequence_are_padded():
    row = Row(np.array([1, 2], np.int32), np.array([0, 1], np.int32))
    choices = padded([Feature([row, row, row], {"labels": np.int32(1)})] * 2, 4, 0)
    assert choices["input_ids"].shape == (2, 3, 4)
    assert choices["labels"].tolist() == [1, 1]
    along = padded([Feature([row], {"labels": np.array([-100, 3], np.int32)})], 4, 0)
    assert along["labels"].tolist() == [[-100, 3, -100, -100]]
    vector = padded([Feature([row], {"labels": np.array([0, 1], np.float32)})], 4, 0)
    assert vector["labels"].tolist() == [[0, 1]]


def test_what_cannot_be_used_is_named():
    with pytest.raises(ValueError) as found:
        TaskData(_Kind(), [Example("x.csv, line 3", -1)], 1, 0)
    assert str(found.value) == "x.csv, line 3: below 0"
    with pytest.raises(ValueError) as found:
        TaskData(_Kind(), [], 1, 0)
    assert str(found.value) == "the training data hold nothing to learn from."
