"""SavedModels of TensorFlow Hub and of the Model Garden, opened without TensorFlow."""

import json
import shutil
import subprocess
import sys

import numpy as np
import pytest

from albert.common.checkpoint import forms
from albert.common.config import AlbertConfig
from albert.common.opening import open_checkpoint
from conformance.cases import SIZES, random_weights
from conformance.written import FOLDER

MAPPING = "albert.encoder.embedding_hidden_mapping_in"
SEED = 53
KINDS = {
    "tf-hub-0.12.0/module": ("google", ["AlbertForPreTraining"]),
    "tf-hub-0.12.0/pre-training": ("google", ["AlbertForPreTraining"]),
    "tf-models-2.2.0/encoder": ("model-garden", ["AlbertModel"]),
    "tf-models-2.15.0/encoder": ("model-garden", ["AlbertModel"]),
    "tf-models-2.15.0/encoder-no-projection": ("model-garden", ["AlbertModel"]),
    "tf-models-2.15.0/masked-lm": (
        "model-garden",
        ["AlbertModel", "AlbertForMaskedLM"],
    ),
}

every_kind = pytest.mark.parametrize("name", KINDS)


def expected(name):
    """Give the weights that went into a fixture."""
    config = AlbertConfig(**SIZES)
    square = name.endswith("no-projection")
    if square:
        config = config.replace(embedding_size=config.hidden_size)
    weights = {}
    for class_name in KINDS[name][1]:
        weights |= random_weights(config, class_name, SEED)
    if square:
        width = config.hidden_size
        weights[f"{MAPPING}.weight"] = np.eye(width, dtype=np.float32)
        weights[f"{MAPPING}.bias"] = np.zeros(width, np.float32)
    return weights


@pytest.fixture
def folder(tmp_path):
    """A copy of a module of TensorFlow Hub."""
    return shutil.copytree(FOLDER / "tf-hub-0.12.0/module", tmp_path / "module")


def test_every_fixture_is_tested():
    folders = (*FOLDER.glob("tf-hub-*/*"), *FOLDER.glob("tf-models-*/*"))
    assert {path.relative_to(FOLDER).as_posix() for path in folders} == set(KINDS)


@every_kind
def test_the_weights_bit_for_bit(name):
    checkpoint = open_checkpoint(FOLDER / name)
    found = {key: array.read() for key, array in checkpoint.arrays.items()}
    right = expected(name)
    assert found.keys() == right.keys()
    for key, array in found.items():
        np.testing.assert_array_equal(array, right[key], err_msg=key)
        assert array.dtype == np.float32
    assert checkpoint.dialect == KINDS[name][0]
    assert checkpoint.unexpected == ()


def test_tensorflow_is_not_imported():
    code = (
        "import sys\n"
        "from albert.common.opening import open_checkpoint\n"
        "for folder in sys.argv[1:]:\n"
        "    arrays = open_checkpoint(folder).arrays\n"
        "    print(len([array.read() for array in arrays.values()]))\n"
        "assert not {'tensorflow', 'keras', 'google.protobuf'} & set(sys.modules)\n"
    )
    folders = [str(FOLDER / name) for name in KINDS]
    run = subprocess.run(
        [sys.executable, "-c", code, *folders], capture_output=True, text=True
    )
    assert run.returncode == 0, run.stderr
    assert run.stdout.split() == [str(len(expected(name))) for name in KINDS]


@every_kind
def test_gelu_is_the_tanh_form_and_epsilon_is_googles(name):
    config = open_checkpoint(FOLDER / name).config
    assert (config.hidden_act, config.layer_norm_eps) == ("gelu_new", 1e-12)


def test_a_configuration_beside_the_graph_goes_before_the_one_in_assets(folder):
    assert open_checkpoint(folder).config.num_hidden_layers == 3
    values = json.loads((folder / "assets/albert_config.json").read_text("utf-8"))
    text = json.dumps({**values, "num_hidden_layers": 2})
    (folder / "albert_config.json").write_text(text, "utf-8")
    assert open_checkpoint(folder).config.num_hidden_layers == 2


def test_a_configuration_is_needed(folder):
    (folder / "assets/albert_config.json").unlink()
    with pytest.raises(FileNotFoundError) as caught:
        open_checkpoint(folder)
    assert str(caught.value) == (
        f"{str(folder)!r} holds neither config.json nor albert_config.json. Put the "
        f"file beside the weights, or pass config=, such as "
        f"AlbertConfig.preset('albert-base-v2')."
    )
    config = AlbertConfig(**SIZES)
    assert (
        open_checkpoint(folder, config).arrays.keys()
        == expected("tf-hub-0.12.0/module").keys()
    )


def test_the_index_may_be_named_itself(folder):
    checkpoint = open_checkpoint(folder / "variables/variables.index")
    assert checkpoint.config.vocab_size == SIZES["vocab_size"]
    assert open_checkpoint(folder / "variables/variables").file == checkpoint.file


def test_the_variables_must_be_there(folder):
    shutil.rmtree(folder / "variables")
    with pytest.raises(FileNotFoundError) as caught:
        open_checkpoint(folder)
    assert str(caught.value) == (
        f"{str(folder)!r} holds saved_model.pb, but not the weights, "
        f"variables/variables.index. If it is a repository, download it whole and give "
        f"the folder."
    )


def test_a_name_of_two_variables_is_not_used(monkeypatch):
    index = FOLDER / "tf-models-2.15.0/encoder/variables/variables.index"
    keys = [f"variables/{n}/.ATTRIBUTES/VARIABLE_VALUE" for n in range(3)]
    given = dict(zip(keys, ("a/kernel", "a/kernel", "b/kernel"), strict=True))
    monkeypatch.setattr(forms.tf_bundle, "full_names", lambda index: given)
    found = forms.open_weights(index)
    assert {keys[0], keys[1], "b/kernel"} <= found.keys()
    assert not {"a/kernel", keys[2]} & found.keys()
