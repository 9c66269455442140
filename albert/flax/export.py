"""A model as files that run without this package.

Letters: B batch, C choices, S sequence.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from flax.traverse_util import flatten_dict, unflatten_dict
from jax import export

from albert.common.exporting import FILES, INPUTS, WEIGHTS, Run, example

PLATFORMS = ("cpu", "cuda", "tpu")


def write(model: Any, folder: Path, to: str) -> None:
    """Write a model's program, and its weights beside it.

    Every size of B, C and S goes into the program. The weights are its first argument:
    inside, they would be compiled in once for each size.

    Args:
        model: one of this package's models, of float32.
        folder: a new one.
        to: what to write, "stablehlo".
    """
    weights: dict[str, Any] = flatten_dict(model.params, sep=".")  # pyright: ignore

    def call(weights: dict[str, jax.Array], **inputs: jax.Array) -> dict[str, Any]:
        outputs: Any = model.module.apply(
            {"params": unflatten_dict(weights, sep=".")},
            **inputs,
            output_attentions=False,
            output_hidden_states=False,
            return_dict=True,
        )
        return dict(outputs)

    _, axes = example(model)
    longest = model.config.max_position_embeddings
    limits = [f"{axis} >= 1" for axis in axes] + [f"sequence <= {longest}"]
    sizes = export.symbolic_shape(", ".join(axes), constraints=limits)
    ids = jax.ShapeDtypeStruct(sizes, jnp.int32)
    held = {
        name: jax.ShapeDtypeStruct(array.shape, array.dtype)
        for name, array in weights.items()
    }
    program = export.export(jax.jit(call), platforms=PLATFORMS)
    exported = program(held, **dict.fromkeys(INPUTS, ids))
    (folder / FILES[to]).write_bytes(exported.serialize())
    arrays = {name: np.asarray(array) for name, array in weights.items()}
    np.savez(folder / WEIGHTS, allow_pickle=False, **arrays)


def read(folder: Path, to: str) -> Run:
    """Open what `write` wrote, as somebody without this package would.

    Args:
        folder: where it is.
        to: what it is.

    Returns:
        A function from NumPy inputs to NumPy outputs, both by name.
    """
    exported = export.deserialize(bytearray((folder / FILES[to]).read_bytes()))
    with np.load(folder / WEIGHTS) as stored:
        weights = {name: jnp.asarray(stored[name]) for name in stored.files}

    def run(inputs: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        ids = {name: jnp.asarray(inputs[name], jnp.int32) for name in INPUTS}
        outputs: Any = exported.call(weights, **ids)
        return {name: np.asarray(value) for name, value in outputs.items()}

    return run
