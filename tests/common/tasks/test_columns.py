"""Columns of a dataset as inputs."""

import numpy as np
import pytest

import albert

ROWS = [
    {"premise": "A man sleeps.", "hypothesis": "He is awake.", "label": 2},
    {"premise": "It rains.", "hypothesis": "It is wet.", "label": 0},
]


def test_one_column():
    column = albert.KeyDataset(ROWS, "premise")
    assert len(column) == 2
    assert [column[0], column[1]] == ["A man sleeps.", "It rains."]


def test_two_columns():
    pairs = albert.KeyPairDataset(ROWS, "premise", "hypothesis")
    assert len(pairs) == 2
    assert pairs[1] == {"text": "It rains.", "text_pair": "It is wet."}


def test_a_pipeline_reads_them():
    embed = albert.pipeline("sentence-embedding", framework="pt", device="cpu")
    found = list(embed(albert.KeyDataset(ROWS, "premise")))
    assert len(found) == 2
    assert np.allclose(found[1], embed("It rains."), atol=1e-6)
    order = albert.pipeline("sentence-order", framework="pt", device="cpu")
    pairs = albert.KeyPairDataset(ROWS, "premise", "hypothesis")
    expected = order("A man sleeps.", "He is awake.")
    expected["score"] = pytest.approx(expected["score"], abs=1e-6)
    assert next(order(pairs)) == expected
