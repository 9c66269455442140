"""The implementations under test, each as one function from weights to outputs.

An implementation is `build(class_name, config, weights) -> run(inputs) -> outputs`,
NumPy in and out; nothing else is asked of it.
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

Run = Callable[[dict[str, np.ndarray]], dict[str, Any]]
Build = Callable[[str, AlbertConfig, dict[str, np.ndarray]], Run]

PREFIXES = {"pt": "", "tf": "TF", "flax": "Flax"}


def implementation(framework: str) -> Build:
    """Give the implementation of a framework, loaded the way a user loads it.

    Args:
        framework: "pt", "tf" or "flax".

    Raises:
        ImportError: it cannot be imported.
    """
    package = importlib.import_module(f"albert.{framework}")

    def build(
        class_name: str, config: AlbertConfig, weights: dict[str, np.ndarray]
    ) -> Run:
        model_class = getattr(package, PREFIXES[framework] + class_name)
        with tempfile.TemporaryDirectory() as folder:
            save_arrays(folder, config, weights, class_name)
            model = model_class.from_pretrained(Path(folder))

        def run(inputs: dict[str, np.ndarray]) -> dict[str, Any]:
            tensors = {name: _TENSORS[framework](a) for name, a in inputs.items()}
            outputs = model(
                **tensors, output_hidden_states=True, output_attentions=True
            )
            return {name: _to_numpy(value) for name, value in outputs.items()}

        return run

    return build


def _torch_tensor(array: np.ndarray) -> Any:
    import torch

    return torch.tensor(array)


def _tf_tensor(array: np.ndarray) -> Any:
    import tensorflow

    return tensorflow.constant(array)


def _jax_array(array: np.ndarray) -> Any:
    import jax

    return jax.numpy.asarray(array)


_TENSORS = {"pt": _torch_tensor, "tf": _tf_tensor, "flax": _jax_array}


def _to_numpy(value: Any) -> Any:
    if isinstance(value, tuple):
        return tuple(_to_numpy(item) for item in value)
    if hasattr(value, "detach"):
        value = value.detach()
    return np.asarray(value)
