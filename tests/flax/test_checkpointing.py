"""Gradient checkpointing: the same gradients from less memory."""

from functools import partial

import jax
import numpy as np
import pytest

import albert.flax
from albert import AlbertConfig
from albert.common.names import PARTS
from albert.flax import FlaxAlbertForMaskedLM

CONFIG = AlbertConfig(
    vocab_size=50,
    embedding_size=8,
    hidden_size=32,
    num_hidden_layers=4,
    num_hidden_groups=2,
    inner_group_num=2,
    num_attention_heads=2,
    intermediate_size=128,
    max_position_embeddings=64,
    initializer_range=0.1,
)
IDS = np.random.default_rng(0).integers(5, 50, (4, 32))


def step(model):
    """Give all gradients of one step from a fixed key, and the bytes it works in."""

    def loss(params):
        key = jax.random.key(3)
        return model(IDS, labels=IDS, params=params, train=True, dropout_rng=key).loss

    compiled = jax.jit(jax.grad(loss)).lower(model.params).compile()
    found = jax.tree.leaves(compiled(model.params))
    return found, compiled.memory_analysis().temp_size_in_bytes


def test_same_gradients_from_less_memory():
    # One group of two blocks, since the time goes to compiling each of them twice.
    rates = {"hidden_dropout_prob": 0.3, "attention_probs_dropout_prob": 0.3}
    config = CONFIG.replace(num_hidden_groups=1, **rates)
    model = FlaxAlbertForMaskedLM(config)
    right, much = step(model)
    model.enable_gradient_checkpointing()
    assert model.is_gradient_checkpointing
    found, little = step(model)
    largest = max(np.abs(one).max() for one in right)
    for mine, theirs in zip(found, right, strict=True):
        assert np.abs(mine - theirs).max() <= 1e-6 * largest
    assert little < 0.6 * much
    model.gradient_checkpointing_disable()
    assert not model.is_gradient_checkpointing


def test_only_in_training():
    model = FlaxAlbertForMaskedLM(CONFIG)
    model.gradient_checkpointing_enable()

    def loss(params, train):
        key = jax.random.key(3)
        return model(IDS, labels=IDS, params=params, train=train, dropout_rng=key).loss

    for train in (True, False):
        program = jax.make_jaxpr(jax.grad(partial(loss, train=train)))(model.params)
        assert ("remat" in str(program)) == train


@pytest.mark.parametrize("class_name", PARTS)
def test_every_model_hands_it_on(class_name):
    model_class = getattr(albert.flax, f"Flax{class_name}")
    sizes = {"num_hidden_layers": 2, "num_hidden_groups": 1, "inner_group_num": 1}
    model = model_class(CONFIG.replace(**sizes), _do_init=False)
    model.gradient_checkpointing_enable()
    weights = model.init_weights(jax.random.key(0))
    ids = IDS[:, None] if class_name == "AlbertForMultipleChoice" else IDS

    def total(params):
        outputs = model(ids, params=params, train=True, dropout_rng=jax.random.key(1))
        return sum(value.sum() for value in outputs.to_tuple())

    assert "remat" in str(jax.make_jaxpr(jax.grad(total))(weights))
    model.gradient_checkpointing_disable()
    assert "remat" not in str(jax.make_jaxpr(jax.grad(total))(weights))


def test_attentions_are_there():
    model = FlaxAlbertForMaskedLM(CONFIG)
    switches = {"output_attentions": True, "output_hidden_states": True}
    key = jax.random.key(0)
    right = model(IDS, train=True, dropout_rng=key, **switches)
    model.gradient_checkpointing_enable()
    found = model(IDS, train=True, dropout_rng=key, **switches)
    assert len(found.attentions) == 8
    for field in ("attentions", "hidden_states"):
        for mine, theirs in zip(found[field], right[field], strict=True):
            assert np.allclose(mine, theirs, atol=1e-6)


def test_unknown_arguments():
    with pytest.raises(ValueError) as caught:
        FlaxAlbertForMaskedLM(CONFIG).gradient_checkpointing_enable({"reentrant": True})
    assert str(caught.value) == (
        "gradient_checkpointing_kwargs must be None, since they are PyTorch's, but is "
        "{'reentrant': True}."
    )
