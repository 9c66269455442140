"""A model as files that run without this package.

Letters: B batch, C choices, S sequence.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf

from albert.common.exporting import INPUTS, SIGNATURE, Run, example


class _Named(tf.Module):
    """A model that takes the three inputs and gives its outputs by name."""

    def __init__(self, model: Any, rank: int) -> None:
        super().__init__()
        self.variables_ = list(model.weights)
        specs = [tf.TensorSpec([None] * rank, tf.int32, name) for name in INPUTS]

        @tf.function(input_signature=specs)
        def call(
            input_ids: tf.Tensor, attention_mask: tf.Tensor, token_type_ids: tf.Tensor
        ) -> dict[str, tf.Tensor]:
            outputs = model(
                input_ids=input_ids,
                attention_mask=attention_mask,
                token_type_ids=token_type_ids,
                output_attentions=False,
                output_hidden_states=False,
                return_dict=True,
                training=False,
            )
            return dict(outputs.items())

        self.__call__: Any = call


def write(model: Any, folder: Path, to: str) -> None:
    """Write a model's files; every size of B, C and S goes into them.

    Args:
        model: one of this package's models, of float32.
        folder: a new one.
        to: what to write, "savedmodel".
    """
    _, axes = example(model)
    named = _Named(model, len(axes))
    signature = named.__call__.get_concrete_function()
    tf.saved_model.save(named, str(folder), signatures={SIGNATURE: signature})


def read(folder: Path, to: str) -> Run:
    """Open what `write` wrote, as somebody without this package would.

    Args:
        folder: where it is.
        to: what it is.

    Returns:
        A function from NumPy inputs to NumPy outputs, both by name. It calls the
        signature, and the object as a `tf.function`: where they differ, it gives NaN.
    """
    loaded: Any = tf.saved_model.load(str(folder))
    signature = loaded.signatures[SIGNATURE]

    def run(inputs: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        tensors = {name: tf.constant(inputs[name], tf.int32) for name in INPUTS}
        outputs, direct = signature(**tensors), loaded(**tensors)
        return {
            name: np.where(
                np.isclose(outputs[name], direct[name], rtol=1e-5, atol=1e-5),
                outputs[name],
                np.nan,
            )
            for name in outputs
        }

    return run
