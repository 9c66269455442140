"""From a folder to one model's arrays: what fits, what is missing, what is refused."""

import dataclasses
import json
import os
import warnings

import numpy as np
import pytest
import safetensors
from safetensors.numpy import load_file, save_file

from albert.common import names
from albert.common.checkpoint.safetensors import write_file
from albert.common.config import AlbertConfig
from albert.common.loading import (
    LoadingReport,
    dtype_name,
    load_arrays,
    prepare,
    take_dtype,
)
from albert.common.opening import open_checkpoint
from albert.common.saving import save_arrays
from conformance.cases import SIZES, random_weights

CONFIG = AlbertConfig(**{**SIZES, "num_hidden_groups": 2, "inner_group_num": 2})

WORDS = "albert.embeddings.word_embeddings.weight"
BLOCK = "albert.encoder.albert_layer_groups.1.albert_layers.0"
HEADS = {
    "AlbertModel": ["pooler"],
    "AlbertForPreTraining": ["pooler", "predictions", "sop_classifier"],
    "AlbertForMaskedLM": ["predictions"],
    "AlbertForSequenceClassification": ["classifier", "pooler"],
    "AlbertForMultipleChoice": ["choice", "pooler"],
    "AlbertForTokenClassification": ["classifier"],
    "AlbertForQuestionAnswering": ["qa_outputs"],
}

every_class = pytest.mark.parametrize("class_name", HEADS)


def weights(class_name="AlbertForPreTraining", config=CONFIG):
    return random_weights(config, class_name, seed=5)


def store(folder, arrays, metadata=None):
    """Write arrays as they are, by the stock library, with the configuration."""
    CONFIG.save_pretrained(folder)
    arrays = {name: np.ascontiguousarray(array) for name, array in arrays.items()}
    save_file(arrays, folder / "model.safetensors", metadata or {"format": "pt"})
    return folder


def load(folder, class_name="AlbertForPreTraining", config=CONFIG, **options):
    rows = names.weights(config, class_name)
    found, report = load_arrays(
        open_checkpoint(folder, config), config, rows, **options
    )
    assert report.weights_file == str(folder / "model.safetensors")
    report = dataclasses.replace(report, weights_file="")
    return {name: array.read() for name, array in found.items()}, report


def assert_equal(found, expected):
    assert found.keys() == expected.keys()
    for name, array in expected.items():
        assert found[name].dtype == array.dtype
        np.testing.assert_array_equal(found[name], array)


def bare(arrays):
    return {name.removeprefix("albert."): array for name, array in arrays.items()}


def at(folder):
    return repr(str(folder / "model.safetensors"))


def different(folder, copy, name):
    path = str(folder / "model.safetensors")
    return (
        f"{copy} and {name} are one weight in ALBERT, but {path!r} holds two different "
        "ones."
    )


EMPTY = LoadingReport((), (), (), ())


# What fits


@every_class
def test_save_then_load(tmp_path, class_name):
    arrays = weights(class_name)
    save_arrays(tmp_path, CONFIG, arrays, class_name)
    found, report = load(tmp_path, class_name)
    assert_equal(found, arrays)
    assert report == EMPTY


@pytest.mark.parametrize("prefix", [True, False])
def test_bare_model_with_and_without_prefix(tmp_path, prefix):
    arrays = weights("AlbertModel")
    store(tmp_path, arrays if prefix else bare(arrays))
    found, report = load(tmp_path, "AlbertModel")
    assert_equal(found, arrays)
    assert report == EMPTY


@every_class
def test_bare_model_with_any_head(tmp_path, class_name):
    store(tmp_path, bare(weights("AlbertModel")))
    rows = names.weights(CONFIG, class_name)
    lacking = [row for row in rows if row.part not in ("backbone", "pooler")]
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        found, report = load(tmp_path, class_name)
    assert report.missing == tuple(row.canonical for row in lacking)
    assert found.keys() == {row.canonical for row in rows if row not in lacking}
    heads = [head for head in HEADS[class_name] if head != "pooler"]
    expected = [
        f"{at(tmp_path)} has no weights for {', '.join(heads)}, which start from "
        "random values: train the model before you use it.\n"
        + "\n".join(f"  missing: {row.canonical}" for row in lacking)
    ]
    assert [str(warning.message) for warning in caught] == (expected if heads else [])


