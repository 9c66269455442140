import json
import re

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from albert.common import names
from albert.common.checkpoint.safetensors import write_file
from albert.common.config import AlbertConfig
from albert.flax import (
    FlaxAlbertForMaskedLM,
    FlaxAlbertForPreTraining,
    FlaxAlbertForSequenceClassification,
    FlaxAlbertModel,
    FlaxAlbertPreTrainedModel,
)
from conformance.cases import random_weights

DTYPES = ("float32", "bfloat16", "float16")


def at(folder):
    return repr(str(folder / "model.safetensors"))


def _refused(message, error: type[Exception] = ValueError):
    return pytest.raises(error, match=f"^{re.escape(message)}$")


def _assert_equal(one, other):
    assert jax.tree.structure(one) == jax.tree.structure(other)
    for left, right in zip(jax.tree.leaves(one), jax.tree.leaves(other), strict=True):
        assert left.dtype == right.dtype
        np.testing.assert_array_equal(left, right)


@pytest.mark.parametrize("class_name", names.PARTS)
def test_weights_stand_where_flax_has_them(load, config, class_name):
    model = load(class_name)
    for name, array in random_weights(config, class_name, 6).items():
        row = next(row for row in model.weight_rows() if row.canonical == name)
        found = model.params
        for step in row.path("flax", base=class_name == "AlbertModel"):
            found = found[step]
        np.testing.assert_array_equal(found, row.to_framework(array, "flax"))


@pytest.mark.parametrize("dtype", DTYPES)
def test_loading_compiles_nothing(dtype):
    """A program for each shape's cast would take longer than all else of loading."""
    compiled = []

    def listen(event, seconds, **_):
        compiled.extend([event] if "compile" in event else [])

    jax.clear_caches()
    jax.monitoring.register_event_duration_secs_listener(listen)
    try:
        FlaxAlbertForMaskedLM.from_pretrained("albert-demo", param_dtype=dtype)
        assert compiled == []
        jnp.ones(3) + 1
        assert compiled != []
    finally:
        jax.monitoring.unregister_event_duration_listener(listen)


def test_weights_share_no_memory_with_the_file(folder):
    path = folder("AlbertForPreTraining")
    model = FlaxAlbertForPreTraining.from_pretrained(path)
    before = jax.tree.map(np.copy, model.params)
    with open(path / "model.safetensors", "r+b") as file:
        file.seek(-1000, 2)
        file.write(bytes(1000))
    _assert_equal(model.params, before)


def test_weights_that_were_loaded_can_be_donated(folder):
    """Which training steps do, with memory that a CPU shares with NumPy."""
    path = folder("AlbertForPreTraining")
    model = FlaxAlbertForPreTraining.from_pretrained(path)
    expected = jax.tree.map(lambda leaf: np.copy(leaf) + 1, model.params)
    grown = jax.jit(
        lambda params: jax.tree.map(lambda leaf: leaf + 1, params), donate_argnums=0
    )(model.params)
    _assert_equal(grown, expected)


def test_tree_is_that_of_transformers(load):
    params = load("AlbertForPreTraining").params
    assert list(params) == ["albert", "predictions", "sop_classifier"]
    groups = params["albert"]["encoder"]["albert_layer_groups"]
    block = groups["1"]["albert_layers"]["0"]
    assert block["attention"]["query"]["kernel"].shape == (24, 24)
    assert block["ffn"]["kernel"].shape == (24, 37)
    assert set(block["full_layer_layer_norm"]) == {"scale", "bias"}
    assert params["predictions"]["bias"].shape == (101,)
    words = params["albert"]["embeddings"]["word_embeddings"]
    assert words["embedding"].shape == (101, 5)


def test_two_loads_are_equal(folder):
    path = folder("AlbertForPreTraining")
    one, other = (FlaxAlbertForPreTraining.from_pretrained(path) for _ in range(2))
    _assert_equal(one.params, other.params)


@pytest.mark.parametrize("param_dtype", DTYPES)
@pytest.mark.parametrize("class_name", ["AlbertModel", "AlbertForPreTraining"])
def test_saved_and_loaded_is_equal(load, tmp_path, class_name, param_dtype):
    model = load(class_name, param_dtype=param_dtype)
    model.save_pretrained(tmp_path / "saved")
    again = type(model).from_pretrained(tmp_path / "saved", param_dtype="auto")
    assert again.param_dtype == param_dtype
    assert again.dtype == "float32"
    assert again.config.architectures == [class_name]
    _assert_equal(again.params, model.params)


def test_saves_the_weights_that_are_given(load, tmp_path):
    model = load()
    doubled = jax.tree.map(lambda leaf: leaf * 2, model.params)
    model.save_pretrained(tmp_path / "saved", params=doubled)
    _assert_equal(FlaxAlbertModel.from_pretrained(tmp_path / "saved").params, doubled)


def test_saves_pytorchs_name_of_the_class(load, tmp_path):
    load("AlbertForMaskedLM").save_pretrained(tmp_path / "saved")
    values = json.loads((tmp_path / "saved" / "config.json").read_text())
    assert values["architectures"] == ["AlbertForMaskedLM"]
    assert values["dtype"] == "float32"


