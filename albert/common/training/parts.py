"""What a training loop is put together from, as it sees it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from albert.common.training.objectives import Batch


class Trainer(Protocol):
    """What a framework computes; `albert.<framework>.training` has them."""

    def step(
        self,
        parts: Sequence[Batch],
        shares: Sequence[Mapping[str, float]],
        number: int,
        rate: float,
        scale: float,
    ) -> dict[str, float]:
        """Take an optimizer step; give its numbers."""
        ...

    def evaluate(self, batch: Batch) -> dict[str, float]:
        """Give sums of losses and right answers, and counts, over all slices."""
        ...

    def save_model(self, folder: Path | None) -> None:
        """Write the weights; None in a process that only has a share in them."""
        ...

    def load_model(self, folder: Path) -> None:
        """Take over the weights of a checkpoint."""
        ...

    def state(self) -> dict[str, np.ndarray]:
        """Give the optimizer's arrays."""
        ...

    def load_state(self, arrays: Mapping[str, np.ndarray]) -> None:
        """Take them over."""
        ...


class Data(Protocol):
    """Batches by number, so that each can be had again."""

    def batch(self, step: int) -> dict[str, np.ndarray]:
        """Give a batch."""
        ...


class Judge(Protocol):
    """Evaluates while a task is learned; `albert.common.tuning.judge` has one."""

    def evaluate(
        self, step: int, lines: Sequence[Mapping[str, Any]]
    ) -> dict[str, float]:
        """Give the figures after a step, whose log so far is given."""
        ...

    def is_enough(self, lines: Sequence[Mapping[str, Any]]) -> bool:
        """Say whether the run shall end."""
        ...

    def clear(self, lines: Sequence[Mapping[str, Any]]) -> None:
        """Remove what no line of the log needs; a checkpoint was just written."""
        ...


class HeldOut(Data, Protocol):
    """A fixed number of them."""

    def __len__(self) -> int:
        """Return the number of batches."""
        ...