def test_prefixed_and_bare_must_be_equal(tmp_path):
    arrays = weights("AlbertModel")
    name = "embeddings.LayerNorm.bias"
    store(tmp_path, {**arrays, name: arrays[f"albert.{name}"]})
    assert_equal(load(tmp_path, "AlbertModel")[0], arrays)
    store(tmp_path, {**arrays, name: arrays[f"albert.{name}"] + 1})
    with pytest.raises(ValueError) as caught:
        load(tmp_path, "AlbertModel")
    assert str(caught.value) == different(tmp_path, name, f"albert.{name}")


@pytest.mark.parametrize("dtype", ["float64", "float32", "float16"])
def test_types(tmp_path, dtype):
    arrays = {name: array.astype(dtype) for name, array in weights().items()}
    store(tmp_path, arrays)
    found, report = load(tmp_path)
    assert_equal(found, arrays)
    assert report == EMPTY


def test_bfloat16(tmp_path):
    bits = {
        name: (array.view(np.uint32) >> 16).astype(np.uint16)
        for name, array in weights().items()
    }
    raw = {name: array.view("V2") for name, array in bits.items()}
    save_arrays(tmp_path, CONFIG, raw, "AlbertForPreTraining")
    saved = json.loads((tmp_path / "config.json").read_text())
    assert saved["dtype"] == "bfloat16"
    found, _ = load(tmp_path)
    wide = {n: (a.astype(np.uint32) << 16).view(np.float32) for n, a in bits.items()}
    assert_equal(found, wide)


@pytest.mark.parametrize("prefix", ["albert.", ""])
def test_constants_are_left_out(tmp_path, prefix):
    arrays = weights("AlbertModel")
    constants = {
        f"{prefix}embeddings.position_ids": np.arange(19, dtype=np.int64)[None],
        f"{prefix}embeddings.token_type_ids": np.zeros((1, 19), np.int64),
    }
    store(tmp_path, {**(arrays if prefix else bare(arrays)), **constants})
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found, report = load(tmp_path, "AlbertModel")
    assert_equal(found, arrays)
    assert report == EMPTY
    opened = open_checkpoint(tmp_path)
    assert opened.arrays.keys() == arrays.keys()
    assert set(opened.ignored) == constants.keys()


def test_constants_of_float_are_left_out(tmp_path):
    arrays = weights()
    store(tmp_path, {**arrays, "albert.embeddings.position_ids": np.zeros((1, 19))})
    found, report = load(tmp_path)
    assert_equal(found, arrays)
    assert report == EMPTY


def test_two_loads_are_equal(tmp_path):
    save_arrays(tmp_path, CONFIG, weights(), "AlbertForPreTraining")
    first, second = load(tmp_path)[0], load(tmp_path)[0]
    assert_equal(first, second)


@pytest.mark.parametrize(
    ("class_name", "unused"),
    [
        ("AlbertModel", ("predictions.", "sop_classifier.")),
        ("AlbertForMaskedLM", ("albert.pooler.", "sop_classifier.")),
        ("AlbertForPreTraining", ()),
    ],
)
def test_other_heads_stay_unread_without_a_word(tmp_path, class_name, unused):
    arrays = weights()
    store(tmp_path, arrays)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found, report = load(tmp_path, class_name)
    expected = {name for name in arrays if name.startswith(unused)} if unused else set()
    assert set(report.unused) == expected
    assert (report.missing, report.unexpected, report.mismatched) == ((), (), ())
    assert found.keys() == arrays.keys() - expected


# Tied weights


@pytest.mark.parametrize("copies", ["both", "neither", "matrix", "bias"])
@pytest.mark.parametrize("class_name", ["AlbertForPreTraining", "AlbertForMaskedLM"])
def test_tied_copies_may_be_there(tmp_path, class_name, copies):
    arrays = weights(class_name)
    file = dict(arrays)
    if copies in ("both", "matrix"):
        file["predictions.decoder.weight"] = arrays[WORDS].copy()
    if copies in ("both", "bias"):
        file["predictions.decoder.bias"] = arrays["predictions.bias"].copy()
    store(tmp_path, file)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found, report = load(tmp_path, class_name)
    assert_equal(found, arrays)
    assert report == EMPTY


@pytest.mark.parametrize(
    ("copy", "name"),
    [
        ("predictions.decoder.bias", "predictions.bias"),
        ("predictions.decoder.weight", WORDS),
    ],
)
def test_either_copy_is_enough(tmp_path, copy, name):
    arrays = weights()
    file = dict(arrays)
    file[copy] = file.pop(name)
    store(tmp_path, file)
    found, report = load(tmp_path)
    assert_equal(found, arrays)
    assert report == EMPTY


