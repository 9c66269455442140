"""From arrays to a folder, in each form: read back by us and by the stock libraries."""

import json
import re
from pathlib import Path

import flax.serialization
import h5py
import numpy as np
import pytest
import safetensors
import torch
from flax.traverse_util import flatten_dict
from safetensors.numpy import load_file

from albert.common import names
from albert.common.config import AlbertConfig
from albert.common.opening import open_checkpoint
from albert.common.saving import FORMATS, save_arrays
from conformance.cases import SIZES, random_weights

FIXTURES = Path(__file__).parents[2] / "conformance" / "fixtures"
CONFIG = AlbertConfig(**SIZES)
GROUPS = CONFIG.replace(num_hidden_layers=4, num_hidden_groups=2, inner_group_num=2)
PRE_TRAINING = "AlbertForPreTraining"
WORDS = "albert.embeddings.word_embeddings.weight"
# By hand: what transformers 4 writes.
FILES = {
    "safetensors": "model.safetensors",
    "pt": "pytorch_model.bin",
    "tf": "tf_model.h5",
    "flax": "flax_model.msgpack",
}

every_form = pytest.mark.parametrize("form", FILES)
every_class = pytest.mark.parametrize("class_name", names.PARTS)


def rounded(array, dtype):
    """Give an array in a type; bfloat16 as raw items, cut, as our models hand it on."""
    if dtype != "bfloat16":
        return array.astype(dtype)
    return (array.view(np.uint32) >> 16).astype(np.uint16).view("V2")


def widened(array):
    """Give what readers make of an array."""
    if array.dtype != "V2":
        return array
    return (array.view(np.uint16).astype(np.uint32) << 16).view(np.float32)


def make(class_name=PRE_TRAINING, dtype="float32", config=GROUPS, seed=4):
    weights = random_weights(config, class_name, seed)
    return {name: rounded(array, dtype) for name, array in weights.items()}


def save(folder, form, arrays=None, class_name=PRE_TRAINING, **options):
    arrays = make(class_name) if arrays is None else arrays
    save_arrays(folder, GROUPS, arrays, class_name, format=form, **options)
    return arrays


def listed(folder):
    return {path.name for path in folder.iterdir()}


def assert_holds(folder, arrays, dtype="float32"):
    """Compare every bit of a checkpoint with the arrays that were saved."""
    checkpoint = open_checkpoint(folder)
    if checkpoint.file.name.startswith("tf_model") and dtype == "bfloat16":
        dtype = "float32"  # TensorFlow's stock classes do not know the other
    found = checkpoint.arrays
    assert found.keys() == arrays.keys()
    for name, array in arrays.items():
        assert found[name].dtype == dtype, name
        read, right = found[name].read(), widened(array)
        assert (read.dtype, read.shape) == (right.dtype, right.shape), name
        assert read.tobytes() == right.tobytes(), name


def test_formats():
    assert {key: FORMATS[key].file_name for key in FORMATS} == FILES


# What comes back


@every_form
@every_class
@pytest.mark.parametrize("dtype", ["float32", "float16", "bfloat16", "float64"])
def test_saved_and_opened_is_equal(tmp_path, form, class_name, dtype):
    arrays = save(tmp_path, form, make(class_name, dtype), class_name)
    assert listed(tmp_path) == {"config.json", FILES[form]}
    assert_holds(tmp_path, arrays, dtype)
    checkpoint = open_checkpoint(tmp_path)
    stored = "float32" if (form, dtype) == ("tf", "bfloat16") else dtype
    assert checkpoint.dtype == stored
    assert checkpoint.unexpected == checkpoint.ignored == ()
    checkpoint.check_copies(arrays)


@every_form
def test_special_values_are_kept(tmp_path, form):
    arrays = make()
    bits = [0x7FC00001, 0xFF800000, 0x80000000, 0x00000001, 0x7F7FFFFF]
    arrays["predictions.bias"][:5] = np.array(bits, np.uint32).view(np.float32)
    save(tmp_path, form, arrays)
    assert_holds(tmp_path, arrays)


@every_form
def test_arrays_are_left_alone(tmp_path, form):
    arrays = make()
    for array in arrays.values():
        array.flags.writeable = False
    save(tmp_path, form, arrays)
    assert {n: a.tobytes() for n, a in arrays.items()} == {
        n: a.tobytes() for n, a in make().items()
    }


@every_form
def test_twice_the_same_bytes(tmp_path, form):
    for folder in ("a", "b"):
        save(tmp_path / folder, form)
    first, second = ((tmp_path / f / FILES[form]).read_bytes() for f in ("a", "b"))
    assert first == second


