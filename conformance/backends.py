"""The implementations under test, each as one function from weights to outputs.

An implementation is `build(class_name, config, weights)`, which gives a function
`run(inputs, detailed) -> outputs`, NumPy in and out; nothing else is asked of it. With
`detailed` the outputs have hidden states and attentions, too; without, the model may
take another, faster way.
"""

from __future__ import annotations

import importlib
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from albert.common.config import AlbertConfig
from albert.common.saving import save_arrays

Run = Callable[[dict[str, np.ndarray], bool], dict[str, Any]]
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

        def run(inputs: dict[str, np.ndarray], detailed: bool) -> dict[str, Any]:
            return runner.run(
                model,
                inputs,
                output_hidden_states=detailed,
                output_attentions=detailed,
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