def test_loaded_weights_outlive_the_file(folder):
    path = folder()
    model = FlaxAlbertModel.from_pretrained(path)
    before = jax.tree.map(np.array, model.params)
    with open(path / "model.safetensors", "r+b") as file:
        size = file.seek(0, 2)
        file.seek(0)
        file.write(bytes(size))
    _assert_equal(jax.tree.map(np.array, model.params), before)


def test_a_missing_head_is_made_and_warned_of(folder):
    path = folder("AlbertModel")
    message = (
        f"{at(path)} has no weights for classifier, which start from random values: "
        "train the model before you use it.\n"
        "  missing: classifier.weight\n"
        "  missing: classifier.bias"
    )
    with pytest.warns(UserWarning, match=f"^{re.escape(message)}$") as caught:
        model, info = FlaxAlbertForSequenceClassification.from_pretrained(
            path, output_loading_info=True
        )
    assert caught[0].filename == __file__
    assert info["missing_keys"] == ["classifier.weight", "classifier.bias"]
    kernel = np.asarray(model.params["classifier"]["kernel"])
    assert kernel.shape == (24, 8)
    assert 0 < np.abs(kernel).max() <= 0.04
    np.testing.assert_array_equal(model.params["classifier"]["bias"], 0)


def test_a_missing_backbone_weight_is_an_error(config, tmp_path):
    weights = random_weights(config, "AlbertModel", 0)
    del weights["albert.encoder.embedding_hidden_mapping_in.bias"]
    config.save_pretrained(tmp_path / "part")
    write_file(tmp_path / "part" / "model.safetensors", weights)
    with _refused(
        f"{at(tmp_path / 'part')} does not fit the model:\n"
        "  missing: albert.encoder.embedding_hidden_mapping_in.bias"
    ):
        FlaxAlbertModel.from_pretrained(tmp_path / "part")


def test_a_head_of_another_shape_is_an_error_or_made_anew(folder):
    path = folder("AlbertForSequenceClassification")
    load = FlaxAlbertForSequenceClassification.from_pretrained
    with _refused(
        f"{at(path)} does not fit the model:\n"
        "  mis-shaped: classifier.weight is [8, 24], the model needs [3, 24]\n"
        "  mis-shaped: classifier.bias is [8], the model needs [3]\n"
        "Set num_labels to the checkpoint's, or pass ignore_mismatched_sizes=True for "
        "a new head."
    ):
        load(path, num_labels=3)
    with pytest.warns(UserWarning, match="has no weights for classifier"):
        model = load(path, num_labels=3, ignore_mismatched_sizes=True)
    assert model.params["classifier"]["kernel"].shape == (24, 3)


def test_weights_are_returned_without_do_init(folder, inputs):
    path = folder()
    whole = FlaxAlbertModel.from_pretrained(path)
    model, params = FlaxAlbertModel.from_pretrained(path, _do_init=False)
    _assert_equal(params, whole.params)
    with _refused(
        "this model was made with _do_init=False and holds no weights: pass params, or "
        "make them with init_weights and set model.params."
    ):
        _ = model.params
    found = model(**inputs(), params=params).last_hidden_state
    np.testing.assert_array_equal(found, whole(**inputs()).last_hidden_state)
    model, params, info = FlaxAlbertModel.from_pretrained(
        path, _do_init=False, output_loading_info=True
    )
    assert info["missing_keys"] == []


def test_types_are_those_asked_for(folder):
    path = folder()
    model = FlaxAlbertModel.from_pretrained(path, dtype=jnp.bfloat16)
    assert (model.dtype, model.param_dtype) == ("bfloat16", "float32")
    model = FlaxAlbertModel.from_pretrained(path, dtype="auto", param_dtype="bfloat16")
    assert (model.dtype, model.param_dtype) == ("float32", "bfloat16")
    assert model.get_input_embeddings().dtype == jnp.bfloat16


@pytest.mark.parametrize("name", ["dtype", "param_dtype"])
@pytest.mark.parametrize("dtype", ["int8", "half", jnp.int32])
def test_other_types_are_refused(folder, name, dtype):
    kinds = "float32, float16, bfloat16, float64 or 'auto'"
    with _refused(f"{name} must be {kinds}, but is {dtype!r}."):
        FlaxAlbertModel.from_pretrained(folder(), **{name: dtype})


def test_fields_of_the_configuration_can_be_set(folder):
    model = FlaxAlbertModel.from_pretrained(folder(), hidden_act="relu")
    assert model.config.hidden_act == "relu"
    with _refused("AlbertConfig has no field 'speed'.", TypeError):
        FlaxAlbertModel.from_pretrained(folder(), speed=3)


def test_a_configuration_is_demanded():
    with _refused(
        "config must be an AlbertConfig, but is a str; to load a checkpoint use "
        "FlaxAlbertModel.from_pretrained.",
        TypeError,
    ):
        FlaxAlbertModel("albert-base-v2")  # pyright: ignore[reportArgumentType]


