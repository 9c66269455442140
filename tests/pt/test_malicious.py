"""A pickle that would run code is refused, in every form of file, and nothing runs."""

import json
import os

import pytest
import torch

from albert.common.config import AlbertConfig
from albert.pt import AlbertForMaskedLM, AlbertModel
from conformance.cases import SIZES

SHARD = "pytorch_model-00001-of-00001.bin"


class Harm:
    """Touches a file when a pickle makes it again."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return os.system, (f"touch {self.path}",)


@pytest.fixture
def folder(tmp_path):
    folder = tmp_path / "model"
    AlbertConfig(**SIZES).save_pretrained(folder)
    return folder


def plant(folder, name, zipped, protocol=2):
    """Write a whole model and one more value, which means harm."""
    model = AlbertModel(AlbertConfig(**SIZES))
    torch.save(
        {**model.state_dict(), "harm": Harm(folder.parent / "touched")},
        folder / name,
        pickle_protocol=protocol,
        _use_new_zipfile_serialization=zipped,
    )
    return {"weight_map": dict.fromkeys(model.state_dict(), name)}


def refused(folder, name, kind=AlbertModel):
    with pytest.raises(ValueError) as caught:
        kind.from_pretrained(folder)
    assert str(caught.value).startswith(
        f"{str(folder / name)!r} cannot be read: it holds code or objects that are no "
        f"plain tensors ("
    )
    assert str(caught.value).endswith(
        "), which were not run: use another file, such as model.safetensors."
    )
    assert os.listdir(folder.parent) == ["model"]


def test_the_harm_is_real(tmp_path):
    torch.save(Harm(tmp_path / "touched"), tmp_path / "file")
    torch.load(tmp_path / "file", weights_only=False)
    assert (tmp_path / "touched").exists()


@pytest.mark.parametrize("protocol", [2, 4])
@pytest.mark.parametrize("zipped", [True, False])
@pytest.mark.parametrize("kind", [AlbertModel, AlbertForMaskedLM])
def test_one_file(folder, kind, zipped, protocol):
    plant(folder, "pytorch_model.bin", zipped, protocol)
    refused(folder, "pytorch_model.bin", kind)


@pytest.mark.parametrize("zipped", [True, False])
def test_shard(folder, zipped):
    index = plant(folder, SHARD, zipped)
    (folder / "pytorch_model.bin.index.json").write_text(json.dumps(index))
    refused(folder, SHARD)


@pytest.mark.parametrize("name", ["model.pt", "model.pth", "other.bin"])
def test_file_that_is_named(folder, name):
    plant(folder, name, True)
    with pytest.raises(ValueError, match="which were not run"):
        AlbertModel.from_pretrained(folder / name)
    assert os.listdir(folder.parent) == ["model"]
