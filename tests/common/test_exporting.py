"""Exports are checked before they count; what each holds is tested in its backend."""

import json
import shutil
import warnings

import numpy as np
import pytest
import torch

import albert
from albert.common import exporting, onnx_files
from albert.common.exporting import FILES, FRAMEWORKS, export
from albert.common.opening import open_checkpoint
from albert.common.tokenization import AlbertTokenizerFast
from albert.pt import export as pt_export

from .exports import check, inputs, write

TO = "torch-export"
CLASS = "AlbertForSequenceClassification"


@pytest.fixture
def folder(tmp_path):
    return write(tmp_path / "model", CLASS)


def refused(kind, *given, **named):
    with pytest.raises(kind) as caught:
        export(*given, **named)
    return str(caught.value)


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def test_a_report_and_what_is_beside(folder, tmp_path):
    shutil.rmtree(folder)
    write(folder, CLASS, vocab_size=8192)
    AlbertTokenizerFast.from_pretrained("albert-demo").save_pretrained(folder)
    out = tmp_path / "deep" / "out"
    for _ in range(2):  # the second takes the place of the first
        report = export(folder, out, TO)
    assert report.folder == out
    assert report[1:5] == (
        TO,
        CLASS,
        "its configuration names it",
        f"of {folder}",
    )
    assert report.file_bytes == (out / FILES[TO]).stat().st_size
    assert report.difference <= 1e-4
    assert report.shapes == ((1, 1), (3, 7), (2, 19))
    assert (report.int8, report.int8_bytes) == (None, 0)
    assert names(out) == [
        "config.json",
        "export.json",
        "model.pt2",
        "special_tokens_map.json",
        "spiece.model",
        "tokenizer.json",
        "tokenizer_config.json",
    ]
    tokenizer = AlbertTokenizerFast.from_pretrained(out)
    assert tokenizer("He sat down.") == AlbertTokenizerFast.from_pretrained(folder)(
        "He sat down."
    )
    assert albert.AlbertConfig.from_pretrained(out).architectures == [CLASS]
    facts = json.loads((out / "export.json").read_text())
    assert facts["files"].keys() == set(names(out)) - {"export.json"}
    del facts["files"], facts["largest_difference"]
    assert facts == {
        "albert_models": albert.__version__,
        "to": TO,
        "class": CLASS,
        "inputs": ["input_ids", "attention_mask", "token_type_ids"],
        "limit": 1e-4,
        "compared_shapes": [[1, 1], [3, 7], [2, 19]],
    }


@pytest.mark.parametrize("wrong", ["weight", "nan", "field"])
def test_a_wrong_file_is_refused(wrong, folder, tmp_path, monkeypatch):
    write_right = pt_export.write
    read_right = pt_export.read

    def write_wrong(model, *given):
        model = type(model).from_pretrained(folder)
        with torch.no_grad():
            table = model.get_input_embeddings().weight
            table[:, 0] += float("nan") if wrong == "nan" else 0.01
        write_right(model, *given)

    def read_wrong(*given):
        run = read_right(*given)
        return lambda inputs: {"scores": run(inputs)["logits"]}

    if wrong == "field":
        monkeypatch.setattr(pt_export, "read", read_wrong)
    else:
        monkeypatch.setattr(pt_export, "write", write_wrong)
    told = refused(ValueError, folder, tmp_path / "deep" / "out", TO)
    apart = told.removeprefix("the outputs of the exported files would be ").split()[0]
    assert told == (
        f"the outputs of the exported files would be {apart} away from the model's, "
        f"but may be 1e-04. Nothing was written."
    )
    assert not float(apart) <= 1e-4
    assert names(tmp_path) == ["model"]


