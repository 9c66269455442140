"""The frameworks that a command uses, and a checkpoint run once in one of them."""

from __future__ import annotations

import gc
import importlib
import logging
import warnings
from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np

from albert.common.tasks import backend

_log = logging.getLogger("albert")


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
    backend.choose(None)
    found = backend.installed()
    for name in backend.PREFIXES:
        if name not in found:
            print(how_to_install(name))
    return found


def outputs(
    framework: str,
    class_name: str,
    name_or_path: Any,
    inputs: Mapping[str, np.ndarray],
    **options: Any,
) -> dict[str, Any]:
    """Load a model, run it once on the CPU and let go of it.

    Args:
        framework: a key of `backend.PREFIXES`.
        class_name: PyTorch's name of the class.
        name_or_path: of the checkpoint.
        inputs: arguments of the call.
        **options: of `from_pretrained`.

    Returns:
        The outputs.
    """
    model_class = backend.model_class(framework, class_name)
    runner = importlib.import_module(f"albert.{framework}.runner")
    devices = importlib.import_module(f"albert.{framework}.devices")
    with devices.on_cpu(), _hushed():
        found = runner.run(model_class.from_pretrained(name_or_path, **options), inputs)
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
