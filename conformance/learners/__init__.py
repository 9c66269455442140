"""A plain training step in each framework, NumPy in and out.

A learner holds weights and an optimizer of this package. Its gradients are the
framework's own until `canonical` turns them into arrays by canonical name.
"""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from albert.common.config import AlbertConfig
from albert.common.training.rules import OptimizerSettings

Arrays = dict[str, np.ndarray]


class Learner(Protocol):
    """What each framework's module has under this name."""

    @classmethod
    def from_checkpoint(cls, folder: str | Path) -> Any:
        """Load an `AlbertForPreTraining` the way a user does."""
        ...

    @classmethod
    def from_arrays(cls, config: AlbertConfig, weights: Arrays) -> Any:
        """Take its weights without a model; gradients come from elsewhere."""
        ...

    def start(self, settings: OptimizerSettings) -> None:
        """Take the first weights again, and a new optimizer."""
        ...

    def differentiate(self, batch: Arrays) -> tuple[Arrays, Any]:
        """Give `loss` and `sop_logits` of a batch, and the gradients of the loss."""
        ...

    def update(self, gradients: Any, rate: np.float32) -> float:
        """Clip and make one update, unless the norm is not finite; give the norm."""
        ...

    def canonical(self, gradients: Any) -> Arrays:
        """Turn gradients, or what is alike, into arrays."""
        ...

    def native(self, gradients: Arrays) -> Any:
        """Turn arrays into gradients."""
        ...

    def weights(self) -> Arrays:
        """Give a copy of the weights."""
        ...

    def moments(self) -> tuple[Arrays, Arrays]:
        """Give a copy of what the optimizer keeps of gradients and their squares."""
        ...


def learner(framework: str) -> type[Learner]:
    """Give a framework's learner.

    Args:
        framework: "pt", "tf" or "flax".

    Returns:
        The class.

    Raises:
        ImportError: the framework cannot be imported.
    """
    return importlib.import_module(f"conformance.learners.{framework}").Learner
