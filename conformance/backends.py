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
from albert.common.loading import save_arrays

Run = Callable[[dict[str, np.ndarray], bool], dict[str, Any]]
Build = Callable[[str, AlbertConfig, dict[str, np.ndarray]], Run]

PREFIXES = {"pt": "", "tf": "TF", "flax": "Flax"}


def implementation(framework: str) -> Build:
    """Give the implementation of a framework, loaded the way a user loads it.

    Args:
        framework: "pt", "tf" or "flax".

    Returns:
        The function `build`.

    Raises:
        ImportError: it cannot be imported.
    """
    package = importlib.import_module(f"albert.{framework}")
    runner = importlib.import_module(f"albert.{framework}.runner")

    def build(
        class_name: str, config: AlbertConfig, weights: dict[str, np.ndarray]
    ) -> Run:
        model_class = getattr(package, PREFIXES[framework] + class_name)
        with tempfile.TemporaryDirectory() as folder:
            save_arrays(folder, config, weights, class_name)
            model = model_class.from_pretrained(Path(folder))

        def run(inputs: dict[str, np.ndarray], detailed: bool) -> dict[str, Any]:
            return runner.run(
                model,
                inputs,
                output_hidden_states=detailed,
                output_attentions=detailed,
            )

        return run

    return build
