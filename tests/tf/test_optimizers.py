"""The optimizers as users of Keras meet them; conformance has their numbers."""

import math

import keras
import numpy as np
import pytest
import tensorflow as tf

from albert.common.training.rules import OptimizerSettings
from albert.common.training.schedules import PolynomialDecay
from albert.tf.optimizers import TFAdamW, TFLamb, clip_by_global_norm, make_optimizer

KINDS = {"lamb": TFLamb, "adamw": TFAdamW}


def _variables():
    random = np.random.default_rng(4)
    shapes = {"kernel": (3, 2), "bias": (2,), "embeddings": (5, 3), "gamma": (2,)}
    return [
        keras.Variable(random.normal(size=shapes[name]).astype("float32"), name=name)
        for name in shapes
    ]


def _gradients(seed):
    random = np.random.default_rng(seed)
    return [tf.constant(random.normal(size=v.shape), "float32") for v in _variables()]


def _after(optimizer, steps=3):
    variables = _variables()
    for step in range(steps):
        optimizer.apply(_gradients(step), variables)
    return [variable.numpy() for variable in variables]


def test_make_optimizer():
    made = make_optimizer(OptimizerSettings("adamw", (0.8, 0.9)), 0.1)
    assert type(made) is TFAdamW
    assert made.betas == (0.8, 0.9)
    assert type(make_optimizer(OptimizerSettings(), np.float32(0.1))) is TFLamb


@pytest.mark.parametrize("kind", KINDS.values())
def test_config_round_trip(kind):
    made = kind(
        PolynomialDecay(0.1, 9, 2),
        betas=(0.8, 0.95),
        epsilon=1e-5,
        weight_decay=0.02,
        bias_correction=True,
        global_clipnorm=0.5,
        name="mine",
    )
    saved = keras.optimizers.serialize(made)
    again = keras.optimizers.deserialize(saved)
    assert type(again) is kind
    assert again.get_config() == made.get_config()
    for one, other in zip(_after(made), _after(again), strict=True):
        np.testing.assert_array_equal(one, other)


def test_a_polynomial_decay_is_a_schedule_of_keras():
    decay = PolynomialDecay(0.1, 9, 2)
    optimizer = TFAdamW(decay)
    rates = []
    for step in range(4):
        rates.append(float(optimizer.learning_rate))
        optimizer.apply(
            _gradients(step), optimizer._trainable_variables or _variables()
        )
    np.testing.assert_allclose(rates, [decay.rate(s) for s in range(4)], rtol=1e-6)
    constant = keras.optimizers.schedules.PiecewiseConstantDecay([1], [0.5, 0.25])
    assert TFLamb(constant).learning_rate == 0.5


def test_with_correction_adamw_is_keras_own_but_for_epsilon():
    theirs = keras.optimizers.AdamW(0.01, weight_decay=0.1, epsilon=1e-9)
    theirs.exclude_from_weight_decay(var_names=["bias", "gamma"])
    ours = TFAdamW(0.01, epsilon=1e-9, weight_decay=0.1, bias_correction=True)
    for one, other in zip(_after(ours), _after(theirs), strict=True):
        np.testing.assert_allclose(one, other, rtol=0, atol=1e-6)


def test_keras_way_to_leave_out_more():
    plain, more = TFLamb(0.01), TFLamb(0.01)
    more.exclude_from_weight_decay(var_names=["kernel"])
    found = _after(more), _after(plain)
    same = [np.array_equal(one, other) for one, other in zip(*found, strict=True)]
    assert same == [False, True, True, True]
    assert more._left_out == [True, True, False, True]


def test_rows_that_come_one_by_one_are_added_up():
    """The original takes the norm of such rows without that, and so does TensorFlow."""
    rows = tf.IndexedSlices(tf.constant([[3.0], [1.0]]), tf.constant([1, 1]), (2, 1))
    (clipped,), norm = clip_by_global_norm([rows], 2.0)
    assert norm == 4.0
    np.testing.assert_array_equal(clipped, [[0.0], [2.0]])
    table = [keras.Variable(np.ones((2, 1), "float32"), name="embeddings")]
    twin = [keras.Variable(np.ones((2, 1), "float32"), name="embeddings")]
    TFAdamW(0.1, global_clipnorm=1.0).apply([rows], table)
    TFAdamW(0.1, global_clipnorm=1.0).apply([tf.constant([[0.0], [4.0]])], twin)
    np.testing.assert_array_equal(table[0].numpy(), twin[0].numpy())


