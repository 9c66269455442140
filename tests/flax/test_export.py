"""Programs of StableHLO: alone, of every size, for every platform."""

import subprocess
import sys

import numpy as np
import pytest
from jax import export as jax_export

import albert.flax
from albert.common.exporting import INPUTS, export
from albert.common.names import PARTS
from albert.flax import export as flax_export
from albert.flax import runner

from ..common.exports import check, inputs, write

ALONE = """
import sys
sys.modules["albert"] = sys.modules["flax"] = None
import jax, numpy
with open(sys.argv[1] + "/model.jax_export", "rb") as file:
    program = jax.export.deserialize(bytearray(file.read()))
weights = dict(numpy.load(sys.argv[1] + "/weights.npz"))
ids = numpy.load(sys.argv[2])
inputs = dict(input_ids=ids, attention_mask=ids * 0 + 1, token_type_ids=ids * 0)
numpy.savez(sys.argv[3], **program.call(weights, **inputs))
"""


def right(folder, class_name, given):
    model = getattr(albert.flax, f"Flax{class_name}").from_pretrained(folder)
    flags = {"output_attentions": False, "output_hidden_states": False}
    return runner.run(model, given, **flags)


@pytest.mark.parametrize("class_name", PARTS)
def test_every_class(class_name, tmp_path):
    flags = {"output_attentions": True, "output_hidden_states": True}
    folder = write(tmp_path / "model", class_name, return_dict=False, **flags)
    report = export(folder, tmp_path / "out", "stablehlo")
    assert report.class_name == class_name
    if class_name not in ("AlbertForPreTraining", "AlbertForMultipleChoice"):
        return  # `export` has compared it; a shape more is a compilation more
    given = inputs(class_name)
    found = flax_export.read(tmp_path / "out", "stablehlo")(given)
    check(found, right(folder, class_name, given))


def test_it_runs_with_jax_alone(tmp_path):
    class_name = "AlbertForMaskedLM"
    folder = write(tmp_path / "model", class_name)
    report = export(folder, tmp_path / "out", "stablehlo")
    with np.load(tmp_path / "out" / "weights.npz") as weights:
        size = sum(weights[name].nbytes for name in weights.files)
    assert size == report.weight_bytes
    ids = inputs(class_name)["input_ids"]
    np.save(tmp_path / "ids.npy", ids)
    arguments = (tmp_path / "out", tmp_path / "ids.npy", tmp_path / "found.npz")
    command = [sys.executable, "-c", ALONE, *map(str, arguments)]
    subprocess.run(command, check=True, capture_output=True)
    check(np.load(arguments[2]), right(folder, class_name, {"input_ids": ids}))
    data = (tmp_path / "out" / "model.jax_export").read_bytes()
    program = jax_export.deserialize(bytearray(data))
    assert set(program.platforms) == {"cpu", "cuda", "tpu"}
    too_long = np.ones((1, 20), np.int32)
    held = dict(np.load(tmp_path / "out" / "weights.npz"))
    with pytest.raises(ValueError, match="refining shapes"):
        program.call(held, **dict.fromkeys(INPUTS, too_long))
