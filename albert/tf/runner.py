"""NumPy in, NumPy out: how tasks and conformance call a model."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import tensorflow as tf

from albert.common.inputs import words_asked


class Runner:
    """A model as tasks call it: NumPy in, some fields of the output out.

    Ids and lengths are not checked here, but in `albert.common.tasks.batching`: what is
    compiled cannot look at values.

    Args:
        model: one of this package's models. It may change between calls, in weights,
            size, type or place; dropout is off while it runs.
    """

    bucketed = False
    """Whether each new shape costs a compilation, so that few shapes are better."""
    unpadded = False
    """Whether padding costs nothing."""

    def __init__(self, model: Any) -> None:
        self.model = model
        self._traced: dict[Any, Callable[..., dict[str, tf.Tensor]]] = {}

    def __call__(
        self,
        inputs: Mapping[str, np.ndarray],
        fields: Sequence[str],
        at: np.ndarray | None = None,
    ) -> dict[str, np.ndarray]:
        """Compute some fields.

        Args:
            inputs: arguments of the call, by name.
            fields: names of the output's fields.
            at: int [B, M], places of the sequence that are wanted; None for all.

        Returns:
            The fields by name, float32 [B, ...], or [B, M, ...] with `at`.
        """
        given = [{name: tf.constant(array) for name, array in inputs.items()}]
        given += [] if at is None else [tf.constant(at)]
        found = self._graph(given, tuple(fields))(*given)
        return {name: value.numpy() for name, value in found.items()}

    def _graph(
        self, given: list[Any], fields: tuple[str, ...]
    ) -> Callable[..., dict[str, tf.Tensor]]:
        """Give the function for arguments of these axes; one for all of their sizes."""
        signature = tf.nest.map_structure(_of_any_size, given)
        # A traced function keeps the variables that it saw.
        seen = tuple(id(variable) for variable in self.model.weights)
        key = (str(signature), fields, seen)
        if key not in self._traced:

            def compute(inputs: dict[str, tf.Tensor], at: Any = None) -> Any:
                return self._compute(inputs, at, fields)

            # Without autograph, which would only slow the trace: nothing in the model
            # branches on a tensor.
            graph: Any = tf.function(
                compute, input_signature=signature, autograph=False
            )
            # Traced here: in a call TensorFlow would count it, over all runners, and
            # warn after a few that functions are traced too often.
            graph.get_concrete_function()
            self._traced[key] = graph
        return self._traced[key]

    def _compute(
        self, inputs: dict[str, tf.Tensor], at: tf.Tensor | None, fields: Sequence[str]
    ) -> dict[str, tf.Tensor]:
        with tf.device(self.model.device):
            outputs = self.model(
                **inputs,
                output_attentions=False,
                output_hidden_states=False,
                return_dict=True,
                training=False,
                **words_asked(self.model.words_field, fields, at),
            )
            return {
                name: tf.cast(_taken(self.model, outputs, name, at), tf.float32)
                for name in fields
            }


def run(model: Any, inputs: Mapping[str, np.ndarray], **flags: bool) -> dict[str, Any]:
    """Call a model without gradients.

    Args:
        model: one of this package's models.
        inputs: arguments of the call, by name.
        **flags: such as `output_attentions`.

    Returns:
        The outputs that are not None, by name; tuples of arrays stay tuples.
    """
    tensors = {name: tf.constant(array) for name, array in inputs.items()}
    outputs = model(**tensors, **flags, return_dict=True)
    return {name: _to_numpy(value) for name, value in outputs.items()}


def _of_any_size(tensor: tf.Tensor) -> tf.TensorSpec:
    return tf.TensorSpec([None] * tensor.ndim, tensor.dtype)


def _taken(model: Any, outputs: Any, name: str, places: Any) -> tf.Tensor:
    """Give a field at some places; words are scored at no others."""
    value = outputs[name]
    return value if name == model.words_field else _gather(value, places)


def _gather(value: tf.Tensor, places: tf.Tensor | None) -> tf.Tensor:
    """Take some places of [B, S, ...]: [B, M, ...]."""
    return value if places is None else tf.gather(value, places, batch_dims=1)


def _to_numpy(value: Any) -> Any:
    if isinstance(value, tuple):
        return tuple(_to_numpy(item) for item in value)
    # NumPy has no bfloat16; float32 holds each of its values exactly.
    value = tf.cast(value, tf.float32) if value.dtype == tf.bfloat16 else value
    return value.numpy()
