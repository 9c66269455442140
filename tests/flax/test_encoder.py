# Linen types what `apply` gives as a union with the variables.
# pyright: reportArgumentType=false, reportCallIssue=false
# pyright: reportAttributeAccessIssue=false

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from albert.flax import FlaxAlbertModel
from albert.flax.encoder import (
    FlaxAlbertLayer,
    FlaxAlbertLayerGroup,
    FlaxAlbertTransformer,
)
from conformance import oracle

MASK = np.array([[1] * 7, [0] * 7, [1, 0, 1, 1, 0, 0, 1]])


@pytest.fixture
def hidden():
    return np.random.default_rng(0).normal(size=(3, 7, 24)).astype(np.float32)


@pytest.fixture
def encoder(load):
    return load().params["encoder"]


def test_block_equals_the_oracle(config, encoder, hidden, weights):
    params = encoder["albert_layer_groups"]["1"]["albert_layers"]["0"]
    found = FlaxAlbertLayer(config).apply({"params": params}, hidden, None, True)
    block = "albert.encoder.albert_layer_groups.1.albert_layers.0"
    seen = oracle.visible_keys(None, 3, 7)
    right = oracle.apply_block(config, weights(), block, hidden, seen)
    for got, wanted in zip(found, right, strict=True):
        np.testing.assert_allclose(got, wanted, rtol=0, atol=5e-6)


def test_group_applies_its_blocks_in_turn(config, encoder, hidden, weights):
    params = encoder["albert_layer_groups"]["1"]
    found, attentions = FlaxAlbertLayerGroup(config).apply(
        {"params": params}, hidden, None, True
    )
    seen = oracle.visible_keys(None, 3, 7)
    right, wanted = hidden, []
    for inner in range(2):
        block = f"albert.encoder.albert_layer_groups.1.albert_layers.{inner}"
        right, one = oracle.apply_block(config, weights(), block, right, seen)
        wanted.append(one)
    np.testing.assert_allclose(found, right, rtol=0, atol=2e-5)
    np.testing.assert_allclose(attentions, wanted, rtol=0, atol=2e-5)


@pytest.mark.parametrize("details", [True, False])
def test_stack_equals_the_oracle(config, encoder, weights, inputs, details):
    given = {**inputs(), "attention_mask": MASK}
    embeddings = oracle.embed(config, weights(), given).astype(np.float32)
    found = FlaxAlbertTransformer(config).apply(
        {"params": encoder}, embeddings, MASK, details, details
    )
    right = oracle.encode(config, weights(), given)
    fields = ["last_hidden_state", "hidden_states", "attentions"]
    assert list(found) == (fields if details else fields[:1])
    for name in found:
        np.testing.assert_allclose(found[name], right[name], rtol=0, atol=2e-5)


def _lowered(config, layers, **call):
    config = config.replace(num_hidden_layers=layers, num_hidden_groups=1)
    model = FlaxAlbertModel(config)

    def loss(params, ids, mask):
        output = model(ids, mask, params=params, **call)
        return output.last_hidden_state.sum()

    ids = np.ones((3, 7), np.int32)
    traced = jax.jit(jax.grad(loss)).trace(model.params, ids, ids)
    lines = traced.lower().as_text().splitlines()
    return len(lines), jax.tree.structure(model.params)


@pytest.mark.parametrize("train", [False, True])
def test_program_does_not_grow_with_depth(config, train):
    config.hidden_dropout_prob = config.attention_probs_dropout_prob = 0.1
    call = {"train": train, "dropout_rng": jax.random.key(0)}
    shallow, deep = (_lowered(config, layers, **call) for layers in (2, 24))
    assert shallow[0] > 100
    assert shallow == deep


def test_loop_is_compiled_once_for_equal_calls(load, inputs):
    model, given = load(), inputs()
    model(**given)
    compiled = []
    jax.monitoring.register_event_duration_secs_listener(
        lambda event, *_, **__: compiled.append(event)
    )
    try:
        model(**given)
        twin = load()
        del compiled[:]
        twin(**given)
    finally:
        jax.monitoring.clear_event_listeners()
    assert not [event for event in compiled if "backend_compile" in event]


def test_layers_of_a_group_drop_differently(simple, inputs):
    config = simple.replace(attention_probs_dropout_prob=0.5)
    model = FlaxAlbertModel(config)
    call = {"train": True, "output_attentions": True}
    one, two = (jax.random.key(seed, impl="rbg") for seed in (0, 1))
    found = model(**inputs(), **call, dropout_rng=one).attentions
    dropped = [np.asarray(one) == 0 for one in found]
    for first, second in ((0, 1), (0, 2), (1, 2)):
        assert (dropped[first] != dropped[second]).mean() > 0.2
    again = model(**inputs(), **call, dropout_rng=one).attentions
    other = model(**inputs(), **call, dropout_rng=two).attentions
    np.testing.assert_array_equal(found, again)
    assert (np.asarray(found) != np.asarray(other)).any()


def test_a_group_that_no_layer_uses_has_weights(config, load, expect, inputs):
    # In floating point 15 / 22 * 22 is below 15; the original skips that group, too.
    sizes = {"num_hidden_layers": 22, "num_hidden_groups": 22, "inner_group_num": 1}
    config = config.replace(**sizes)
    assert 15 not in config.layer_groups
    module = FlaxAlbertTransformer(config)
    shapes = jax.eval_shape(module.init, jax.random.key(0), jnp.ones((3, 7, 5)))
    assert len(shapes["params"]["albert_layer_groups"]) == 22
    model = load(config=config)
    assert len(model.params["encoder"]["albert_layer_groups"]) == 22
    right = expect("AlbertModel", inputs(), config)
    found = model(**inputs())
    np.testing.assert_allclose(
        found.pooler_output, right["pooler_output"], rtol=0, atol=2e-5
    )


def test_a_changed_configuration_is_heeded(load, inputs, simple):
    model, given = load(config=simple), inputs()
    before = model(**given).last_hidden_state
    model.config.hidden_act = "relu"
    assert (np.asarray(model(**given).last_hidden_state) != before).any()
