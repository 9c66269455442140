"""`albert convert`: every form to every other, and nothing written if it differs."""

import errno
import importlib.util
import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import save_file

from albert.cli import convert, frameworks, main
from albert.common import names, saving
from albert.common.config import AlbertConfig
from albert.common.opening import open_checkpoint
from albert.common.saving import FORMATS, save_arrays
from conformance.cases import SIZES, random_weights

FIXTURES = Path(__file__).parents[2] / "conformance" / "fixtures"
DEMO = Path(__file__).parents[2] / "albert" / "assets" / "albert-demo"
SOURCES = {
    "safetensors": FIXTURES / "transformers-4.57.6-pt" / "safetensors",
    "sharded": FIXTURES / "transformers-5.23.0-pt" / "safetensors-sharded",
    "bfloat16": FIXTURES / "transformers-4.57.6-pt" / "safetensors-bfloat16",
    "pt": FIXTURES / "transformers-4.57.6-pt" / "bin-AlbertForMultipleChoice",
    "tf": FIXTURES / "transformers-4.57.6-tf" / "h5-AlbertForQuestionAnswering",
    "tf two biases": FIXTURES / "transformers-4.57.6-tf" / "h5-two-biases",
    "flax": FIXTURES / "transformers-4.57.6-flax" / "msgpack-AlbertModel",
    "groups": FIXTURES / "transformers-4.57.6-flax" / "msgpack-groups",
    "KerasHub": FIXTURES / "keras-hub-0.32.0" / "text-classifier",
    "SavedModel": FIXTURES / "tf-models-2.15.0" / "masked-lm",
    "demo": DEMO,
}


def run(*arguments):
    return main(["convert", *map(str, arguments)])


def content(folder):
    return {
        path.relative_to(folder): path.read_bytes() if path.is_file() else None
        for path in folder.rglob("*")
    }


def arrays(folder, dtype=None):
    checkpoint = open_checkpoint(folder)
    return {
        name: (dtype or array.dtype, array.shape, array.read().tobytes())
        for name, array in checkpoint.arrays.items()
    }


def write(folder, class_name, architectures=None, **changes):
    """A folder with random weights of a class, named in the configuration or not."""
    config = AlbertConfig(**{**SIZES, "architectures": architectures, **changes})
    folder.mkdir()
    config.save_pretrained(folder)
    weights = random_weights(config, class_name, seed=3)
    save_file(weights, folder / "model.safetensors")
    return folder


def google(folder, config, class_name):
    """Write what Google's programs leave, with TensorFlow's own writer."""
    import tensorflow as tf

    from albert.common.dialects import DIALECTS

    dialect = DIALECTS["google"]
    folder.mkdir()
    stored = {"global_step": np.int64(7)}
    for row in names.weights(config, class_name):
        array = random_weights(config, class_name, seed=3)[row.canonical]
        name = dialect.spell(row, config, False)[0]
        stored[name] = array.T if dialect.turned(row) else array
        stored[f"{name}/adam_m"] = np.zeros_like(stored[name])
    tf.raw_ops.SaveV2(
        prefix=str(folder / "model.ckpt-best"),
        tensor_names=list(stored),
        shape_and_slices=[""] * len(stored),
        tensors=[tf.constant(array) for array in stored.values()],
    )
    fields = {**SIZES, "hidden_act": "gelu"}
    del fields["num_labels"]
    (folder / "albert_config.json").write_text(json.dumps(fields))
    return folder


@pytest.mark.parametrize("to", FORMATS)
@pytest.mark.parametrize("source", SOURCES)
def test_every_form_to_every_other(source, to, tmp_path, capsys):
    folder = SOURCES[source]
    assert run(folder, tmp_path / "new", "--to", to, "--no-verify") == 0
    printed = capsys.readouterr()
    assert re.search(
        r"^compared +\d+ weights, bit for bit: the same$", printed.out, re.M
    )
    assert printed.out.splitlines()[-1].split() == [
        "wrote",
        str(tmp_path / "new" / FORMATS[to].file_name),
    ]
    assert printed.err == ""
    old, new = open_checkpoint(folder).config, open_checkpoint(tmp_path / "new").config
    rows = names.weights(new, new.architectures[0])
    # Keras' HDF5 files have no bfloat16; float32 holds the same values.
    wide = (source, to) == ("bfloat16", "tf")
    source_arrays = arrays(folder, "float32" if wide else None)
    assert arrays(tmp_path / "new") == {
        row.canonical: source_arrays[row.canonical] for row in rows
    }
    changed = {"architectures": None, "dtype": None}
    assert {**new.to_dict(), **changed} == {**old.to_dict(), **changed}
    assert new.architectures[0] == old.architectures[0].removeprefix("TF").removeprefix(
        "Flax"
    )


