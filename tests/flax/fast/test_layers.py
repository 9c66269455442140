from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from albert.flax.fast import layers
from albert.flax.fast.switches import using

WAYS = {"rows": {"packed": False}, "columns": {"packed": True}}


@pytest.fixture
def taken(monkeypatch):
    """Note the ways in which layers were traced."""
    found, plain = [], layers.apply_layers

    def apply(config, groups, hidden_states, visible, way):
        found.append("rows" if way.packed is None else "columns")
        return plain(config, groups, hidden_states, visible, way)

    monkeypatch.setattr(layers, "apply_layers", apply)
    return found


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("size", [1, 3])
def test_taken_and_equal_to_the_oracle(
    way, size, load, inputs, expect, config, taken, fresh_programs
):
    given = {name: array[:size] for name, array in inputs().items()}
    right = expect("AlbertModel", given, config)
    with using(**WAYS[way]):
        found = load()(**given)
    assert taken == [way]
    for name in ("last_hidden_state", "pooler_output"):
        np.testing.assert_allclose(found[name], right[name], rtol=0, atol=2e-5)


@pytest.mark.parametrize(
    "call", [{"output_attentions": True}, {"output_hidden_states": True}]
)
def test_details_need_the_models_own_layers(
    call, load, inputs, simple, taken, fresh_programs
):
    load(config=simple)(**inputs(), **call)
    assert taken == []


def test_half_precision_needs_the_models_own_layers(
    load, inputs, simple, taken, fresh_programs
):
    load(config=simple, dtype="bfloat16")(**inputs())
    assert taken == []


@pytest.mark.parametrize("mask", [False, True])
def test_a_few_heads_at_a_time(mask, monkeypatch):
    random = np.random.default_rng(0)
    drawn = random.normal(size=(3, 2, 6, 5, 4)).astype(np.float32)
    query, key, value = map(jnp.asarray, drawn)
    bias: Any = None
    if mask:
        bias = np.where(random.random((2, 1, 1, 5)) < 0.5, 0, -1e30).astype(np.float32)
        bias[..., 0] = 0
    right = layers.attend(query, key, value, bias)
    scores = np.einsum("bnqd,bnkd->bnqk", query, key) / 2 + (
        0 if bias is None else bias
    )
    by_hand = jax.nn.softmax(jnp.asarray(scores), axis=-1) @ value
    np.testing.assert_allclose(right, by_hand, rtol=0, atol=1e-5)
    monkeypatch.setattr(layers, "SMALL", 0)
    for part in (0, 4 * 25 * 2, 4 * 25 * 5):
        monkeypatch.setattr(layers, "PART", part)
        program = str(jax.make_jaxpr(layers.attend)(query, key, value, bias))
        assert "scan" in program
        found = layers.attend(query, key, value, bias)
        np.testing.assert_allclose(found, right, rtol=0, atol=1e-6)


def test_the_choice_ends():
    with layers.taking(layers.Way()):
        assert layers.chosen() == layers.Way()
        with layers.taking(None):
            assert layers.chosen() is None
    assert layers.chosen() is None
