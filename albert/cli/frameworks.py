"""Which frameworks there are, and running a model in one of them."""

from __future__ import annotations

import gc
import importlib
import importlib.util
import logging
import os
import warnings
from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Any

import numpy as np

PREFIXES = {"pt": "", "tf": "TF", "flax": "Flax"}
"""Framework -> what its classes have in front of PyTorch's names."""

_log = logging.getLogger("albert")

_NEEDED = {"pt": "torch", "tf": "tensorflow", "flax": "flax"}


def installed() -> list[str]:
    """List the frameworks that are installed."""
    return [name for name in PREFIXES if importlib.util.find_spec(_NEEDED[name])]


def how_to_install(framework: str) -> str:
    """Say that a framework is not installed, and how it would be."""
    return f'{framework} is not installed: pip install "albert-models[{framework}]"'


def chosen(asked: Sequence[str] | None) -> list[str]:
    """Choose the frameworks to use, and print which others there would be.

    Args:
        asked: those that the user named, if any.

    Returns:
        Each once.

    Raises:
        ImportError: none was named, and none is installed.
    """
    if asked:
        return list(dict.fromkeys(asked))
    found = installed()
    if not found:
        raise ImportError(
            'no framework is installed: pip install "albert-models[pt]" (or tf, flax)'
        )
    for name in PREFIXES.keys() - set(found):
        print(how_to_install(name))
    return found


def load(
    framework: str, class_name: str, name_or_path: Any, **options: Any
) -> Callable[[Mapping[str, np.ndarray]], dict[str, Any]]:
    """Load a model.

    Args:
        framework: a key of `PREFIXES`.
        class_name: PyTorch's name of the class.
        name_or_path: of the checkpoint.
        **options: of `from_pretrained`.

    Returns:
        A function from NumPy inputs to NumPy outputs, both by name.

    Raises:
        ImportError: the framework is not installed.
    """
    _calm_tensorflow()
    import albert

    model_class = getattr(albert, PREFIXES[framework] + class_name)
    model = model_class.from_pretrained(name_or_path, **options)
    runner = importlib.import_module(f"albert.{framework}.runner")
    return lambda inputs: runner.run(model, inputs)


def outputs(
    framework: str,
    class_name: str,
    name_or_path: Any,
    inputs: Mapping[str, np.ndarray],
    **options: Any,
) -> dict[str, Any]:
    """Load a model, run it once on the CPU and let go of it.

    Args:
        framework: a key of `PREFIXES`.
        class_name: PyTorch's name of the class.
        name_or_path: of the checkpoint.
        inputs: arguments of the call.
        **options: of `from_pretrained`.

    Returns:
        The outputs.
    """
    with _on_cpu(framework), _hushed():
        found = load(framework, class_name, name_or_path, **options)(inputs)
    gc.collect()
    return found


@contextmanager
def _hushed() -> Generator[None]:
    """Leave out warnings of loading, which opening has given already."""
    level = _log.level
    _log.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        _log.setLevel(level)


def _on_cpu(framework: str) -> AbstractContextManager[Any]:
    """Keep TensorFlow and JAX from an accelerator, which rounds products otherwise."""
    if framework == "tf":
        _calm_tensorflow()
        import tensorflow as tf

        return tf.device("CPU:0")
    if framework == "flax":
        import jax

        return jax.default_device(jax.devices("cpu")[0])
    return nullcontext()


def _calm_tensorflow() -> None:
    """Keep it from greeting in many lines, which it must be told before it loads."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
