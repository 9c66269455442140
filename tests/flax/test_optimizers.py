"""The optimizers as users of optax meet them; conformance has their numbers."""

import copy
import math

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from flax.training.train_state import TrainState
from flax.traverse_util import flatten_dict

from albert.common.config import AlbertConfig
from albert.common.names import all_weights
from albert.common.training.rules import OptimizerSettings
from albert.common.training.schedules import PolynomialDecay
from albert.flax.optimizers import (
    FlaxAdamW,
    FlaxLamb,
    clip_by_global_norm,
    decay_mask,
    make_optimizer,
)

KINDS = {"lamb": FlaxLamb, "adamw": FlaxAdamW}


def _tree(seed):
    random = np.random.default_rng(seed)
    return {
        "dense": {
            "kernel": jnp.asarray(random.normal(size=(3, 2)), jnp.float32),
            "bias": jnp.asarray(random.normal(size=2), jnp.float32),
        },
        "norm": {"scale": jnp.asarray(random.normal(size=2), jnp.float32)},
    }


def _after(optimizer, steps=3):
    params = _tree(0)
    state = jax.jit(optimizer.init)(params)

    @jax.jit
    def step(params, state, gradients):
        updates, state = optimizer.update(gradients, state, params)
        return optax.apply_updates(params, updates), state

    for number in range(steps):
        params, state = step(params, state, _tree(number + 1))
    return params


def _close(one, other, atol=0.0):
    for left, right in zip(jax.tree.leaves(one), jax.tree.leaves(other), strict=True):
        np.testing.assert_allclose(left, right, rtol=0, atol=atol)


def test_make_optimizer():
    made = make_optimizer(OptimizerSettings("adamw"), 0.1)
    assert type(made) is FlaxAdamW
    assert isinstance(made, optax.GradientTransformationExtraArgs)
    assert type(make_optimizer(OptimizerSettings(), 0.1)) is FlaxLamb
    assert copy.deepcopy(made).update is made.update


def test_decay_mask():
    params = {}
    for row in all_weights(AlbertConfig()):
        held = params
        *path, name = row.path("flax", base=False)
        for step in path:
            held = held.setdefault(step, {})
        held[name] = np.zeros([1] * len(row.letters))
    found = flatten_dict(decay_mask(params))
    assert len(found) == len(all_weights(AlbertConfig()))
    assert {path[-1]: kept for path, kept in found.items()} == {
        "embedding": True,
        "kernel": True,
        "bias": False,
        "scale": False,
    }
    assert decay_mask([np.zeros((2, 2)), np.zeros(2)]) == [True, False]


@pytest.mark.parametrize("kind", KINDS.values())
def test_rates_from_a_number_a_schedule_and_the_state(kind):
    decay = PolynomialDecay(0.1, 9, 2)
    right = _after(kind(decay))
    injected = optax.inject_hyperparams(kind)(learning_rate=decay)
    _close(_after(injected), right, atol=1e-7)
    table = jnp.asarray([decay.rate(step) for step in range(9)])
    _close(_after(kind(lambda count: table[count])), right, atol=1e-7)
    _close(_after(kind(0.1)), _after(kind(lambda count: 0.1)), atol=1e-7)


def test_with_correction_they_are_optax_own():
    arguments = {"weight_decay": 0.1, "mask": decay_mask}
    theirs = optax.adamw(0.01, eps=1e-6, **arguments)
    ours = FlaxAdamW(0.01, weight_decay=0.1, bias_correction=True)
    _close(_after(ours), _after(theirs))


def test_in_a_train_state_over_several_batches():
    optimizer = optax.MultiSteps(FlaxLamb(0.1), every_k_schedule=2)
    state = TrainState.create(apply_fn=jnp.dot, params=_tree(0), tx=optimizer)
    step = jax.jit(lambda state, gradients: state.apply_gradients(grads=gradients))
    first = step(state, _tree(1))
    _close(first.params, _tree(0))
    found = step(first, _tree(2)).params
    mean = jax.tree.map(lambda one, other: (one + other) / 2, _tree(1), _tree(2))
    plain = FlaxLamb(0.1)

    @jax.jit
    def right(params, gradients):
        updates, _ = plain.update(gradients, plain.init(params), params)
        return optax.apply_updates(params, updates)

    _close(found, right(_tree(0), mean), atol=1e-6)


def test_clip_by_global_norm():
    gradients = {"a": jnp.asarray([3.0, 0.0]), "b": jnp.asarray([[4.0]])}
    clipped, norm = clip_by_global_norm(gradients, 2.0)
    assert norm == 5.0
    np.testing.assert_array_equal(clipped["a"], np.float32([1.2, 0.0]))
    clipped, norm = clip_by_global_norm(gradients, 6.0)
    assert norm == 5.0
    np.testing.assert_array_equal(clipped["a"], gradients["a"])
    half = jax.tree.map(lambda one: one.astype(jnp.bfloat16), gradients)
    clipped, norm = clip_by_global_norm(half, 2.0)
    assert norm.dtype == jnp.float32
    assert clipped["a"].dtype == jnp.bfloat16
    for bad in (math.inf, math.nan):
        clipped, norm = clip_by_global_norm({**gradients, "b": jnp.array([bad])}, 2.0)
        assert not np.isfinite(norm)
        assert all(np.isnan(one).all() for one in clipped.values())


@pytest.mark.parametrize(
    ("call", "text"),
    [
        (
            lambda: clip_by_global_norm(jnp.ones(1), 0.0),
            "max_norm must be above 0 and finite, but is 0.0.",
        ),
        (lambda: clip_by_global_norm([], 1.0), "gradients must not be empty."),
        (lambda: FlaxLamb(math.nan), "learning_rate must be finite, but is nan."),
        (
            lambda: FlaxAdamW(0.1, epsilon=-1.0),
            "epsilon must be 0 or more and finite, but is -1.0.",
        ),
    ],
)
def test_nonsense_is_refused(call, text):
    with pytest.raises(ValueError) as raised:
        call()
    assert str(raised.value) == text
