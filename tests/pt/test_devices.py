"""The framework's devices, and models that are put on one."""

import numpy as np
import pytest
import torch

from albert.pt import AlbertModel
from albert.pt.devices import find_device, move

OWN = (torch.device("cpu"),)


@pytest.mark.parametrize("device", ["cpu", -1, {"": "cpu"}, *OWN])
def test_the_cpu(device):
    assert find_device(device) == torch.device("cpu")


def test_a_device_that_is_not_there():
    with pytest.raises(ValueError, match=r"^device_map must be a device that is there"):
        find_device(99, "device_map")


@pytest.mark.parametrize("device", ["auto", "cpu", -1, {"": "cpu"}])
def test_a_model_is_put_there(device):
    model = AlbertModel.from_pretrained("albert-demo", device_map=device)
    if device != "auto":
        assert model.device == torch.device("cpu")
    plain = AlbertModel.from_pretrained("albert-demo")
    ids = torch.tensor([[5, 6, 7]])
    found, right = (
        np.asarray(one(ids).last_hidden_state.detach()) for one in (model, plain)
    )
    assert np.allclose(found, right, atol=1e-5)


def test_several_devices():
    with pytest.raises(ValueError) as caught:
        AlbertModel.from_pretrained("albert-demo", device_map="balanced")
    assert str(caught.value) == (
        "device_map must be one device, such as 'auto', 'cpu', 'cuda', 'cuda:1', "
        "'gpu', 'tpu', 'mps' or a number (-1 is the CPU), but is 'balanced': ALBERT's "
        "layers share their weights, which are on one device."
    )


def test_sizes():
    model = AlbertModel.from_pretrained("albert-demo")
    tables = 128 * sum(
        getattr(model.config, name)
        for name in ("vocab_size", "max_position_embeddings", "type_vocab_size")
    )
    total = model.num_parameters()
    assert model.num_parameters(exclude_embeddings=True) == total - tables
    assert model.num_parameters(only_trainable=True) == total
    assert model.get_memory_footprint() == 4 * total
    assert model.get_memory_footprint(return_buffers=False) == 4 * total
    model.pooler.requires_grad_(False)
    frozen = sum(one.numel() for one in model.pooler.parameters())
    assert model.num_parameters(only_trainable=True) == total - frozen
    assert model.to(torch.bfloat16).get_memory_footprint() == 2 * total
    model.register_buffer("own", torch.zeros(7))
    assert model.get_memory_footprint() == 2 * total + 28
    assert model.get_memory_footprint(return_buffers=False) == 2 * total


def test_what_transformers_users_pass():
    model = AlbertModel.from_pretrained(
        "albert-demo",
        low_cpu_mem_usage=True,
        trust_remote_code=False,
        use_safetensors=True,
        attn_implementation=None,
    )
    assert model.config.attn_implementation == "sdpa"
    with pytest.raises(ValueError) as caught:
        AlbertModel.from_pretrained(
            "albert-demo", attn_implementation="flash_attention_2"
        )
    assert str(caught.value) == (
        "attn_implementation must be one of sdpa, eager, but is 'flash_attention_2'."
    )


def test_moving_a_loaded_model():
    model = AlbertModel.from_pretrained("albert-demo", device_map="cpu")
    move(model, torch.device("meta"))
    assert model.device == torch.device("meta")