@every_form
@every_class
@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
def test_sharded(tmp_path, form, class_name, dtype):
    limit = 20_000 if dtype == "float32" else 10_000
    arrays = make(class_name, dtype)
    save(tmp_path, form, arrays, class_name, max_shard_size=f"{limit // 1000}KB")
    index = json.loads((tmp_path / f"{FILES[form]}.index.json").read_text())
    parts = sorted(set(index["weight_map"].values()))
    stem, suffix = FILES[form].split(".")
    assert parts == [
        f"{stem}-{number:05d}-of-{len(parts):05d}.{suffix}"
        for number in range(1, len(parts) + 1)
    ]
    assert len(parts) >= 3
    assert listed(tmp_path) == {"config.json", f"{FILES[form]}.index.json", *parts}
    sizes = {part: sum(stock(tmp_path / part).values()) for part in parts}
    assert max(sizes.values()) <= limit
    assert index["metadata"]["total_size"] == sum(sizes.values())
    held = [name for part in parts for name in stock(tmp_path / part)]
    assert sorted(held) == sorted(index["weight_map"])
    for part in parts:
        for name in stock(tmp_path / part):
            assert index["weight_map"][name] == part
    assert_holds(tmp_path, arrays, dtype)


@every_form
def test_a_tensor_beyond_the_limit_has_a_file_of_its_own(tmp_path, form):
    arrays = save(tmp_path, form, max_shard_size=3000)
    index = json.loads((tmp_path / f"{FILES[form]}.index.json").read_text())
    large = 0
    for part in set(index["weight_map"].values()):
        sizes = stock(tmp_path / part)
        if sum(sizes.values()) > 3000:
            assert len(sizes) == 1
            large += 1
    # The two matrices of the feed-forward network, in each of four blocks.
    assert large == 8
    assert_holds(tmp_path, arrays)


def stock(path):
    """Give the bytes of each tensor in a file by the name that stock readers see."""
    if path.suffix == ".h5":
        found = {}
        with h5py.File(path) as file:
            file.visititems(
                lambda name, item: (
                    found.update({name: item.nbytes})
                    if isinstance(item, h5py.Dataset)
                    else None
                )
            )
        return found
    if path.suffix == ".safetensors":
        with safetensors.safe_open(path, "pt") as file:
            return {name: file.get_tensor(name).nbytes for name in file.keys()}  # noqa: SIM118
    if path.suffix == ".bin":
        return {name: tensor.nbytes for name, tensor in torch.load(path).items()}
    tree = flax.serialization.msgpack_restore(path.read_bytes())
    return {"/".join(k): np.asarray(v).nbytes for k, v in flatten_dict(tree).items()}


@pytest.mark.parametrize(
    ("size", "whole"), [(10**6, True), ("1MB", True), ("1KiB", False), (1, False)]
)
def test_sizes(tmp_path, size, whole):
    save(tmp_path, "safetensors", max_shard_size=size)
    assert ("model.safetensors" in listed(tmp_path)) is whole


def test_exactly_the_limit_is_one_file(tmp_path):
    total = sum(array.nbytes for array in make().values())
    save(tmp_path / "a", "safetensors", max_shard_size=total)
    save(tmp_path / "b", "safetensors", max_shard_size=total - 1)
    assert "model.safetensors" in listed(tmp_path / "a")
    assert "model.safetensors.index.json" in listed(tmp_path / "b")


# The stock libraries


def fixture_weights(class_name):
    """Give the weights that the real tools wrote into the fixtures."""
    return make(class_name, config=CONFIG, seed=53)


def assert_same(found, right):
    assert found.keys() == right.keys()
    for name, array in right.items():
        assert found[name].dtype == array.dtype, name
        np.testing.assert_array_equal(found[name], array, err_msg=name)


def write_fixture(folder, form, class_name):
    arrays = fixture_weights(class_name)
    save_arrays(folder, CONFIG, arrays, class_name, format=form)
    return folder / FILES[form]


def tensors(path):
    """Read a `.bin`; the tied weights, which transformers writes twice, once."""
    state = torch.load(path, weights_only=True)
    tied = ("predictions.decoder.weight", "predictions.decoder.bias")
    return {name: state[name].numpy() for name in state if name not in tied}


@every_class
def test_torch_reads_what_transformers_writes(tmp_path, class_name):
    path = write_fixture(tmp_path, "pt", class_name)
    theirs = FIXTURES / "transformers-4.57.6-pt" / f"bin-{class_name}"
    assert_same(tensors(path), tensors(theirs / path.name))
    assert not any("decoder" in name for name in torch.load(path))