def test_a_wrong_file_leaves_the_earlier_export(folder, tmp_path, monkeypatch):
    export(folder, tmp_path / "out", TO)
    before = (tmp_path / "out" / FILES[TO]).read_bytes()
    monkeypatch.setattr(exporting, "TOLERANCE", -1.0)
    assert "Nothing was written." in refused(ValueError, folder, tmp_path / "out", TO)
    assert (tmp_path / "out" / FILES[TO]).read_bytes() == before
    assert names(tmp_path) == ["model", "out"]


def test_the_comparison_sees_padding_and_the_longest(folder):
    config = open_checkpoint(folder).config
    shapes = set()
    for sizes in exporting._COMPARED:
        given = exporting._inputs(config, CLASS, sizes)
        shapes.add(given["input_ids"].shape)
        if sizes[0] > 1:
            assert not given["attention_mask"][-1].any()
            assert (given["attention_mask"][0] == 0).any()
    assert {(1, 1), (2, config.max_position_embeddings)} <= shapes
    assert exporting._TRACED not in exporting._COMPARED
    assert exporting._TRACED[2] not in [sizes[2] for sizes in exporting._COMPARED]


@pytest.mark.parametrize("kind", ["pt", "tf", "flax"])
def test_a_loaded_model_of_any_framework(kind, folder, tmp_path):
    prefix = {"pt": "", "tf": "TF", "flax": "Flax"}[kind]
    model = getattr(albert, prefix + CLASS).from_pretrained(folder)
    if kind == "pt":
        model.train()
    tokenizer = AlbertTokenizerFast.from_pretrained("albert-demo")
    given = tokenizer if kind == "pt" else None
    report = export(model, tmp_path / "out", TO, tokenizer=given)
    assert report.tokenizer == ("the one given" if given else "none was given")
    assert (tmp_path / "out" / "tokenizer.json").exists() == (kind == "pt")
    found = pt_export.read(tmp_path / "out", TO)(inputs(CLASS))
    right = albert.AlbertForSequenceClassification.from_pretrained(folder)
    tensors = {name: torch.tensor(array) for name, array in inputs(CLASS).items()}
    check(found, {"logits": right(**tensors).logits.detach().numpy()})
    if kind == "pt":
        assert model.training


def test_half_precision_is_exported_as_float32(tmp_path):
    folder = write(tmp_path / "model", CLASS, dtype="float16")
    report = export(folder, tmp_path / "out", TO)
    model = albert.AlbertForSequenceClassification.from_pretrained(folder)
    assert report.weight_bytes == 4 * model.num_parameters()
    found = pt_export.read(tmp_path / "out", TO)(inputs(CLASS))
    assert found["logits"].dtype == np.float32
    config = json.loads((tmp_path / "out" / "config.json").read_text())
    assert config["dtype"] == "float32"


def test_a_model_without_pooling_layer(tmp_path):
    config = albert.AlbertConfig.from_pretrained(write(tmp_path / "m", "AlbertModel"))
    model = albert.AlbertModel(config, add_pooling_layer=False)
    report = export(model, tmp_path / "out", TO)
    assert report.class_name == "AlbertModel"
    found = pt_export.read(tmp_path / "out", TO)(inputs("AlbertModel"))
    assert list(found) == ["last_hidden_state"]


def test_the_class(tmp_path):
    out = tmp_path / "out"
    report = export("albert-demo", out, TO, class_name="AlbertForMaskedLM")
    assert (report.class_name, report.why) == ("AlbertForMaskedLM", "asked for")
    assert report.tokenizer == "of albert-demo"
    told = refused(ValueError, "albert-demo", out, TO, class_name=CLASS)
    assert "does not hold an AlbertForSequenceClassification" in told
    folder = write(tmp_path / "model", CLASS, named=False, num_labels=2)
    # Two labels of a text, or of each token: the weights are the same.
    assert refused(ValueError, folder, out, TO) == (
        f"{str(folder / 'model.safetensors')!r} can be of several classes, and its "
        f"configuration names none of them: choose one of {CLASS}, "
        f"AlbertForTokenClassification with --class (class_name=)."
    )


