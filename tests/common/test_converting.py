"""Choosing a class, rounding weights, comparing, and placing the result."""

import math

import numpy as np
import pytest

from albert.common import converting, names
from albert.common.checkpoint.safetensors import open_file, write_file
from albert.common.config import AlbertConfig
from albert.common.opening import open_checkpoint
from conformance.cases import SIZES, random_weights

LARGEST = np.finfo(np.float32).max


def write(folder, *classes, without=(), **changes):
    """Write the weights of classes into one file; the first class names it."""
    config = AlbertConfig(**{**SIZES, **changes})
    arrays = {}
    for class_name in classes:
        arrays = {**random_weights(config, class_name, seed=3), **arrays}
    folder.mkdir(exist_ok=True)
    config.save_pretrained(folder)
    kept = {name: arrays[name] for name in arrays if name not in without}
    write_file(folder / "model.safetensors", kept)
    return open_checkpoint(folder)


def bits(values):
    return converting.cast("w", values, "bfloat16").view(np.uint16)


# Rounding


def test_bfloat16_is_what_jax_makes_of_float32():
    from ml_dtypes import bfloat16

    random = np.random.default_rng(0)
    values = random.integers(0, 1 << 32, 100_000, np.uint32).view(np.float32)
    values = values[np.abs(values) < 3.38e38]
    values = np.append(values, np.float32([0, -0.0, 1e-45, np.inf, -np.inf]))
    np.testing.assert_array_equal(bits(values), values.astype(bfloat16).view(np.uint16))


def test_bfloat16_of_float64_is_rounded_once():
    tie, little = 1 + 2.0**-8, 2.0**-40
    values = np.array([tie - little, tie, tie + little, -tie - little, 1 + 3 * 2.0**-8])
    one = 0x3F80
    expected = [one, one, one + 1, (one + 1) | 0x8000, one + 2]
    assert bits(values).tolist() == expected


def test_every_bfloat16_stays_itself():
    every = np.arange(1 << 16, dtype=np.uint16)
    values = converting.widened(every.view("V2"))
    assert values.dtype == np.float32
    np.testing.assert_array_equal(bits(values), every)


@pytest.mark.parametrize("pattern", [0x7F800001, 0xFF80FFFF, 0x7FFFFFFF, 0xFFC12345])
def test_nan_stays_nan_in_bfloat16(pattern):
    found = converting.cast("w", np.uint32([pattern]).view(np.float32), "bfloat16")
    assert np.isnan(converting.widened(found)).all()
    assert found.view(np.uint16)[0] >> 15 == pattern >> 31


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64"])
def test_other_types_round_as_numpy_does(dtype):
    values = np.array([np.nan, np.inf, 1e-7, 0.1, -65504.0, 2.0**-24 * 1.5, -0.0])
    found = converting.cast("w", values, dtype)
    assert found.dtype == dtype
    np.testing.assert_array_equal(found, values.astype(dtype))
    assert np.signbit(found[-1])


@pytest.mark.parametrize(
    ("value", "dtype"),
    [
        (np.float32(65520), "float16"),
        (np.float32(LARGEST), "bfloat16"),
        (np.float64(LARGEST), "bfloat16"),
        (np.float64(1e39), "bfloat16"),
        (np.float64(1e39), "float32"),
    ],
)
def test_what_a_type_cannot_hold(value, dtype):
    message = rf"pooler.weight reaches {value:.3g}, which {dtype} cannot hold: choose"
    with pytest.raises(ValueError, match=message.replace("+", r"\+")):
        converting.cast("pooler.weight", np.array([np.inf, -value]), dtype)


def test_reading_keeps_each_type_and_says_whether_values_changed(tmp_path):
    arrays = {
        "a": np.float32([0.1, 3]),
        "b": np.float16([0.1, 3]),
        "c": np.uint16([0x3F80, 0x7FC1]).view("V2"),
        "d": np.float64([0.1, 3]),
    }
    write_file(tmp_path / "model.safetensors", arrays)
    lazy = open_file(tmp_path / "model.safetensors")
    sizes = []
    found, rounded = converting.read_all(lazy, None, sizes.append)
    assert not rounded
    assert sizes == [2, 2, 2, 2]
    for name, array in arrays.items():
        assert found[name].dtype == array.dtype
        assert found[name].tobytes() == array.tobytes()
    for name, dtype, expected in [
        ("a", "float16", True),
        ("a", "bfloat16", True),
        ("a", "float64", False),
        ("b", "float32", False),
        ("b", "bfloat16", True),
        ("c", "float32", False),
        ("c", "float16", False),
        # Models compute in float32 anyway.
        ("d", "float32", False),
        ("d", "float16", True),
    ]:
        _, rounded = converting.read_all({name: lazy[name]}, dtype)
        assert rounded is expected, (name, dtype)


