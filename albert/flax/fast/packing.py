"""The layers' matrices turned round, kept from call to call.

JAX's arrays do not change, so that a copy is good for as long as its arrays are the
same objects; it goes when one of them does.
"""

import weakref
from collections import OrderedDict
from collections.abc import Mapping
from threading import Lock
from typing import Any

import jax
import jax.numpy as jnp

KEPT = 4
"""Copies kept at most, of as many models."""

TOKENS = 192
"""Tokens of a call, B * S, up to which a copy pays."""

_MATRICES = ("dense", "ffn", "ffn_output")
_held: OrderedDict[tuple[int, ...], tuple[list[Any], Any]] = OrderedDict()
_lock = Lock()


def pack(groups: Mapping[str, Any]) -> Any:
    """Turn the matrices of all layers round, or give the copy that there is.

    Args:
        groups: the weights of "albert_layer_groups", float32 arrays of JAX.

    Returns:
        For each group a list, with a dictionary for each block: "projections", [3 * H,
            H], those of queries, keys and values one below the other; "dense", "ffn"
            and "ffn_output", [out, in].
    """
    kernels = _kernels(groups)
    arrays = jax.tree.leaves(kernels)
    key = tuple(map(id, arrays))
    with _lock:
        if key in _held:
            _held.move_to_end(key)
            return _held[key][1]
    # Now, even while JAX traces a caller.
    with jax.ensure_compile_time_eval():
        packed = _turn(kernels)
    # While a weak reference is there its array is, and so no other has its identity.
    watched = [weakref.ref(array, lambda _: _held.pop(key, None)) for array in arrays]
    with _lock:
        _held[key] = (watched, packed)
        while len(_held) > KEPT:
            _held.popitem(last=False)
    return packed


def forget() -> None:
    """Let go of all copies."""
    _held.clear()


def _kernels(groups: Mapping[str, Any]) -> list[list[dict[str, Any]]]:
    """Give the matrices of each group's blocks, in their order."""
    return [
        [
            _matrices(groups[str(group)]["albert_layers"][str(block)])
            for block in range(len(groups[str(group)]["albert_layers"]))
        ]
        for group in range(len(groups))
    ]


def _matrices(block: Mapping[str, Any]) -> dict[str, Any]:
    layers = {**block["attention"], **block}
    wanted = ("query", "key", "value", *_MATRICES)
    return {name: layers[name]["kernel"] for name in wanted}


@jax.jit
def _turn(kernels: list[list[dict[str, Any]]]) -> Any:
    return [
        [
            {
                "projections": jnp.concatenate(
                    [block[name].T for name in ("query", "key", "value")]
                ),
                **{name: block[name].T for name in _MATRICES},
            }
            for block in blocks
        ]
        for blocks in kernels
    ]