def test_arguments(tmp_path):
    out = tmp_path / "out"
    parts = (
        "AlbertModel, AlbertForPreTraining, AlbertForMaskedLM, "
        "AlbertForSequenceClassification, AlbertForMultipleChoice, "
        "AlbertForTokenClassification, AlbertForQuestionAnswering"
    )
    demo = "albert-demo"
    assert refused(ValueError, demo, out, "tflite") == (
        "to must be one of onnx, savedmodel, stablehlo, torch-export, but is 'tflite'."
    )
    assert refused(ValueError, demo, out, ["onnx"]) == (
        "to must be one of onnx, savedmodel, stablehlo, torch-export, but is ['onnx']."
    )
    assert refused(TypeError, demo, out, TO, tokenizer=demo) == (
        "tokenizer must be a tokenizer of this package, such as AutoTokenizer gives, "
        "but is a str."
    )
    assert refused(ValueError, demo, out, TO, class_name="Bert") == (
        f"class_name must be one of {parts}, but is 'Bert'."
    )
    assert refused(ValueError, demo, out, TO, int8=True) == (
        "int8 goes with to='onnx', but to is 'torch-export'."
    )
    assert refused(ValueError, demo, out, "onnx", sentences=["a"]) == (
        "sentences goes with int8=True, whose answers it compares."
    )
    assert refused(ValueError, demo, out, "onnx", int8=True, sentences=[]) == (
        "sentences must hold at least one text, but is empty."
    )
    assert refused(ValueError, demo, "", TO) == (
        "directory must be a folder's path, but is ''."
    )

    class Mine(albert.AlbertModel):
        pass

    mine = Mine(albert.AlbertConfig.from_pretrained(demo))
    assert refused(TypeError, mine, out, TO) == (
        "model must be of a class of this package, but Mine is your own, and may "
        "compute what no export would: if it does not, save it and give the folder, "
        "which is exported as AlbertModel."
    )
    for bad, name in ((3, "int"), (torch.nn.Linear(1, 1), "Linear")):
        assert refused(TypeError, bad, out, TO) == (
            f"model must be a name, a path or a model of this package, but is a {name}."
        )
    assert names(tmp_path) == []


def test_packages_are_looked_for_first(tmp_path, monkeypatch):
    def fail():
        raise ImportError("missing")

    monkeypatch.setattr(onnx_files, "check_installed", fail)
    monkeypatch.setattr(exporting, "_write", None)
    assert refused(ImportError, "albert-demo", tmp_path / "out", "onnx") == "missing"


def test_int8_keeps_most_answers_and_says_so(tmp_path):
    out = tmp_path / "out"
    text = ["The capital of France is Paris.", "He went to the door and sat down."]
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        report = export(
            "albert-demo",
            out,
            "onnx",
            class_name="AlbertForMaskedLM",
            int8=True,
            sentences=text,
        )
    same, number = report.int8.counts["logits"]
    tokenizer = AlbertTokenizerFast.from_pretrained("albert-demo")
    assert number == sum(len(tokenizer.tokenize(each)) for each in text)
    assert 0.8 * number < same <= number
    told = [str(each.message) for each in caught]
    assert (report.int8.warning() in told) == (same < number)
    assert report.int8_bytes == (out / "model-int8.onnx").stat().st_size
    assert report.int8_bytes < 0.33 * report.file_bytes
    facts = json.loads((out / "export.json").read_text())
    assert facts["int8_answers"] == {"logits": [same, number]}


def test_int8_needs_texts_to_compare_on(folder, tmp_path):
    assert refused(ValueError, folder, tmp_path / "out", "onnx", int8=True) == (
        "int8 needs a tokenizer, since its answers are compared on texts: give "
        "tokenizer=, or put its files beside the model. Nothing was written."
    )
    assert names(tmp_path) == ["model"]


def test_every_target_has_a_framework_and_a_file():
    assert FRAMEWORKS.keys() == FILES.keys()
