"""Tell Keras and JAX that a BatchEncoding is a dict, not one opaque value.

Both look into plain dicts only; a subclass must be registered with them.
"""

from __future__ import annotations

from collections.abc import Sequence
from importlib import import_module
from typing import Any

from albert.common.tokenization.batch import BatchEncoding

_done: set[str] = set()


def register_with_keras() -> None:
    """Let Keras models take a BatchEncoding; without effect the second time.

    Raises:
        ImportError: Keras is not installed (Keras brings optree).
    """
    if "keras" not in _done:
        optree: Any = import_module("optree")
        optree.register_pytree_node(
            BatchEncoding, _flatten_for_optree, _rebuild, namespace="keras"
        )
        _done.add("keras")


def register_with_jax() -> None:
    """Let JAX's transformations take a BatchEncoding; without effect the second time.

    Raises:
        ImportError: JAX is not installed.
    """
    if "jax" not in _done:
        tree_util: Any = import_module("jax.tree_util")
        tree_util.register_pytree_node(BatchEncoding, _flatten, _rebuild)
        _done.add("jax")


def _flatten(batch: BatchEncoding) -> tuple[tuple[Any, ...], tuple[str, ...]]:
    names = tuple(sorted(batch))
    return tuple(batch[name] for name in names), names


def _flatten_for_optree(
    batch: BatchEncoding,
) -> tuple[tuple[Any, ...], tuple[str, ...], tuple[str, ...]]:
    values, names = _flatten(batch)
    return values, names, names


def _rebuild(names: Sequence[str], values: Sequence[Any]) -> BatchEncoding:
    return BatchEncoding(zip(names, values, strict=True))
