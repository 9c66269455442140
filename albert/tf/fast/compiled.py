"""A plain call in inference as one graph, traced once for inputs of all sizes.

A trace keeps the variables, settings and layers that it saw. So whatever the layers
hold is compared before each call, and what has changed is traced again. Values that are
assigned to a variable are read by the graph.
"""

from __future__ import annotations

import threading
import weakref
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from operator import is_
from typing import Any

import tensorflow as tf
from keras import layers
from keras.src.backend.common import global_state
from tensorflow.python.eager import record

from albert.common.outputs import ModelOutput
from albert.tf.fast.layers import Way, taking
from albert.tf.fast.packing import Packing
from albert.tf.fast.switches import switches
from albert.tf.inputs import check_inputs

INPUTS = (
    "input_ids",
    "attention_mask",
    "token_type_ids",
    "position_ids",
    "inputs_embeds",
)
FLAGS = ("output_attentions", "output_hidden_states", "output_logits", "return_dict")

_SCOPES = (
    "stateless_scope",
    "symbolic_scope",
    "autocast_scope",
    "remat_scope",
    "distribution",
)
_KNOWN = ("keras.", "tensorflow.", "albert.tf.", "albert.common.", "builtins.")
# What `compile` and `fit` set on a model, and what is set here.
_PASSED_OVER = (
    "_compiled_calls",
    "_loss_tracker",
    "compiled",
    "history",
    "loss",
    "optimizer",
    "predict_function",
    "stop_training",
    "test_function",
    "train_function",
)


class CompiledCalls:
    """The traces of one model. A copy of the model starts without."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._state: _State | None = None
        self._packing: Packing | None = None
        self._traced: dict[Any, Callable[..., Any]] = {}

    def __reduce__(self) -> Any:
        return CompiledCalls, ()

    def run(self, model: Any, inputs: Mapping[str, Any]) -> Any:
        """Check a call's values and run its function.

        Args:
            model: whose traces these are.
            inputs: arguments of its `call`, by name.

        Returns:
            What `call` gives; `NotImplemented` if the call must be a plain one.

        Raises:
            ValueError: as `call` does.
        """
        if inputs.get("training") is True:
            self._drop_copy()
        if not (switches.compiled and _is_quiet(inputs.get("training"))):
            return NotImplemented
        key = _key(inputs)
        if key is None or model.run_eagerly:
            return NotImplemented
        tensors = {name: inputs.get(name) for name in INPUTS}
        choices = model._table_name() == "AlbertForMultipleChoice"
        sizes = check_inputs(model.config, **tensors, choices=choices)
        given = {name: one for name, one in tensors.items() if one is not None}
        with self._lock:
            if not self._is_known(model):
                return NotImplemented
            way = self._way(model, inputs, key, sizes, given)
            traced = self._take(model, inputs, (key, way is not None), way)
        return traced(given if way is None else {**given, "way": way})

    def _drop_copy(self) -> None:
        """Training needs the memory, and changes the weights."""
        with self._lock:
            if self._packing is not None:
                self._packing.drop()

    def _is_known(self, model: Any) -> bool:
        """Forget traces of what has changed; whether all of it is ours."""
        if self._state is None or not self._state.still_is():
            self._state, self._packing, self._traced = _State(model), None, {}
        return self._state.is_known

    def _way(
        self, model: Any, inputs: Mapping[str, Any], key: Any, sizes: Any, given: Any
    ) -> Way | None:
        """Give the way to compute the layers; None for the model's own."""
        for name in ("output_attentions", "output_hidden_states"):
            asked = inputs.get(name)
            if getattr(model.config, name) if asked is None else asked:
                return None
        if self._packing is None:
            self._packing = Packing(model)
        return self._packing.take(key, sizes, given.values())

    def _take(
        self, model: Any, inputs: Mapping[str, Any], key: Any, way: Way | None
    ) -> Callable[..., Any]:
        """Give the function of such calls."""
        if key not in self._traced:
            self._traced[key] = _trace(model, inputs, way)
            # Keras notes in its layers that they have been called.
            self._state = _State(model)
        return self._traced[key]


def _is_quiet(training: Any) -> bool:
    """Whether nothing around the call wants to see its steps or changes them."""
    around = global_state.get_global_attribute("current_call_ctx")
    inherited = training is None and getattr(around, "training", None)
    return (
        (training is None or training is False)
        and not inherited
        and tf.executing_eagerly()
        and not tf.config.functions_run_eagerly()
        and not record.could_possibly_record()
        and not tf.distribute.has_strategy()
        and all(global_state.get_global_attribute(one) is None for one in _SCOPES)
    )


