"""NumPy in, NumPy out: how tasks and conformance call a model."""

from collections.abc import Mapping
from typing import Any

import jax.numpy as jnp
import numpy as np


def run(model: Any, inputs: Mapping[str, np.ndarray], **flags: bool) -> dict[str, Any]:
    """Call a model without gradients.

    Args:
        model: one of this package's models.
        inputs: arguments of the call, by name.
        **flags: such as `output_attentions`.

    Returns:
        The outputs that are not None, by name; tuples of arrays stay tuples.
    """
    outputs = model(**inputs, **flags, return_dict=True)
    return {name: _to_numpy(value) for name, value in outputs.items()}


def _to_numpy(value: Any) -> Any:
    if isinstance(value, tuple):
        return tuple(_to_numpy(item) for item in value)
    # NumPy has no bfloat16; float32 holds each of its values exactly.
    value = value.astype(jnp.float32) if value.dtype == jnp.bfloat16 else value
    return np.asarray(value)
