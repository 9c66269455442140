"""`albert inspect`: what is printed, for every form, without reading the weights."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import save_file

from albert.cli import main
from albert.common import names
from albert.common.checkpoint.lazy import LazyArray
from albert.common.config import AlbertConfig
from conformance.cases import SIZES, random_weights

FIXTURES = Path(__file__).parents[2] / "conformance" / "fixtures"
FOLDERS = sorted(
    path.parent
    for library in ("transformers", "keras-hub")
    for path in FIXTURES.glob(f"{library}-*/*/config.json")
)
FORMS = {
    "safetensors": "safetensors",
    "bin": "pickle of PyTorch",
    "h5": "HDF5",
    "msgpack": "msgpack",
    # KerasHub's
    "backbone": "HDF5",
    "masked": "HDF5",
    "text": "HDF5",
}
DEMO = Path(__file__).parents[2] / "albert" / "assets" / "albert-demo"


def facts(capsys, source):
    assert main(["inspect", str(source), "--json"]) == 0
    return json.loads(capsys.readouterr().out)


@pytest.fixture
def nothing_is_read(monkeypatch):
    def refuse(self, *arguments):
        raise AssertionError("a weight was read")

    monkeypatch.setattr(LazyArray, "read", refuse)
    monkeypatch.setattr(LazyArray, "blocks", refuse)


def test_what_is_printed(capsys, nothing_is_read):
    assert main(["inspect", "albert-demo"]) == 0
    printed = capsys.readouterr().out
    size = (DEMO / "model.safetensors").stat().st_size
    assert printed.startswith(
        f"form         safetensors, as PyTorch writes it\n"
        f"files        {DEMO / 'model.safetensors'} ({size:,} bytes)\n"
        f"parameters   1,654,850\n"
        f"class        AlbertForPreTraining (its configuration names it)\n"
        f"\nconfiguration\n  vocab_size                    8192\n"
    )
    parts = dict(part.split("\n", 1) for part in printed.split("\n\n"))
    tensors = [line.split(maxsplit=1) for line in parts["tensors"].splitlines()]
    assert len(tensors) == 32
    assert tensors[5][0] == "albert.encoder.embedding_hidden_mapping_in.weight"
    assert tensors[5][1].split("  ") == ["[192, 128]", " float16"]
    assert parts["classes"].splitlines()[2:4] == [
        "  AlbertForMaskedLM                complete",
        (
            "  AlbertForSequenceClassification  "
            "classifier.weight is missing, classifier.bias is missing"
        ),
    ]


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda p: f"{p.parent.name}-{p.name}")
def test_every_form_and_writer(folder, capsys, monkeypatch):
    found = facts(capsys, folder)
    config = AlbertConfig.from_folder(folder)
    assert found["config"] == json.loads(json.dumps(config.to_dict()))
    class_name = (config.architectures or [""])[0]
    class_name = class_name.removeprefix("TF").removeprefix("Flax")
    assert (found["class"], found["why"]) == (class_name, "its configuration names it")
    rows = {row.canonical: row.shape(config) for row in rows_of(folder, config)}
    shapes = {each["name"]: tuple(each["shape"]) for each in found["tensors"]}
    assert shapes == rows
    assert found["parameters"] == sum(int(np.prod(s)) for s in rows.values())
    half = next((t for t in ("bfloat16", "float16") if t in folder.name), "float32")
    assert {each["dtype"] for each in found["tensors"]} == {half}
    assert found["classes"][class_name]["complete"]
    assert found["unexpected"] == []
    for file in found["files"]:
        assert Path(file["path"]).stat().st_size == file["bytes"]
    assert len(found["files"]) == number_of_files(folder)
    assert writer(folder) in found["written_by"]
    assert found["form"] == FORMS[folder.name.partition("-")[0]]


def rows_of(folder, config):
    class_name = config.architectures[0].removeprefix("TF").removeprefix("Flax")
    rows = names.weights(config, class_name)
    if folder.name == "masked-lm":
        # KerasHub's has a pooling layer, which it does not use.
        rows += names.weights(config, "AlbertModel")
    return rows


def number_of_files(folder):
    """Count the weight files and their indexes."""
    suffixes = (".safetensors", ".bin", ".h5", ".msgpack")
    suffixes += (".index.json", ".weights.json")
    return sum(path.name.endswith(suffixes) for path in folder.iterdir())


def writer(folder):
    framework = folder.parent.name.rpartition("-")[2]
    title = {"pt": "PyTorch", "tf": "transformers' TensorFlow", "flax": "Flax"}
    return title.get(framework, "KerasHub")


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda f: f"{f.parent.name}-{f.name}")
def test_no_weight_is_read(folder, capsys, nothing_is_read):
    assert facts(capsys, folder)["class"]


def test_a_saved_model(capsys, nothing_is_read):
    folder = FIXTURES / "tf-models-2.15.0" / "masked-lm"
    found = facts(capsys, folder)
    assert found["class"] == "AlbertForMaskedLM"
    assert found["form"] == "TensorFlow checkpoint"
    assert [Path(file["path"]).relative_to(folder) for file in found["files"]] == [
        Path("variables/variables.index"),
        Path("variables/variables.data-00000-of-00001"),
    ]


def test_the_head_of_a_preset_in_several_files(tmp_path, capsys):
    parts = FIXTURES / "keras-hub-0.32.0" / "backbone-sharded"
    shutil.copytree(parts, tmp_path / "preset")
    task = FIXTURES / "keras-hub-0.32.0" / "text-classifier" / "task.weights.h5"
    shutil.copy(task, tmp_path / "preset")
    found = [Path(file["path"]).name for file in facts(capsys, parts)["files"]]
    assert found[0] == "model.weights.json"
    assert len(found) > 2
    files = facts(capsys, tmp_path / "preset")["files"]
    assert [Path(file["path"]).name for file in files] == [*found, task.name]


def test_an_empty_source(capsys):
    with pytest.raises(SystemExit) as stopped:
        main(["inspect", ""])
    assert stopped.value.code == 2
    assert "argument SRC: must be a path or a name, but is" in capsys.readouterr().err


def test_what_is_missing_mis_shaped_unknown_and_left_by_training(tmp_path, capsys):
    config = AlbertConfig(**{**SIZES, "num_labels": 5})
    arrays = random_weights(config, "AlbertForSequenceClassification", seed=3)
    del arrays["albert.pooler.bias"]
    arrays["albert.embeddings.position_ids"] = np.arange(19)
    arrays["something.weight"] = np.zeros(2, np.float16)
    config.replace(num_labels=4).save_pretrained(tmp_path)
    save_file(arrays, tmp_path / "model.safetensors")
    found = facts(capsys, tmp_path)
    assert found["ignored"] == ["albert.embeddings.position_ids"]
    assert found["unexpected"] == ["something.weight"]
    assert found["class"] is None
    assert "does not hold an AlbertModel: albert.pooler.bias is" in found["why"]
    assert found["classes"]["AlbertForSequenceClassification"] == {
        "complete": False,
        "pooling_layer": True,
        "missing": ["albert.pooler.bias"],
        "mis_shaped": [
            {"name": "classifier.weight", "shape": [5, 24], "needed": [4, 24]},
            {"name": "classifier.bias", "shape": [5], "needed": [4]},
        ],
    }
    assert main(["inspect", str(tmp_path)]) == 0
    printed = capsys.readouterr().out
    assert "class        not known ('" in printed
    assert (
        "ignored: left by training\n  albert.embeddings.position_ids\n\n"
        "unexpected: no ALBERT has these\n  something.weight\n\nclasses\n"
    ) in printed
    assert (
        "  AlbertForSequenceClassification  albert.pooler.bias is missing, "
        "classifier.weight is not [4, 24], classifier.bias is not [4]\n"
    ) in printed


def test_an_encoder_without_its_pooling_layer(capsys):
    folder = FIXTURES / "transformers-4.57.6-pt" / "bin-AlbertForMaskedLM"
    assert not facts(capsys, folder)["classes"]["AlbertModel"]["pooling_layer"]
    assert main(["inspect", str(folder)]) == 0
    printed = capsys.readouterr().out
    assert (
        "  AlbertModel                      complete, but for the pooling layer\n"
        in printed
    )


def test_a_file_and_a_prefix_instead_of_a_folder(tmp_path, capsys, nothing_is_read):
    found = facts(capsys, DEMO / "model.safetensors")
    assert found["files"][0]["path"] == str(DEMO / "model.safetensors")
    shutil.copytree(DEMO, tmp_path / "demo")
    renamed = tmp_path / "demo" / "mine.safetensors"
    (tmp_path / "demo" / "model.safetensors").rename(renamed)
    assert facts(capsys, renamed)["parameters"] == 1_654_850


def test_another_model(tmp_path, capsys):
    name = "bert.encoder.layer.0.output.dense.weight"
    save_file({name: np.zeros((2, 2), np.float32)}, tmp_path / "model.safetensors")
    (tmp_path / "config.json").write_text("{}")
    assert main(["inspect", str(tmp_path)]) == 1
    printed = capsys.readouterr()
    assert printed.out == ""
    assert printed.err == (
        f"albert: '{tmp_path}/model.safetensors' is a checkpoint of BERT or a model "
        f"built like it, which cannot be loaded as ALBERT: its layers do not share "
        f"weights ({name}).\n"
    )


def test_no_such_checkpoint(tmp_path, capsys):
    assert main(["inspect", str(tmp_path)]) == 1
    assert "holds no weights in a form that is known" in capsys.readouterr().err


def test_no_framework_is_loaded_and_help_has_an_example():
    program = (
        "import sys; from albert.cli import main; main(['inspect', 'albert-demo']);"
        "print({'torch', 'tensorflow', 'jax', 'keras'} & sys.modules.keys())"
    )
    command = [sys.executable, "-c", program]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stdout.endswith("\nset()\n")
    command = [sys.executable, "-m", "albert", "inspect", "--help"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert "example: albert inspect albert-demo" in done.stdout
