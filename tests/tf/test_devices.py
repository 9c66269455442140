"""The framework's devices, and models that are put on one."""

import numpy as np
import pytest
import tensorflow as tf

from albert.tf import TFAlbertModel
from albert.tf.devices import find_device, move

OWN = (
    tf.config.list_logical_devices("CPU")[0],
    "/CPU:0",
    "/job:localhost/replica:0/task:0/device:CPU:0",
)


@pytest.mark.parametrize("device", ["cpu", -1, {"": "cpu"}, *OWN])
def test_the_cpu(device):
    assert find_device(device) == "/device:CPU:0"


def test_a_device_that_is_not_there():
    with pytest.raises(ValueError, match=r"^device_map must be a device that is there"):
        find_device(99, "device_map")


@pytest.mark.parametrize("device", ["auto", "cpu", -1, {"": "cpu"}])
def test_a_model_is_put_there(device):
    model = TFAlbertModel.from_pretrained("albert-demo", device_map=device)
    if device != "auto":
        assert model.device.endswith("/device:CPU:0")
    plain = TFAlbertModel.from_pretrained("albert-demo")
    ids = np.array([[5, 6, 7]])
    found, right = (np.asarray(one(ids).last_hidden_state) for one in (model, plain))
    assert np.allclose(found, right, atol=1e-5)


def test_several_devices():
    with pytest.raises(ValueError) as caught:
        TFAlbertModel.from_pretrained("albert-demo", device_map="balanced")
    assert str(caught.value) == (
        "device_map must be one device, such as 'auto', 'cpu', 'cuda', 'cuda:1', "
        "'gpu', 'tpu', 'mps' or a number (-1 is the CPU), but is 'balanced': ALBERT's "
        "layers share their weights, which are on one device."
    )


def test_sizes():
    model = TFAlbertModel.from_pretrained("albert-demo")
    tables = 128 * sum(
        getattr(model.config, name)
        for name in ("vocab_size", "max_position_embeddings", "type_vocab_size")
    )
    total = model.num_parameters()
    assert model.num_parameters(exclude_embeddings=True) == total - tables
    assert model.num_parameters(only_trainable=True) == total
    assert model.get_memory_footprint() == 4 * total
    assert model.get_memory_footprint(return_buffers=False) == 4 * total
    model.pooler.trainable = False
    frozen = model.pooler.count_params()
    assert model.num_parameters(only_trainable=True) == total - frozen
    half = TFAlbertModel.from_pretrained("albert-demo", dtype="bfloat16")
    assert half.get_memory_footprint() == 2 * total
    drops = TFAlbertModel.from_pretrained("albert-demo", hidden_dropout_prob=0.1)
    assert drops.get_memory_footprint() > 4 * total
    assert drops.get_memory_footprint(return_buffers=False) == 4 * total


def test_what_transformers_users_pass():
    model = TFAlbertModel.from_pretrained(
        "albert-demo",
        low_cpu_mem_usage=True,
        trust_remote_code=False,
        use_safetensors=True,
        attn_implementation=None,
    )
    assert model.config.attn_implementation == "sdpa"
    with pytest.raises(ValueError) as caught:
        TFAlbertModel.from_pretrained(
            "albert-demo", attn_implementation="flash_attention_2"
        )
    assert str(caught.value) == (
        "attn_implementation must be one of sdpa, eager, but is 'flash_attention_2'."
    )


def test_moving_a_loaded_model():
    model = TFAlbertModel.from_pretrained("albert-demo", device_map="cpu")
    move(model, find_device("cpu"))
    with pytest.raises(ValueError) as caught:
        move(model, "/device:GPU:1")
    assert str(caught.value) == (
        "the model is on 'device:CPU:0', and Keras does not move models to another "
        "device, as 'device:GPU:1': load it there, with device_map."
    )
