import os
import subprocess
import sys
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import optax
from flax.training.train_state import TrainState

from albert.flax import FlaxAlbertModel
from conformance import oracle
from conformance.cases import random_weights

# JAX's default generator takes long to compile for a CPU.
QUICK = jax.random.key(0, impl="rbg")


def _assert_close(one, other, rtol=0.0):
    assert jax.tree.structure(one) == jax.tree.structure(other)
    for left, right in zip(jax.tree.leaves(one), jax.tree.leaves(other), strict=True):
        np.testing.assert_allclose(left, right, rtol=rtol, atol=2e-5)


def test_jit_equals_the_plain_call(load, inputs):
    model = load("AlbertForPreTraining")
    given = inputs("AlbertForPreTraining", labels=True)

    @jax.jit
    def call(params, given):
        return model(**given, params=params, output_attentions=True)

    _assert_close(call(model.params, given), model(**given, output_attentions=True))


def test_gradient_is_the_slope_of_the_oracle(load, inputs, weights, config):
    """Along one direction, against central differences of the oracle's loss."""
    class_name = "AlbertForPreTraining"
    model, given = load(class_name), inputs(class_name, labels=True)
    slopes = jax.jit(jax.grad(lambda params: model(**given, params=params).loss))(
        model.params
    )
    ahead = random_weights(config, class_name, 1)
    slope = 0.0
    for row in model.weight_rows():
        found = slopes
        for step in row.path("flax", base=False):
            found = found[step]
        found = row.to_framework(np.asarray(found, np.float64), "flax")
        slope += (found * ahead[row.canonical]).sum()

    def loss(step):
        moved = {
            name: array + step * ahead[name]
            for name, array in weights(class_name).items()
        }
        return oracle.MODELS[class_name](config, moved, given)["loss"]

    right = (loss(1e-5) - loss(-1e-5)) / 2e-5
    np.testing.assert_allclose(slope, right, rtol=2e-4)


def test_jitted_gradient_equals_the_plain_one(load, inputs, simple):
    config = simple.replace(attention_probs_dropout_prob=0.1)
    model = load("AlbertForMaskedLM", config)
    given, rng = inputs("AlbertForMaskedLM", labels=True), QUICK

    def loss(params, given, rng):
        return model(**given, params=params, dropout_rng=rng, train=True).loss

    plain = jax.value_and_grad(loss)(model.params, given, rng)
    jitted = jax.jit(jax.value_and_grad(loss))(model.params, given, rng)
    _assert_close(jitted, plain, rtol=1e-4)
    assert all(np.isfinite(leaf).all() for leaf in jax.tree.leaves(plain))


def test_gradient_is_finite_where_a_row_is_all_hidden(load, inputs, simple):
    model = load("AlbertForMaskedLM", simple)
    given = inputs("AlbertForMaskedLM", labels=True)
    given["attention_mask"][1] = 0
    slopes = jax.jit(jax.grad(lambda params: model(**given, params=params).loss))(
        model.params
    )
    assert all(np.isfinite(leaf).all() for leaf in jax.tree.leaves(slopes))


def test_vmap_equals_separate_calls(load, inputs, simple):
    model, given = load(config=simple), inputs()
    texts = {name: array[:, None] for name, array in given.items()}
    found = jax.vmap(lambda one: model(**one))(texts)
    right = model(**given)
    assert type(found) is type(right)
    for name in right:
        np.testing.assert_allclose(found[name][:, 0], right[name], rtol=0, atol=2e-5)


def test_vmap_over_weights(load, inputs, simple):
    model, other = load(config=simple), FlaxAlbertModel(simple, seed=1)
    both = jax.tree.map(lambda *leaves: jnp.stack(leaves), model.params, other.params)
    found = jax.vmap(lambda params: model(**inputs(), params=params).pooler_output)(
        both
    )
    for got, one in zip(found, (model, other), strict=True):
        np.testing.assert_allclose(
            got, one(**inputs()).pooler_output, atol=2e-5, rtol=0
        )


def test_train_state_learns(load, inputs, simple):
    model = load("AlbertForSequenceClassification", simple)
    given = inputs("AlbertForSequenceClassification", labels=True)
    state = TrainState.create(
        apply_fn=model.__call__, params=model.params, tx=optax.adam(1e-2)
    )

    @jax.jit
    def step(state, rng):
        def loss(params):
            output = state.apply_fn(**given, params=params, dropout_rng=rng, train=True)
            return output.loss

        found, slopes = jax.value_and_grad(loss)(state.params)
        return state.apply_gradients(grads=slopes), found

    found = []
    for turn in range(8):
        state, loss = step(state, jax.random.fold_in(QUICK, turn))
        found.append(float(loss))
    assert found[-1] < found[0] / 2


SHARDED = """
import sys
import jax, numpy as np
from jax.sharding import Mesh, NamedSharding, PartitionSpec as P
from albert.flax import FlaxAlbertForMaskedLM

assert len(jax.devices()) == 8
model = FlaxAlbertForMaskedLM.from_pretrained(sys.argv[1])
ids = np.random.default_rng(0).integers(0, 101, (8, 7))
mask = np.ones_like(ids); mask[3] = 0; mask[2, 4:] = 0
given = {"input_ids": ids, "attention_mask": mask, "labels": ids}
mesh = Mesh(np.array(jax.devices()).reshape(4, 2), ("data", "model"))

def loss(params, given):
    output = model(**given, params=params)
    return output.loss, output.logits

def place(leaf):
    split = leaf.ndim == 2 and leaf.shape[-1] % 2 == 0
    return NamedSharding(mesh, P(None, "model") if split else P())

placed = jax.tree.map(lambda leaf: jax.device_put(leaf, place(leaf)), model.params)
rows = jax.device_put(given, NamedSharding(mesh, P("data")))
step = jax.jit(jax.value_and_grad(loss, has_aux=True))
found = step(placed, rows)
assert len(found[0][1].sharding.device_set) == 8
right = step(model.params, given)
close = lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-4, atol=2e-5)
jax.tree.map(close, found, right)
train = lambda params, given: model(**given, params=params, train=True).loss
train = jax.jit(jax.value_and_grad(train))
jax.tree.map(close, train(placed, rows), train(model.params, given))
model.save_pretrained(sys.argv[2], params=placed)
print("sharded")
"""


def test_sharded_over_a_mesh(folder, tmp_path, simple):
    path = folder("AlbertForMaskedLM", simple)
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", SHARDED, path, tmp_path / "saved"],
        cwd=Path(__file__).parents[2],
        env={
            **os.environ,
            "XLA_FLAGS": "--xla_force_host_platform_device_count=8",
            "JAX_DISABLE_MOST_OPTIMIZATIONS": "1",
        },
        capture_output=True,
        text=True,
    )
    assert done.stdout == "sharded\n", done.stderr
    saved = (tmp_path / "saved" / "model.safetensors").read_bytes()
    assert saved == (path / "model.safetensors").read_bytes()
