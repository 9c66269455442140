"""How many tokens there will be, and what new ones start from."""

import numpy as np
import pytest

from albert.common.config import AlbertConfig
from albert.common.resizing import new_bias, new_size, rows_around_mean

CONFIG = AlbertConfig(vocab_size=100, hidden_size=64, intermediate_size=8)


@pytest.mark.parametrize(
    ("number", "multiple", "found"),
    [
        (None, None, 100),
        (101, None, 101),
        (4, None, 4),
        (None, 64, 128),
        (100, 50, 100),
        (101, 50, 150),
        (np.int64(101), np.int32(50), 150),
    ],
)
def test_number(number, multiple, found):
    size = new_size(CONFIG, number, multiple)
    assert (size, type(size)) == (found, int)


@pytest.mark.parametrize("value", [0, -1, 1.5, True, "7"])
@pytest.mark.parametrize("name", ["new_num_tokens", "pad_to_multiple_of"])
def test_what_is_no_number(name, value):
    given = {"new_num_tokens": None, "pad_to_multiple_of": None, name: value}
    with pytest.raises(ValueError) as caught:
        new_size(CONFIG, **given)
    assert str(caught.value) == (
        f"{name} must be a whole number above 0, but is {value!r}."
    )


@pytest.mark.parametrize(
    ("number", "name", "index"), [(3, "eos_token_id", 3), (2, "bos_token_id", 2)]
)
def test_special_tokens_stay(number, name, index):
    with pytest.raises(ValueError) as caught:
        new_size(CONFIG, number, None)
    assert str(caught.value) == (
        f"new_num_tokens must be above {name}, which is {index}, but is {number}."
    )


def test_a_special_token_that_was_never_there():
    odd = CONFIG.replace(eos_token_id=500)
    assert new_size(odd, 99, None) == 99


def test_rows_have_the_mean_and_a_small_covariance_of_the_old():
    random = np.random.default_rng(0)
    table = random.normal(size=(500, 3)) @ random.normal(size=(3, 3)) + [1, -2, 3]
    rows = rows_around_mean(table, random.normal(size=(40_000, 3)))
    assert np.allclose(rows.mean(0), table.mean(0), atol=1e-5)
    right = 1e-9 * np.cov(table.T, bias=True)
    assert np.abs(np.cov(rows.T) - right).max() < 0.05 * np.abs(right).max()
    assert len(np.unique(rows, axis=0)) == len(rows)


def test_bias_is_the_mean():
    assert new_bias(np.array([1.0, -4.0])) == -1.5