def test_around_all_forms_and_back_to_the_same_bytes(tmp_path, capsys):
    source = DEMO
    for number, to in enumerate((*FORMATS, "safetensors")):
        folder = tmp_path / str(number)
        assert run(source, folder, "--to", to, "--no-verify") == 0
        source = folder
    first, last = tmp_path / "0", tmp_path / str(len(FORMATS))
    assert content(first) == content(last)


def test_one_that_is_checked_in_all_three_frameworks(tmp_path, capsys):
    assert run("albert-demo", tmp_path / "new", "--to", "tf") == 0
    printed = capsys.readouterr().out
    rows = re.findall(r"^  (\w+) +(\S+) +(\S+)  the same$", printed, re.M)
    assert [row[0] for row in rows] == ["pt", "tf", "flax"]
    for _, own, across in rows:
        assert float(own) <= 2e-5
        assert float(across) <= 1e-4
    assert float(rows[0][2]) == float(rows[0][1])
    assert "source to result     to source in pt\n" in printed
    assert "rounding  " not in printed
    assert sorted(path.name for path in (tmp_path / "new").iterdir()) == [
        "config.json",
        "special_tokens_map.json",
        "spiece.model",
        "tf_model.h5",
        "tokenizer.json",
        "tokenizer_config.json",
    ]


def test_rounding_is_checked_against_the_rounded_source(tmp_path, capsys):
    source = write(tmp_path / "old", "AlbertForMaskedLM", ["AlbertForMaskedLM"])
    old = content(source)
    assert run(source, tmp_path / "new", "--to", "flax", "--dtype", "bfloat16") == 0
    printed = capsys.readouterr().out
    assert "weights, rounded to bfloat16, bit for bit: the same" in printed
    own = re.findall(r"^  \w+ +(\S+) +\S+  the same$", printed, re.M)
    assert [float(value) for value in own] == [0, 0, 0]
    effect = re.search(
        r"^rounding +changes the outputs by (\S+) \(pt\)$", printed, re.M
    )
    assert 1e-4 < float(effect[1]) < 1
    result = open_checkpoint(tmp_path / "new")
    assert result.dtype == "bfloat16"
    assert result.config.to_dict()["dtype"] == "bfloat16"
    assert content(source) == old
    assert [path.name for path in (tmp_path / "new").iterdir()] != []


@pytest.mark.parametrize(
    ("dtype", "rounded"), [("float64", False), ("float32", False), ("float16", True)]
)
def test_types(dtype, rounded, tmp_path, capsys, monkeypatch):
    only(monkeypatch, "torch")
    source = write(tmp_path / "old", "AlbertForMaskedLM", ["AlbertForMaskedLM"])
    assert run(source, tmp_path / "new", "--dtype", dtype) == 0
    found = open_checkpoint(tmp_path / "new").arrays
    for name, array in open_checkpoint(source).arrays.items():
        assert found[name].dtype == dtype
        np.testing.assert_array_equal(found[name].read(), array.read().astype(dtype))
    printed = capsys.readouterr().out
    assert ("rounding  " in printed) is rounded
    assert 'tf is not installed: pip install "albert-models[tf]"' in printed
    assert 'flax is not installed: pip install "albert-models[flax]"' in printed


def test_a_value_that_the_type_cannot_hold(tmp_path, capsys):
    source = write(tmp_path / "old", "AlbertForMaskedLM", ["AlbertForMaskedLM"])
    weights = random_weights(open_checkpoint(source).config, "AlbertForMaskedLM", 3)
    weights["predictions.bias"][5] = 1e6
    save_file(weights, source / "model.safetensors")
    assert run(source, tmp_path / "new", "--dtype", "float16") == 1
    assert capsys.readouterr().err == (
        "albert: predictions.bias reaches 1e+06, which float16 cannot hold: choose "
        "another --dtype.\n"
    )
    assert not (tmp_path / "new").exists()


def only(monkeypatch, *modules):
    """Let only these packages look installed."""
    found = importlib.util.find_spec
    hidden = {"torch", "tensorflow", "flax"} - set(modules)
    monkeypatch.setattr(
        importlib.util, "find_spec", lambda n: None if n in hidden else found(n)
    )


