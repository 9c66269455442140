"""Arithmetic, and what the machine says of itself."""

import pytest

from benchmarks import contenders, machine


def test_arithmetic_of_base():
    """Layers alone: 178.9 GFLOP at 8 x 128, and the mapping of the embeddings."""
    config = contenders.settings("albert-base-v2")
    layers = 12 * 1024 * (8 * 768**2 + 4 * 768 * 3072 + 4 * 128 * 768)
    assert machine.forward_flops(config, 8, 128) == layers + 1024 * 2 * 128 * 768
    assert machine.activation_bytes(config, 1, 1) == 4 * (6 * 768 + 2 * 3072)


def test_arithmetic_of_training():
    config = contenders.settings("albert-base-v2")
    forward = machine.forward_flops(config, 2, 256)
    assert machine.training_flops(config, 2, 256) == 3 * forward
    head = 2 * 768 * 128 + 2 * 128 * 30000
    found = machine.training_flops(config, 2, 256, 10)
    assert found == 3 * (forward + 10 * head)


def test_settings():
    config = contenders.settings("albert-base-v2", num_hidden_layers=3)
    assert config["hidden_size"] == 768
    assert config["num_hidden_layers"] == 3
    assert set(config) == set(contenders.PEERS_SETTINGS)


def test_peak():
    shapes = ((2, 3, 5), (10, 10, 10))
    requests = machine.products("float32", shapes)
    assert list(requests) == ["matrix 2x3x5", "matrix 10x10x10"]
    assert requests["matrix 2x3x5"] == {
        "call": "product",
        "rows": 2,
        "width": 3,
        "columns": 5,
        "dtype": "float32",
    }
    samples = {"matrix 2x3x5": [2.0, 1.0], "matrix 10x10x10": [4.0, 5.0]}
    assert machine.peak_of(samples, shapes) == 500


def test_description():
    found = machine.describe()
    assert found["cores"] >= 1
    assert found["processor"]
    assert found["memory_bytes"] > 1e8


def test_what_others_use(session, monkeypatch):
    monkeypatch.setattr(session, "begun", session.begun - 100)
    cores = machine.describe()["cores"]
    monkeypatch.setattr(session, "work", session.work - 50 * cores)
    assert session.others() == pytest.approx(0.5, abs=0.02)
    assert machine.work() > machine.own_work() > 0
