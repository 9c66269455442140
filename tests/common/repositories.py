"""What the three frameworks' tests of files share: checkpoints, and repositories."""

import re
import socket

import numpy as np
import pytest

from albert.common.card import model_card
from albert.common.config import AlbertConfig
from albert.common.saving import save_arrays
from conformance.cases import SIZES, random_weights

from .hub_server import BAD_TOKEN, GOOD_TOKEN

NAME = "owner/name"
CONFIG = AlbertConfig(**{**SIZES, "num_hidden_groups": 2, "inner_group_num": 2})
PRE_TRAINING = "AlbertForPreTraining"
FILES = {
    "safetensors": "model.safetensors",
    "pt": "pytorch_model.bin",
    "tf": "tf_model.h5",
    "flax": "flax_model.msgpack",
}


def weights(class_name=PRE_TRAINING, seed=2, dtype="float32"):
    """Make weights by canonical name; those of bfloat16 are float32 it can hold."""
    arrays = random_weights(CONFIG, class_name, seed)
    if dtype == "bfloat16":
        for array in arrays.values():
            array.view(np.uint32)[...] &= 0xFFFF0000
        return arrays
    return {name: array.astype(dtype) for name, array in arrays.items()}


def write(folder, class_name=PRE_TRAINING, form="safetensors", seed=2, **options):
    """Write a checkpoint, and give its weights."""
    arrays = weights(class_name, seed)
    save_arrays(folder, CONFIG, arrays, class_name, format=form, **options)
    return arrays


def content(folder):
    """Give the files of a folder as a repository holds them."""
    files = [path for path in folder.iterdir() if path.is_file()]
    return {path.name: path.read_bytes() for path in files}


def of_every_form(folder):
    """Write one checkpoint in each form, of unlike weights; give the weights."""
    found = {}
    for seed, form in enumerate(reversed(FILES)):
        found[form] = write(folder, form=form, seed=seed)
    return found


def assert_equal(found, right):
    """Compare weights bit for bit; bfloat16 by the float32 that holds it."""
    assert found.keys() == right.keys()
    for name, array in right.items():
        if found[name].dtype != array.dtype:
            assert found[name].dtype.itemsize == 2, name
            found = {**found, name: found[name].astype(np.float32)}
        assert found[name].shape == array.shape, name
        assert found[name].tobytes() == array.tobytes(), name


def block(monkeypatch):
    """Let any use of the network fail in a way that no code catches."""

    def refuse(*_, **__):
        raise SystemError("the network was used")

    for name in ("connect", "connect_ex", "bind", "sendto"):
        monkeypatch.setattr(socket.socket, name, refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    monkeypatch.setattr(socket, "create_connection", refuse)


def failure(kind, call, *arguments, **settings):
    """Give an error's text; it must be one line that shows no token."""
    with pytest.raises(kind) as caught:
        call(*arguments, **settings)
    text = str(caught.value)
    assert "\n" not in text
    assert GOOD_TOKEN not in text
    assert BAD_TOKEN not in text
    return text


def example(class_name, framework):
    """Give the code of a model card's example, "PyTorch", "Keras" or "Flax"."""
    config = AlbertConfig.from_pretrained("albert-demo")
    card = model_card(config, class_name, 1, repo_id="albert-demo")
    blocks = dict(re.findall(r"^(\w+):\n\n```python\n(.*?)\n```$", card, re.M | re.S))
    assert list(blocks) == ["PyTorch", "Keras", "Flax"]
    return blocks[framework]
