"""SavedModels: alone, of every size."""

import subprocess
import sys

import numpy as np
import pytest
import tensorflow as tf

import albert.tf
from albert.common.exporting import export
from albert.common.names import PARTS
from albert.tf import export as tf_export
from albert.tf import runner

from ..common.exports import check, inputs, write

ALONE = """
import sys
sys.modules["albert"] = sys.modules["keras"] = None
import numpy
import tensorflow as tf
model = tf.saved_model.load(sys.argv[1])
ids = tf.constant(numpy.load(sys.argv[2]))
inputs = dict(input_ids=ids, attention_mask=ids * 0 + 1, token_type_ids=ids * 0)
direct = model(**inputs)
outputs = model.signatures["serving_default"](**inputs)
numpy.savez(sys.argv[3], **outputs)
numpy.savez(sys.argv[4], **direct)
"""


def right(folder, class_name, given):
    model = getattr(albert.tf, f"TF{class_name}").from_pretrained(folder)
    flags = {"output_attentions": False, "output_hidden_states": False}
    return runner.run(model, given, **flags)


@pytest.mark.parametrize("class_name", PARTS)
def test_every_class(class_name, tmp_path):
    flags = {"output_attentions": True, "output_hidden_states": True}
    folder = write(tmp_path / "model", class_name, return_dict=False, **flags)
    report = export(folder, tmp_path / "out", "savedmodel")
    assert report.class_name == class_name
    given = inputs(class_name)
    found = tf_export.read(tmp_path / "out", "savedmodel")(given)
    check(found, right(folder, class_name, given))


def test_it_runs_without_this_package_and_keras(tmp_path):
    class_name = "AlbertForMaskedLM"
    folder = write(tmp_path / "model", class_name)
    report = export(folder, tmp_path / "out", "savedmodel")
    data = tmp_path / "out" / "variables" / "variables.data-00000-of-00001"
    assert report.weight_bytes <= data.stat().st_size < 1.2 * report.weight_bytes
    ids = inputs(class_name)["input_ids"]
    np.save(tmp_path / "ids.npy", ids)
    found = [tmp_path / "signature.npz", tmp_path / "direct.npz"]
    arguments = [tmp_path / "out", tmp_path / "ids.npy", *found]
    subprocess.run(
        [sys.executable, "-c", ALONE, *arguments], check=True, capture_output=True
    )
    expected = right(folder, class_name, {"input_ids": ids})
    for path in found:
        check(np.load(path), expected)
    loaded = tf.saved_model.load(str(tmp_path / "out"))
    too_long = tf.ones((1, 20), tf.int32)
    with pytest.raises(tf.errors.InvalidArgumentError, match="more positions than"):
        loaded(too_long, too_long, too_long)


def test_signature_and_function_must_agree(tmp_path, monkeypatch):
    """`read` gives NaN, which no comparison lets pass."""
    folder = write(tmp_path / "model", "AlbertForTokenClassification")
    export(folder, tmp_path / "out", "savedmodel")
    load = tf.saved_model.load

    class Other:
        def __init__(self, path):
            self.held = load(path)
            self.signatures = self.held.signatures

        def __call__(self, **given):
            return {name: value + 1 for name, value in self.held(**given).items()}

    monkeypatch.setattr(tf.saved_model, "load", Other)
    found = tf_export.read(tmp_path / "out", "savedmodel")
    outputs = found(inputs("AlbertForTokenClassification"))
    assert np.isnan(outputs["logits"]).all()