# The class


@pytest.mark.parametrize("class_name", names.PARTS)
def test_the_class_that_the_configuration_names(tmp_path, class_name):
    every = ("AlbertForPreTraining", "AlbertForQuestionAnswering")
    classifier = "AlbertForSequenceClassification"
    if class_name == "AlbertForMultipleChoice":
        classifier = class_name
    stated = [f"TF{class_name}"]
    checkpoint = write(tmp_path, *every, classifier, architectures=stated)
    fit, why = converting.choose(checkpoint)
    assert fit.class_name == class_name
    assert fit.complete
    assert why == "its configuration names it"
    needed = {row.canonical for row in names.weights(checkpoint.config, class_name)}
    assert {row.canonical for row in fit.rows} == needed
    assert set(fit.left_out) == checkpoint.arrays.keys() - needed


@pytest.mark.parametrize(
    ("classes", "without", "expected"),
    [
        (["AlbertModel"], [], "AlbertModel"),
        (["AlbertForMaskedLM"], [], "AlbertForMaskedLM"),
        (["AlbertForMaskedLM", "AlbertModel"], [], "AlbertForMaskedLM"),
        (["AlbertForPreTraining"], [], "AlbertForPreTraining"),
        (
            ["AlbertForPreTraining"],
            ["sop_classifier.classifier.bias"],
            "AlbertForMaskedLM",
        ),
        (["AlbertForPreTraining"], ["predictions.bias"], "AlbertModel"),
        (["AlbertForQuestionAnswering"], [], "AlbertForQuestionAnswering"),
        (["AlbertForMultipleChoice"], [], "AlbertForMultipleChoice"),
        (["AlbertForTokenClassification"], [], "AlbertForTokenClassification"),
    ],
)
def test_the_class_that_has_the_weights(tmp_path, classes, without, expected):
    fit, why = converting.choose(write(tmp_path, *classes, without=without))
    assert (fit.class_name, why) == (expected, "by its weights")


def test_a_named_class_that_is_not_there(tmp_path):
    stated = ["AlbertForQuestionAnswering"]
    fit, why = converting.choose(
        write(tmp_path, "AlbertForMaskedLM", architectures=stated)
    )
    assert fit.class_name == "AlbertForMaskedLM"
    assert why == (
        "by its weights; its configuration names AlbertForQuestionAnswering, of which "
        "qa_outputs.weight is missing, qa_outputs.bias is missing"
    )


@pytest.mark.parametrize(
    ("classes", "changes", "candidates"),
    [
        (
            ["AlbertForSequenceClassification"],
            {"num_labels": 3},
            "AlbertForSequenceClassification, AlbertForTokenClassification",
        ),
        (
            ["AlbertForSequenceClassification"],
            {"num_labels": 1},
            (
                "AlbertForSequenceClassification, AlbertForMultipleChoice, "
                "AlbertForTokenClassification"
            ),
        ),
        (
            ["AlbertForMaskedLM", "AlbertForQuestionAnswering"],
            {},
            "AlbertForMaskedLM, AlbertForQuestionAnswering",
        ),
    ],
)
def test_several_classes_are_complete(tmp_path, classes, changes, candidates):
    checkpoint = write(tmp_path, *classes, **changes)
    message = (
        f"can be of several classes, and its configuration names none of them: choose "
        f"one of {candidates} with --head."
    )
    with pytest.raises(ValueError, match=message):
        converting.choose(checkpoint)
    for candidate in candidates.split(", "):
        fit, why = converting.choose(checkpoint, candidate)
        assert (fit.class_name, why) == (candidate, "asked for")


def test_an_asked_class_that_is_not_there(tmp_path):
    checkpoint = write(tmp_path, "AlbertForPreTraining", num_labels=3)
    message = (
        r"model.safetensors' does not hold an AlbertForTokenClassification: "
        r"classifier.weight is missing, classifier.bias is missing. Complete in it: "
        r"AlbertModel, AlbertForPreTraining, AlbertForMaskedLM\."
    )
    with pytest.raises(ValueError, match=message):
        converting.choose(checkpoint, "AlbertForTokenClassification")