@pytest.mark.parametrize(
    ("copy", "name"),
    [
        ("predictions.decoder.bias", "predictions.bias"),
        ("predictions.decoder.weight", WORDS),
    ],
)
def test_disagreeing_copies_are_an_error(tmp_path, copy, name):
    arrays = weights()
    other = arrays[name].copy()
    other.flat[3] += 1e-6
    assert other.flat[3] != arrays[name].flat[3]
    store(tmp_path, {**arrays, copy: other})
    with pytest.raises(ValueError) as caught:
        load(tmp_path)
    assert str(caught.value) == different(tmp_path, copy, name)


def test_equal_copies_may_hold_nan(tmp_path):
    arrays = weights()
    arrays["predictions.bias"][3] = np.nan
    copy = arrays["predictions.bias"].copy()
    store(tmp_path, {**arrays, "predictions.decoder.bias": copy})
    assert_equal(load(tmp_path)[0], arrays)


# What is missing


def test_every_missing_weight_of_the_backbone_is_listed(tmp_path):
    arrays = weights()
    lost = [WORDS, f"{BLOCK}.attention.key.bias", f"{BLOCK}.ffn.weight"]
    for name in lost:
        del arrays[name]
    store(tmp_path, arrays)
    with pytest.raises(ValueError) as caught:
        load(tmp_path)
    assert str(caught.value) == (
        f"{at(tmp_path)} does not fit the model:\n"
        f"  missing: {lost[0]}\n"
        f"  missing: {lost[1]}\n"
        f"  missing: {lost[2]}"
    )


def test_whole_backbone_missing_is_an_error(tmp_path):
    arrays = {
        name: array
        for name, array in weights("AlbertForMaskedLM").items()
        if name.startswith("predictions.")
    }
    store(tmp_path, arrays)
    with pytest.raises(ValueError) as caught:
        load(tmp_path, "AlbertForMaskedLM")
    lines = str(caught.value).splitlines()
    rows = names.weights(CONFIG, "AlbertForMaskedLM")
    assert lines[1:] == [
        f"  missing: {row.canonical}" for row in rows if row.part == "backbone"
    ]


@pytest.mark.parametrize(
    ("class_name", "lost"),
    [
        ("AlbertForPreTraining", "predictions.LayerNorm.bias"),
        ("AlbertForPreTraining", "predictions.bias"),
        ("AlbertForPreTraining", "sop_classifier.classifier.bias"),
        ("AlbertModel", "albert.pooler.bias"),
        ("AlbertForSequenceClassification", "classifier.weight"),
        ("AlbertForQuestionAnswering", "qa_outputs.bias"),
    ],
)
@pytest.mark.parametrize("ignore", [False, True])
def test_head_that_is_missing_in_part_is_an_error(tmp_path, class_name, lost, ignore):
    arrays = weights(class_name)
    del arrays[lost]
    store(tmp_path, arrays)
    with pytest.raises(ValueError) as caught:
        load(tmp_path, class_name, ignore_mismatched_sizes=ignore)
    assert str(caught.value) == (
        f"{at(tmp_path)} does not fit the model:\n  missing: {lost}"
    )


def test_missing_pooler_is_a_missing_head(tmp_path):
    arrays = weights("AlbertForMaskedLM")
    store(tmp_path, arrays)
    with pytest.warns(UserWarning) as caught:
        _, report = load(tmp_path, "AlbertModel")
    assert [str(warning.message) for warning in caught] == [
        (
            f"{at(tmp_path)} has no weights for pooler, which start from random "
            "values: train the model before you use it.\n"
            "  missing: albert.pooler.weight\n"
            "  missing: albert.pooler.bias"
        )
    ]
    assert report.missing == ("albert.pooler.weight", "albert.pooler.bias")


# What is not expected


def test_unexpected_names_warn(tmp_path):
    arrays = weights()
    store(tmp_path, {**arrays, "albert.extra.weight": np.zeros(3), "x": np.zeros(2)})
    with pytest.warns(UserWarning) as caught:
        found, report = load(tmp_path)
    assert_equal(found, arrays)
    assert report == LoadingReport((), ("albert.extra.weight", "x"), (), ())
    assert [str(warning.message) for warning in caught] == [
        (
            f"{at(tmp_path)} has weights that no ALBERT model has; they were left "
            "out.\n"
            "  unexpected: albert.extra.weight\n"
            "  unexpected: x"
        )
    ]


