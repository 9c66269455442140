"""The implementations under test, each as one function from weights to outputs.

An implementation is `build(class_name, config, weights)`, which gives a function
`run(inputs, detailed, training) -> outputs`, NumPy in and out; nothing else is asked of
it. With `detailed` the outputs have hidden states and attentions, too; without, the
model may take another, faster way. `training` is the mode of the call.
"""

from __future__ import annotations

import importlib
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from albert.common.config import AlbertConfig
from albert.common.saving import save_arrays


class Run(Protocol):
    """A model under test."""

    def __call__(
        self, inputs: dict[str, np.ndarray], detailed: bool, training: bool = False
    ) -> dict[str, Any]:
        """Compute the outputs by name."""
        ...


Load = Callable[[str, str | Path], Run]
Build = Callable[[str, AlbertConfig, dict[str, np.ndarray]], Run]

PREFIXES = {"pt": "", "tf": "TF", "flax": "Flax"}


def loader(framework: str) -> Load:
    """Give the function that loads a checkpoint the way a user loads it.

    Args:
        framework: "pt", "tf" or "flax".

    Returns:
        The function `load(class_name, folder)`.

    Raises:
        ImportError: the framework cannot be imported.
    """
    package = importlib.import_module(f"albert.{framework}")
    runner = importlib.import_module(f"albert.{framework}.runner")

    def load(class_name: str, folder: str | Path) -> Run:
        model_class = getattr(package, PREFIXES[framework] + class_name)
        model = model_class.from_pretrained(folder)

        def run(
            inputs: dict[str, np.ndarray], detailed: bool, training: bool = False
        ) -> dict[str, Any]:
            mode = {}
            if framework == "pt":
                model.train(training)
            else:
                mode = {"training" if framework == "tf" else "train": training}
            return runner.run(
                model,
                inputs,
                output_hidden_states=detailed,
                output_attentions=detailed,
                **mode,
            )

        return run

    return load


def implementation(framework: str) -> Build:
    """Give the implementation of a framework; arguments and errors as `loader`'s."""
    load = loader(framework)

    def build(
        class_name: str, config: AlbertConfig, weights: dict[str, np.ndarray]
    ) -> Run:
        with tempfile.TemporaryDirectory() as folder:
            save_arrays(folder, config, weights, class_name)
            return load(class_name, Path(folder))

    return build