@every_class
def test_safetensors_reads_what_transformers_writes(tmp_path, class_name):
    """Of each class there is a `.bin`, whose names are the same."""
    path = write_fixture(tmp_path, "safetensors", class_name)
    theirs = FIXTURES / "transformers-4.57.6-pt" / f"bin-{class_name}"
    assert_same(load_file(path), tensors(theirs / "pytorch_model.bin"))
    with safetensors.safe_open(path, "np") as file:
        assert file.metadata() == {"format": "pt"}
    assert not any("decoder" in name for name in load_file(path))


@every_class
def test_flax_reads_what_transformers_writes(tmp_path, class_name):
    path = write_fixture(tmp_path, "flax", class_name)
    theirs = FIXTURES / "transformers-4.57.6-flax" / f"msgpack-{class_name}"
    found, right = (
        flatten_dict(flax.serialization.msgpack_restore(file.read_bytes()))
        for file in (path, theirs / path.name)
    )
    assert_same(found, right)


def keras_2(path):
    """Read a file as Keras 2 does: by the names in the attributes."""

    def text(name):
        return name.decode() if isinstance(name, bytes) else name

    with h5py.File(path) as file:
        layers = {
            text(layer): [
                text(name) for name in file[text(layer)].attrs["weight_names"]
            ]
            for layer in file.attrs["layer_names"]
        }
        found = {
            f"{layer}/{name}": file[layer][name][...]
            for layer, all_names in layers.items()
            for name in all_names
        }
        assert text(file.attrs["backend"]) == "tensorflow"
        assert text(file.attrs["keras_version"]).startswith("2.")
    # The model's name may count up in a process.
    return {re.sub(r"(/tf_albert\w*?)_\d+/", r"\1/", n): a for n, a in found.items()}


@every_class
def test_keras_2_reads_what_transformers_writes(tmp_path, class_name):
    path = write_fixture(tmp_path, "tf", class_name)
    theirs = FIXTURES / "transformers-4.57.6-tf" / f"h5-{class_name}"
    found, right = keras_2(path), keras_2(theirs / path.name)
    assert_same(found, right)
    words = [name for name in found if "word_embeddings" in name]
    model = "tf_albert_for_masked_lm/albert/embeddings/word_embeddings/weight:0"
    if class_name == "AlbertForMaskedLM":
        assert words == [f"albert/{model}", f"predictions/{model}"]


def test_names_in_shards_of_tensorflow(tmp_path):
    """No layer and no model in front, as in transformers' own."""
    save(tmp_path, "tf", max_shard_size="20KB")
    index = json.loads((tmp_path / "tf_model.h5.index.json").read_text())
    held = set(index["weight_map"])
    blocks = "albert/encoder/albert_layer_groups_._1/albert_layers_._0"
    assert held > {
        "albert/embeddings/word_embeddings/weight:0",
        f"{blocks}/ffn/kernel:0",
        "predictions/bias:0",
        "predictions/decoder/bias:0",
    }
    for part in set(index["weight_map"].values()):
        with h5py.File(tmp_path / part) as file:
            layers = [name.decode() for name in file.attrs["layer_names"]]
        here = [name for name in held if index["weight_map"][name] == part]
        assert sorted(layers) == sorted(here)


def test_types_of_the_stock_libraries(tmp_path):
    arrays = make(dtype="bfloat16")
    wide = torch.from_numpy(widened(arrays[WORDS]))
    for form in ("safetensors", "pt", "flax"):
        save(tmp_path / form, form, arrays)
    state = torch.load(tmp_path / "pt" / FILES["pt"], weights_only=True)
    with safetensors.safe_open(
        tmp_path / "safetensors" / FILES["safetensors"], "pt"
    ) as f:
        stored = f.get_tensor(WORDS)
    for tensor in (state[WORDS], stored):
        assert tensor.dtype == torch.bfloat16
        assert torch.equal(tensor.float(), wide)
    text = (tmp_path / "flax" / FILES["flax"]).read_bytes()
    leaf = flax.serialization.msgpack_restore(text)["albert"]["embeddings"]
    leaf = leaf["word_embeddings"]["embedding"]
    assert str(leaf.dtype) == "bfloat16"
    np.testing.assert_array_equal(leaf.astype(np.float32), wide.numpy())


# What was there before

OTHERS = ("README.md", "spiece.model", "tokenizer.json", "model.txt", "model-7.bin")