def test_blocks_beyond_the_configuration_are_an_error(tmp_path):
    store(tmp_path, weights())
    config = CONFIG.replace(inner_group_num=1)
    with pytest.raises(ValueError) as caught:
        load(tmp_path, config=config)
    path = str(tmp_path / "model.safetensors")
    first = "albert.encoder.albert_layer_groups.0.albert_layers.1"
    assert str(caught.value) == (
        f"{path!r} holds blocks that the configuration has no place for "
        f"(num_hidden_groups=2, inner_group_num=1): {first}.attention.LayerNorm.bias, "
        f"{first}.attention.LayerNorm.weight, {first}.attention.dense.bias and 29 "
        f"more. Leaving them out would change every answer."
    )


def test_one_warning_names_the_missing_and_the_unexpected(tmp_path):
    store(tmp_path, {**weights("AlbertModel"), "x": np.zeros(2)})
    with pytest.warns(UserWarning) as caught:
        load(tmp_path, "AlbertForQuestionAnswering")
    assert [str(warning.message) for warning in caught] == [
        (
            f"{at(tmp_path)} has no weights for qa_outputs, which start from random "
            "values: train the model before you use it.\n"
            "  missing: qa_outputs.weight\n"
            "  missing: qa_outputs.bias\n"
            "  unexpected: x"
        )
    ]


# What has another shape

MISSHAPEN_HEAD = (
    "  mis-shaped: classifier.weight is [8, 24], the model needs [6, 24]\n"
    "  mis-shaped: classifier.bias is [8], the model needs [6]"
)


def test_head_of_another_shape_is_an_error_with_advice(tmp_path):
    store(tmp_path, weights("AlbertForSequenceClassification"))
    with pytest.raises(ValueError) as caught:
        load(tmp_path, "AlbertForSequenceClassification", CONFIG.replace(num_labels=6))
    assert str(caught.value) == (
        f"{at(tmp_path)} does not fit the model:\n{MISSHAPEN_HEAD}\n"
        "Set num_labels to the checkpoint's, or pass ignore_mismatched_sizes=True for "
        "a new head."
    )


def test_head_of_another_shape_may_be_left_out(tmp_path):
    arrays = weights("AlbertForSequenceClassification")
    store(tmp_path, arrays)
    with pytest.warns(UserWarning) as caught:
        found, report = load(
            tmp_path,
            "AlbertForSequenceClassification",
            CONFIG.replace(num_labels=6),
            ignore_mismatched_sizes=True,
        )
    expected = {n: a for n, a in arrays.items() if not n.startswith("classifier")}
    assert_equal(found, expected)
    assert report.mismatched == (
        ("classifier.weight", (8, 24), (6, 24)),
        ("classifier.bias", (8,), (6,)),
    )
    assert [str(warning.message) for warning in caught] == [
        (
            f"{at(tmp_path)} has no weights for classifier, which start from random "
            f"values: train the model before you use it.\n{MISSHAPEN_HEAD}"
        )
    ]


@pytest.mark.parametrize("ignore", [False, True])
def test_backbone_of_another_shape_is_an_error_without_advice(tmp_path, ignore):
    store(tmp_path, weights("AlbertModel"))
    config = CONFIG.replace(vocab_size=103)
    with pytest.raises(ValueError) as caught:
        load(tmp_path, "AlbertModel", config, ignore_mismatched_sizes=ignore)
    assert str(caught.value) == (
        f"{at(tmp_path)} does not fit the model:\n"
        f"  mis-shaped: {WORDS} is [101, 5], the model needs [103, 5]"
    )


def test_transposed_matrix_is_an_error(tmp_path):
    arrays = weights("AlbertModel")
    name = f"{BLOCK}.ffn.weight"
    arrays[name] = arrays[name].T
    store(tmp_path, arrays)
    with pytest.raises(ValueError) as caught:
        load(tmp_path, "AlbertModel")
    assert str(caught.value) == (
        f"{at(tmp_path)} does not fit the model:\n"
        f"  mis-shaped: {name} is [24, 37], the model needs [37, 24]"
    )


# What cannot be read


def test_weight_of_integers(tmp_path):
    arrays = weights()
    arrays["predictions.bias"] = arrays["predictions.bias"].astype(np.int8)
    store(tmp_path, arrays)
    with pytest.raises(ValueError) as caught:
        load(tmp_path)
    path = str(tmp_path / "model.safetensors")
    assert str(caught.value) == (
        f"predictions.bias in {path!r} is of type int8, but weights are of float64, "
        "float32, float16, bfloat16."
    )


