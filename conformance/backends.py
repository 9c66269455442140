"""The implementations under test, each as one function from weights to outputs.

An implementation is `build(class_name, config, weights)`, which gives a function
`run(inputs, detailed, training) -> outputs`, NumPy in and out; nothing else is asked of
it. With `detailed` the outputs have hidden states and attentions, too; without, the
model may take another, faster way. `training` is the mode of the call.
"""

from __future__ import annotations

import importlib
import tempfile
from collections.abc import Callable, Generator
from contextlib import contextmanager
from contextvars import ContextVar
from itertools import count
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


_device: ContextVar[Any] = ContextVar("device", default=None)


@contextmanager
def on_device(device: Any) -> Generator[None]:
    """Load models onto a device for a while."""
    token = _device.set(device)
    try:
        yield
    finally:
        _device.reset(token)


def device_options() -> dict[str, Any]:
    """Give the argument of `from_pretrained` that loads onto that device."""
    device = _device.get()
    return {} if device is None else {"device_map": device}


def load_model(framework: str, class_name: str, folder: str | Path) -> Any:
    """Load a checkpoint the way a user loads it.

    Args:
        framework: "pt", "tf" or "flax".
        class_name: PyTorch's name of the class.
        folder: with the checkpoint.

    Returns:
        The framework's model.

    Raises:
        ImportError: the framework cannot be imported.
    """
    package = importlib.import_module(f"albert.{framework}")
    model_class = getattr(package, PREFIXES[framework] + class_name)
    return model_class.from_pretrained(folder, **device_options())


def make_model(
    framework: str,
    class_name: str,
    config: AlbertConfig,
    weights: dict[str, np.ndarray],
) -> Any:
    """Write weights as a checkpoint and load it.

    Args:
        framework: "pt", "tf" or "flax".
        class_name: PyTorch's name of the class.
        config: sizes and settings.
        weights: float32 arrays by canonical name.

    Returns:
        The framework's model.

    Raises:
        ImportError: the framework cannot be imported.
    """
    with tempfile.TemporaryDirectory() as folder:
        save_arrays(folder, config, weights, class_name)
        return load_model(framework, class_name, folder)


def loader(framework: str) -> Load:
    """Give the function that loads a checkpoint as a function to call.

    Args:
        framework: "pt", "tf" or "flax".

    Returns:
        The function `load(class_name, folder)`.

    Raises:
        ImportError: the framework cannot be imported.
    """
    importlib.import_module(f"albert.{framework}")
    runner = importlib.import_module(f"albert.{framework}.runner")

    def load(class_name: str, folder: str | Path) -> Run:
        model = load_model(framework, class_name, folder)

        def run(
            inputs: dict[str, np.ndarray], detailed: bool, training: bool = False
        ) -> dict[str, Any]:
            return runner.run(
                model,
                inputs,
                output_hidden_states=detailed,
                output_attentions=detailed,
                **_mode(framework, model, training),
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


def _mode(framework: str, model: Any, training: bool) -> dict[str, bool]:
    """Set a model to a mode, or give the argument that does."""
    if framework == "pt":
        model.train(training)
        return {}
    return {"training" if framework == "tf" else "train": training}


def sampler(
    framework: str,
    class_name: str,
    config: AlbertConfig,
    weights: dict[str, np.ndarray],
    seed: int,
) -> Callable[..., dict[str, Any]]:
    """Make a model whose dropout starts from a seed, set as its users set it.

    Args:
        framework: "pt", "tf" or "flax".
        class_name: PyTorch's name of the class.
        config: sizes and settings.
        weights: float32 arrays by canonical name.
        seed: of the dropout.

    Returns:
        The function `give(inputs, training, **flags) -> outputs`; each call is another
        step.

    Raises:
        ImportError: the framework cannot be imported.
    """
    runner = importlib.import_module(f"albert.{framework}.runner")
    if framework == "tf":
        importlib.import_module("keras").utils.set_random_seed(seed)
    model = make_model(framework, class_name, config, weights)
    if framework == "pt":
        importlib.import_module("torch").manual_seed(seed)
    steps = count()

    def give(
        inputs: dict[str, np.ndarray], training: bool, **flags: bool
    ) -> dict[str, Any]:
        more: dict[str, Any] = {**flags, **_mode(framework, model, training)}
        if framework == "flax":
            random = importlib.import_module("jax").random
            more["dropout_rng"] = random.fold_in(random.key(seed), next(steps))
        return runner.run(model, inputs, **more)

    return give