def test_no_framework_is_installed(tmp_path, capsys, monkeypatch):
    only(monkeypatch)
    monkeypatch.setattr(frameworks, "outputs", None)
    assert run("albert-demo", tmp_path / "new", "--to", "flax") == 0
    printed = capsys.readouterr().out
    assert "outputs    not compared, since no framework is installed\n" in printed
    assert arrays(tmp_path / "new") == arrays(DEMO)


def test_without_verifying_no_model_runs(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(frameworks, "outputs", None)
    assert run("albert-demo", tmp_path / "new", "--no-verify") == 0
    assert "outputs" not in capsys.readouterr().out


# What differs


def wrong_weight(folder, config, arrays, class_name, **options):
    changed = arrays["albert.pooler.bias"].copy()
    changed[3] = np.nextafter(changed[3], changed.dtype.type(9))
    arrays = {**arrays, "albert.pooler.bias": changed}
    save_arrays(folder, config, arrays, class_name, **options)


def wrong_layout(folder, config, arrays, class_name, **options):
    name = next(name for name in arrays if name.endswith("query.weight"))
    arrays = {**arrays, name: arrays[name].T.copy()}
    save_arrays(folder, config, arrays, class_name, **options)


def wrong_depth(folder, config, arrays, class_name, **options):
    config = config.replace(num_hidden_layers=config.num_hidden_layers + 1)
    save_arrays(folder, config, arrays, class_name, **options)


@pytest.mark.parametrize(
    ("mistake", "message"),
    [
        (
            wrong_weight,
            "the result would hold other weights than the source: albert.po",
        ),
        (
            wrong_layout,
            "the result would hold other weights than the source: albert.en",
        ),
        (wrong_depth, "the outputs differ in pt by more than float32's rounding expla"),
    ],
)
@pytest.mark.parametrize("in_place", [False, True])
def test_a_mismatch_leaves_everything_as_it_was(
    mistake, message, in_place, tmp_path, capsys, monkeypatch
):
    only(monkeypatch, "torch")
    source = tmp_path / "old"
    shutil.copytree(DEMO, source)
    folder = source if in_place else tmp_path / "new"
    if not in_place:
        folder.mkdir()
        for name in ("pytorch_model.bin", "config.json", "tokenizer.json", "mine.txt"):
            (folder / name).write_text(f"old {name}")
    before = content(tmp_path)
    monkeypatch.setattr(convert, "save_arrays", mistake)
    assert run(source, folder, "--to", "pt") == 1
    printed = capsys.readouterr()
    assert printed.err.startswith(f"albert: {message}")
    assert printed.err.endswith(" The destination is as it was.\n")
    assert "wrote" not in printed.out
    assert content(tmp_path) == before


def test_a_mismatch_makes_no_folder(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(convert, "save_arrays", wrong_weight)
    assert run("albert-demo", tmp_path / "a" / "b", "--no-verify") == 1
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("framework", ["pt", "tf", "flax"])
def test_one_framework_disagrees(framework, tmp_path, capsys, monkeypatch):
    def outputs(name, class_name, name_or_path, inputs, **options):
        result = name_or_path != "albert-demo"
        value = 1e-4 if result and name == framework else 0.0
        return {"logits": np.full(3, value)}

    monkeypatch.setattr(frameworks, "outputs", outputs)
    assert run("albert-demo", tmp_path / "new") == 1
    printed = capsys.readouterr()
    assert printed.err.startswith(f"albert: the outputs differ in {framework} by more")
    verdicts = dict(
        re.findall(r"^  (\w+) +\S+ +\S+  (the same|DIFFERENT)$", printed.out, re.M)
    )
    expected = dict.fromkeys(("pt", "tf", "flax"), "the same")
    assert verdicts == {**expected, framework: "DIFFERENT"}
    assert not (tmp_path / "new").exists()


def test_a_model_that_gives_no_numbers_is_not_the_same(tmp_path, capsys, monkeypatch):
    only(monkeypatch, "torch")
    source = write(tmp_path / "old", "AlbertForMaskedLM", ["AlbertForMaskedLM"])
    weights = random_weights(open_checkpoint(source).config, "AlbertForMaskedLM", 3)
    weights["predictions.bias"][5] = np.nan
    save_file(weights, source / "model.safetensors")
    assert run(source, tmp_path / "new") == 1
    printed = capsys.readouterr()
    assert "weights, bit for bit: the same\n" in printed.out
    assert "outputs" not in printed.out
    assert printed.err == (
        "albert: the source holds NaN in predictions.bias, so no outputs can be "
        "compared; --no-verify converts it all the same. The destination is as it "
        "was.\n"
    )
    assert not (tmp_path / "new").exists()
    assert run(source, tmp_path / "new", "--no-verify") == 0
    assert arrays(tmp_path / "new") == arrays(source)


# Which class


@pytest.mark.parametrize(
    "head", ["albertformaskedlm", "TFAlbertForMaskedLM", "FlaxAlbertForMaskedLM"]
)
def test_what_is_left_out_is_said(head, tmp_path, capsys):
    arguments = ("--head", head, "--no-verify")
    assert run("albert-demo", tmp_path / "new", *arguments) == 0
    printed = capsys.readouterr().out
    assert "class      AlbertForMaskedLM (asked for)\n" in printed
    assert (
        "left out   albert.pooler.weight, albert.pooler.bias, "
        "sop_classifier.classifier.weight, sop_classifier.classifier.bias, of other "
        "classes\n"
    ) in printed
    result = open_checkpoint(tmp_path / "new")
    assert result.config.architectures == ["AlbertForMaskedLM"]
    assert not {"albert.pooler.weight", "sop_classifier.classifier.bias"} & (
        result.arrays.keys()
    )


def test_a_head_that_is_not_there(tmp_path, capsys):
    head = "AlbertForQuestionAnswering"
    assert run("albert-demo", tmp_path / "new", "--head", head) == 1
    message = (
        "does not hold an AlbertForQuestionAnswering: qa_outputs.weight is missing"
    )
    assert message in capsys.readouterr().err
    assert not (tmp_path / "new").exists()


def test_a_head_that_could_be_several(tmp_path, capsys):
    source = write(tmp_path / "old", "AlbertForSequenceClassification")
    assert run(source, tmp_path / "new") == 1
    assert (
        "choose one of AlbertForSequenceClassification, AlbertForTokenClassification "
        "with --head."
    ) in capsys.readouterr().err
    assert not (tmp_path / "new").exists()
    head = "AlbertForTokenClassification"
    assert run(source, tmp_path / "new", "--head", head, "--no-verify") == 0
    assert open_checkpoint(tmp_path / "new").config.architectures == [head]


def test_no_such_head(tmp_path, capsys):
    with pytest.raises(SystemExit) as stopped:
        run("albert-demo", tmp_path / "new", "--head", "AlbertForAll")
    assert stopped.value.code == 2
    message = "argument --head: must be one of AlbertModel, AlbertForPreTraining, "
    assert message in capsys.readouterr().err


def test_an_encoder_without_its_pooling_layer(tmp_path, capsys):
    source = write(tmp_path / "old", "AlbertForMaskedLM")
    assert run(source, tmp_path / "new", "--head", "AlbertModel", "--to", "flax") == 0
    printed = capsys.readouterr().out
    assert "no pooler  load the result with add_pooling_layer=False\n" in printed
    assert len(re.findall("  the same$", printed, re.M)) == 3
    result = open_checkpoint(tmp_path / "new").arrays
    assert result
    assert not any("pooler" in name or "predictions" in name for name in result)


def test_weights_of_no_albert_are_said_once(tmp_path, capsys, monkeypatch):
    only(monkeypatch, "torch")
    source = write(tmp_path / "old", "AlbertForMaskedLM", ["AlbertForMaskedLM"])
    weights = random_weights(open_checkpoint(source).config, "AlbertForMaskedLM", 3)
    save_file({**weights, "x.y": np.zeros(1)}, source / "model.safetensors")
    assert run(source, tmp_path / "new") == 0
    printed = capsys.readouterr()
    assert "left out   x.y, which no ALBERT has\n" in printed.out
    assert "x.y" not in printed.err


# Google's own


def test_a_checkpoint_of_googles(tmp_path, capsys, monkeypatch):
    only(monkeypatch, "torch", "flax")
    config = AlbertConfig(**SIZES)
    source = google(tmp_path / "old", config, "AlbertForPreTraining")
    shutil.copy(DEMO / "spiece.model", source / "30k-clean.model")
    (source / "30k-clean.vocab").write_text("")
    prefix = source / "model.ckpt-best"
    assert run(prefix, tmp_path / "new", "--to", "pt") == 0
    printed = capsys.readouterr().out
    assert "class      AlbertForPreTraining (by its weights)\n" in printed
    assert "ckpt-best.index, as google-research/albert writes it\n" in printed
    ids = "tokenizer  left out: 8192 ids, but vocab_size=101\n"
    assert ids in printed
    weights = random_weights(config, "AlbertForPreTraining", seed=3)
    found = open_checkpoint(tmp_path / "new").arrays
    assert found.keys() == weights.keys()
    for name, array in weights.items():
        np.testing.assert_array_equal(found[name].read(), array)


def test_googles_classifier_tells_the_number_of_labels(tmp_path, capsys):
    config = AlbertConfig(**{**SIZES, "num_labels": 3})
    head = "AlbertForSequenceClassification"
    source = google(tmp_path / "old", config, head)
    assert run(source, tmp_path / "new", "--no-verify") == 1
    assert f"choose one of {head}, AlbertFor" in capsys.readouterr().err
    assert run(source, tmp_path / "new", "--head", head, "--no-verify") == 0
    assert open_checkpoint(tmp_path / "new").config.num_labels == 3


def test_googles_vocabulary_is_written_as_ours(tmp_path, capsys):
    from albert import AlbertTokenizerFast

    config = AlbertConfig(**{**SIZES, "vocab_size": 8192})
    source = google(tmp_path / "old", config, "AlbertForMaskedLM")
    shutil.copy(DEMO / "spiece.model", source / "30k-clean.model")
    fields = json.loads((source / "albert_config.json").read_text())
    fields["vocab_size"] = 8192
    (source / "albert_config.json").write_text(json.dumps(fields))
    assert run(source, tmp_path / "new", "--no-verify") == 0
    assert "tokenizer  of " in capsys.readouterr().out
    text = "The capital of France is [MASK]."
    ours = AlbertTokenizerFast.from_pretrained(tmp_path / "new")
    assert ours(text) == AlbertTokenizerFast.from_pretrained("albert-demo")(text)


@pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")
@pytest.mark.parametrize("name", ["model.keras", "model.weights.h5"])
def test_what_keras_saves(name, tmp_path, capsys):
    from albert import TFAlbertForMaskedLM

    source = write(tmp_path / "old", "AlbertForMaskedLM", ["AlbertForMaskedLM"])
    expected = arrays(source)
    model = TFAlbertForMaskedLM.from_pretrained(source)
    (source / "model.safetensors").unlink()
    save = model.save_weights if name.endswith(".h5") else model.save
    save(source / name)
    assert run(source, tmp_path / "new", "--to", "pt", "--no-verify") == 0
    assert "as Keras, from this package's TFAlbert" in capsys.readouterr().out
    assert arrays(tmp_path / "new") == expected


# The folder


def test_few_positions(tmp_path, capsys, monkeypatch):
    only(monkeypatch, "torch")
    source = write(tmp_path / "old", "AlbertModel", max_position_embeddings=5)
    assert run(source, tmp_path / "new") == 0


def test_from_the_hub(hub, tmp_path, capsys, monkeypatch):
    only(monkeypatch, "torch")
    files = {path.name: path.read_bytes() for path in DEMO.iterdir()}
    hub.add("somebody/albert", files)
    assert run("somebody/albert", tmp_path / "new", "--to", "flax") == 0
    printed = capsys.readouterr().out
    assert "tokenizer  of somebody/albert\n" in printed
    assert "  the same\n" in printed
    assert (tmp_path / "new" / "spiece.model").is_file()
    assert arrays(tmp_path / "new") == arrays(DEMO)


def test_an_older_tokenizer_makes_way(tmp_path, capsys):
    from albert import AlbertTokenizerFast

    (tmp_path / "added_tokens.json").write_text('{"<of another>": 8192}')
    assert run("albert-demo", tmp_path, "--no-verify") == 0
    assert not (tmp_path / "added_tokens.json").exists()
    assert len(AlbertTokenizerFast.from_pretrained(tmp_path)) == 8192


def test_in_place(tmp_path, capsys):
    source = tmp_path / "old"
    shutil.copytree(DEMO, source)
    (source / "mine.txt").write_text("mine")
    before = arrays(source)
    assert run(source, source, "--to", "tf", "--no-verify") == 0
    printed = capsys.readouterr().out
    assert printed.endswith(
        f"beware     model.safetensors, which is there, too, is what is loaded from "
        f"{source}\n"
    )
    (source / "model.safetensors").unlink()
    assert arrays(source) == before
    assert run(source, source, "--to", "tf", "--dtype", "float32") == 0
    assert "beware" not in capsys.readouterr().out
    assert open_checkpoint(source).dtype == "float32"
    assert (source / "mine.txt").read_text() == "mine"
    assert not list(source.glob(".*"))


def test_the_vocabulary_of_kerashub(tmp_path, capsys):
    from albert import AlbertTokenizerFast

    folder = SOURCES["KerasHub"]
    assert run(folder, tmp_path / "new", "--no-verify") == 0
    printed = capsys.readouterr().out
    assert f"tokenizer  of {folder}\n" in printed
    vocabulary = folder / "assets" / "tokenizer" / "vocabulary.spm"
    assert (tmp_path / "new" / "spiece.model").read_bytes() == vocabulary.read_bytes()
    assert len(AlbertTokenizerFast.from_pretrained(tmp_path / "new")) > 0


def test_a_tokenizer_that_cannot_be_loaded(tmp_path, capsys):
    source = write(tmp_path / "old", "AlbertForMaskedLM", ["AlbertForMaskedLM"])
    assert run(source, tmp_path / "1", "--no-verify") == 0
    printed = capsys.readouterr().out
    assert "tokenizer  there is none beside the source\n" in printed
    (source / "tokenizer.json").write_text("{")
    assert run(source, tmp_path / "2", "--no-verify") == 0
    assert re.search(
        r"^tokenizer  left out: .*tokenizer.json", capsys.readouterr().out, re.M
    )
    assert {path.name for path in (tmp_path / "2").iterdir()} == {
        "config.json",
        "model.safetensors",
    }


@pytest.mark.parametrize("kind", ["file", "link"])
def test_a_destination_that_is_no_folder(kind, tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(convert, "open_checkpoint", None)
    path = tmp_path / "new"
    path.write_text("mine") if kind == "file" else path.symlink_to(tmp_path)
    before = content(tmp_path)
    assert run("albert-demo", path) == 1
    printed = capsys.readouterr()
    advice = {
        "file": "is a file; give the path of a folder.",
        "link": f"is a symbolic link to {str(tmp_path)!r}; give the folder itself.",
    }
    assert printed.err == f"albert: DST {str(path)!r} {advice[kind]}\n"
    assert printed.out == ""
    assert content(tmp_path) == before


def test_a_full_disk(tmp_path, capsys, monkeypatch):
    def fail(*_, **__):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), "a part")

    full = saving.FORMATS["flax"]._replace(write=fail)
    monkeypatch.setitem(saving.FORMATS, "flax", full)
    path = tmp_path / "new"
    assert run("albert-demo", path, "--to", "flax", "--no-verify") == 1
    error = capsys.readouterr().err
    assert error.count("No space left on device") == 1
    assert error.count("free some space") == 1
    assert error.endswith(f": {str(path)!r}\n")
    assert not path.exists()


@pytest.mark.parametrize("arguments", [("", "new"), ("albert-demo", "")])
def test_empty_names(arguments, tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SystemExit) as stopped:
        run(*arguments)
    assert stopped.value.code == 2
    name = "DST" if arguments[0] else "SRC"
    message = f"argument {name}: must be a path or a name, but is empty (see "
    assert message in capsys.readouterr().err
    assert not list(tmp_path.iterdir())


def test_no_such_source(tmp_path, capsys):
    assert run(tmp_path / "old", tmp_path / "new") == 1
    assert "is no folder on this machine" in capsys.readouterr().err
    assert not (tmp_path / "new").exists()


# The command


def test_progress_is_shown_on_a_terminal(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    assert run("albert-demo", tmp_path / "new", "--no-verify") == 0
    shown = capsys.readouterr().err
    assert "reading: 100%" in shown
    assert "1.65M/1.65M" in shown


def test_a_warning_is_printed_without_its_line_of_code(tmp_path, capsys, monkeypatch):
    import warnings

    def warn(*_):
        warnings.warn("beware of this", stacklevel=1)
        raise ValueError("no")

    monkeypatch.setattr(convert, "open_checkpoint", warn)
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        assert run("albert-demo", tmp_path / "new") == 1
    assert capsys.readouterr().err == "albert: beware of this\nalbert: no\n"


def test_help_has_an_example():
    program = [sys.executable, "-m", "albert", "convert", "--help"]
    done = subprocess.run(program, capture_output=True, text=True, check=True)
    assert "example: albert convert albert_base/model.ckpt-best" in done.stdout
