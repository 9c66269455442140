"""New weights, loading, saving and Keras' own serialisation."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf

import albert.tf
from albert.common import names
from albert.common.checkpoint.safetensors import write_file
from albert.common.saving import save_arrays
from conformance import oracle

NAMES = tuple(oracle.MODELS)


def at(folder):
    return repr(str(folder / "model.safetensors"))


@pytest.fixture
def write(tmp_path: Path, flat: Any) -> Any:
    """Write a folder as another framework does; give its arrays."""

    def save(name: str, dtype: Any = np.float32, config: Any = flat) -> Any:
        random = np.random.default_rng(7)
        arrays = {
            row.canonical: random.normal(size=row.shape(config)).astype(dtype)
            for row in names.weights(config, name)
        }
        save_arrays(tmp_path, config, arrays, name)
        return tmp_path, arrays

    return save


def arrays_of(model: Any) -> dict[str, np.ndarray]:
    return {
        row.canonical: row.to_framework(model._get_weight(row).numpy(), "tf")
        for row in model.weight_rows()
    }


@pytest.mark.parametrize("name", NAMES)
def test_every_weight_comes_from_the_file(name: str, write: Any) -> None:
    folder, arrays = write(name)
    loaded = getattr(albert.tf, f"TF{name}")
    for _ in range(2):
        model, info = loaded.from_pretrained(folder, output_loading_info=True)
        assert not any(info.values())
        found = arrays_of(model)
        assert found.keys() == arrays.keys()
        for key in arrays:
            np.testing.assert_array_equal(found[key], arrays[key])


@pytest.mark.parametrize("dtype", ["float32", "float16", "bfloat16", "float64"])
@pytest.mark.parametrize("name", ["AlbertModel", "AlbertForPreTraining"])
def test_save_and_load_are_bit_equal(
    name: str, dtype: str, flat: Any, make: Any, tmp_path: Path
) -> None:
    model = make(name, flat, dtype=dtype)
    model.save_pretrained(tmp_path)
    again = type(model).from_pretrained(tmp_path, dtype="auto")
    assert again.dtype == dtype
    assert again.config.architectures == [name]
    for first, second in zip(model.weights, again.weights, strict=True):
        assert first.dtype == second.dtype == dtype
        np.testing.assert_array_equal(first.numpy(), second.numpy())


@pytest.mark.parametrize(
    ("asked", "variable", "compute"),
    [
        ({}, "float32", "float32"),
        ({"dtype": "bfloat16"}, "bfloat16", "bfloat16"),
        ({"dtype": tf.float16}, "float16", "float16"),
        ({"dtype": np.dtype("float64")}, "float64", "float64"),
        ({"torch_dtype": "float16"}, "float16", "float16"),
        ({"dtype": "auto"}, "float16", "float16"),
        ({"dtype": "mixed_bfloat16"}, "float32", "bfloat16"),
    ],
)
def test_dtype(asked: Any, variable: str, compute: str, write: Any) -> None:
    folder, arrays = write("AlbertModel", np.float16)
    model = albert.tf.TFAlbertModel.from_pretrained(folder, **asked)
    assert (model.variable_dtype, model.compute_dtype) == (variable, compute)
    assert {weight.dtype for weight in model.weights} == {variable}
    found = model.pooler.kernel.numpy()
    np.testing.assert_array_equal(
        found, arrays["albert.pooler.weight"].T.astype(found.dtype)
    )


def test_unknown_dtype(write: Any) -> None:
    folder, _ = write("AlbertModel")
    with pytest.raises(ValueError) as caught:
        albert.tf.TFAlbertModel.from_pretrained(folder, dtype="int8")
    assert str(caught.value) == (
        "dtype must be float32, float16, bfloat16, float64 or 'auto', but is 'int8'."
    )


def test_a_missing_head_is_announced_and_drawn(write: Any, flat: Any) -> None:
    folder, arrays = write("AlbertModel", config=flat.replace(hidden_size=64))
    loaded = albert.tf.TFAlbertForSequenceClassification
    with pytest.warns(UserWarning) as caught:
        keras.utils.set_random_seed(2)
        model, info = loaded.from_pretrained(folder, output_loading_info=True)
    assert str(caught[0].message) == (
        f"{at(folder)} has no weights for classifier, which start from random "
        "values: train the model before you use it.\n"
        "  missing: classifier.weight\n"
        "  missing: classifier.bias"
    )
    assert caught[0].filename == __file__
    assert info["missing_keys"] == ["classifier.weight", "classifier.bias"]
    kernel = model.classifier.kernel.numpy()
    assert 0.2 < kernel.std() < 0.3
    assert np.abs(kernel).max() <= 0.6
    assert not model.classifier.bias.numpy().any()
    found = model.albert.pooler.kernel.numpy()
    np.testing.assert_array_equal(found, arrays["albert.pooler.weight"].T)


def test_a_missing_backbone_weight_is_an_error(tmp_path: Path, flat: Any) -> None:
    arrays = {
        row.canonical: np.zeros(row.shape(flat), np.float32)
        for row in names.weights(flat, "AlbertModel")
    }
    del arrays["albert.encoder.embedding_hidden_mapping_in.bias"]
    flat.save_pretrained(tmp_path)
    write_file(tmp_path / "model.safetensors", arrays)
    with pytest.raises(ValueError) as caught:
        albert.tf.TFAlbertModel.from_pretrained(tmp_path)
    assert str(caught.value) == (
        f"{at(tmp_path)} does not fit the model:\n"
        "  missing: albert.encoder.embedding_hidden_mapping_in.bias"
    )


def test_a_head_of_another_size(write: Any) -> None:
    folder, _ = write("AlbertForSequenceClassification")
    loaded = albert.tf.TFAlbertForSequenceClassification
    with pytest.raises(ValueError, match=r"classifier\.weight is \[6, 24\], the"):
        loaded.from_pretrained(folder, num_labels=4)
    with pytest.warns(UserWarning, match="no weights for classifier"):
        model = loaded.from_pretrained(
            folder, num_labels=4, ignore_mismatched_sizes=True
        )
    assert model.classifier.kernel.numpy().std() > 0.1


def test_own_arguments_and_given_configuration(write: Any, flat: Any) -> None:
    folder, _ = write("AlbertModel")
    loaded = albert.tf.TFAlbertModel.from_pretrained
    assert loaded(folder, add_pooling_layer=False).pooler is None
    assert loaded(folder, hidden_act="relu").config.hidden_act == "relu"
    assert loaded(folder, config=flat.replace(hidden_act="silu")).config.hidden_act == (
        "silu"
    )
    with pytest.raises(TypeError) as caught:
        loaded(folder, colour="red")
    assert str(caught.value) == "AlbertConfig has no field 'colour'."


def test_loaded_weights_are_the_model_s_own(write: Any) -> None:
    """Training in place changes neither the file nor a second model."""
    folder, arrays = write("AlbertForMaskedLM")
    first, second = (
        albert.tf.TFAlbertForMaskedLM.from_pretrained(folder) for _ in range(2)
    )
    for weight in first.weights:
        weight.assign_add(tf.ones(weight.shape))
    for name, array in arrays_of(second).items():
        np.testing.assert_array_equal(array, arrays[name])


def test_new_weights(config: Any) -> None:
    wide = config.replace(vocab_size=3001, initializer_range=0.02)
    keras.utils.set_random_seed(5)
    first = arrays_of(albert.tf.TFAlbertForPreTraining(wide))
    keras.utils.set_random_seed(5)
    second = arrays_of(albert.tf.TFAlbertForPreTraining(wide))
    for row in names.weights(wide, "AlbertForPreTraining"):
        array = first[row.canonical]
        np.testing.assert_array_equal(array, second[row.canonical])
        if row.kind in (names.BIAS, names.SHIFT, names.SCALE):
            assert (array == (row.kind is names.SCALE)).all()
        else:
            assert np.abs(array).max() <= 0.04
            assert array.std() > 0.01
    # A normal distribution cut at 2 deviations has 0.8796 of its deviation.
    table = first["albert.embeddings.word_embeddings.weight"]
    assert abs(table.std() / 0.02 - 0.8796) < 0.01
    assert abs(table.mean()) < 5e-4
    assert np.abs(table).max() > 0.0398


def test_a_subclass_loads_its_parent_s_weights(write: Any) -> None:
    class Mine(albert.tf.TFAlbertForSequenceClassification):
        def __init__(self, config: Any, **kwargs: Any) -> None:
            super().__init__(config, **kwargs)
            self.more = keras.layers.Dense(2)

    folder, arrays = write("AlbertForSequenceClassification")
    model = Mine.from_pretrained(folder)
    np.testing.assert_array_equal(
        model.classifier.kernel.numpy(), arrays["classifier.weight"].T
    )


def test_counting_and_embeddings(flat: Any, make: Any) -> None:
    model = make("AlbertForMaskedLM", flat)
    shapes = (row.shape(flat) for row in model.weight_rows())
    assert model.num_parameters() == sum(int(np.prod(shape)) for shape in shapes)
    assert model.get_base_model() is model.albert
    assert model.albert.get_base_model() is model.albert
    assert model.get_input_embeddings() is model.albert.embeddings.word_embeddings


def test_a_name_is_no_configuration() -> None:
    with pytest.raises(TypeError) as caught:
        albert.tf.TFAlbertModel("albert-base-v2")  # pyright: ignore
    assert str(caught.value) == (
        "config must be an AlbertConfig, but is a str; to load a checkpoint use "
        "TFAlbertModel.from_pretrained."
    )


@pytest.mark.parametrize("name", NAMES)
def test_keras_serialisation(name: str, flat: Any, make: Any) -> None:
    model = make(name, flat, dtype="mixed_float16", name="mine")
    data = keras.saving.serialize_keras_object(model)
    again = keras.saving.deserialize_keras_object(data)
    assert (type(again), again.config, again.name) == (type(model), flat, "mine")
    assert again.dtype_policy.name == "mixed_float16"
    assert [w.shape for w in again.weights] == [w.shape for w in model.weights]


def test_another_keras_backend_is_refused_in_one_line() -> None:
    code = "import keras; keras.backend.backend = lambda: 'jax'; import albert.tf"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False
    )
    assert done.stderr.splitlines()[-1] == (
        "ImportError: albert.tf needs Keras on TensorFlow, but Keras runs on 'jax': "
        "set KERAS_BACKEND=tensorflow before Keras is imported."
    )


def test_what_a_class_of_a_users_has_beside_is_not_saved(tmp_path):
    class WithMore(albert.tf.TFAlbertForSequenceClassification):
        def __init__(self, config, **settings):
            super().__init__(config, **settings)
            self.extra = keras.layers.Dense(3)
            self.extra.build((None, 4))

    with pytest.warns(UserWarning, match="no weights for classifier"):
        model = WithMore.from_pretrained("albert-demo")
    with pytest.warns(UserWarning, match="not saved: .*kernel, .*bias"):
        model.save_pretrained(tmp_path)