def _key(inputs: Mapping[str, Any]) -> Any:
    """Tell calls of one trace from others; None if a call cannot be traced."""
    key: list[Any] = []
    for name, value in inputs.items():
        if value is None or name == "training":
            continue
        if name in INPUTS and isinstance(value, tf.Tensor) and hasattr(value, "numpy"):
            key.append((name, value.dtype, value.ndim))
        elif name in FLAGS and isinstance(value, bool):
            key.append((name, value))
        else:
            return None
    return frozenset(key)


def _trace(
    model: Any, inputs: Mapping[str, Any], way: Way | None
) -> Callable[..., Any]:
    """Make the function; it does not keep the model alive."""
    held = weakref.ref(model)
    flags = {name: one for name, one in inputs.items() if name in FLAGS}
    signature: dict[str, Any] = {
        name: tf.TensorSpec([None] * one.ndim, one.dtype)
        for name, one in inputs.items()
        if name in INPUTS and one is not None
    }
    if way is not None:
        signature["way"] = tf.nest.map_structure(tf.type_spec_from_value, way)
    kinds: list[Any] = []

    def compute(given: dict[str, Any]) -> Any:
        tensors = {name: one for name, one in given.items() if name != "way"}
        with taking(given.get("way")):
            outputs = held()(**tensors, **flags, training=False)  # pyright: ignore
        kinds.append(type(outputs))
        return dict(outputs) if isinstance(outputs, ModelOutput) else outputs

    # Without autograph, which would only slow the trace: nothing in the model branches
    # on a tensor.
    graph: Any = tf.function(compute, input_signature=[signature], autograph=False)
    # Traced here: in a call TensorFlow would count it, over all models, and warn after
    # a few that functions are traced too often.
    graph.get_concrete_function()
    kind = kinds[0]
    return lambda tensors: _run(graph, kind, tensors)


def _run(graph: Any, kind: Any, tensors: dict[str, tf.Tensor]) -> Any:
    return kind(graph(tensors))


class _State:
    """What a model's layers held at one time.

    Args:
        model: whose layers.

    Attributes:
        is_known: whether all of it is Keras', TensorFlow's or this package's, which
            do nothing in a call but compute.
    """

    def __init__(self, model: Any) -> None:
        flattened = list(model._flatten_layers())
        self._held = [(vars(one), _watched(vars(one))) for one in flattened]
        inside = [value for _, held in self._held for value in held.values()]
        self._lists = [
            (one, list(one))
            for one in inside
            if isinstance(one, list | tuple) and not isinstance(one, str)
        ]
        self._config = model.config
        self._settings = dict(vars(model.config))
        self.is_known = _is_known(type(model)) and all(map(_has_no_more, flattened))

    def still_is(self) -> bool:
        """Whether the layers hold the same."""
        return (
            vars(self._config) == self._settings
            and all(_same(_watched(now), then) for now, then in self._held)
            and all(
                len(now) == len(then) and all(map(is_, now, then))
                for now, then in self._lists
            )
        )


def _watched(held: dict[str, Any]) -> dict[str, Any]:
    if "train_function" not in held:
        return held.copy()
    return {
        name: one
        for name, one in held.items()
        if name not in _PASSED_OVER and not name.startswith("_compile")
    }


def _same(now: dict[str, Any], then: dict[str, Any]) -> bool:
    return (
        len(now) == len(then)
        and all(map(is_, now.values(), then.values()))
        and now.keys() == then.keys()
    )


def _has_no_more(layer: Any) -> bool:
    """Whether a layer is one as this package makes it, with functions that it knows."""
    own = vars(layer)
    return (
        _is_known(type(layer))
        and "call" not in own
        and layer.activity_regularizer is None
        and all(_is_known(one) for one in _functions(own))
    )


def _functions(held: Mapping[str, Any]) -> Iterator[Any]:
    for one in held.values():
        if callable(one) and not isinstance(one, layers.Layer):
            yield one.func if isinstance(one, partial) else one


def _is_known(one: Any) -> bool:
    module = getattr(one, "__module__", None) or "builtins"
    return f"{module}.".startswith(_KNOWN)