def test_a_head_of_another_shape(tmp_path):
    write(tmp_path, "AlbertForSequenceClassification", num_labels=3)
    stated = ["AlbertForSequenceClassification"]
    checkpoint = open_checkpoint(
        tmp_path,
        AlbertConfig(**{**SIZES, "num_labels": 5, "architectures": stated}),
    )
    message = r"classifier.weight is \[3, 24\] and not \[5, 24\], classifier.bias is "
    with pytest.raises(ValueError, match=message):
        converting.choose(checkpoint)


def test_no_class_is_complete(tmp_path):
    lost = "albert.embeddings.LayerNorm.bias"
    checkpoint = write(tmp_path, "AlbertForMaskedLM", without=[lost])
    message = (
        f"does not hold an AlbertModel: {lost} is missing. Complete in it: no class."
    )
    with pytest.raises(ValueError, match=message):
        converting.choose(checkpoint)


def test_an_encoder_without_its_pooling_layer(tmp_path):
    checkpoint = write(tmp_path, "AlbertForMaskedLM")
    fit, _ = converting.choose(checkpoint, "AlbertModel")
    assert not fit.pooling
    assert {row.part for row in fit.rows} == {names.BACKBONE}
    half = write(tmp_path, "AlbertModel", without=["albert.pooler.bias"])
    fit = converting.fit(half, "AlbertModel")
    assert fit.pooling
    assert fit.missing == ("albert.pooler.bias",)


def test_with_nan():
    arrays = {
        "a": np.array([1, np.nan], np.float16),
        "b": np.array([[1, np.inf]], np.float64),
        "c": np.array([0x3F80, 0x7FC0], np.uint16).view("V2"),
        "d": np.array([0x3F80, 0x7F80], np.uint16).view("V2"),
    }
    assert converting.with_nan(arrays) == ["a", "c"]
    assert converting.with_nan({}) == []


# Comparing


def test_weights_are_compared_by_their_bits(tmp_path):
    source = write(tmp_path / "source", "AlbertForMaskedLM")
    arrays, _ = converting.read_all(source.arrays, None)
    names_of = list(arrays)

    def differing(dtype=None, **changes):
        folder = tmp_path / "result"
        folder.mkdir(exist_ok=True)
        source.config.save_pretrained(folder)
        changed = {names_of[int(key[1:])]: value for key, value in changes.items()}
        written = {**arrays, **changed}
        write_file(
            folder / "model.safetensors",
            {name: array for name, array in written.items() if array is not None},
        )
        result = open_checkpoint(folder)
        return converting.differing_weights(source.arrays, dtype, result)

    assert differing() == []
    bias = arrays[names_of[4]].copy()
    bias[2] = np.nextafter(bias[2], np.float32(9))
    assert differing(_4=bias) == [names_of[4]]
    assert differing(_4=arrays[names_of[4]][::-1]) == [names_of[4]]
    assert differing(_4=arrays[names_of[4]].astype(np.float64)) == [names_of[4]]
    assert differing("float64", _4=arrays[names_of[4]].astype(np.float64)) == sorted(
        names_of[:4] + names_of[5:]
    )
    assert differing(_1=None) == [names_of[1]]


def test_minus_zero_and_nan_are_compared_by_their_bits(tmp_path):
    lost = "albert.embeddings.LayerNorm.bias"
    source = write(tmp_path, "AlbertForMaskedLM")
    for values, others, same in [
        ([0.0, np.nan], [0.0, np.nan], True),
        ([0.0, np.nan], [-0.0, np.nan], False),
    ]:
        left, right = (
            {lost: write_one(tmp_path / side, lost, np.float32(numbers))}
            for side, numbers in (("l", values), ("r", others))
        )
        result = open_checkpoint(source.file)
        object.__setattr__(result, "arrays", right)
        assert (converting.differing_weights(left, None, result) == []) is same


def test_the_same_bits_of_another_type_are_not_the_same(tmp_path):
    lost = "albert.embeddings.LayerNorm.bias"
    result = write(tmp_path, "AlbertForMaskedLM")
    pattern = np.uint16([0x3F80, 0x4000])
    left = {lost: write_one(tmp_path / "l", lost, pattern.view("V2"))}
    right = {lost: write_one(tmp_path / "r", lost, pattern.view(np.float16))}
    object.__setattr__(result, "arrays", right)
    assert converting.differing_weights(left, None, result) == [lost]


def write_one(path, name, values):
    write_file(path, {name: values})
    return open_file(path)[name]


