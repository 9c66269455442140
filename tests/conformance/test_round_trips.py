"""From framework to framework through files: every weight comes back bit for bit."""

import importlib
from itertools import pairwise, permutations

import numpy as np
import pytest

from albert.common import names
from albert.common.config import AlbertConfig
from albert.common.opening import open_checkpoint
from albert.common.saving import FORMATS, save_arrays
from conformance.backends import PREFIXES
from conformance.cases import SIZES, random_weights

CONFIG = AlbertConfig(**{**SIZES, "num_hidden_groups": 2, "inner_group_num": 2})
PRE_TRAINING = "AlbertForPreTraining"
FRAMEWORKS = ("pt", "tf", "flax")
FORMS = tuple(FORMATS)
PAIRS = list(permutations(FRAMEWORKS, 2))

# The classes go round alternately in one direction and the other, each starting with
# another form, so that every pair of frameworks hands on every form.
ROUNDS = {
    class_name: (
        ("pt", "tf", "flax", "pt") if number % 2 == 0 else ("pt", "flax", "tf", "pt"),
        [FORMS[(number // 2 + step) % len(FORMS)] for step in range(3)],
    )
    for number, class_name in enumerate(names.PARTS)
}


def load(framework, place, class_name, dtype):
    package = importlib.import_module(f"albert.{framework}")
    loaded = getattr(package, f"{PREFIXES[framework]}{class_name}")
    key = "param_dtype" if framework == "flax" else "dtype"
    options = {key: dtype, "output_loading_info": True}
    model, info = loaded.from_pretrained(place, **options)
    assert not any(info.values())
    return model


def held(folder, dtype):
    """Give the bytes of every weight in a folder, read without a framework."""
    checkpoint = open_checkpoint(folder)
    arrays = checkpoint.arrays
    # TensorFlow's stock classes do not know bfloat16; float32 holds the same values.
    stored = "float32" if checkpoint.file.name.startswith("tf_model") else dtype
    assert {array.dtype for array in arrays.values()} == {stored}
    return {name: (a.shape, a.read().tobytes()) for name, a in arrays.items()}


def source(folder, class_name, dtype):
    """Write weights that use every bit of their type."""
    weights = random_weights(CONFIG, class_name, seed=12)
    if dtype == "bfloat16":
        bits = {name: array.view(np.uint32) >> 16 for name, array in weights.items()}
        weights = {n: a.astype(np.uint16).view("V2") for n, a in bits.items()}
    save_arrays(folder, CONFIG, weights, class_name)
    return held(folder, dtype)


def hand_on(path, framework, place, class_name, form, dtype, **options):
    """Load a checkpoint in a framework and save it in a form."""
    model = load(framework, place, class_name, dtype)
    model.save_pretrained(path, format=form, **options)
    return path


def test_every_class_is_there():
    assert len(ROUNDS) == 7
    steps = {
        (*pair, form)
        for route, forms in ROUNDS.values()
        for pair, form in zip(pairwise(route), forms, strict=True)
    }
    assert {step[:2] for step in steps} == set(PAIRS)
    assert {step[2] for step in steps} == set(FORMS)
    for first in FRAMEWORKS:
        assert {step[2] for step in steps if step[0] == first} == set(FORMS)


@pytest.mark.parametrize("class_name", ROUNDS)
def test_around_the_frameworks(class_name, tmp_path):
    right = source(tmp_path / "source", class_name, "float32")
    route, forms = ROUNDS[class_name]
    place = tmp_path / "source"
    for number, (framework, form) in enumerate(zip(route[:3], forms, strict=True)):
        path = tmp_path / str(number)
        place = hand_on(path, framework, place, class_name, form, "float32")
        assert held(place, "float32") == right
    last = hand_on(tmp_path / "last", "pt", place, class_name, "pt", "float32")
    assert held(last, "float32") == right
    config = open_checkpoint(last).config
    assert config.to_dict() == open_checkpoint(tmp_path / "source").config.to_dict()


@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize(("first", "second"), PAIRS)
def test_every_pair_of_frameworks(first, second, form, dtype, tmp_path):
    right = source(tmp_path / "source", PRE_TRAINING, dtype)
    # Half of them in several files.
    size = "20KB" if (PAIRS.index((first, second)) + FORMS.index(form)) % 2 else "5GB"
    place = hand_on(
        tmp_path / "between",
        first,
        tmp_path / "source",
        PRE_TRAINING,
        form,
        dtype,
        max_shard_size=size,
    )
    assert held(place, dtype) == right
    place = hand_on(
        tmp_path / "last", second, place, PRE_TRAINING, "safetensors", dtype
    )
    assert held(place, dtype) == right
    if size == "5GB" and form == "safetensors":
        files = (place, tmp_path / "between", tmp_path / "source")
        first_bytes, *others = [(f / "model.safetensors").read_bytes() for f in files]
        assert others == [first_bytes] * 2
