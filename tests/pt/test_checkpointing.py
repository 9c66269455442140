"""Gradient checkpointing: the same gradients from less memory."""

import numpy as np
import pytest
import torch
from torch.autograd.graph import saved_tensors_hooks

from albert import AlbertConfig
from albert.pt import AlbertForMaskedLM

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
IDS = torch.tensor(np.random.default_rng(0).integers(5, 50, (4, 32)))


def step(model, **switches):
    """Give all gradients of one step from a fixed seed, and the bytes kept for them."""
    kept = {}

    def keep(tensor):
        kept[tensor.data_ptr()] = tensor.numel() * tensor.element_size()
        return tensor

    model.zero_grad()
    torch.manual_seed(3)
    with saved_tensors_hooks(keep, lambda tensor: tensor):
        loss = model(IDS, labels=IDS, **switches).loss
        size = sum(kept.values())
    loss.backward()
    return [one.grad for one in model.parameters()], size


@pytest.mark.parametrize("rate", [0.0, 0.3])
@pytest.mark.parametrize("arguments", [None, {"use_reentrant": True}])
def test_same_gradients_from_less_memory(rate, arguments):
    config = CONFIG.replace(hidden_dropout_prob=rate, attention_probs_dropout_prob=rate)
    model = AlbertForMaskedLM(config).train()
    right, much = step(model)
    model.gradient_checkpointing_enable(gradient_checkpointing_kwargs=arguments)
    assert model.is_gradient_checkpointing
    found, little = step(model)
    largest = max(one.abs().max() for one in right)
    for mine, theirs in zip(found, right, strict=True):
        assert (mine - theirs).abs().max() <= 1e-6 * largest
    assert little < 0.3 * much
    model.gradient_checkpointing_disable()
    assert not model.is_gradient_checkpointing
    assert step(model)[1] == much


def test_only_in_training():
    model = AlbertForMaskedLM(CONFIG).eval()
    _, much = step(model)
    model.gradient_checkpointing_enable()
    assert step(model)[1] == much


def test_attentions_are_there():
    model = AlbertForMaskedLM(CONFIG).train()
    right = model(IDS, output_attentions=True, output_hidden_states=True)
    model.gradient_checkpointing_enable()
    found = model(IDS, output_attentions=True, output_hidden_states=True)
    assert len(found.attentions) == 8
    for field in ("attentions", "hidden_states"):
        for mine, theirs in zip(found[field], right[field], strict=True):
            assert torch.equal(mine, theirs)


def test_unknown_arguments():
    with pytest.raises(ValueError) as caught:
        AlbertForMaskedLM(CONFIG).gradient_checkpointing_enable({"reentrant": True})
    assert str(caught.value) == (
        "gradient_checkpointing_kwargs must be among context_fn, debug, "
        "determinism_check, early_stop, preserve_rng_state, use_reentrant, but has "
        "reentrant."
    )
