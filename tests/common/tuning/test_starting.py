import numpy as np
import pytest
from safetensors.numpy import load_file

from albert.common.saving import save_arrays
from albert.common.training.initial import initial_weights
from albert.common.tuning.starting import config_of, write_start

TEXTS, WORDS = "AlbertForSequenceClassification", "AlbertForPreTraining"


def _named(config, *names):
    return config(id2label=dict(enumerate(names)))


def _saved(tmp_path, config, kind):
    made = initial_weights(config, kind, 3)
    save_arrays(tmp_path / "source", config, made, kind)
    return tmp_path / "source"


def test_only_the_head_is_new(config, tmp_path):
    source = _saved(tmp_path, config(), WORDS)
    target = _named(config, "a", "b", "c")
    new = write_start(source, target, TEXTS, 5, tmp_path / "start")
    assert new == ["classifier"]
    one = load_file(tmp_path / "source" / "model.safetensors")
    other = load_file(tmp_path / "start" / "model.safetensors")
    assert other["classifier.weight"].shape == (3, 12)
    for name in set(other) & set(one):
        np.testing.assert_array_equal(one[name], other[name])
    assert config_of(tmp_path / "start").id2label == target.id2label
    again = write_start(source, target, TEXTS, 5, tmp_path / "again")
    assert again == new
    assert (tmp_path / "again" / "model.safetensors").read_bytes() == (
        tmp_path / "start" / "model.safetensors"
    ).read_bytes()


def test_a_head_stays_for_the_same_labels_only(config, tmp_path):
    source = _saved(tmp_path, _named(config, "a", "b"), TEXTS)
    for names, new in ((("a", "b"), []), (("x", "y"), ["classifier"])):
        target = _named(config, *names)
        assert write_start(source, target, TEXTS, 5, tmp_path / "start") == new


def test_a_random_encoder_is_said_loudly(config, tmp_path):
    with pytest.warns(UserWarning) as found:
        new = write_start(config(), config(), TEXTS, 5, tmp_path / "start")
    assert new == ["backbone", "pooler", "classifier"]
    assert str(found[0].message) == (
        "THE ENCODER IS RANDOM: the model starts from a configuration, without "
        "pretrained weights. ALBERT is made to be fine-tuned from pretrained weights; "
        "give a checkpoint with --model, unless this is a baseline."
    )
