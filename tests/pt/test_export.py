"""ONNX files and PyTorch programs: alone, of every size, each weight once."""

import subprocess
import sys

import numpy as np
import onnx
import onnxruntime
import pytest
import torch

import albert.pt
from albert.common.exporting import INPUTS, export
from albert.common.names import PARTS
from albert.pt import export as pt_export
from albert.pt import runner

from ..common.exports import check, inputs, write

# Layers and the table in turn make up most of the weights.
LAYERS = {"hidden_size": 128, "intermediate_size": 512, "num_hidden_layers": 6}
TABLE = {"vocab_size": 9000, "embedding_size": 24, "num_hidden_layers": 6}
ALONE = """
import sys
sys.modules["albert"] = None
import numpy, torch
program = torch.export.load(sys.argv[1]).module()
ids = torch.tensor(numpy.load(sys.argv[2]))
outputs = program(input_ids=ids, attention_mask=ids * 0 + 1, token_type_ids=ids * 0)
numpy.savez(sys.argv[3], **{name: value.detach() for name, value in outputs.items()})
"""


def right(folder, class_name, given):
    model = getattr(albert.pt, class_name).from_pretrained(folder)
    flags = {"output_attentions": False, "output_hidden_states": False}
    return runner.run(model, given, **flags)


@pytest.fixture(scope="module")
def masked(tmp_path_factory):
    """One model whose layers weigh most, and its ONNX file."""
    folder = tmp_path_factory.mktemp("masked") / "model"
    write(folder, "AlbertForMaskedLM", num_attention_heads=4, **LAYERS)
    return folder, export(folder, folder.with_name("out"), "onnx")


# An ONNX file is made of the program that torch-export saves, so a few do for that.
@pytest.mark.parametrize(
    ("to", "class_name"),
    [("onnx", class_name) for class_name in PARTS]
    + [("torch-export", "AlbertModel"), ("torch-export", "AlbertForMultipleChoice")],
)
def test_every_class(to, class_name, tmp_path):
    flags = {"output_attentions": True, "output_hidden_states": True}
    folder = write(tmp_path / "model", class_name, return_dict=False, **flags)
    report = export(folder, tmp_path / "out", to)
    assert report.class_name == class_name
    given = inputs(class_name)
    found = pt_export.read(tmp_path / "out", to)(given)
    check(found, right(folder, class_name, given))


def test_onnx_sizes_are_free_and_named(masked):
    session = onnxruntime.InferenceSession(masked[1].folder / "model.onnx")
    ports = {each.name: each.shape for each in session.get_inputs()}
    assert ports == {name: ["batch", "sequence"] for name in INPUTS}
    (output,) = session.get_outputs()
    assert (output.name, output.shape[:2]) == ("logits", ["batch", "sequence"])


@pytest.mark.parametrize("sizes", [LAYERS, TABLE], ids=["layers", "table"])
def test_each_weight_stands_once_in_an_onnx_file(sizes, masked, tmp_path):
    report = masked[1]
    if sizes is TABLE:
        folder = write(tmp_path / "model", "AlbertForMaskedLM", **TABLE)
        report = export(folder, tmp_path / "out", "onnx")
    assert report.file_bytes <= 1.1 * report.weight_bytes
    model = onnx.load(report.folder / "model.onnx")
    sizes = [np.prod(each.dims, initial=1) for each in model.graph.initializer]
    numbers = sum(int(size) for size in sizes)
    assert report.weight_bytes / 4 <= numbers <= report.weight_bytes / 4 + 100
    # Nor does a reader have to turn any matrix but the table, which it looks up, too.
    held = {each.name for each in model.graph.initializer}
    turned = [n for n in model.graph.node if n.op_type == "Transpose"]
    assert [n.input[0] for n in turned if n.input[0] in held] == [
        "model.predictions.decoder.weight"
    ]


def test_a_program_runs_without_this_package(tmp_path):
    class_name = "AlbertForQuestionAnswering"
    folder = write(tmp_path / "model", class_name)
    export(folder, tmp_path / "out", "torch-export")
    ids = inputs(class_name)["input_ids"].astype(np.int64)
    np.save(tmp_path / "ids.npy", ids)
    arguments = (tmp_path / "out" / "model.pt2", tmp_path / "ids.npy")
    found = tmp_path / "found.npz"
    subprocess.run([sys.executable, "-c", ALONE, *arguments, found], check=True)
    check(np.load(found), right(folder, class_name, {"input_ids": ids}))
    program = torch.export.load(arguments[0])
    too_long = dict.fromkeys(INPUTS, torch.ones(1, 20).long())
    with pytest.raises(AssertionError, match="<= 19"):
        program.module()(**too_long)


def test_weights_beyond_what_a_file_holds(tmp_path, monkeypatch):
    model = albert.pt.AlbertModel.from_pretrained("albert-demo")
    monkeypatch.setattr(pt_export.onnx_files, "MAX_BYTES", 1000)
    size = f"{4 * model.num_parameters():,}"
    with pytest.raises(ValueError) as caught:
        pt_export.write(model, tmp_path, "onnx")
    assert str(caught.value) == (
        f"the weights have {size} bytes as float32, but an ONNX file holds at most "
        f"1,000: export to torch-export instead."
    )
