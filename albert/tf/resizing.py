"""More tokens, or fewer: the word embeddings and all that hangs on them."""

from __future__ import annotations

from typing import Any

import keras
import tensorflow as tf

from albert.common.resizing import new_bias, new_size, rows_around_mean


def resize(
    model: Any,
    new_num_tokens: int | None,
    pad_to_multiple_of: int | None,
    mean_resizing: bool,
) -> None:
    """Resize a model's vocabulary; see `TFAlbertPreTrainedModel`.

    Args:
        model: one of this package's models; changed in place.
        new_num_tokens: number of tokens; None for the present one.
        pad_to_multiple_of: round it up to a multiple of this.
        mean_resizing: how new rows are drawn.

    Raises:
        ValueError: a number is no whole one above 0, or a special token would be cut
            off, or an optimizer has state of the old table.
    """
    old = model.config
    number = new_size(old, new_num_tokens, pad_to_multiple_of)
    if number == old.vocab_size:
        return
    _check_untrained(model)
    words, head = model.get_input_embeddings(), getattr(model, "predictions", None)
    added = max(number - old.vocab_size, 0)
    rows = _new_rows(words.embeddings, added, mean_resizing, old.initializer_range)
    words.input_dim = number
    _replace(words, "_embeddings", number, rows)
    if head is not None:
        mean = new_bias(tf.cast(head.bias.value, tf.float64).numpy())
        _replace(head, "bias", number, tf.fill((added,), mean))
    config = old.replace(vocab_size=number)
    for layer in model._flatten_layers():
        if getattr(layer, "config", None) is old:
            layer.config = config


def _check_untrained(model: Any) -> None:
    """Refuse a model whose optimizer holds moments of the old table."""
    optimizer = getattr(model, "optimizer", None)
    if optimizer is not None and optimizer.built:
        raise ValueError(
            "a model that has been trained cannot be resized with its optimizer, which "
            "has state of the old table: save it, load it, resize it, compile it."
        )


def _new_rows(table: Any, number: int, around_mean: bool, deviation: float) -> Any:
    """Draw [number, E]."""
    shape = (number, table.shape[1])
    if not around_mean:
        return keras.random.truncated_normal(shape, stddev=deviation)
    old = tf.cast(table.value, tf.float64).numpy()
    noise: Any = keras.random.normal(shape, dtype="float32")
    return tf.constant(rows_around_mean(old, noise.numpy().astype("float64")))


def _replace(layer: Any, name: str, number: int, rows: tf.Tensor) -> None:
    """Make a shorter or longer variable in another's place; its shape is fixed."""
    old = getattr(layer, name)
    kept = tf.convert_to_tensor(old.value)[:number]
    value = tf.concat([kept, tf.cast(rows, kept.dtype)], axis=0)
    layer._untrack_variable(old)
    layer._tracker.unlock()
    setattr(
        layer,
        name,
        layer.add_weight(
            shape=value.shape,
            initializer="zeros",
            dtype=old.dtype,
            trainable=old.trainable,
            name=old.name,
        ),
    )
    layer._tracker.lock()
    getattr(layer, name).assign(value)
