"""What each step of a model gives, watched from outside while the model runs.

The models have no code for this. PyTorch's modules are watched by hooks, Keras' layers
by the method that calls them, Flax' modules by its interceptor, whose
calls the compiled program makes; attention's softmax, which is no module, by its name
in the framework. All three then speak of the same
modules, by their canonical paths, and `Trace` turns those into the oracle's steps.

What is watched is the plain way: no step of a fused program can be seen.
"""

from __future__ import annotations

import importlib
import re
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from itertools import count
from typing import Any

import numpy as np

from albert.common import names

Arrays = dict[str, np.ndarray]
See = Callable[[str, Any, Any], None]

_BLOCK = re.compile(r".*albert_layers\.\d+\.")
# What goes into a module, where that has a name of its own.
_BEFORE = {
    "embeddings.LayerNorm": "embeddings.sum",
    "attention.dense": "attention.context",
    "ffn_output": "activation",
    "predictions.LayerNorm": "predictions.activation",
}
_NORMS = ("LayerNorm", "layer_norm")
GIVEN = ".given"
"""Ends the name of what went into a norm."""

_FIRST = "attention.query"
_SCORES, _PROBABILITIES = "attention.scores", "attention.probabilities"
_LEFT_OUT = ("_embeddings", "predictions", "classifier", "qa_outputs")


class Trace:
    """The steps of one call, by the oracle's names.

    Args:
        to_numpy: makes a NumPy array, float32 or float64, of a tensor.

    Attributes:
        steps: what was seen.
    """

    def __init__(self, to_numpy: Callable[[Any], np.ndarray]) -> None:
        self.steps: Arrays = {}
        self._to_numpy = to_numpy
        self._block = -1

    def see(self, path: str, given: Any, gave: Any) -> None:
        """Note what went into a module and what came out.

        Args:
            path: of the module, with dots; all before the block may be missing.
            given: its first argument.
            gave: what it returned.
        """
        inner = _BLOCK.sub("", path)
        name = inner.removeprefix("albert.").removeprefix("encoder.")
        if name.endswith(_LEFT_OUT):
            return
        place = ""
        if inner != path:
            self._block += name == _FIRST
            place = f"blocks.{self._block}."
        if name in _BEFORE:
            self._note(place + _BEFORE[name], given)
        if name.endswith(_NORMS):
            self._note(place + name + GIVEN, given)
        self._note(place + name, gave)

    def see_softmax(self, scores: Any, probabilities: Any) -> None:
        """Note attention's scores and probabilities, of each block's first softmax."""
        place = f"blocks.{self._block}."
        if place + _SCORES not in self.steps:
            self._note(place + _SCORES, scores)
            self._note(place + _PROBABILITIES, probabilities)

    def _note(self, step: str, value: Any) -> None:
        self.steps[step] = self._to_numpy(value)


def trace(
    framework: str,
    model: Any,
    class_name: str,
    inputs: Arrays,
    training: bool = False,
) -> tuple[Arrays, dict[str, Any]]:
    """Call a model and watch its steps.

    Args:
        framework: "pt", "tf" or "flax".
        model: of that framework.
        class_name: PyTorch's name of its class.
        inputs: arguments of the call.
        training: the mode of the call.

    Returns:
        The steps by name, and the call's outputs.
    """
    runner = importlib.import_module(f"albert.{framework}.runner")
    trace = Trace(runner._to_numpy)
    watch = {"pt": _watch_pt, "tf": _watch_tf, "flax": _watch_flax}[framework]
    mode: dict[str, bool] = {}
    if framework == "pt":
        model.train(training)
    else:
        mode["training" if framework == "tf" else "train"] = training
    run = _run_as_written if framework == "flax" else runner.run
    with watch(model, class_name, trace):
        outputs = run(
            model, inputs, output_attentions=True, output_hidden_states=True, **mode
        )
    return trace.steps, outputs


