"""One label, several, or a number for a text or a pair.

Letters: L labels, N examples.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from albert.common.config import AlbertConfig
from albert.common.tasks.scores import sigmoid
from albert.common.tasks.task import Encoded, Outputs
from albert.common.tasks.text_classification import (
    TextClassification,
    TextClassificationOptions,
)
from albert.common.tuning import metrics
from albert.common.tuning.kind import (
    Example,
    Feature,
    Kind,
    Scored,
    TaskSettings,
    log_likelihood,
    text_in,
)
from albert.common.tuning.labels import label_changes, label_number
from albert.common.tuning.sources import as_list

_MAIN = {
    "single-label": "accuracy",
    "multi-label": "f1_micro",
    "regression": "spearman",
}
_TYPES = {
    "single-label": "single_label_classification",
    "multi-label": "multi_label_classification",
    "regression": "regression",
}


class TextKind(Kind):
    """Classify texts."""

    name = "text-classification"
    roles = {  # noqa: RUF012
        "text": ("text", "sentence", "sentence1", "premise"),
        "text_pair": ("text_pair", "sentence2", "hypothesis"),
        "label": ("label", "labels", "score"),
    }
    optional = ("text_pair",)

    def __init__(
        self, tokenizer: Any, config: AlbertConfig, settings: TaskSettings
    ) -> None:
        super().__init__(tokenizer, config, settings)
        self.task = TextClassification(tokenizer, config)
        self.main = _MAIN[settings.problem]
        self._options = TextClassificationOptions(max_length=settings.max_length)

    @classmethod
    def example(cls, place: str, row: Mapping[str, Any]) -> Example:
        """Make an example of a row; see `Kind`."""
        given = {"text": text_in(place, "text", row["text"])}
        if row.get("text_pair") is not None:
            given["text_pair"] = text_in(place, "text_pair", row["text_pair"])
        return Example(place, given, row["label"])

    @classmethod
    def changes(
        cls, examples: Sequence[Example], config: AlbertConfig, settings: TaskSettings
    ) -> dict[str, Any]:
        """Give the labels and the problem; see `Kind`."""
        problem = settings.problem
        found: dict[str, Any] = {"problem_type": _TYPES[problem]}
        if problem == "regression":
            return {**found, "num_labels": 1}
        several = problem == "multi-label"
        labels = [
            (one.place, label)
            for one in examples
            for label in (_labels_of(one) if several else [one.target])
        ]
        if not labels:
            raise ValueError("no row of the training data has a label.")
        kind = TextClassification.model_class
        return {**found, **label_changes(labels, config, kind, settings.new_labels)}

    def features(self, example: Example) -> list[Feature]:
        """Cut an example into rows to train on; see `Kind`."""
        return [Feature(self.encode(example).rows, {"labels": self._target(example)})]

    def encode(self, example: Example) -> Encoded:
        """Cut an example into a row; see `Kind`."""
        return self.task.encode(example.given, self._options)

    def score(
        self,
        examples: Sequence[Example],
        encoded: Sequence[Encoded],
        outputs: Sequence[Sequence[Outputs]],
    ) -> Scored:
        """Compare answers with what is right; see `Kind`."""
        logits = np.stack([one[0]["logits"] for one in outputs]).astype(np.float64)
        targets = np.stack([np.asarray(self._target(one)) for one in examples])
        how = {
            "single-label": self._one,
            "multi-label": self._several,
            "regression": self._number,
        }
        return how[self.settings.problem](logits, targets)

    def _target(self, example: Example) -> Any:
        if self.settings.problem == "regression":
            return np.float32(_number_of(example))
        numbers = self.config.label2id
        if self.settings.problem == "single-label":
            return np.int32(label_number(example.place, example.target, numbers))
        row = np.zeros(len(numbers), np.float32)
        for label in _labels_of(example):
            row[label_number(example.place, label, numbers)] = 1
        return row

    def _one(self, logits: np.ndarray, targets: np.ndarray) -> Scored:
        best = logits.argmax(-1)
        right = [int(one) for one in targets]
        chances = [log_likelihood(*one) for one in zip(logits, right, strict=True)]
        sure = [log_likelihood(row, int(row.argmax())) for row in logits]
        figures = {
            "task_loss": -float(np.mean(chances)),
            **metrics.classification(targets, best),
        }
        names = self.config.id2label
        predictions = [
            {
                "label": names[int(one)],
                "score": math.exp(chance),
                "expected": names[is_],
            }
            for one, chance, is_ in zip(best, sure, right, strict=True)
        ]
        said = metrics.constant(best, targets)
        return Scored(
            figures, predictions, f"the label {names[int(best[0])]!r}" if said else None
        )

    def _several(self, logits: np.ndarray, targets: np.ndarray) -> Scored:
        chances = sigmoid(logits)
        chosen = (chances > 0.5).astype(int)
        names = self.config.id2label
        loss = np.logaddexp(0, logits) - targets * logits
        figures = {
            "task_loss": float(loss.mean()),
            **metrics.multi_label(targets.astype(int), chosen),
        }
        predictions = [
            {
                "labels": [names[at] for at in np.flatnonzero(row).tolist()],
                "scores": dict(zip(names.values(), map(float, scores), strict=True)),
                "expected": [names[at] for at in np.flatnonzero(right).tolist()],
            }
            for row, scores, right in zip(chosen, chances, targets, strict=True)
        ]
        said = metrics.constant(chosen, targets)
        return Scored(
            figures,
            predictions,
            f"the labels {predictions[0]['labels']}" if said else None,
        )

    def _number(self, logits: np.ndarray, targets: np.ndarray) -> Scored:
        found = logits[:, 0]
        figures = {
            "task_loss": float(((found - targets) ** 2).mean()),
            **metrics.regression(targets, found),
        }
        predictions = [
            {"score": float(one), "expected": float(right)}
            for one, right in zip(found, targets, strict=True)
        ]
        flat = float(found.std()) < 0.01 * float(targets.std())
        return Scored(
            figures, predictions, f"about {found.mean():.3g}" if flat else None
        )


def _labels_of(example: Example) -> list[Any]:
    """Give the labels of a row: a list, or names with ";" between them."""
    found = as_list(example.target)
    if found is None and isinstance(example.target, str):
        found = [one.strip() for one in example.target.split(";") if one.strip()]
    if found is None:
        raise ValueError(
            f"{example.place}: label must be a list, or names with ';' between them, "
            f"since the problem is multi-label, but is {example.target!r}."
        )
    return found


def _number_of(example: Example) -> float:
    try:
        number = float(example.target)
    except (TypeError, ValueError):
        number = math.nan
    if not math.isfinite(number):
        raise ValueError(
            f"{example.place}: label must be a finite number, since the problem is "
            f"regression, but is {example.target!r}."
        )
    return number
