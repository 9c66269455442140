"""A sum over labelled places: the whole one, by chunks, of labelled places only."""

from typing import Any

import numpy as np
import pytest
import tensorflow as tf

from albert.tf.fast import labelled
from albert.tf.fast.labelled import sum_over_labelled

N, E = 23, 5
LABELS: dict[str, list[int]] = {
    "some": [3, 4, 9, 10, 11, 12, 15, 21, 22],
    "one": [17],
    "none": [],
    "all": list(range(N)),
}
WAYS: dict[str, Any] = {
    "eager": lambda function: function,
    "graph": tf.function,
    "XLA": lambda function: tf.function(function, jit_compile=True),
    "XLA of any size": lambda function: tf.function(
        function,
        jit_compile=True,
        input_signature=[
            tf.TensorSpec([None, E], tf.float64),
            tf.TensorSpec([None], tf.int64),
            tf.TensorSpec([E], tf.float64),
        ],
    ),
}


@pytest.fixture(autouse=True)
def _small_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(labelled, "CHUNK", 4)


def data(kind: str) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
    random = np.random.default_rng(0)
    labels = np.full(N, -100)
    labels[LABELS[kind]] = np.arange(len(LABELS[kind]))
    return (
        tf.constant(random.normal(size=(N, E))),
        tf.constant(labels),
        tf.constant(random.normal(size=E)),
    )


def whole(rows: tf.Tensor, labels: tf.Tensor, weight: tf.Tensor) -> tf.Tensor:
    each = tf.sin(tf.linalg.matvec(rows, weight)) * tf.cast(labels + 1, tf.float64)
    return tf.reduce_sum(tf.where(labels == -100, tf.zeros_like(each), each))


def by_chunks(rows: tf.Tensor, labels: tf.Tensor, weight: tf.Tensor) -> tf.Tensor:
    return sum_over_labelled(whole, rows, labels, (weight,))


def slopes_of(function: Any) -> Any:
    def run(rows: tf.Tensor, labels: tf.Tensor, weight: tf.Tensor) -> Any:
        with tf.GradientTape() as tape:
            tape.watch((rows, weight))
            found = function(rows, labels, weight)
        slopes = tape.gradient(found, (rows, weight))
        return found, *(tf.convert_to_tensor(slope) for slope in slopes)

    return run


@pytest.mark.parametrize("way", WAYS)
def test_value_and_gradients(way: str) -> None:
    # One function for all labels: no size may depend on them.
    function = WAYS[way](slopes_of(by_chunks))
    for kind in LABELS:
        given = data(kind)
        for found, right in zip(
            function(*given), slopes_of(whole)(*given), strict=True
        ):
            np.testing.assert_allclose(found, right, rtol=0, atol=1e-12)


@pytest.mark.parametrize("way", ["eager", "graph"])
@pytest.mark.parametrize(("kind", "turns"), [("some", 3), ("one", 1), ("none", 0)])
def test_only_chunks_with_labels_are_computed(way: str, kind: str, turns: int) -> None:
    seen = []

    def counted(rows: tf.Tensor, labels: tf.Tensor, weight: tf.Tensor) -> tf.Tensor:
        found = whole(rows, labels, weight)
        note = tf.numpy_function(
            lambda rows: seen.append(len(rows)) or np.float64(0), [rows], tf.float64
        )
        return found + tf.stop_gradient(tf.reshape(note, []))

    function = WAYS[way](
        lambda *given: sum_over_labelled(counted, *given[:2], given[2:])
    )
    function(*data(kind))
    assert seen == [4] * turns


def test_fewer_places_than_a_chunk_has() -> None:
    rows, labels, weight = data("all")
    for number in (3, 0):
        found = by_chunks(rows[:number], labels[:number], weight)
        right = whole(rows[:number], labels[:number], weight)
        np.testing.assert_allclose(found, right, rtol=0, atol=1e-12)


def test_gradients_are_scaled_before_they_are_rounded() -> None:
    rows, labels, _ = data("all")
    given = tf.cast(rows, tf.float16), labels, tf.constant(np.full(E, 1e-9), tf.float32)

    def tiny(rows: tf.Tensor, labels: tf.Tensor, weight: tf.Tensor) -> tf.Tensor:
        return tf.reduce_sum(tf.cast(rows, tf.float32) * weight)

    with tf.GradientTape() as tape:
        tape.watch(given[0])
        scaled = 1e9 * sum_over_labelled(tiny, *given[:2], given[2:])
    slope = tf.convert_to_tensor(tape.gradient(scaled, given[0]))
    np.testing.assert_allclose(slope, 1, rtol=1e-3)


def test_sums_of_bfloat16_are_float32() -> None:
    rows, labels, weight = data("all")
    given = tf.cast(rows, tf.bfloat16), labels, tf.cast(weight, tf.bfloat16)

    def in_float32(rows: tf.Tensor, labels: tf.Tensor, weight: tf.Tensor) -> tf.Tensor:
        wide = [tf.cast(one, tf.float32) for one in (rows, weight)]
        return tf.reduce_sum(tf.linalg.matvec(*wide))

    found, _, slope = slopes_of(
        lambda rows, labels, weight: sum_over_labelled(
            in_float32, rows, labels, (weight,)
        )
    )(*given)
    assert (found.dtype, slope.dtype) == (tf.float32, tf.bfloat16)
    # Rounded once, after all chunks.
    exact = tf.reduce_sum(tf.cast(given[0], tf.float32), 0)
    np.testing.assert_array_equal(slope, tf.cast(exact, tf.bfloat16))
