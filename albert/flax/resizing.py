"""More tokens, or fewer: the word embeddings and all that hangs on them."""

from __future__ import annotations

from typing import Any

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
from flax.traverse_util import flatten_dict, unflatten_dict

from albert.common.resizing import new_bias, new_size, rows_around_mean


def resize(
    model: Any,
    new_num_tokens: int | None,
    pad_to_multiple_of: int | None,
    mean_resizing: bool,
    seed: int = 0,
) -> None:
    """Resize a model's vocabulary; see `FlaxAlbertPreTrainedModel`.

    Args:
        model: one of this package's models; changed in place.
        new_num_tokens: number of tokens; None for the present one.
        pad_to_multiple_of: round it up to a multiple of this.
        mean_resizing: how new rows are drawn.
        seed: seed of the new rows.

    Raises:
        ValueError: a number is no whole one above 0, a special token would be cut
            off, or the model holds no weights.
    """
    old = model.config
    number = new_size(old, new_num_tokens, pad_to_multiple_of)
    held: dict[Any, Any] = dict(flatten_dict(model.params))
    if number == old.vocab_size:
        return
    added = max(number - old.vocab_size, 0)
    for row in model.weight_rows():
        if "V" not in row.letters:
            continue
        path = model._path(row)
        if len(row.letters) == 1:
            mean = new_bias(np.asarray(held[path]).astype(np.float64))
            rows = jnp.full((added,), mean)
        else:
            key, deviation = jax.random.key(seed), old.initializer_range
            rows = _new_rows(held[path], added, mean_resizing, deviation, key)
        held[path] = _lengthened(held[path], number, rows)
    model.config = old.replace(vocab_size=number)
    model.module = model.module.clone(config=model.config)
    model.params = unflatten_dict(held)


def _new_rows(
    table: jax.Array, number: int, around_mean: bool, deviation: float, key: jax.Array
) -> Any:
    """Draw [number, E]."""
    shape = (number, table.shape[1])
    if not around_mean:
        return nn.initializers.truncated_normal(deviation)(key, shape)
    old = np.asarray(table).astype(np.float64)
    noise = np.asarray(jax.random.normal(key, shape)).astype(np.float64)
    return rows_around_mean(old, noise)


def _lengthened(array: jax.Array, number: int, rows: Any) -> jax.Array:
    """Cut or lengthen an array, on the device where it is."""
    array = jnp.asarray(array)
    rows = jnp.asarray(rows, array.dtype)
    if array.committed:
        rows = jax.device_put(rows, array.device)
    return jnp.concatenate([array[:number], rows])
