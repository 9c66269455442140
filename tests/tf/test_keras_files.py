"""Keras' own files: written and read by Keras, and opened by every framework."""

from functools import cache

import keras
import numpy as np
import pytest
import tensorflow as tf

import albert.tf
from albert.common import names
from albert.common.opening import open_checkpoint

CLASSES = tuple(names.PARTS)
PRE_TRAINING = "AlbertForPreTraining"
TRAINED = ("AlbertForPreTraining", "AlbertForQuestionAnswering")

every_class = pytest.mark.parametrize("class_name", CLASSES)
# Keras' own, when it hands a variable to h5py.
pytestmark = pytest.mark.filterwarnings(
    "ignore:__array__ implementation:DeprecationWarning"
)


def held(model):
    """Give a model's weights by canonical name."""
    return {
        row.canonical: row.to_framework(model._get_weight(row).numpy(), "tf")
        for row in model.weight_rows()
    }


def widened(arrays):
    return {
        name: array.astype(np.float32) if array.dtype.itemsize == 2 else array
        for name, array in arrays.items()
    }


def assert_equal(found, right):
    assert found.keys() == right.keys()
    for name, array in right.items():
        assert found[name].dtype == array.dtype, name
        assert found[name].shape == array.shape, name
        assert found[name].tobytes() == array.tobytes(), name


def assert_same_outputs(model, other, inputs):
    found, right = other(inputs), model(inputs)
    assert set(found) == set(right)
    for name in right:
        np.testing.assert_array_equal(np.array(found[name]), np.array(right[name]))


def train(model, inputs):
    """Compile and train, so that the optimizer has a state."""
    # Tracing would take longer than all the rest.
    model.compile(optimizer=keras.optimizers.AdamW(0.01), run_eagerly=True)
    before = held(model)
    model.fit(inputs, epochs=2, batch_size=2, verbose=0)
    after = held(model)
    assert all((before[name] != after[name]).any() for name in after)
    return model


@pytest.fixture(scope="module")
def saved(config, tmp_path_factory):
    """Give a model of a class with random weights, and the `.keras` file of it."""

    @cache
    def make(class_name):
        random = np.random.default_rng(9)
        model = getattr(albert.tf, f"TF{class_name}")(config, name="mine")
        for weight in model.weights:
            weight.assign(random.normal(size=tuple(weight.shape)).astype(np.float32))
        path = tmp_path_factory.mktemp(class_name) / "x.keras"
        model.save(path)
        return model, path

    return make


@every_class
def test_keras_file(class_name, saved, config, inputs_of):
    model, path = saved(class_name)
    again = keras.saving.load_model(path)
    assert type(again) is type(model)
    assert again.name == "mine"
    assert again.config == config
    assert_equal(held(again), held(model))
    assert_same_outputs(model, again, inputs_of(class_name))


@pytest.mark.parametrize("class_name", TRAINED)
def test_keras_file_of_a_trained_model(class_name, flat, make, inputs_of, tmp_path):
    inputs = inputs_of(class_name)
    model = train(make(class_name, flat), inputs)
    model.save(tmp_path / "x.keras")
    again = keras.saving.load_model(tmp_path / "x.keras")
    assert_equal(held(again), held(model))
    assert_same_outputs(model, again, inputs)
    assert again.optimizer.get_config() == model.optimizer.get_config()
    states = zip(again.optimizer.variables, model.optimizer.variables, strict=True)
    for one, other in states:
        np.testing.assert_array_equal(one.numpy(), other.numpy())
    assert int(again.optimizer.iterations) == 4
    # Training goes on as if it had not been interrupted.
    for each in (model, again):
        keras.utils.set_random_seed(5)
        each.fit(inputs, verbose=0, shuffle=False)
    assert_equal(held(again), held(model))


@pytest.mark.parametrize("class_name", TRAINED)
def test_our_reader_leaves_the_optimizer(class_name, flat, make, inputs_of, tmp_path):
    model = train(make(class_name, flat), inputs_of(class_name))
    model.save(tmp_path / "x.keras")
    checkpoint = open_checkpoint(tmp_path / "x.keras")
    assert checkpoint.unexpected == ()
    assert any(name.startswith("optimizer/vars/") for name in checkpoint.ignored)
    again, info = type(model).from_pretrained(
        tmp_path / "x.keras", output_loading_info=True
    )
    assert not any(info.values())
    assert_equal(held(again), held(model))


@every_class
def test_weights_file(class_name, saved, config, tmp_path):
    """Keras and we read what `save_weights` writes."""
    model, _ = saved(class_name)
    path = tmp_path / "model.weights.h5"
    model.save_weights(path)
    config.save_pretrained(tmp_path)
    other, info = type(model).from_pretrained(tmp_path, output_loading_info=True)
    assert not any(info.values())
    assert other.config == config
    assert_equal(held(other), held(model))
    for weight in other.weights:
        weight.assign(tf.zeros(weight.shape))
    other.load_weights(path)
    assert_equal(held(other), held(model))


