"""A sum over the places that have a label, a chunk of them in memory at a time.

Letters: N places, C places of a chunk, E features.
"""

from collections.abc import Callable
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp

from albert.common.inputs import IGNORE_INDEX

CHUNK = 256
"""Places of a chunk. The last one is filled up with places without a label, so small
ones spare work; but each adds to the gradient of the whole table. With 30,000 words and
614 labels, 256 was the quickest of 128 to 1,024."""


@partial(jax.jit, static_argnames="function")
def sum_over_labelled(
    function: Callable[..., jax.Array],
    rows: jax.Array,
    labels: jax.Array,
    weights: tuple[jax.Array, ...],
) -> jax.Array:
    """Sum what a function gives for chunks of the places that have a label.

    The places with a label are sorted to the front, and chunks behind them are skipped:
    what is compiled knows no sizes that depend on values. For the gradient each chunk
    is computed again.

    Args:
        function: gives float [], a sum over rows, float [C, E], and their labels, int
            [C], to which a label of -100 adds nothing; then takes the weights.
        rows: float [N, E].
        labels: int [N]; -100 is ignored.
        weights: what else the function takes that has a gradient.

    Returns:
        float [], float32 or wider: the sum over all rows.
    """
    size = max(1, min(CHUNK, len(labels)))
    order = jnp.argsort(labels == IGNORE_INDEX, stable=True)
    # whole chunks: [N / C, C, E] and [N / C, C]
    padding = -len(labels) % size
    rows = jnp.pad(rows[order], ((0, padding), (0, 0)))
    labels = jnp.pad(labels[order], (0, padding), constant_values=IGNORE_INDEX)
    parts = (rows.reshape(-1, size, rows.shape[1]), labels.reshape(-1, size))
    # The chunks' gradients are added up in the type that the weights have here.
    wide = jnp.promote_types(rows.dtype, jnp.float32)
    weights = tuple(weight.astype(wide) for weight in weights)

    # Within a loop nothing can be merged with what is computed again.
    @partial(jax.checkpoint, prevent_cse=False)
    def add(so_far: jax.Array, part: Any) -> tuple[jax.Array, None]:
        some = (part[1] != IGNORE_INDEX).any()
        value = jax.lax.cond(
            some, lambda: function(*part, *weights), lambda: jnp.zeros((), wide)
        )
        return so_far + value, None

    return jax.lax.scan(add, jnp.zeros((), wide), parts)[0]
