"""The frameworks: which are installed, and a model of one of them to run tasks on."""

from __future__ import annotations

import importlib
import importlib.util
import os
from collections.abc import Mapping
from typing import Any

from albert.common.names import PARTS
from albert.common.tasks.batching import Runner

PREFIXES: Mapping[str, str] = {"pt": "", "tf": "TF", "flax": "Flax"}
"""Framework -> what its classes have in front of PyTorch's names."""

_NEEDED = {"pt": "torch", "tf": "tensorflow", "flax": "flax"}


def installed() -> list[str]:
    """List the frameworks that are installed."""
    return [name for name in PREFIXES if importlib.util.find_spec(_NEEDED[name])]


def choose(framework: str | None) -> str:
    """Choose a framework.

    Args:
        framework: "pt", "tf" or "flax"; None for the first that is installed.

    Returns:
        Its name.

    Raises:
        ImportError: none is installed.
        ValueError: there is no such framework.
    """
    if framework is None:
        for name in installed():
            return name
        raise ImportError(
            'no framework is installed: pip install "albert-models[pt]" (or tf, flax)'
        )
    if framework not in PREFIXES:
        raise ValueError(
            f"framework must be 'pt', 'tf' or 'flax', but is {framework!r}."
        )
    return framework


def model_class(framework: str, class_name: str) -> Any:
    """Give a class of a framework.

    Args:
        framework: a key of `PREFIXES`.
        class_name: PyTorch's name of the class.

    Returns:
        The class.

    Raises:
        ImportError: the framework is not installed.
    """
    if framework == "tf":
        # It greets in many lines, unless it is told before it is loaded.
        os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    return getattr(importlib.import_module("albert"), PREFIXES[framework] + class_name)


def find_device(framework: str, device: Any, argument: str) -> Any:
    """Find the one device that a user means; see `albert.common.devices`.

    Args:
        framework: a key of `PREFIXES`.
        device: as the user gave it; None for the best there is.
        argument: what the user's argument is called, for the error text.

    Returns:
        The device, as the framework has it.
    """
    model_class(framework, "AlbertModel")
    module = importlib.import_module(f"albert.{framework}.devices")
    return module.find_device(device, argument)


def move(model: Any, device: Any, argument: str) -> None:
    """Put a loaded model on the one device that a user means.

    Args:
        model: of this package.
        device: as the user gave it; None for the best there is.
        argument: what the user's argument is called, for the error text.

    Raises:
        ValueError: it is no device that is there, or the framework cannot move it.
    """
    module = importlib.import_module(f"albert.{framework_of(model)}.devices")
    module.move(model, module.find_device(device, argument))


def is_of_type(model: Any, dtype: Any) -> bool:
    """Tell whether a loaded model is what a `dtype` of `from_pretrained` makes.

    Args:
        model: of this package.
        dtype: a type of the framework or its name, or a Keras policy; None and "auto"
            are any.

    Returns:
        Whether it is.
    """
    own = model.dtype_policy if framework_of(model) == "tf" else model.dtype
    return dtype is None or _type_name(dtype) in ("auto", _type_name(own))


def _type_name(dtype: Any) -> str:
    for attribute in ("name", "__name__"):
        if hasattr(dtype, attribute):
            return getattr(dtype, attribute)
    return str(dtype).rpartition(".")[2]


def framework_of(model: Any) -> str | None:
    """Tell the framework of a model of this package; None for anything else."""
    for base in type(model).__mro__:
        package, _, rest = base.__module__.partition(".")
        framework = rest.split(".")[0]
        if package == "albert" and framework in PREFIXES:
            return framework
    return None


def class_of(model: Any) -> str | None:
    """Tell PyTorch's name of a model's class; None for anything else."""
    framework = framework_of(model)
    if framework is None:
        return None
    names = (base.__name__ for base in type(model).__mro__)
    bare = (name.removeprefix(PREFIXES[framework]) for name in names)
    return next((name for name in bare if name in PARTS), None)


def make_runner(model: Any) -> Runner:
    """Make the function that runs a model on NumPy batches.

    Args:
        model: of this package.

    Returns:
        The runner of its framework.

    Raises:
        TypeError: it is no model of this package.
    """
    framework = framework_of(model)
    if framework is None:
        raise TypeError(
            f"model must be one of this package's, but is of type "
            f"{type(model).__name__}."
        )
    module = importlib.import_module(f"albert.{framework}.runner")
    return module.Runner(model)
