"""The gradients that each framework computes, as one function for the suite.

A differentiator takes inputs and a way and gives the gradient of the model's loss by
every weight, NumPy in and out, by canonical name and in the layout of the hub's files.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, NamedTuple

import numpy as np

from albert.common import names

Arrays = dict[str, np.ndarray]


class Way(NamedTuple):
    """How a gradient is computed; each way takes other steps in some framework.

    Fields:
        training: the mode of the call.
        checkpointing: whether layers are computed again.
        compiled: whether the whole step is one program: `tf.function`, `jax.jit`;
            PyTorch goes without.
    """

    training: bool
    checkpointing: bool = False
    compiled: bool = False

    def __str__(self) -> str:
        """Say it in words, for a report."""
        words = ["in training" if self.training else "in evaluation"]
        words += [name for name in ("checkpointing", "compiled") if getattr(self, name)]
        return ", ".join(words)


class Differentiate:
    """Gradients of one model.

    Args:
        framework: "pt", "tf" or "flax".
        model: the framework's model.
        class_name: PyTorch's name of its class.
    """

    def __init__(self, framework: str, model: Any, class_name: str) -> None:
        self._model = model
        # It says of which class the checkpoint was, and nothing else; but JAX shares
        # programs only between equal configurations.
        model.config.architectures = None
        self._framework = framework
        self._rows = names.weights(model.config, class_name)
        base = class_name == "AlbertModel"
        self._paths = [row.path(framework, base) for row in self._rows]
        self._states = _states(model) if framework == "tf" else []

    def __call__(
        self,
        inputs: Mapping[str, np.ndarray],
        way: Way,
        of: Mapping[str, np.ndarray] | None = None,
    ) -> Arrays:
        """Compute the gradients; if there is dropout, from the same seed each time.

        Args:
            inputs: arguments of the call, labels among them.
            way: how.
            of: gradients by outputs, for a model without a loss: what is
                differentiated is the sum of their products with the outputs.

        Returns:
            float32 arrays by canonical name; 0 where a framework gives none.
        """
        if way.checkpointing:
            self._model.gradient_checkpointing_enable()
        else:
            self._model.gradient_checkpointing_disable()
        for state, value in self._states:
            state.assign(value)
        differentiate = _FRAMEWORKS[self._framework]
        grads = differentiate(self._model, self._paths, inputs, way, of or {})
        return {
            row.canonical: row.to_framework(np.asarray(grad), self._framework)
            for row, grad in zip(self._rows, grads, strict=True)
        }


def _pt(
    model: Any,
    paths: Iterable[tuple[str, ...]],
    inputs: Mapping[str, np.ndarray],
    way: Way,
    of: Mapping[str, np.ndarray],
) -> list[Any]:
    import torch

    torch.manual_seed(0)
    model.train(way.training)
    model.zero_grad()
    outputs = model(**{name: torch.tensor(array) for name, array in inputs.items()})
    parts = [(outputs[name] * torch.tensor(grad)).sum() for name, grad in of.items()]
    loss = torch.stack(parts).sum() if of else outputs.loss
    loss.backward()
    parameters = [model.get_parameter(".".join(path)) for path in paths]
    # None is a weight that has no part in the loss, which here has gradient 0.
    return [
        (torch.zeros_like(one) if one.grad is None else one.grad).cpu()
        for one in parameters
    ]


def _tf(
    model: Any,
    paths: Iterable[tuple[str, ...]],
    inputs: Mapping[str, np.ndarray],
    way: Way,
    of: Mapping[str, np.ndarray],
) -> list[Any]:
    import tensorflow as tf

    variables = [_reach(model, path).value for path in paths]
    tensors = {name: tf.constant(array) for name, array in inputs.items()}

    def run() -> Any:
        tape: Any = tf.GradientTape()
        with tape:
            outputs = model(**tensors, training=way.training)
            parts = [tf.reduce_sum(outputs[name] * grad) for name, grad in of.items()]
            loss = tf.add_n(parts) if of else outputs.loss
        zero = tf.UnconnectedGradients.ZERO
        grads = tape.gradient(loss, variables, unconnected_gradients=zero)
        return [tf.convert_to_tensor(grad) for grad in grads]

    # Without autograph: nothing in the model branches on a tensor.
    step: Any = tf.function(run, autograph=False) if way.compiled else run
    return step()


def _states(model: Any) -> list[tuple[Any, np.ndarray]]:
    """Give the states of the dropout's randomness and where they stand."""
    weights = {id(weight) for weight in model.weights}
    states = [one for one in model.variables if id(one) not in weights]
    return [(state, state.numpy()) for state in states]


def _reach(model: Any, path: Iterable[str]) -> Any:
    found = model
    for step in path:
        found = found[int(step)] if step.isdecimal() else getattr(found, step)
    return found


def _flax(
    model: Any,
    paths: Iterable[tuple[str, ...]],
    inputs: Mapping[str, np.ndarray],
    way: Way,
    of: Mapping[str, np.ndarray],
) -> list[Any]:
    import jax
    from flax.traverse_util import flatten_dict

    def loss(params: Any, inputs: Any) -> Any:
        key = jax.random.key(0)
        outputs = model(**inputs, params=params, train=way.training, dropout_rng=key)
        if not of:
            return outputs.loss
        return sum((outputs[name] * grad).sum() for name, grad in of.items())

    differentiate = jax.grad(loss)
    if way.compiled:
        differentiate = jax.jit(differentiate)
    grads: Any = flatten_dict(differentiate(model.params, dict(inputs)))
    return [grads[path] for path in paths]


_FRAMEWORKS: dict[str, Callable[..., list[Any]]] = {"pt": _pt, "tf": _tf, "flax": _flax}