def test_integers_of_another_name_are_only_unexpected(tmp_path):
    arrays = weights()
    store(tmp_path, {**arrays, "steps": np.zeros(3, np.int64)})
    with pytest.warns(UserWarning, match=r"unexpected: steps$"):
        found, _ = load(tmp_path)
    assert_equal(found, arrays)


def test_cut_file(tmp_path):
    path = store(tmp_path, weights()) / "model.safetensors"
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(ValueError) as caught:
        load(tmp_path)
    assert str(caught.value).startswith(f"{str(path)!r} cannot be read: ")


def test_folder_without_weights(tmp_path):
    CONFIG.save_pretrained(tmp_path)
    (tmp_path / "weights.bin").write_bytes(b"")
    with pytest.raises(FileNotFoundError) as caught:
        load(tmp_path)
    assert str(caught.value) == (
        f"{str(tmp_path)!r} holds no weights in a form that is known: "
        "model.safetensors, pytorch_model.bin, tf_model.h5, flax_model.msgpack, "
        "model.weights.h5, model.weights.json, model.ckpt-best.index, "
        "model.ckpt.index, saved_model.pb, *.keras, *.weights.json, *.weights.h5, "
        "*.ckpt*.index."
    )


# The report


def test_report():
    report = LoadingReport(
        missing=("a", "b"),
        unexpected=("c",),
        mismatched=(("d", (1, 2), (3,)),),
        unused=("e",),
    )
    assert report.to_dict() == {
        "missing_keys": ["a", "b"],
        "unexpected_keys": ["c"],
        "mismatched_keys": [("d", (1, 2), (3,))],
        "unused_keys": ["e"],
    }
    assert str(report) == (
        "  missing: a\n"
        "  missing: b\n"
        "  unexpected: c\n"
        "  mis-shaped: d is [1, 2], the model needs [3]"
    )


# Saving


@every_class
def test_saved_file_is_the_stock_one(tmp_path, class_name):
    arrays = weights(class_name)
    save_arrays(str(tmp_path / "a" / "b"), CONFIG, arrays, class_name)
    path = tmp_path / "a" / "b" / "model.safetensors"
    assert set(os.listdir(path.parent)) == {"config.json", "model.safetensors"}
    with safetensors.safe_open(path, "np") as opened:
        assert opened.metadata() == {"format": "pt"}
    expected = bare(arrays) if class_name == "AlbertModel" else arrays
    assert_equal(load_file(path), expected)


@pytest.mark.parametrize("dtype", ["float64", "float32", "float16"])
def test_saved_configuration_says_class_and_type(tmp_path, dtype):
    arrays = {name: array.astype(dtype) for name, array in weights().items()}
    config = CONFIG.replace(architectures=["AlbertModel"])
    config.gap_size = 1
    config.torch_dtype = "float8"
    save_arrays(tmp_path, config, arrays, "AlbertForPreTraining")
    saved = json.loads((tmp_path / "config.json").read_text())
    assert saved == {
        **CONFIG.to_dict(),
        "architectures": ["AlbertForPreTraining"],
        "dtype": dtype,
        "gap_size": 1,
    }
    assert config.architectures == ["AlbertModel"]
    assert config.torch_dtype == "float8"


def test_saving_into_a_file_is_an_error(tmp_path):
    (tmp_path / "file").write_text("x")
    with pytest.raises(NotADirectoryError) as caught:
        save_arrays(tmp_path / "file", CONFIG, weights(), "AlbertForPreTraining")
    assert str(caught.value) == (
        f"save_directory {str(tmp_path / 'file')!r} is a file; give the path of a "
        "folder."
    )


def test_failing_save_leaves_the_old_checkpoint(tmp_path, monkeypatch):
    save_arrays(tmp_path, CONFIG, weights(), "AlbertForPreTraining")
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}

    def fail(_, temporary, **__):
        temporary.write_bytes(b"part")
        raise OSError("disk full")

    monkeypatch.setattr(safetensors, "serialize_file", fail)
    changed = {name: array + 1 for name, array in weights().items()}
    with pytest.raises(OSError, match=r"^disk full$"):
        save_arrays(
            tmp_path, CONFIG.replace(pad_token_id=1), changed, "AlbertForPreTraining"
        )
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before


