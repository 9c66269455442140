"""Figures of merit, from scikit-learn and nervaluate.

Letters: N examples, L labels.
"""

from __future__ import annotations

import importlib
from collections.abc import Sequence
from typing import Any

import numpy as np


def check_installed() -> None:
    """Refuse to begin without what figures need.

    Raises:
        ImportError: a library of the extra "train" is not installed.
    """
    for library in ("sklearn.metrics", "nervaluate"):
        _needed(library)


def classification(right: np.ndarray, found: np.ndarray) -> dict[str, float]:
    """Score one label for each example.

    Args:
        right: int [N].
        found: int [N].

    Returns:
        "accuracy", "f1_macro" (the mean over labels that occur) and "mcc", Matthews'
        correlation.
    """
    library = _needed("sklearn.metrics")
    return {
        "accuracy": float(library.accuracy_score(right, found)),
        "f1_macro": float(
            library.f1_score(right, found, average="macro", zero_division=0)
        ),
        "mcc": float(library.matthews_corrcoef(right, found)),
    }


def multi_label(right: np.ndarray, found: np.ndarray) -> dict[str, float]:
    """Score several labels for each example.

    Args:
        right: int [N, L], 0 or 1.
        found: int [N, L], likewise.

    Returns:
        "f1_micro", "f1_macro" and "exact", the share of rows that are all right.
    """
    library = _needed("sklearn.metrics")
    f1 = {
        f"f1_{mean}": float(
            library.f1_score(right, found, average=mean, zero_division=0)
        )
        for mean in ("micro", "macro")
    }
    return {**f1, "exact": float(library.accuracy_score(right, found))}


def regression(right: np.ndarray, found: np.ndarray) -> dict[str, float]:
    """Score numbers.

    Args:
        right: float [N].
        found: float [N].

    Returns:
        "pearson" and "spearman", 0 where one side does not vary, and "mse".
    """
    library = _needed("sklearn.metrics")
    stats = _needed("scipy.stats")
    varies = len(right) > 1 and np.ptp(right) > 0 and np.ptp(found) > 0
    return {
        "pearson": float(stats.pearsonr(right, found)[0]) if varies else 0.0,
        "spearman": float(stats.spearmanr(right, found)[0]) if varies else 0.0,
        "mse": float(library.mean_squared_error(right, found)),
    }


def spans(
    right: Sequence[Sequence[str]], found: Sequence[Sequence[str]]
) -> dict[str, float]:
    """Score stretches that tags such as B-PER and I-PER mark.

    Args:
        right: tags of each text.
        found: likewise.

    Returns:
        "precision", "recall" and "f1" of stretches that are right in both ends and
        kind, as CoNLL-2003's script counts them.
    """
    library = _needed("nervaluate")
    kinds = sorted({tag[2:] for tags in (*right, *found) for tag in tags if tag != "O"})
    given = ([list(tags) for tags in right], [list(tags) for tags in found])
    result = library.Evaluator(*given, tags=kinds, loader="list").evaluate()
    strict = result["overall"]["strict"]
    return {
        name: float(getattr(strict, name)) for name in ("precision", "recall", "f1")
    }


def constant(found: np.ndarray, right: np.ndarray) -> bool:
    """Tell whether all answers are alike, though the right ones are not.

    Args:
        found: [N] or [N, L].
        right: likewise.

    Returns:
        Whether.
    """
    return bool((found == found[:1]).all() and not (right == right[:1]).all())


def _needed(library: str) -> Any:
    try:
        return importlib.import_module(library)
    except ModuleNotFoundError:
        name = {"sklearn.metrics": "scikit-learn", "scipy.stats": "scipy"}.get(
            library, library
        )
        raise ImportError(
            f'fine-tuning needs {name}: pip install "albert-models[train]"'
        ) from None
