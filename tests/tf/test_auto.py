"""Models by their Auto names."""

from pathlib import Path

import pytest

import albert
from albert import AlbertConfig
from albert.common.names import PARTS

from ..common.repositories import content, failure

DEMO = Path(albert.__file__).parent / "assets" / "albert-demo"
SMALL = {"hidden_size": 24, "num_attention_heads": 4, "intermediate_size": 37}


def auto(class_name):
    """AlbertModel -> TFAutoModel, AlbertForX -> TFAutoModelForX."""
    name = class_name.replace("AlbertModel", "Albert").replace("Albert", "AutoModel")
    return getattr(albert.tf, f"TF{name}")


@pytest.mark.parametrize("class_name", PARTS)
def test_new_weights(class_name):
    config = AlbertConfig(vocab_size=50, num_hidden_layers=1, **SMALL)
    model = auto(class_name).from_config(config, trust_remote_code=True)
    assert type(model) is getattr(albert.tf, f"TF{class_name}")
    assert model.config == config


@pytest.mark.parametrize("class_name", ["AlbertModel", "AlbertForMaskedLM"])
def test_checkpoint_of_the_hub(hub, class_name):
    hub.add("albert/albert-base-v2", content(DEMO))
    model, info = auto(class_name).from_pretrained(
        "albert/albert-base-v2",
        revision="main",
        device_map="auto",
        trust_remote_code=False,
        output_loading_info=True,
    )
    assert type(model) is getattr(albert.tf, f"TF{class_name}")
    assert not info["missing_keys"]


def test_settings():
    config = AlbertConfig(vocab_size=50, num_hidden_layers=1, **SMALL)
    model = albert.tf.TFAutoModel.from_config(
        config, torch_dtype="bfloat16", attn_implementation="eager"
    )
    assert "bfloat16" in str(model.dtype_policy.name)
    assert model.config.attn_implementation == "eager"
    assert config.attn_implementation == "sdpa"
    plain = albert.tf.TFAutoModel.from_config(config, dtype="auto")
    assert "float32" in str(plain.dtype)
    bare = albert.tf.TFAutoModel.from_config(config, add_pooling_layer=False)
    assert len(bare.weight_rows()) == len(plain.weight_rows()) - 2


def test_another_model_is_refused_by_name(tmp_path):
    (tmp_path / "config.json").write_text('{"model_type": "bert"}')
    (tmp_path / "model.safetensors").write_bytes(b"")
    for class_name in PARTS:
        text = failure(ValueError, auto(class_name).from_pretrained, tmp_path)
        assert text == (
            "model_type must be 'albert', but this is the configuration of a 'bert' "
            "model, which this package cannot hold."
        )


def test_it_cannot_be_made():
    assert failure(OSError, albert.tf.TFAutoModel) == (
        "TFAutoModel makes objects of other classes: call "
        "TFAutoModel.from_pretrained(...) or TFAutoModel.from_config(...)."
    )


def test_no_configuration():
    assert failure(TypeError, albert.tf.TFAutoModel.from_config, {}) == (
        "config must be an AlbertConfig, but is a dict; to load a checkpoint use "
        "TFAlbertModel.from_pretrained."
    )


@pytest.mark.parametrize("older", [None, "float16"])
def test_the_newer_name_of_the_type_counts(older):
    """As in transformers, where None means that it was not given."""
    made = albert.tf.TFAutoModel.from_pretrained(
        "albert-demo", dtype="bfloat16", torch_dtype=older
    )
    config = AlbertConfig(vocab_size=50, num_hidden_layers=1, **SMALL)
    new = albert.tf.TFAutoModel.from_config(config, dtype="bfloat16", torch_dtype=older)
    assert "bfloat16" in str(made.dtype)
    assert "bfloat16" in str(new.dtype)
    plain = albert.tf.TFAutoModel.from_config(config, torch_dtype=None)
    assert "float32" in str(plain.dtype)