# Keras' own, when it hands a variable to h5py.
@pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")
def test_trained_by_fit_with_accumulation_saved_and_loaded(tmp_path):
    keras.utils.set_random_seed(3)
    model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(2)])
    optimizer = TFLamb(0.05, global_clipnorm=1.0, gradient_accumulation_steps=2)
    model.compile(optimizer, loss="mse")
    x = np.random.default_rng(2).normal(size=(8, 3)).astype("float32")
    run = {"batch_size": 2, "shuffle": False, "verbose": 0}
    losses = model.fit(x, x[:, :2], epochs=3, **run).history["loss"]
    assert losses[-1] < losses[0]
    model.save(tmp_path / "model.keras")
    again = keras.saving.load_model(tmp_path / "model.keras")
    for one in (model, again):
        one.fit(x, x[:, :2], **run)
    for one, other in zip(model.variables, again.variables, strict=True):
        np.testing.assert_array_equal(one.numpy(), other.numpy())


def test_a_loss_scale_leaves_out_what_is_not_finite():
    plain = TFAdamW(0.1)
    scaled = keras.optimizers.LossScaleOptimizer(TFAdamW(0.1), initial_scale=4.0)
    variables, twins = _variables(), _variables()
    before = [variable.numpy() for variable in variables]
    gradients = _gradients(1)
    bad = [gradients[0] * math.inf, *gradients[1:]]
    scaled.apply(bad, variables)
    for variable, old in zip(variables, before, strict=True):
        np.testing.assert_array_equal(variable.numpy(), old)
    assert float(scaled.dynamic_scale) == 2.0
    scaled.apply([gradient * 2.0 for gradient in gradients], variables)
    plain.apply(gradients, twins)
    for variable, twin in zip(variables, twins, strict=True):
        np.testing.assert_array_equal(variable.numpy(), twin.numpy())


def test_half_precision():
    variables = [
        keras.Variable(v.numpy(), "bfloat16", name=v.name) for v in _variables()
    ]
    gradients = [tf.cast(one, "bfloat16") for one in _gradients(1)]
    clipped, norm = clip_by_global_norm(gradients, 1.0)
    assert norm.dtype == "float32"
    assert clipped[0].dtype == "bfloat16"
    TFLamb(0.01, bias_correction=True).apply(clipped, variables)
    assert all(np.isfinite(v.numpy().astype("float32")).all() for v in variables)


def test_clip_by_global_norm():
    gradients = [tf.constant([3.0, 0.0]), tf.constant([[4.0]])]
    clipped, norm = clip_by_global_norm(gradients, 2.0)
    assert norm == 5.0
    np.testing.assert_array_equal(clipped[0], np.float32([1.2, 0.0]))
    clipped, norm = clip_by_global_norm(gradients, 6.0)
    assert norm == 5.0
    np.testing.assert_array_equal(clipped[0], gradients[0])
    for bad in (math.inf, math.nan):
        clipped, norm = clip_by_global_norm([gradients[0], [[bad]]], 2.0)
        assert not np.isfinite(norm)
        assert all(np.isnan(one).all() for one in clipped)


@pytest.mark.parametrize(
    ("call", "text"),
    [
        (
            lambda: clip_by_global_norm([tf.ones(1)], 0.0),
            "max_norm must be above 0 and finite, but is 0.0.",
        ),
        (lambda: clip_by_global_norm([], 1.0), "gradients must not be empty."),
        (lambda: TFLamb(math.nan), "learning_rate must be finite, but is nan."),
        (
            lambda: TFAdamW(0.1, epsilon=-1.0),
            "epsilon must be 0 or more and finite, but is -1.0.",
        ),
    ],
)
def test_nonsense_is_refused(call, text):
    with pytest.raises(ValueError) as raised:
        call()
    assert str(raised.value) == text
