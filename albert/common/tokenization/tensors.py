"""Rows of numbers to the arrays of a framework, imported only when asked for."""

from __future__ import annotations

from importlib import import_module
from typing import Any

_MODULES = {"pt": "torch", "tf": "tensorflow", "jax": "jax.numpy", "np": "numpy"}
_PIP = {"pt": "torch", "tf": "tensorflow", "jax": "jax", "np": "numpy"}


def check_kind(kind: object) -> str:
    """Return a `return_tensors` argument if it names a framework.

    Args:
        kind: the argument's value.

    Returns:
        The framework's short name.

    Raises:
        ValueError: it does not.
    """
    if kind not in _MODULES:
        raise ValueError(
            f"return_tensors must be 'pt', 'tf', 'jax', 'np' or None, got {kind!r}."
        )
    return str(kind)


def to_tensor(name: str, rows: Any, kind: str) -> Any:
    """Make one array.

    Args:
        name: the column's name, for errors.
        rows: numbers, nested to any depth.
        kind: pt (torch.int64), tf (int32), jax (jax's default integer) or np (int64).

    Returns:
        The array.

    Raises:
        ValueError: the rows differ in length, or hold something else than numbers.
        ImportError: the framework is not installed.
    """
    import numpy as np

    try:
        # An empty batch would become float otherwise.
        array = np.asarray(rows, dtype=np.int64)
    except (ValueError, TypeError) as error:
        raise ValueError(
            f"{name!r} cannot become a tensor, its rows differ in length: use "
            f"padding=True and truncation=True, or return_tensors=None."
        ) from error
    return convert(array if kind in ("np", "pt") else array.astype(np.int32), kind)


def convert(array: Any, kind: str) -> Any:
    """Turn a NumPy array into one of a framework.

    Args:
        array: NumPy's; PyTorch's and it share their memory.
        kind: pt, tf, jax or np.

    Returns:
        The array, of the same type.

    Raises:
        ImportError: the framework is not installed.
    """
    if kind == "np":
        return array
    try:
        module = import_module(_MODULES[kind])
    except ImportError as error:
        raise ImportError(
            f"return_tensors={kind!r} needs {_PIP[kind]}: pip install {_PIP[kind]}"
        ) from error
    if kind == "pt":
        return module.from_numpy(array)
    return module.constant(array) if kind == "tf" else module.asarray(array)
