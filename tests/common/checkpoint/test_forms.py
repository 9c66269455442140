"""Which files of a folder hold the weights, and what is said of others."""

import numpy as np
import pytest

from albert.common.checkpoint import forms


@pytest.mark.parametrize(
    ("name", "advice"),
    [
        ("saved_model.pb", "is only the program of a SavedModel: give the folder, {}."),
        *(
            (
                f"model.ckpt-best.{end}",
                "is one of the files of a TensorFlow checkpoint: give the prefix, {}.",
            )
            for end in ("data-00000-of-00001", "meta")
        ),
        (
            "model.txt",
            f"is no weight file of a form that is known: {', '.join(forms.KINDS)}.",
        ),
    ],
)
def test_files_that_are_not_opened_by_themselves(tmp_path, name, advice):
    path = tmp_path / name
    path.touch()
    with pytest.raises(ValueError) as caught:
        forms.open_weights(path)
    folder = tmp_path if name == "saved_model.pb" else tmp_path / "model.ckpt-best"
    advice = advice.format(repr(str(folder)))
    assert str(caught.value) == f"{str(path)!r} {advice}"


@pytest.mark.parametrize(
    ("names", "index"),
    [
        (["model-00001-of-00002.safetensors"], "model.safetensors.index.json"),
        (["a", "pytorch_model-00002-of-00002.bin"], "pytorch_model.bin.index.json"),
        (["tf_model-00001-of-00001.h5"], "tf_model.h5.index.json"),
        (
            ["flax_model-00001-of-00002.msgpack", "model.safetensors.index.json"],
            "flax_model.msgpack.index.json",
        ),
        (["model-00001-of-00002.safetensors", "model.safetensors.index.json"], ""),
        (["other-00001-of-00002.safetensors", "model.safetensors"], ""),
        ([], ""),
    ],
)
def test_shards_without_their_index(names, index):
    assert forms.orphans(names) == index


def test_single_file_comes_before_an_index():
    names = ["model.safetensors.index.json", "model.safetensors"]
    ((form, name),) = forms.weight_files(names)
    assert (form.key, name) == ("safetensors", "model.safetensors")


@pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")
def test_parts_that_keras_writes(tmp_path):
    import keras

    layers = [keras.layers.Dense(300), keras.layers.Dense(400)]
    model = keras.Sequential([keras.Input((200,)), *layers])
    model.save_weights(tmp_path / "w.weights.json", max_shard_size=6e-4)
    names = sorted(path.name for path in tmp_path.iterdir())
    assert len(names) == 3
    ((form, name),) = forms.weight_files(names)
    assert (form.key, name) == ("keras", "w.weights.json")
    found = forms.open_weights(tmp_path / name)
    arrays = {array.shape: array.read() for array in found.values()}
    for layer in layers:
        for array in layer.get_weights():
            np.testing.assert_array_equal(arrays[array.shape], array)
