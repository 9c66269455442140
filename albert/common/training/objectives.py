"""What is minimised: which losses, and which labels each of them counts."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from albert.common.inputs import IGNORE_INDEX

Batch = Mapping[str, np.ndarray]


@dataclass(frozen=True)
class Objective:
    """A weighted sum of mean losses.

    Fields:
        name: "pretraining" or "task"; says how a backend computes the losses.
        labels: name of each loss -> the batch's array with its labels.
        weights: name of each loss -> what it is multiplied by.
    """

    name: str
    labels: Mapping[str, str]
    weights: Mapping[str, float]

    def shares(
        self,
        parts: Sequence[Batch],
        whole: Batch,
        add_up: Callable[[dict[str, float]], dict[str, float]] = dict,
    ) -> list[dict[str, float]]:
        """Tell how much of each mean loss of the whole batch lies in each part.

        A mean over a batch that is cut, over devices or to save memory, is not the
        mean of the parts' means, since they have unequal numbers of labels.

        Args:
            parts: of the batch.
            whole: the batch, or this process' slice of it.
            add_up: gives the sums of numbers over all slices, by name.

        Returns:
            For each part, by name of the loss: labels in it / labels in all.
        """
        counts = add_up({name: self._count(whole, name) for name in self.labels})
        return [
            {
                name: self._count(part, name) / max(1, count)
                for name, count in counts.items()
            }
            for part in parts
        ]

    def total(self, losses: Mapping[str, Any]) -> Any:
        """Add up losses, weighted.

        Args:
            losses: numbers or a framework's tensors, by name.

        Returns:
            A number or tensor.
        """
        return sum(self.weights[name] * losses[name] for name in losses)

    def numbers(self, losses: Mapping[str, Any], norm: Any) -> dict[str, float]:
        """Give what a step tells of itself.

        Args:
            losses: by name.
            norm: of the gradients, before clipping.

        Returns:
            "loss", the "…_loss" of each kind, and "gradient_norm".
        """
        found = {name: float(value) for name, value in losses.items()}
        named = {f"{name}_loss": value for name, value in found.items()}
        return {"loss": self.total(found), **named, "gradient_norm": float(norm)}

    def _count(self, batch: Batch, name: str) -> int:
        labels = batch[self.labels[name]]
        # Numbers to be learned, as in regression: -100 is one like any other.
        if labels.dtype.kind == "f":
            return labels.size
        return int((labels != IGNORE_INDEX).sum())


def pretraining(sop_weight: float) -> Objective:
    """Give the objective of pre-training.

    Args:
        sop_weight: what the sentence-order loss is multiplied by.

    Returns:
        Masked words and sentence order.

    Source: run_pretraining.py, `model_fn_builder`, where both weigh 1.
    """
    return Objective(
        "pretraining",
        labels={"mlm": "labels", "sop": "sentence_order_label"},
        weights={"mlm": 1.0, "sop": sop_weight},
    )


def task(labels: str = "labels") -> Objective:
    """Give the objective of a task.

    Args:
        labels: the batch's array that says how many labels there are.

    Returns:
        The model's own loss.
    """
    return Objective("task", labels={"task": labels}, weights={"task": 1.0})


def cut(batch: Batch, number: int) -> list[dict[str, np.ndarray]]:
    """Cut a batch into parts of consecutive rows.

    Args:
        batch: arrays [B, ...].
        number: of parts; B is a multiple of it.

    Returns:
        The parts.
    """
    size = len(next(iter(batch.values()))) // number
    return [
        {name: array[at * size : (at + 1) * size] for name, array in batch.items()}
        for at in range(number)
    ]


def random_seed(*parts: int) -> int:
    """Mix numbers into a seed, so that each combination has randomness of its own.

    Args:
        *parts: not negative, as a run's seed, a step and a part of its batch.

    Returns:
        A number from 0 to 2**31 - 1, the same on every machine.
    """
    mixed = np.random.SeedSequence(parts).generate_state(1, np.uint32)
    return int(mixed[0]) >> 1
