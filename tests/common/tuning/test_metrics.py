import importlib

import numpy as np
import pytest

from albert.common.tuning import metrics


def test_one_label():
    found = metrics.classification(np.array([0, 0, 1, 1]), np.array([0, 1, 1, 1]))
    assert found["accuracy"] == 0.75
    assert found["f1_macro"] == pytest.approx((2 / 3 + 4 / 5) / 2)
    # (tp tn - fp fn) / sqrt of the margins' product
    assert found["mcc"] == pytest.approx((2 * 1 - 1 * 0) / np.sqrt(3 * 2 * 2 * 1))


def test_several_labels():
    right, found = np.array([[1, 0], [1, 1]]), np.array([[1, 0], [0, 1]])
    assert metrics.multi_label(right, found) == {
        "f1_micro": pytest.approx(4 / 5),
        "f1_macro": pytest.approx((2 / 3 + 1) / 2),
        "exact": 0.5,
    }


def test_numbers():
    found = metrics.regression(np.array([1.0, 2, 3]), np.array([2.0, 4, 100]))
    assert found["spearman"] == pytest.approx(1)
    assert 0.8 < found["pearson"] < 1
    assert found["mse"] == pytest.approx((1 + 4 + 97**2) / 3)
    flat = metrics.regression(np.array([1.0, 2]), np.array([1.0, 1]))
    assert (flat["pearson"], flat["spearman"]) == (0, 0)


def test_stretches():
    right = [["B-PER", "I-PER", "O", "B-LOC"], ["B-ORG", "B-ORG"]]
    found = [["B-PER", "O", "O", "B-LOC"], ["B-ORG", "I-ORG"]]
    # Of 3 found and 4 right, only B-LOC is the same.
    assert metrics.spans(right, found) == {
        "precision": pytest.approx(1 / 3),
        "recall": pytest.approx(1 / 4),
        "f1": pytest.approx(2 / 7),
    }


def test_constant():
    assert metrics.constant(np.array([1, 1]), np.array([0, 1]))
    assert not metrics.constant(np.array([1, 1]), np.array([1, 1]))
    assert not metrics.constant(np.array([[1, 0], [1, 1]]), np.array([[1, 0], [0, 1]]))


def test_a_missing_library_is_named(monkeypatch):
    def missing(name):
        raise ModuleNotFoundError(name=name)

    monkeypatch.setattr(importlib, "import_module", missing)
    with pytest.raises(ImportError) as found:
        metrics.check_installed()
    assert str(found.value) == (
        'fine-tuning needs scikit-learn: pip install "albert-models[train]"'
    )
