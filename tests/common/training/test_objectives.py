import numpy as np
import pytest

from albert.common.training.objectives import cut, pretraining, random_seed, task

BATCH = {
    "labels": np.array([[5, -100], [-100, -100], [7, 8], [9, 1]]),
    "sentence_order_label": np.array([0, -100, -100, 1]),
}


def test_shares_make_the_parts_mean_the_whole():
    objective = pretraining(0.5)
    parts = cut(BATCH, 2)
    shares = objective.shares(parts, BATCH)
    assert shares == [{"mlm": 0.2, "sop": 0.5}, {"mlm": 0.8, "sop": 0.5}]
    assert objective.total({"mlm": 3.0, "sop": 4.0}) == 5.0


def test_without_labels_there_is_no_share():
    none = {name: np.full_like(array, -100) for name, array in BATCH.items()}
    assert pretraining(1.0).shares([none], none) == [{"mlm": 0.0, "sop": 0.0}]


def test_numbers_to_be_learned_count_each():
    batch = {"labels": np.array([-100.0, 0.5, 2.0, -100.0], np.float32)}
    assert task().shares(cut(batch, 2), batch) == [{"task": 0.5}, {"task": 0.5}]


def test_numbers_are_plain():
    numbers = pretraining(2.0).numbers(
        {"mlm": np.float32(1), "sop": np.float32(3)}, np.float32(0.5)
    )
    assert numbers == {
        "loss": 7.0,
        "mlm_loss": 1.0,
        "sop_loss": 3.0,
        "gradient_norm": 0.5,
    }
    assert all(type(number) is float for number in numbers.values())


def test_parts_are_consecutive_rows():
    first, second = cut(BATCH, 2)
    np.testing.assert_array_equal(first["labels"], BATCH["labels"][:2])
    np.testing.assert_array_equal(second["labels"], BATCH["labels"][2:])


@pytest.mark.parametrize("parts", [(0,), (0, 1), (1, 0), (2**40, 3)])
def test_each_combination_has_a_seed_of_its_own(parts):
    others = {random_seed(*parts, number) for number in range(100)}
    assert len(others) == 100
    assert all(0 <= seed < 2**31 for seed in others)


def test_seeds_are_the_same_on_every_machine():
    assert random_seed(7, 3, 1) == 530400660