def test_the_largest_difference_of_all_outputs():
    one = {"a": np.zeros((2, 3)), "b": (np.ones(2), np.zeros(1))}
    assert converting.largest_difference(one, one) == 0
    for key, place, value in [("a", 4, -3.0), ("b", 0, 2.0), ("b", 1, -4.0)]:
        other = {"a": one["a"].copy(), "b": tuple(a.copy() for a in one["b"])}
        target = other["a"].reshape(-1)[4:] if key == "a" else other["b"][place]
        target[0] += value
        assert converting.largest_difference(one, other) == abs(value)
        target[0] = np.nan
        assert math.isnan(converting.largest_difference(one, other))
        assert math.isnan(converting.largest_difference(other, other))


@pytest.mark.parametrize(
    "other",
    [{}, {"a": np.zeros(3)}, {"b": np.zeros(2)}, {"a": np.zeros(2), "b": np.zeros(1)}],
)
def test_outputs_of_other_names_or_shapes(other):
    one = {"a": np.zeros(2)}
    assert converting.largest_difference(one, other) == math.inf
    assert converting.largest_difference({}, {}) == math.inf


def test_frameworks_are_compared_with_the_first_ones_source():
    calls = []

    def runs(kind, values):
        def run(framework):
            calls.append((kind, framework))
            return {"logits": np.array([values[framework], 50.0])}

        return run

    found = converting.compare_outputs(
        ["pt", "flax"],
        runs("source", {"pt": 1.0, "flax": 2.0}),
        runs("result", {"pt": 1.5, "flax": 2.25}),
    )
    assert calls == [
        ("source", "pt"),
        ("result", "pt"),
        ("source", "flax"),
        ("result", "flax"),
    ]
    assert found == [("pt", 0.5, 0.5, 5.0), ("flax", 0.25, 1.25, 5.0)]
    assert not any(each.agrees for each in found)


@pytest.mark.parametrize(
    ("own", "across", "scale", "agrees"),
    [
        (0.0, 0.0, 1.0, True),
        (2e-5, 1e-3, 1.0, True),
        (2.1e-5, 0.0, 1.0, False),
        (2.1e-5, 0.0, 2.0, True),
        (0.0, 1.1e-3, 1.0, False),
        (0.0, 1.1e-3, 2.0, True),
        (math.nan, 0.0, 1.0, False),
        (0.0, math.nan, 1.0, False),
        (0.0, 0.0, math.nan, False),
        (math.inf, 0.0, 1.0, False),
    ],
)
def test_the_limits(own, across, scale, agrees):
    assert converting.Difference("pt", own, across, scale).agrees is agrees


# Placing


def test_a_result_takes_its_place_as_a_whole(tmp_path):
    folder = tmp_path / "a" / "b"
    with converting.placing(folder, "pt", with_tokenizer=False) as staged:
        (staged / "pytorch_model.bin").write_text("new")
        (staged / "config.json").write_text("new")
        assert not (folder / "config.json").exists()
    assert sorted(path.name for path in folder.iterdir()) == [
        "config.json",
        "pytorch_model.bin",
    ]


@pytest.mark.parametrize("with_tokenizer", [False, True])
def test_older_files_make_way(tmp_path, with_tokenizer):
    shard, index = "pytorch_model-00001-of-00002.bin", "pytorch_model.bin.index.json"
    others = ["README.md", "model.safetensors", "vocab.txt"]
    tokenizer = ["added_tokens.json", "spiece.model", "tokenizer.json"]
    for name in [shard, index, *others, *tokenizer]:
        (tmp_path / name).write_text("old")
    with converting.placing(tmp_path, "pt", with_tokenizer) as staged:
        (staged / "pytorch_model.bin").write_text("new")
    expected = {"pytorch_model.bin", *others, *([] if with_tokenizer else tokenizer)}
    assert {path.name for path in tmp_path.iterdir()} == expected


def test_nothing_is_placed_after_an_error(tmp_path):
    def place(folder):
        with converting.placing(folder, "pt", True) as staged:
            (staged / "pytorch_model.bin").write_text("new")
            raise ValueError("no")

    (tmp_path / "pytorch_model.bin").write_text("old")
    for folder in (tmp_path, tmp_path / "a" / "b"):
        with pytest.raises(ValueError, match=r"^no$"):
            place(folder)
    assert [path.name for path in tmp_path.iterdir()] == ["pytorch_model.bin"]
    assert (tmp_path / "pytorch_model.bin").read_text() == "old"