def test_bad_configuration_is_refused_before_anything_is_written(tmp_path):
    config = CONFIG.replace()
    config.num_attention_heads = 5
    with pytest.raises(ValueError) as caught:
        save_arrays(tmp_path, config, weights(), "AlbertForPreTraining")
    assert str(caught.value) == (
        "hidden_size must be a multiple of num_attention_heads, but 24 is not a "
        "multiple of 5."
    )
    assert os.listdir(tmp_path) == []


# Folder and configuration


def saved(folder):
    save_arrays(folder, CONFIG, weights(), "AlbertForPreTraining")
    return AlbertConfig.from_pretrained(folder)


def test_prepare_reads_the_folder(tmp_path):
    config = saved(tmp_path)
    checkpoint, found = prepare(str(tmp_path), None, {})
    assert found == config
    assert checkpoint.file == tmp_path / "model.safetensors"
    assert checkpoint.arrays.keys() == weights().keys()


def test_prepare_with_overrides(tmp_path):
    config = saved(tmp_path)
    _, found = prepare(tmp_path, None, {"num_labels": 4, "hidden_act": "relu"})
    assert found == config.replace(num_labels=4, hidden_act="relu")


def test_prepare_takes_the_given_configuration(tmp_path):
    saved(tmp_path)
    given = CONFIG.replace(hidden_act="relu")
    _, config = prepare(tmp_path, given, {})
    assert config is given
    _, config = prepare(tmp_path, given, {"num_labels": 4})
    assert config == given.replace(num_labels=4)
    assert given.num_labels == 8


@pytest.mark.parametrize("flag", ["from_pt", "from_tf", "from_flax"])
def test_prepare_sees_the_form_in_the_file(tmp_path, flag):
    config = saved(tmp_path)
    assert prepare(tmp_path, None, {flag: True})[1] == config


def test_prepare_of_an_unknown_field(tmp_path):
    saved(tmp_path)
    with pytest.raises(TypeError) as caught:
        prepare(tmp_path, None, {"device_map": "auto"})
    assert str(caught.value) == "AlbertConfig has no field 'device_map'."


def test_prepare_without_a_configuration(tmp_path):
    saved(tmp_path)
    (tmp_path / "config.json").unlink()
    with pytest.raises(FileNotFoundError) as caught:
        prepare(tmp_path, None, {})
    assert str(caught.value) == (
        f"{str(tmp_path)!r} holds neither config.json nor albert_config.json. Put the "
        f"file beside the weights, or pass config=, such as "
        f"AlbertConfig.preset('albert-base-v2')."
    )


@pytest.mark.parametrize(
    ("types", "expected"),
    [
        (["float16", "float16"], "float16"),
        (["float16", "float32"], "float32"),
        (["float32", "float64"], "float64"),
        (["float16", "bfloat16"], "float32"),
    ],
)
def test_stored_dtype_holds_every_weight(tmp_path, types, expected):
    names = ("qa_outputs.weight", "qa_outputs.bias")
    arrays = {
        name: np.zeros(3, "V2" if dtype == "bfloat16" else dtype)
        for name, dtype in zip(names, types, strict=True)
    }
    write_file(tmp_path / "model.safetensors", arrays)
    assert open_checkpoint(tmp_path, CONFIG).dtype == expected


def test_long_report_is_cut():
    missing = tuple(f"weight {number}" for number in range(250))
    lines = str(LoadingReport(missing, (), (), ())).splitlines()
    assert len(lines) == 201
    assert lines[-2:] == ["  missing: weight 199", "  and 50 more"]
    assert len(str(LoadingReport(missing[:200], (), (), ())).splitlines()) == 200


def test_types_of_any_framework_have_a_name():
    class Torch:
        def __repr__(self):
            return "torch.float16"

    class Keras:
        name = "mixed_float16"

    assert dtype_name(Torch()) == "float16"
    assert dtype_name(Keras()) == "mixed_float16"
    for one in (np.float16, np.dtype("float16"), "float16", "torch.float16"):
        assert dtype_name(one) == "float16"


def test_either_name_of_the_type():
    options = {"torch_dtype": "float16", "revision": "main"}
    assert take_dtype(None, options) == "float16"
    assert options == {"revision": "main"}
    assert take_dtype("bfloat16", {"torch_dtype": "float16"}) == "bfloat16"
    assert take_dtype("bfloat16", {"torch_dtype": None}) == "bfloat16"
    assert take_dtype(None, {}) is None
