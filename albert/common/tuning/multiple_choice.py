"""The best of several choices.

Letters: C choices.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from albert.common.config import AlbertConfig
from albert.common.tasks.multiple_choice import MultipleChoice, MultipleChoiceOptions
from albert.common.tasks.task import Encoded, Outputs
from albert.common.tuning import metrics
from albert.common.tuning.kind import (
    Example,
    Feature,
    Kind,
    Scored,
    TaskSettings,
    index_in,
    log_likelihood,
    text_in,
)
from albert.common.tuning.sources import as_list


class ChoiceKind(Kind):
    """Choose."""

    name = "multiple-choice"
    roles = {  # noqa: RUF012
        "question": ("question", "prompt", "sent1"),
        "context": ("context", "article"),
        "choices": ("choices", "options", "endings"),
        "label": ("label", "answer"),
    }
    optional = ("question", "context")
    main = "accuracy"

    def __init__(
        self, tokenizer: Any, config: AlbertConfig, settings: TaskSettings
    ) -> None:
        super().__init__(tokenizer, config, settings)
        self.task = MultipleChoice(tokenizer, config)
        self._options = MultipleChoiceOptions(max_length=settings.max_length)

    @classmethod
    def example(cls, place: str, row: Mapping[str, Any]) -> Example:
        """Make an example of a row; see `Kind`."""
        choices = as_list(row["choices"])
        if not choices:
            raise ValueError(
                f"{place}: choices must be a list of texts, but is {row['choices']!r}."
            )
        given: dict[str, Any] = {
            role: text_in(place, role, row[role])
            for role in ("question", "context")
            if row.get(role) is not None
        }
        if not given:
            raise ValueError(f"{place}: must have a question, a context or both.")
        given["choices"] = [text_in(place, "each choice", one) for one in choices]
        return Example(
            place, given, index_in(place, "label", row["label"], len(choices))
        )

    @classmethod
    def changes(
        cls, examples: Sequence[Example], config: AlbertConfig, settings: TaskSettings
    ) -> dict[str, Any]:
        """Check that rows have as many choices each; see `Kind`."""
        number = len(examples[0].given["choices"])
        for one in examples:
            if len(one.given["choices"]) != number:
                raise ValueError(
                    f"{one.place}: has {len(one.given['choices'])} choices, but the "
                    f"first row has {number}: rows to train on must have as many each."
                )
        return {}

    def features(self, example: Example) -> list[Feature]:
        """Cut an example into rows to train on; see `Kind`."""
        return [
            Feature(self.encode(example).rows, {"labels": np.int32(example.target)})
        ]

    def encode(self, example: Example) -> Encoded:
        """Cut an example into a row for each choice; see `Kind`."""
        return self.task.encode(example.given, self._options)

    def score(
        self,
        examples: Sequence[Example],
        encoded: Sequence[Encoded],
        outputs: Sequence[Sequence[Outputs]],
    ) -> Scored:
        """Compare answers with what is right; see `Kind`."""
        asked = zip(encoded, outputs, strict=True)
        best = [self.task.decode(*one, self._options)[0] for one in asked]
        right = np.array([one.target for one in examples])
        found = np.array([one["index"] for one in best])
        chances = [
            log_likelihood(np.concatenate([row["logits"] for row in given]), one.target)
            for given, one in zip(outputs, examples, strict=True)
        ]
        figures = {
            "task_loss": -float(np.mean(chances)),
            "accuracy": float((found == right).mean()),
        }
        predictions = [
            {**answer, "expected": one.target}
            for answer, one in zip(best, examples, strict=True)
        ]
        said = metrics.constant(found, right)
        return Scored(figures, predictions, f"choice {int(found[0])}" if said else None)
