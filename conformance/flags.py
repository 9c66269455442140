"""The precision flags that conformance sets while it runs, and puts back."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager, nullcontext
from typing import Any


def strict(framework: str) -> Any:
    """Have float32 computed as float32 for a while.

    Args:
        framework: "pt", "tf" or "flax"; it is imported. Of another implementation no
            flags are known, and none are set.

    Returns:
        A context in which PyTorch's and TensorFlow's TF32 is off and JAX multiplies at
        its `highest` precision. What was set before is back after it.
    """
    return _STRICT.get(framework, nullcontext)()


@contextmanager
def _pytorch() -> Generator[None]:
    import torch

    before = torch.get_float32_matmul_precision()
    torch.set_float32_matmul_precision("highest")
    try:
        yield
    finally:
        torch.set_float32_matmul_precision(before)


@contextmanager
def _tensorflow() -> Generator[None]:
    import tensorflow as tf

    switches = tf.config.experimental
    before = switches.tensor_float_32_execution_enabled()
    switches.enable_tensor_float_32_execution(False)
    try:
        yield
    finally:
        switches.enable_tensor_float_32_execution(before)


@contextmanager
def _jax() -> Generator[None]:
    import jax

    with jax.default_matmul_precision("highest"):
        yield


_STRICT = {"pt": _pytorch, "tf": _tensorflow, "flax": _jax}