@every_class
def test_from_pretrained(class_name, saved, config):
    model, path = saved(class_name)
    again, info = type(model).from_pretrained(path, output_loading_info=True)
    assert not any(info.values())
    assert again.config == config
    assert_equal(held(again), held(model))


@pytest.mark.parametrize("file", ["b.keras", "b.weights.h5"])
def test_any_name_in_a_folder(file, flat, make, tmp_path):
    model = make("AlbertModel", flat)
    flat.save_pretrained(tmp_path)
    save = model.save if file == "b.keras" else model.save_weights
    save(tmp_path / file)
    for place in (tmp_path, tmp_path / file):
        assert_equal(held(type(model).from_pretrained(place)), held(model))


def test_weights_alone_need_a_configuration(flat, make, tmp_path):
    model = make("AlbertModel", flat)
    model.save_weights(tmp_path / "x.weights.h5")
    load = type(model).from_pretrained
    with pytest.raises(FileNotFoundError, match="Put the file beside the weights, or"):
        load(tmp_path / "x.weights.h5")
    assert_equal(held(load(tmp_path / "x.weights.h5", config=flat)), held(model))


@every_class
def test_pytorch_opens_it(class_name, saved, config):
    import albert.pt

    model, path = saved(class_name)
    loaded = getattr(albert.pt, class_name)
    again, info = loaded.from_pretrained(path, output_loading_info=True)
    assert not any(info.values())
    found = {
        row.canonical: again._get_weight(row).detach().numpy()
        for row in again.weight_rows()
    }
    assert_equal(found, held(model))
    assert again.config == config


@every_class
def test_flax_opens_it(class_name, saved, config):
    import albert.flax

    model, path = saved(class_name)
    loaded = getattr(albert.flax, f"Flax{class_name}")
    again, info = loaded.from_pretrained(path, output_loading_info=True)
    assert not any(info.values())
    found = {
        row.canonical: row.to_framework(np.asarray(again._get_weight(row)), "flax")
        for row in again.weight_rows()
    }
    assert_equal(found, held(model))
    assert again.config == config


@pytest.mark.parametrize("dtype", ["bfloat16", "float16", "float64"])
def test_types(dtype, flat, make, inputs_of, tmp_path):
    model = make(PRE_TRAINING, flat, dtype=dtype)
    model.save(tmp_path / "x.keras")
    again = keras.saving.load_model(tmp_path / "x.keras")
    assert again.dtype_policy.name == dtype
    assert_equal(held(again), held(model))
    assert_same_outputs(model, again, inputs_of(PRE_TRAINING))
    checkpoint = open_checkpoint(tmp_path / "x.keras")
    assert checkpoint.dtype == dtype
    found = {name: array.read() for name, array in checkpoint.arrays.items()}
    assert_equal(widened(found), widened(held(model)))
    ours = type(model).from_pretrained(tmp_path / "x.keras", dtype="auto")
    assert ours.dtype == dtype
    assert_equal(held(ours), held(model))


def test_mixed_types(flat, make, inputs_of, tmp_path):
    inputs = inputs_of(PRE_TRAINING)
    model = train(make(PRE_TRAINING, flat, dtype="mixed_bfloat16"), inputs)
    model.save(tmp_path / "x.keras")
    again = keras.saving.load_model(tmp_path / "x.keras")
    assert again.dtype_policy.name == "mixed_bfloat16"
    assert (again.variable_dtype, again.compute_dtype) == ("float32", "bfloat16")
    assert_equal(held(again), held(model))
    assert_same_outputs(model, again, inputs)
    ours = type(model).from_pretrained(tmp_path / "x.keras", dtype="mixed_bfloat16")
    assert_equal(held(ours), held(model))
    assert_same_outputs(model, ours, inputs)
    assert open_checkpoint(tmp_path / "x.keras").dtype == "float32"


def test_without_a_pooling_layer(config, make, tmp_path):
    model = make("AlbertModel", config, add_pooling_layer=False)
    model.save(tmp_path / "x.keras")
    again = keras.saving.load_model(tmp_path / "x.keras")
    assert again.pooler is None
    assert_equal(held(again), held(model))
    found = open_checkpoint(tmp_path / "x.keras").arrays
    assert found.keys() == held(model).keys()


def test_keras_keeps_the_model_of_a_graph(flat, make, inputs_of, tmp_path):
    """A model that was traced and has run is saved like any other."""
    model = make("AlbertForMaskedLM", flat)
    inputs = inputs_of("AlbertForMaskedLM")
    tf.function(model)(dict(inputs))
    model.save(tmp_path / "x.keras")
    again = keras.saving.load_model(tmp_path / "x.keras")
    assert_equal(held(again), held(model))
    assert_same_outputs(model, again, inputs)
