import numpy as np
import pytest

from albert.common.tuning.batches import TaskData
from albert.common.tuning.fill_mask import MaskKind
from albert.common.tuning.kind import Example, TaskSettings

TEXT = "She sells sea shells on the shore, and the shells she sells are sea shells. "


@pytest.fixture
def kind(tokenizer, config):
    return MaskKind(tokenizer, config(), TaskSettings(mask_probability=0.3))


def test_masks_differ_between_epochs_and_come_again(kind):
    data = TaskData(kind, [Example("row 1", TEXT * 3)], 1, 5)
    assert len(data.features) > 1
    assert data.length == 32
    seen = set()
    for step in range(3 * len(data.features)):
        batch = data.batch(step)
        again = TaskData(kind, [Example("row 1", TEXT * 3)], 1, 5).batch(step)
        for name, array in batch.items():
            np.testing.assert_array_equal(array, again[name])
        places = batch["masked_lm_positions"][0][batch["labels"][0] != -100]
        seen.add(tuple(places.tolist()))
        assert 0 not in places
        size = batch["attention_mask"].sum()
        assert 1 <= len(places) <= round(0.3 * size)
    assert len(seen) > len(data.features)


def test_held_out_texts_are_masked_the_same_each_time(kind):
    example = Example("row 1", TEXT)
    one, other = kind.encode(example), kind.encode(example)
    (row,), (again,) = one.rows, other.rows
    np.testing.assert_array_equal(row.input_ids, again.input_ids)
    np.testing.assert_array_equal(row.at, again.at)
    plain = kind.features(example)[0].rows[0].input_ids
    np.testing.assert_array_equal(one.state[0], plain[row.at])
    kept = np.setdiff1d(np.arange(len(plain)), row.at)
    np.testing.assert_array_equal(row.input_ids[kept], plain[kept])


def test_scores_masks(kind, tokenizer):
    example = Example("row 1", TEXT)
    encoded = kind.encode(example)
    (right,) = encoded.state
    logits = np.zeros((len(right), 8192), np.float32)
    logits[np.arange(len(right)), right] = [9, *[-9] * (len(right) - 1)]
    scored = kind.score([example], [encoded], [[{"logits": logits}]])
    assert scored.figures["accuracy"] == pytest.approx(1 / len(right))
    right_one = np.log(np.exp(9) + 8191) - 9
    wrong = np.log(np.exp(-9) + 8191) + 9
    expected = (right_one + wrong * (len(right) - 1)) / len(right)
    assert scored.figures["task_loss"] == pytest.approx(expected)
    first = scored.predictions[0]["masked"][0]
    assert first["found"] == first["expected"]
    flat = kind.score([example], [encoded], [[{"logits": np.zeros_like(logits)}]])
    assert flat.constant == "the piece '<pad>'"


def test_nothing_to_mask(kind):
    with pytest.raises(ValueError) as found:
        kind.score([Example("row 1", "")], [kind.encode(Example("row 1", ""))], [[]])
    assert str(found.value) == ("the evaluation data hold no word that can be masked.")
