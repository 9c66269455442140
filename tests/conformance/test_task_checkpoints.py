import json

import numpy as np
import pytest

from albert.common.checkpoint.safetensors import open_file
from albert.common.hub import DEMO_NAME
from albert.common.names import weights
from albert.common.opening import open_checkpoint
from albert.common.tokenization import AlbertTokenizerFast
from conformance.tasks import checkpoints
from conformance.tasks.__main__ import main

CLASSES = {
    "choice": "AlbertForMultipleChoice",
    "entities": "AlbertForTokenClassification",
    "multi-label": "AlbertForSequenceClassification",
    "nli": "AlbertForSequenceClassification",
    "pos": "AlbertForTokenClassification",
    "qa": "AlbertForQuestionAnswering",
    "similarity": "AlbertForSequenceClassification",
    "topics": "AlbertForSequenceClassification",
}
_MIB = 1 << 20


def test_there_is_a_checkpoint_for_every_head():
    assert checkpoints.names() == sorted(CLASSES)
    stems = {path.stem for path in checkpoints.HEADS.glob("*.safetensors")}
    assert stems == set(CLASSES)


@pytest.mark.parametrize("name", CLASSES)
def test_a_folder_is_a_whole_checkpoint(name, tmp_path):
    checkpoints.write(name, tmp_path / name)
    found = open_checkpoint(tmp_path / name)
    assert found.config.architectures == [CLASSES[name]]
    assert found.dtype == "float16"
    needed = [row.canonical for row in weights(found.config, CLASSES[name])]
    assert sorted(found.arrays) == sorted(needed)
    assert (tmp_path / name / "spiece.model").is_file()
    tokenizer = AlbertTokenizerFast.from_pretrained(tmp_path / name)
    demo = AlbertTokenizerFast.from_pretrained(DEMO_NAME)
    assert tokenizer("Plants need light.") == demo("Plants need light.")


@pytest.mark.parametrize("name", CLASSES)
def test_the_encoder_is_that_of_the_demo(name, tmp_path):
    checkpoints.write(name, tmp_path / name)
    found, demo = open_checkpoint(tmp_path / name), open_checkpoint(DEMO_NAME)
    head = open_file(checkpoints.HEADS / f"{name}.safetensors")
    for key, array in found.arrays.items():
        source = head if key in head else demo.arrays
        np.testing.assert_array_equal(array.read(), source[key].read())
    heads = ("albert.pooler.", "classifier.", "qa_outputs.")
    assert all(key.startswith(heads) for key in head)


def test_labels_are_named():
    folder = checkpoints.HEADS
    named = {
        path.stem: json.loads(path.read_text("utf-8")).get("id2label")
        for path in folder.glob("*.json")
    }
    assert list(named["nli"].values()) == ["entailment", "neutral", "contradiction"]
    assert list(named["entities"].values()) == [
        "O",
        "B-NAME",
        "I-NAME",
        "B-NUM",
        "I-NUM",
    ]
    assert "kitchen_and_dining" in named["topics"].values()
    assert len(named["pos"]) == 17


def test_an_unknown_name_is_refused(tmp_path):
    with pytest.raises(ValueError) as caught:
        checkpoints.write("ner", tmp_path)
    assert str(caught.value) == (
        "name must be one of choice, entities, multi-label, nli, pos, qa, similarity, "
        "topics, but is 'ner'."
    )
    assert not list(tmp_path.iterdir())


def test_the_command_writes_every_checkpoint(tmp_path, capsys):
    assert main([str(tmp_path)]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines == [str(tmp_path / name) for name in sorted(CLASSES)]
    for name in CLASSES:
        assert (tmp_path / name / "config.json").is_file()
        assert (tmp_path / name / "model.safetensors").is_file()


def test_the_fixtures_are_small():
    sizes = [p.stat().st_size for p in checkpoints.FOLDER.rglob("*") if p.is_file()]
    assert sum(sizes) < 1.5 * _MIB
