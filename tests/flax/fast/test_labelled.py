"""A sum over labelled places: the whole one, by chunks, of labelled places only."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from albert.flax.fast import labelled
from albert.flax.fast.labelled import sum_over_labelled

N, E = 23, 5
LABELS = {
    "some": [3, 4, 9, 10, 11, 12, 15, 21, 22],
    "one": [17],
    "none": [],
    "all": list(range(N)),
}


@pytest.fixture(autouse=True)
def _small_chunks(monkeypatch):
    monkeypatch.setattr(labelled, "CHUNK", 4)
    sum_over_labelled.clear_cache()
    yield
    sum_over_labelled.clear_cache()


def data(kind):
    random = np.random.default_rng(0)
    labels = np.full(N, -100)
    labels[LABELS[kind]] = np.arange(len(LABELS[kind]))
    return (
        random.normal(size=(N, E)).astype(np.float32),
        labels,
        random.normal(size=E).astype(np.float32),
    )


def whole(rows, labels, weight):
    each = jnp.sin(rows @ weight) * (labels + 1)
    return jnp.where(labels == -100, 0.0, each).sum()


def by_chunks(rows, labels, weight):
    return sum_over_labelled(whole, rows, labels, (weight,))


@pytest.mark.parametrize("wrap", [lambda function: function, jax.jit])
def test_value_and_gradients(wrap):
    # One function for all labels: no size may depend on them.
    function = wrap(jax.value_and_grad(by_chunks, (0, 2)))
    for kind in LABELS:
        given = data(kind)
        right = jax.value_and_grad(whole, (0, 2))(*given)
        jax.tree.map(
            lambda one, other: np.testing.assert_allclose(one, other, atol=2e-5),
            function(*given),
            right,
        )


@pytest.mark.parametrize(("kind", "turns"), [("some", 3), ("one", 1), ("none", 0)])
def test_only_chunks_with_labels_are_computed(kind, turns):
    seen = []

    def counted(rows, labels, weight):
        jax.debug.callback(lambda rows: seen.append(len(rows)), rows)
        return whole(rows, labels, weight)

    rows, labels, weight = data(kind)
    sum_over_labelled(counted, rows, labels, (weight,))
    jax.effects_barrier()
    assert seen == [4] * turns


def test_forward_differences_and_second_ones():
    given = data("some")
    for derivative in (jax.jacfwd, jax.hessian):
        np.testing.assert_allclose(
            derivative(by_chunks, 2)(*given), derivative(whole, 2)(*given), atol=1e-4
        )


def test_vmap():
    rows, labels, weight = data("some")
    found = jax.vmap(by_chunks, (0, 0, None))(rows[:, None], labels[:, None], weight)
    right = jax.vmap(whole, (0, 0, None))(rows[:, None], labels[:, None], weight)
    np.testing.assert_allclose(found, right, atol=2e-5)


def test_fewer_places_than_a_chunk_has():
    rows, labels, weight = data("all")
    for number in (3, 0):
        found = by_chunks(rows[:number], labels[:number], weight)
        right = whole(rows[:number], labels[:number], weight)
        np.testing.assert_allclose(found, right, atol=2e-5)


def test_sums_of_bfloat16_are_float32():
    rows, labels, weight = data("all")
    rows, weight = (jnp.asarray(one, jnp.bfloat16) for one in (rows, weight))

    def in_float32(rows, labels, weight):
        return (rows.astype(jnp.float32) @ weight.astype(jnp.float32)).sum()

    def total(weight):
        return sum_over_labelled(in_float32, rows, labels, (weight,))

    found, slope = jax.value_and_grad(total)(weight)
    assert (found.dtype, slope.dtype) == (jnp.float32, jnp.bfloat16)
    # Rounded once, after all chunks.
    exact = rows.astype(jnp.float32).sum(0)
    np.testing.assert_array_equal(slope, exact.astype(jnp.bfloat16))
