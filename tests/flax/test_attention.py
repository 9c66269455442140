# Linen types what `apply` gives as a union with the variables.
# pyright: reportArgumentType=false, reportCallIssue=false
# pyright: reportAttributeAccessIssue=false

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from albert.flax.attention import FlaxAlbertAttention, visible_keys
from conformance import oracle

BLOCK = "albert.encoder.albert_layer_groups.0.albert_layers.0"
# bfloat16 rounds to 1 part in 256, several times on the way.
HALF = {jnp.bfloat16: 0.08, jnp.float16: 0.01}


@pytest.fixture
def attention(load):
    params = load().params["encoder"]["albert_layer_groups"]["0"]["albert_layers"]["0"]
    return {"params": params["attention"]}


@pytest.fixture
def hidden():
    return np.random.default_rng(0).normal(size=(3, 7, 24)).astype(np.float32)


MASK = np.array([[1] * 7, [0] * 7, [1, 0, 1, 1, 0, 0, 1]])


@pytest.mark.parametrize("kind", [np.int32, np.float32, bool])
def test_a_row_all_hidden_is_seen_whole(kind):
    found = visible_keys(jnp.asarray(MASK.astype(kind)))
    assert found is not None
    np.testing.assert_array_equal(found, oracle.visible_keys(MASK, 3, 7))
    assert visible_keys(None) is None


@pytest.mark.parametrize("mask", [None, MASK], ids=["no mask", "mask"])
def test_equals_the_oracle(config, attention, hidden, weights, mask):
    visible = visible_keys(mask)
    found = FlaxAlbertAttention(config).apply(attention, hidden, visible, True)
    right = oracle.attend(
        config, weights(), BLOCK, hidden, oracle.visible_keys(mask, 3, 7)
    )
    np.testing.assert_allclose(found[0], right[0], rtol=0, atol=5e-6)
    np.testing.assert_allclose(found[1], right[1], rtol=0, atol=5e-6)


def test_gives_probabilities_only_if_asked(config, attention, hidden):
    output, probabilities = FlaxAlbertAttention(config).apply(attention, hidden)
    assert output.shape == (3, 7, 24)
    assert probabilities is None


@pytest.mark.parametrize("dtype", HALF)
def test_a_row_all_hidden_is_finite_in_half_precision(
    config, attention, hidden, weights, dtype
):
    module = FlaxAlbertAttention(config, dtype)
    halved = hidden.astype(dtype)
    found = module.apply(attention, halved, visible_keys(MASK), True)
    whole = module.apply(attention, halved, None, True)
    for masked, unmasked in zip(found, whole, strict=True):
        assert masked.dtype == dtype
        assert np.isfinite(np.asarray(masked, np.float32)).all()
        np.testing.assert_array_equal(masked[1], unmasked[1])
    right = oracle.attend(
        config, weights(), BLOCK, hidden, oracle.visible_keys(MASK, 3, 7)
    )
    np.testing.assert_allclose(
        np.asarray(found[0], np.float32), right[0], rtol=0, atol=HALF[dtype]
    )


def test_large_scores_do_not_overflow(config, attention, hidden):
    module = FlaxAlbertAttention(config, jnp.float16)
    found = module.apply(attention, (hidden * 100).astype(np.float16), None, True)
    assert np.isfinite(np.asarray(found[1])).all()


def test_drops_probabilities_when_training(config, attention, hidden):
    config.attention_probs_dropout_prob = 0.5
    module = FlaxAlbertAttention(config)
    rngs = {"dropout": jax.random.key(0, impl="rbg")}
    _, found = module.apply(attention, hidden, None, True, False, rngs=rngs)
    _, whole = module.apply(attention, hidden, None, True)
    kept = np.asarray(found) != 0
    assert 0.4 < kept.mean() < 0.6
    np.testing.assert_allclose(
        np.asarray(found)[kept], 2 * np.asarray(whole)[kept], rtol=1e-5
    )
