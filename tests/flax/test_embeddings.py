# Linen types what `apply` gives as a union with the variables.
# pyright: reportArgumentType=false, reportCallIssue=false
# pyright: reportAttributeAccessIssue=false

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from albert.flax.embeddings import FlaxAlbertEmbeddings
from conformance import oracle


def test_equals_the_oracle(config, load, weights, inputs):
    given = inputs()
    params = load().params["embeddings"]
    positions = np.arange(19)[None, 5:12]
    found = FlaxAlbertEmbeddings(config).apply(
        {"params": params}, given["input_ids"], given["token_type_ids"], positions
    )
    del given["attention_mask"]
    right = oracle.embed(config, weights(), {**given, "position_ids": positions})
    np.testing.assert_allclose(found, right, rtol=0, atol=5e-6)


def test_segments_default_to_0_and_positions_count(config, load, inputs):
    ids = inputs()["input_ids"]
    variables = {"params": load().params["embeddings"]}
    module = FlaxAlbertEmbeddings(config)
    spelt = module.apply(variables, ids, ids * 0, np.arange(7)[None])
    np.testing.assert_array_equal(module.apply(variables, ids), spelt)


def test_vectors_replace_ids(config, load, inputs):
    ids = inputs()["input_ids"]
    params = load().params["embeddings"]
    module = FlaxAlbertEmbeddings(config)
    vectors = params["word_embeddings"]["embedding"][ids]
    np.testing.assert_array_equal(
        module.apply({"params": params}, inputs_embeds=vectors),
        module.apply({"params": params}, ids),
    )


def test_normalises_sums_with_a_large_mean(config, load, inputs):
    params = load().params["embeddings"]
    vectors = np.random.default_rng(0).normal(size=(3, 7, 5)).astype(np.float32) + 3000
    found = FlaxAlbertEmbeddings(config).apply(
        {"params": params}, inputs_embeds=vectors
    )
    exact = {
        "albert.embeddings.LayerNorm.weight": params["LayerNorm"]["scale"],
        "albert.embeddings.LayerNorm.bias": params["LayerNorm"]["bias"],
    }
    summed = (
        vectors
        + params["token_type_embeddings"]["embedding"][0]
        + params["position_embeddings"]["embedding"][:7]
    )
    right = oracle.layer_norm(
        {name: np.asarray(array, np.float64) for name, array in exact.items()},
        "albert.embeddings.LayerNorm",
        np.asarray(summed, np.float64),
        config.layer_norm_eps,
    )
    np.testing.assert_allclose(found, right, rtol=0, atol=2e-3)


@pytest.mark.parametrize("dtype", [jnp.bfloat16, jnp.float16])
def test_computes_in_the_type_asked_for(config, load, inputs, dtype):
    params = load().params["embeddings"]
    ids = inputs()["input_ids"]
    found = FlaxAlbertEmbeddings(config, dtype).apply({"params": params}, ids)
    assert found.dtype == dtype


def test_drops_when_training(config, inputs):
    config.hidden_dropout_prob = 0.5
    ids = inputs()["input_ids"]
    module = FlaxAlbertEmbeddings(config)
    variables = module.init(jax.random.key(0), ids)
    found = module.apply(
        variables,
        ids,
        deterministic=False,
        rngs={"dropout": jax.random.key(1, impl="rbg")},
    )
    kept = np.asarray(found) != 0
    assert 0.3 < kept.mean() < 0.7
    np.testing.assert_allclose(
        np.asarray(found)[kept], 2 * np.asarray(module.apply(variables, ids))[kept]
    )
