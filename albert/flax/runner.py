"""NumPy in, NumPy out: how tasks and conformance call a model."""

from collections.abc import Mapping, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from albert.common.inputs import words_asked
from albert.flax.fast import layers
from albert.flax.fast.calls import as_it_is, quick_layers


class Runner:
    """A model as tasks call it: NumPy in, some fields of the output out.

    Ids and lengths are not checked here, but in `albert.common.tasks.batching`: what is
    compiled cannot look at values.

    Args:
        model: one of this package's models. It may change between calls, in weights,
            size, type or place; dropout is off while it runs.
    """

    bucketed = True
    """Whether each new shape costs a compilation, so that few shapes are better."""
    unpadded = False
    """Whether padding costs nothing."""

    def __init__(self, model: Any) -> None:
        self.model = model
        self._module = as_it_is(model.module)
        self._jitted = jax.jit(
            self._compute, static_argnames=("module", "fields", "quick")
        )

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
        module, params = self.model.module, self.model.params
        if self._module != module:
            self._module = as_it_is(module)
        found = self._jitted(
            params,
            dict(inputs),
            at,
            module=self._module,
            fields=tuple(fields),
            quick=quick_layers(module, params, False, False),
        )
        return {name: np.asarray(value) for name, value in found.items()}

    def _compute(
        self,
        params: Any,
        inputs: dict[str, jax.Array],
        at: jax.Array | None,
        module: Any,
        fields: tuple[str, ...],
        quick: bool,
    ) -> dict[str, jax.Array]:
        """Run the model; `module` is here so that another one is compiled anew."""
        with layers.taking(layers.Way() if quick else None):
            outputs = self.model(
                **inputs,
                output_attentions=False,
                output_hidden_states=False,
                return_dict=True,
                params=params,
                **words_asked(self.model.words_field, fields, at),
            )
        return {
            name: _taken(self.model, outputs, name, at).astype(jnp.float32)
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
    outputs = model(**inputs, **flags, return_dict=True)
    return {name: _to_numpy(value) for name, value in outputs.items()}


def _taken(model: Any, outputs: Any, name: str, places: Any) -> jax.Array:
    """Give a field at some places; words are scored at no others."""
    value = outputs[name]
    return value if name == model.words_field else _gather(value, places)


def _gather(value: jax.Array, places: jax.Array | None) -> jax.Array:
    """Take some places of [B, S, ...]: [B, M, ...]."""
    if places is None:
        return value
    return value[jnp.arange(len(value))[:, None], places]


def _to_numpy(value: Any) -> Any:
    if isinstance(value, tuple):
        return tuple(_to_numpy(item) for item in value)
    # NumPy has no bfloat16; float32 holds each of its values exactly.
    value = value.astype(jnp.float32) if value.dtype == jnp.bfloat16 else value
    return np.asarray(value)
