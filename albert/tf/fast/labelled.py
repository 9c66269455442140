"""A sum over the places that have a label, a chunk of them in memory at a time.

Letters: N places, C places of a chunk, E features.
"""

from collections.abc import Callable, Sequence
from typing import Any

import keras
import tensorflow as tf

from albert.common.inputs import IGNORE_INDEX

CHUNK = 256
"""Places of a chunk, as in Flax. The last one is filled up with places without a label,
so small ones spare work; but each adds to the gradient of the whole table."""


def sum_over_labelled(
    function: Callable[..., tf.Tensor],
    rows: tf.Tensor,
    labels: tf.Tensor,
    weights: Sequence[Any],
) -> tf.Tensor:
    """Sum what a function gives for chunks of the places that have a label.

    The places with a label are sorted to the front and the loop ends behind them: XLA
    knows no sizes that depend on values, but a loop may turn as often as one says. For
    the gradient the loop runs again, since XLA cannot go back through such a loop.

    Args:
        function: gives float [], a sum over rows, float [C, E], and their labels, int
            [C], to which a label of -100 adds nothing; then takes the weights.
        rows: float [N, E].
        labels: int [N]; -100 is ignored.
        weights: what else the function takes that has a gradient.

    Returns:
        float [], float32 or wider: the sum over all rows.
    """
    size = tf.clip_by_value(tf.shape(labels)[0], 1, CHUNK)
    kept = labels != IGNORE_INDEX
    order = tf.argsort(tf.where(kept, 0, 1), stable=True)
    # up to whole chunks
    padding: Any = tf.math.floormod(-tf.shape(labels)[0], size)
    rows = tf.pad(tf.gather(rows, order), [[0, padding], [0, 0]])
    labels = tf.pad(
        tf.gather(labels, order), [[0, padding]], constant_values=IGNORE_INDEX
    )
    labelled = tf.reduce_sum(tf.cast(kept, tf.int32))
    turns = (labelled + size - 1) // size
    wide = keras.backend.result_type(rows.dtype, "float32")

    def part(rows: tf.Tensor, turn: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        features = tf.slice(rows, [turn * size, 0], [size, rows.shape[1]])
        return features, tf.slice(labels, [turn * size], [size])

    @tf.custom_gradient
    def total(rows: tf.Tensor, *weights: tf.Tensor) -> Any:
        def add(turn: tf.Tensor, so_far: tf.Tensor) -> Any:
            return turn + 1, so_far + function(*part(rows, turn), *weights)

        def gradients(upstream: tf.Tensor) -> Any:
            def add(turn: tf.Tensor, of_rows: tf.Tensor, *so_far: tf.Tensor) -> Any:
                features, chosen = part(rows, turn)
                tape: Any = tf.GradientTape()
                with tape:
                    tape.watch((features, *weights))
                    found = function(features, chosen, *weights)
                # Scaled here, for what is too small in float16 without.
                of_features, *more = tape.gradient(
                    found, (features, *weights), output_gradients=upstream
                )
                places = turn * size + tf.range(size)
                return (
                    turn + 1,
                    tf.tensor_scatter_nd_update(of_rows, places[:, None], of_features),
                    *(one + other for one, other in zip(so_far, more, strict=True)),
                )

            zeros = (tf.zeros_like(one) for one in (rows, *weights))
            return list(_turn(turns, add, *zeros)[1:])

        return _turn(turns, add, tf.zeros([], wide))[1], gradients

    # The chunks' gradients are added up in the type that the weights have here.
    return total(rows, *(tf.cast(weight, wide) for weight in weights))


def _turn(turns: tf.Tensor, step: Callable[..., Any], *start: tf.Tensor) -> Any:
    return tf.while_loop(
        lambda turn, *_: turn < turns,
        step,
        (tf.constant(0), *start),
        # More at once would hold as many chunks in memory.
        parallel_iterations=1,
    )