@every_form
def test_whole_after_sharded_and_back(tmp_path, form):
    tmp_path = tmp_path / "folder"
    save(tmp_path, form, max_shard_size="20KB")
    for name in OTHERS:
        (tmp_path / name).write_text(f"{name} of somebody")
    fewer = make("AlbertForMaskedLM", seed=5)
    save(tmp_path, form, fewer, "AlbertForMaskedLM")
    assert listed(tmp_path) == {"config.json", FILES[form], *OTHERS}
    assert_holds(tmp_path, fewer)
    save(tmp_path, form, make(seed=6), max_shard_size="9KB")
    assert FILES[form] not in listed(tmp_path)
    many = {name for name in listed(tmp_path) if "-of-" in name}
    assert_holds(tmp_path, make(seed=6))
    save(tmp_path, form, make(seed=7), max_shard_size="30KB")
    few = {name for name in listed(tmp_path) if "-of-" in name}
    assert len(many) > len(few) > 1
    assert not many & few
    index = f"{FILES[form]}.index.json"
    assert listed(tmp_path) == {"config.json", index, *few, *OTHERS}
    assert_holds(tmp_path, make(seed=7))
    for name in OTHERS:
        assert (tmp_path / name).read_text() == f"{name} of somebody"


PAIRS = [(form, other) for form in FILES for other in FILES if form != other]


@pytest.mark.parametrize(("form", "other"), PAIRS)
@pytest.mark.parametrize("size", ["5GB", "20KB"], ids=["whole", "sharded"])
def test_another_form_beside(tmp_path, form, other, size):
    """A reader takes the preferred one: nothing may be written that it passes over."""
    save(tmp_path, other, seed_of(1), max_shard_size=size)
    before = content(tmp_path)
    older = FILES[other] + ("" if size == "5GB" else ".index.json")
    if list(FILES).index(other) < list(FILES).index(form):
        with pytest.raises(ValueError) as caught:
            save(tmp_path, form, seed_of(2))
        assert str(caught.value) == (
            f"{str(tmp_path)!r} holds {older}, with other weights, which readers "
            f"prefer to {FILES[form]}: remove it, or give another folder."
        )
        assert content(tmp_path) == before
        save(tmp_path, form, seed_of(1))
        assert_holds(tmp_path, seed_of(1))
    else:
        save(tmp_path, form, seed_of(2))
        assert_holds(tmp_path, seed_of(2))
    assert listed(tmp_path) == {*before, FILES[form]}


def content(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def seed_of(seed):
    return make(seed=seed)


def test_damaged_weights_of_a_preferred_form_are_other_weights(tmp_path):
    (tmp_path / "model.safetensors").write_bytes(b"nothing")
    with pytest.raises(ValueError, match=r"holds model\.safetensors, with other"):
        save(tmp_path, "flax")


def test_checkpoints_of_training_beside_are_no_hindrance(tmp_path):
    for name in ("model.ckpt-100.index", "model.ckpt-200.index", "a.keras", "b.keras"):
        (tmp_path / name).write_bytes(b"")
    arrays = save(tmp_path, "flax")
    assert_holds(tmp_path, arrays)


# What is refused, before anything is written


@pytest.mark.parametrize("form", ["bin", "h5", "SAFETENSORS", "", "keras", "google"])
def test_unknown_format(tmp_path, form):
    with pytest.raises(ValueError) as caught:
        save(tmp_path / "new", form)
    assert str(caught.value) == (
        f"format must be one of safetensors, pt, tf, flax, but is {form!r}."
    )
    assert listed(tmp_path) == set()


@pytest.mark.parametrize("size", ["5", "GB", "-1GB", "0MB", 0, -5, True, "5 bytes", ""])
@every_form
def test_bad_size(tmp_path, form, size):
    with pytest.raises(ValueError) as caught:
        save(tmp_path / "new", form, max_shard_size=size)
    assert str(caught.value) == (
        f"max_shard_size must be a positive number of bytes or a text like '5GB', "
        f"'200MB' or '1GiB', but is {size!r}."
    )
    assert listed(tmp_path) == set()


# The configuration


@every_form
@pytest.mark.parametrize("dtype", ["float32", "float16", "bfloat16", "float64"])
@pytest.mark.parametrize("size", ["5GB", "9KB"], ids=["whole", "sharded"])
def test_configuration_says_class_and_type(tmp_path, form, dtype, size):
    class_name = "AlbertForTokenClassification"
    save(tmp_path, form, make(class_name, dtype), class_name, max_shard_size=size)
    saved = json.loads((tmp_path / "config.json").read_text())
    assert saved == {
        **GROUPS.to_dict(),
        "architectures": [class_name],
        "dtype": "float32" if (form, dtype) == ("tf", "bfloat16") else dtype,
    }
    assert "torch_dtype" not in saved
    assert GROUPS.architectures is None
