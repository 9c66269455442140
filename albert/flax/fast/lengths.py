"""Few lengths, so that few programs are compiled: padded in, cut out.

Letters: B batch, C choices, S sequence, E embedding.
"""

from collections.abc import Mapping
from functools import partial
from typing import Any

import jax
import numpy as np

from albert.common.config import AlbertConfig

INPUTS = (
    "input_ids",
    "attention_mask",
    "token_type_ids",
    "position_ids",
    "inputs_embeds",
)
"""The arguments of every model; they can be padded, labels cannot."""

_AXES = {
    "last_hidden_state": (1,),
    "hidden_states": (1,),
    "attentions": (2, 3),
    "prediction_logits": (1,),
    "start_logits": (1,),
    "end_logits": (1,),
}
"""The axes S of the outputs' fields that have any."""

_TOKEN_LOGITS = ("FlaxMaskedLMOutput", "FlaxTokenClassifierOutput")
"""Outputs whose `logits` are [B, S, ...]."""


def round_up(length: int, config: AlbertConfig) -> int:
    """Give the next of the few lengths: steps of an eighth to a quarter of it.

    Args:
        length: at least 1.
        config: gives the greatest length.

    Returns:
        A multiple of 8 up to 64, of 16 up to 128, of 32 up to 256, of 64 up to 512 and
            so on, but at most `max_position_embeddings`.
    """
    step = 8
    while length > 8 * step:
        step *= 2
    return min(-(-length // step) * step, config.max_position_embeddings)


def lengthen(config: AlbertConfig, inputs: Mapping[str, Any]) -> dict[str, Any] | None:
    """Pad the inputs to one of the few lengths, hidden by the mask.

    Args:
        config: of the model.
        inputs: arrays [B, S] or [B, C, S], [B, S, E] the embeddings, in this process.

    Returns:
        Arrays of NumPy; None if they have such a length already.
    """
    given = {name: np.asarray(array) for name, array in inputs.items()}
    ids = given.get("input_ids")
    shape = given["inputs_embeds"].shape[:-1] if ids is None else ids.shape
    padding = round_up(shape[-1], config) - shape[-1]
    if padding == 0:
        return None
    mask = given.get("attention_mask")
    seen = np.ones(shape, bool) if mask is None else mask != 0
    # A row that hides every token hides none, but still the padding.
    seen = seen | ~seen.any(axis=-1, keepdims=True)
    given["attention_mask"] = seen.astype(np.int32)
    return {
        name: np.pad(
            array,
            [
                (0, padding if axis == _axis(name, array) else 0)
                for axis in range(array.ndim)
            ],
        )
        for name, array in given.items()
    }


def cut(output: Any, length: int) -> Any:
    """Leave what belongs to the padding out of an output.

    Args:
        output: of a module.
        length: S, without padding.

    Returns:
        An output of the same class.
    """
    axes = dict(_AXES)
    if type(output).__name__ in _TOKEN_LOGITS:
        axes["logits"] = (1,)
    held = {name: output[name] for name in output if name in axes}
    short = _slice(held, tuple((name, axes[name]) for name in held), length)
    return type(output)({**output, **short})


@partial(jax.jit, static_argnums=(1, 2))
def _slice(
    held: Any, axes: tuple[tuple[str, tuple[int, ...]], ...], length: int
) -> Any:
    found = {}
    for name, along in axes:
        value = held[name]
        for axis in along:
            one = partial(
                jax.lax.slice_in_dim, start_index=0, limit_index=length, axis=axis
            )
            value = jax.tree.map(one, value)
        found[name] = value
    return found


def _axis(name: str, array: np.ndarray) -> int:
    return array.ndim - (2 if name == "inputs_embeds" else 1)