def _run_as_written(model: Any, inputs: Arrays, **flags: bool) -> dict[str, Any]:
    """Call a Flax model in a program that rounds wherever the model does.

    XLA may leave a rounding to bfloat16 out between two operations that it fuses. What
    is seen of such a step is rounded, and not what the next step was given.
    """
    jax = importlib.import_module("jax")
    runner = importlib.import_module("albert.flax.runner")

    def compute(params: Any, inputs: Any) -> dict[str, Any]:
        return dict(model(**inputs, **flags, params=params, return_dict=True).items())

    program = jax.jit(compute, compiler_options={"xla_allow_excess_precision": False})
    outputs = program(model.params, inputs)
    return {name: runner._to_numpy(value) for name, value in outputs.items()}


def _paths(model: Any, class_name: str) -> dict[str, str]:
    """Give places in the model, and canonical paths, of modules with weights."""
    base = class_name == "AlbertModel"
    modules = {row.module for row in names.weights(model.config, class_name)}
    return {path.removeprefix(names.PREFIX) if base else path: path for path in modules}


@contextmanager
def _watch_pt(model: Any, class_name: str, trace: Trace) -> Iterator[None]:
    torch = importlib.import_module("torch")

    def hook(path: str) -> Any:
        return lambda module, given, gave: trace.see(path, given[0], gave)

    with ExitStack() as stack:
        for place, path in _paths(model, class_name).items():
            if not path.endswith(_LEFT_OUT):
                handle = model.get_submodule(place).register_forward_hook(hook(path))
                stack.callback(handle.remove)
        stack.enter_context(_softmax_watched(torch, trace.see_softmax))
        yield


@contextmanager
def _watch_tf(model: Any, class_name: str, trace: Trace) -> Iterator[None]:
    tf, keras = map(importlib.import_module, ("tensorflow", "keras"))
    fast = importlib.import_module("albert.tf.fast")
    known = {
        id(_at(model, place.split("."))): path
        for place, path in _paths(model, class_name).items()
    }
    call = keras.layers.Layer.__call__

    def watched(self: Any, *args: Any, **kwargs: Any) -> Any:
        gave = call(self, *args, **kwargs)
        if id(self) in known:
            trace.see(known[id(self)], args[0], gave)
        return gave

    with fast.using(compiled=False), _softmax_watched(tf.nn, trace.see_softmax):
        keras.layers.Layer.__call__ = watched
        try:
            yield
        finally:
            keras.layers.Layer.__call__ = call


def _at(model: Any, place: list[str]) -> Any:
    for step in place:
        model = model[int(step)] if step.isdigit() else getattr(model, step)
    return model


@contextmanager
def _watch_flax(model: Any, class_name: str, trace: Trace) -> Iterator[None]:
    jax = importlib.import_module("jax")
    linen = importlib.import_module("flax.linen")
    fast = importlib.import_module("albert.flax.fast")
    known = {path.split(".")[-1] for path in _paths(model, class_name).values()}

    def tell(see: Callable[..., None], *values: Any) -> None:
        # Called by the compiled program, in the order of its steps.
        jax.debug.callback(see, *values, ordered=True)

    def watched(call: Any, args: Any, kwargs: Any, context: Any) -> Any:
        gave = call(*args, **kwargs)
        path = context.module.path
        if context.method_name == "__call__" and path and path[-1] in known:
            tell(partial(trace.see, ".".join(path)), args[0], gave)
        return gave

    with (
        fast.using(compiled=False, layers=False),
        linen.intercept_methods(watched),
        _softmax_watched(jax.nn, partial(tell, trace.see_softmax)),
        compiled_anew(model),
    ):
        yield
        jax.effects_barrier()


_calls = count()


@contextmanager
def compiled_anew(model: Any) -> Iterator[None]:
    """Give a model a configuration that no program has been compiled for."""
    before = model.config.architectures
    model.config.architectures = [f"traced {next(_calls)}"]
    try:
        yield
    finally:
        model.config.architectures = before


@contextmanager
def _softmax_watched(holder: Any, see: Callable[..., None]) -> Iterator[None]:
    softmax = holder.softmax

    def watched(scores: Any, *args: Any, **kwargs: Any) -> Any:
        probabilities = softmax(scores, *args, **kwargs)
        see(scores, probabilities)
        return probabilities

    holder.softmax = watched
    try:
        yield
    finally:
        holder.softmax = softmax
