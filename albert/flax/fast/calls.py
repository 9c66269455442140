"""Plain calls in inference as one compiled program.

Letters: B batch, S sequence.
"""

from __future__ import annotations

import copy
import math
from collections import OrderedDict
from collections.abc import Mapping
from threading import Lock
from typing import Any, NamedTuple

import jax
import numpy as np
from flax.linen import module as linen
from jax.core import Tracer

from albert.flax.fast import layers, packing
from albert.flax.fast.lengths import INPUTS, cut, lengthen
from albert.flax.fast.switches import switches
from albert.flax.inputs import _Check, _check_again, _noting, check_inputs

PROGRAMS = 32
"""Programs kept at most; each is compiled once for each shape of its inputs."""

_programs: OrderedDict[_Key, _Program] = OrderedDict()
_lock = Lock()


class _Key(NamedTuple):
    """What a program depends on beside the shapes and types of its arrays.

    Modules are compared by value, so that equal models share programs.
    """

    module: Any
    flags: tuple[tuple[str, bool], ...]
    quick: bool


class _Program:
    """A module with flags, compiled for each shape that it is called with."""

    def __init__(self, key: _Key) -> None:
        self.checks: dict[Any, list[_Check]] = {}

        def apply(params: Any, inputs: dict[str, Any], packed: Any) -> Any:
            with layers.taking(layers.Way(packed) if key.quick else None):
                return key.module.apply(
                    {"params": params}, **inputs, **dict(key.flags), deterministic=True
                )

        self.run = jax.jit(apply)

    def check(self, params: Any, inputs: dict[str, Any], packed: Any) -> None:
        """Check the labels' values, as the module does where they are at hand.

        Which checks there are is found out by tracing the module, as it must be anyway.
        """
        # As JAX sees them: it does not trace twice for types that it takes for one.
        shapes = tuple((name, jax.typeof(one)) for name, one in inputs.items())
        if shapes not in self.checks:
            noted: list[_Check] = []
            try:
                with _noting(noted):
                    self.run.trace(params, inputs, packed)
            except Exception:
                _check_again(noted, inputs)
                raise
            self.checks[shapes] = noted
        _check_again(self.checks[shapes], inputs)


def call_compiled(module: Any, params: Any, inputs: Mapping[str, Any]) -> Any | None:
    """Call a module in inference by its compiled program.

    Args:
        module: of a model.
        params: nested dictionary of weights.
        inputs: arguments of the call; arrays, flags and None.

    Returns:
        The module's output, an object; None where the module must be called as it is:
            while JAX traces, for a user's own module, or if this is switched off.

    Raises:
        ValueError: an input is bad; the same errors as the module's.
    """
    arrays = {name: one for name, one in inputs.items() if _is_array(one)}
    flags = {name: one for name, one in inputs.items() if isinstance(one, bool)}
    others = sum(one is not None for one in inputs.values()) - len(arrays) - len(flags)
    if others or not (switches.compiled and _is_plain(module, params, arrays)):
        return None
    flags["return_dict"] = True
    choices = type(module).__name__ == "FlaxAlbertForMultipleChoiceModule"
    leading = check_inputs(module.config, *map(arrays.get, INPUTS), choices=choices)
    quick = quick_layers(module, params, **flags)
    packed = _packed(params, math.prod(leading)) if quick else None
    program = _program(_Key(module, tuple(sorted(flags.items())), quick))
    longer = None
    if arrays.keys() - set(INPUTS):
        program.check(params, arrays, packed)
    elif switches.rounded and all(map(_is_near, arrays.values())):
        longer = lengthen(module.config, arrays)
    found = program.run(params, arrays if longer is None else longer, packed)
    return found if longer is None else cut(found, leading[-1])


def quick_layers(
    module: Any,
    params: Any,
    output_attentions: bool | None = None,
    output_hidden_states: bool | None = None,
    **_: bool,
) -> bool:
    """Tell whether the layers can be computed as `layers` does.

    Args:
        module: of a model.
        params: nested dictionary of weights.
        output_attentions: of the call; None as the configuration says.
        output_hidden_states: likewise.

    Returns:
        Whether they are on, all is float32 on one CPU, and no layer's details are
            wanted.
    """
    asked = {
        "output_attentions": output_attentions,
        "output_hidden_states": output_hidden_states,
    }
    details = (
        getattr(module.config, name) if flag is None else flag
        for name, flag in asked.items()
    )
    return (
        switches.layers
        and module.dtype == np.float32
        and not any(details)
        and all(_is_on_cpu(leaf) for leaf in jax.tree.leaves(params))
    )


def as_it_is(module: Any) -> Any:
    """Copy a module, to be the key of what is compiled for it.

    Args:
        module: of a model, whose configuration the user may change in place.

    Returns:
        An equal module with a configuration of its own, which never changes.
    """
    return module.clone(config=copy.deepcopy(module.config))


def _packed(params: Any, tokens: int) -> Any:
    if not switches.packed or tokens > packing.TOKENS:
        return None
    groups = params.get("albert", params)["encoder"]["albert_layer_groups"]
    if any(leaf.is_deleted() for leaf in jax.tree.leaves(groups)):
        return None
    return packing.pack(groups)


def _program(key: _Key) -> _Program:
    with _lock:
        program = _programs.get(key)
        if program is None:
            key = key._replace(module=as_it_is(key.module))
            program = _programs[key] = _Program(key)
        _programs.move_to_end(key)
        while len(_programs) > PROGRAMS:
            _programs.popitem(last=False)
    return program


def _is_plain(module: Any, params: Any, arrays: Mapping[str, Any]) -> bool:
    """Whether there are values everywhere, and nothing that a program would miss."""
    held = (*jax.tree.leaves(params), *arrays.values())
    return (
        type(module).__module__ == "albert.flax.models"
        and not jax.config.jax_disable_jit  # pyright: ignore
        and not linen._global_interceptor_stack
        and not any(isinstance(one, Tracer) for one in held)
        and all(array.ndim > 0 and _is_number(array) for array in arrays.values())
    )


def _is_array(given: Any) -> bool:
    return isinstance(given, (np.ndarray, jax.Array))


def _is_number(array: Any) -> bool:
    return isinstance(array, jax.Array) or array.dtype.kind in "biuf"


def _is_near(array: Any) -> bool:
    """Whether an array can be read at no cost: NumPy's, or of one CPU."""
    return not isinstance(array, jax.Array) or _is_on_one_cpu(array)


def _is_on_cpu(leaf: Any) -> bool:
    right = isinstance(leaf, jax.Array) and leaf.dtype == np.float32
    return right and _is_on_one_cpu(leaf)


def _is_on_one_cpu(array: jax.Array) -> bool:
    devices = array.devices()
    return len(devices) == 1 and next(iter(devices)).platform == "cpu"