def test_a_bad_configuration_is_refused(config):
    config.hidden_size = 25
    with _refused(
        "hidden_size must be a multiple of num_attention_heads, but 25 is not a "
        "multiple of 4."
    ):
        FlaxAlbertModel(config)


def test_pooling_can_be_left_out(folder):
    model = FlaxAlbertModel.from_pretrained(folder(), add_pooling_layer=False)
    assert "pooler" not in model.params
    whole = FlaxAlbertModel.from_pretrained(folder())
    assert whole.num_parameters() - model.num_parameters() == 24 * 24 + 24


def test_parameters_are_counted(load):
    model = load("AlbertForPreTraining")
    held = sum(leaf.size for leaf in jax.tree.leaves(model.params))
    assert model.num_parameters() == held


def test_new_weights_are_a_cut_normal(config):
    config = config.replace(vocab_size=20011, initializer_range=0.05)
    table = np.asarray(FlaxAlbertModel(config).get_input_embeddings(), np.float64)
    assert np.abs(table).max() <= 0.1
    assert np.abs(table).max() > 0.0995
    # The deviation of a standard normal cut at 2 is 0.8796: it is not scaled up again.
    np.testing.assert_allclose(table.std(), 0.05 * 0.8796, rtol=0.01)
    assert abs(table.mean()) < 0.001


def test_new_weights_follow_the_seed(config):
    one, same = FlaxAlbertForMaskedLM(config), FlaxAlbertForMaskedLM(config, seed=0)
    other = FlaxAlbertForMaskedLM(config, seed=1)
    _assert_equal(one.params, same.params)
    assert (one.get_input_embeddings() != other.get_input_embeddings()).any()
    block = one.params["albert"]["encoder"]["albert_layer_groups"]["0"]
    attention = block["albert_layers"]["0"]["attention"]
    assert (attention["query"]["kernel"] != attention["key"]["kernel"]).any()
    np.testing.assert_array_equal(attention["query"]["bias"], 0)
    np.testing.assert_array_equal(attention["LayerNorm"]["scale"], 1)
    np.testing.assert_array_equal(attention["LayerNorm"]["bias"], 0)


def test_new_weights_keep_those_that_are_there(load, config):
    params = load("AlbertForMaskedLM").params
    model = FlaxAlbertForMaskedLM(config, _do_init=False)
    made = model.init_weights(jax.random.key(0), (1, 1), {"albert": params["albert"]})
    _assert_equal(made["albert"], params["albert"])
    np.testing.assert_array_equal(made["predictions"]["bias"], 0)


def test_weights_that_are_set_must_be_whole(load):
    model = load("AlbertForMaskedLM")
    with _refused(
        "params must hold predictions/dense/kernel, predictions/dense/bias, "
        "predictions/LayerNorm/scale, predictions/LayerNorm/bias, predictions/bias, "
        "too."
    ):
        model.params = {"albert": model.params["albert"]}


def test_a_users_subclass_loads_and_saves(folder, tmp_path):
    class Mine(FlaxAlbertForMaskedLM):
        pass

    model = Mine.from_pretrained(folder("AlbertForMaskedLM"))
    model.save_pretrained(tmp_path / "saved")
    _assert_equal(Mine.from_pretrained(tmp_path / "saved").params, model.params)


def test_every_model_is_a_pretrained_model(load):
    model = load()
    assert isinstance(model, FlaxAlbertPreTrainedModel)
    assert model.config_class is AlbertConfig
    assert model.base_model_prefix == "albert"


def test_torch_dtype_means_dtype():
    model = FlaxAlbertModel.from_pretrained("albert-demo", torch_dtype="bfloat16")
    assert model.dtype == jnp.bfloat16


def test_float64_needs_to_be_switched_on():
    with pytest.raises(ValueError) as raised:
        FlaxAlbertModel.from_pretrained("albert-demo", dtype="float64")
    assert str(raised.value) == (
        "dtype float64 needs jax.config.update('jax_enable_x64', True): JAX would make "
        "it float32."
    )


def test_params_that_a_file_cannot_hold(config, tmp_path):
    model = FlaxAlbertModel(config)
    for params, text in (
        (3, "must be a nested dictionary of weights, but is a int"),
        ({}, "must hold embeddings/word_embeddings/embedding"),
        ({"params": model.params}, "must hold embeddings/word_embeddings/embedding"),
    ):
        with pytest.raises(ValueError, match=text):
            model.save_pretrained(tmp_path, params=params)
    with pytest.warns(UserWarning, match="not saved: extra/kernel"):
        more = {**model.params, "extra": {"kernel": jnp.ones(3)}}
        model.save_pretrained(tmp_path, params=more)
    embeddings = {**model.params["embeddings"]}
    embeddings["word_embeddings"] = {"embedding": jnp.ones((7, 3))}
    with pytest.raises(ValueError, match=r"embeddings\.weight is \[7, 3\] instead"):
        model.save_pretrained(
            tmp_path, params={**model.params, "embeddings": embeddings}
        )
