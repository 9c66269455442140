"""Models by their Auto names."""

from pathlib import Path

import pytest
import torch

import albert
from albert import AlbertConfig, AutoTokenizer
from albert.common.names import PARTS

from ..common.repositories import content, failure

DEMO = Path(albert.__file__).parent / "assets" / "albert-demo"
SMALL = {"hidden_size": 24, "num_attention_heads": 4, "intermediate_size": 37}


def auto(class_name):
    """AlbertModel -> AutoModel, AlbertForX -> AutoModelForX."""
    name = class_name.replace("AlbertModel", "Albert").replace("Albert", "AutoModel")
    return getattr(albert.pt, f"{name}")


@pytest.mark.parametrize("class_name", PARTS)
def test_new_weights(class_name):
    config = AlbertConfig(vocab_size=50, num_hidden_layers=1, **SMALL)
    model = auto(class_name).from_config(config, trust_remote_code=True)
    assert type(model) is getattr(albert.pt, f"{class_name}")
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
    assert type(model) is getattr(albert.pt, f"{class_name}")
    assert not info["missing_keys"]


def test_settings():
    config = AlbertConfig(vocab_size=50, num_hidden_layers=1, **SMALL)
    model = albert.pt.AutoModel.from_config(
        config, torch_dtype="bfloat16", attn_implementation="eager"
    )
    assert "bfloat16" in str(model.dtype)
    assert model.config.attn_implementation == "eager"
    assert config.attn_implementation == "sdpa"
    plain = albert.pt.AutoModel.from_config(config, dtype="auto")
    assert "float32" in str(plain.dtype)
    bare = albert.pt.AutoModel.from_config(config, add_pooling_layer=False)
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
    assert failure(OSError, albert.pt.AutoModel) == (
        "AutoModel makes objects of other classes: call "
        "AutoModel.from_pretrained(...) or AutoModel.from_config(...)."
    )


def test_no_configuration():
    assert failure(TypeError, albert.pt.AutoModel.from_config, {}) == (
        "config must be an AlbertConfig, but is a dict; to load a checkpoint use "
        "AlbertModel.from_pretrained."
    )


# The published example, but for the line of its import.
EXAMPLE = """
import torch
from albert import AutoModelForMaskedLM, AutoTokenizer

tokenizer = AutoTokenizer.from_pretrained("albert/albert-base-v2")
model = AutoModelForMaskedLM.from_pretrained(
    "albert/albert-base-v2",
    dtype=torch.float16,
    attn_implementation="sdpa",
    device_map="auto"
)

prompt = "Plants create energy through a process known as [MASK]."
inputs = tokenizer(prompt, return_tensors="pt").to(model.device)

with torch.no_grad():
    outputs = model(**inputs)
    mask_token_id = torch.where(inputs["input_ids"] == tokenizer.mask_token_id)[1]
    predictions = outputs.logits[0, mask_token_id]

top_k = torch.topk(predictions, k=5).indices.tolist()
for token_id in top_k[0]:
    print(f"Prediction: {tokenizer.decode([token_id])}")
"""


def test_the_published_example(hub, capsys):
    hub.add("albert/albert-base-v2", content(DEMO))
    exec(compile(EXAMPLE, "example", "exec"), {})
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 5
    tokenizer = AutoTokenizer.from_pretrained("albert-demo")
    model = albert.pt.AlbertForMaskedLM.from_pretrained("albert-demo")
    inputs = tokenizer(
        "Plants create energy through a process known as [MASK].", return_tensors="pt"
    )
    place = inputs["input_ids"][0] == tokenizer.mask_token_id
    with torch.no_grad():
        best = model(**inputs).logits[0, place].argmax(-1).item()
    assert lines[0] == f"Prediction: {tokenizer.decode([best])}"


@pytest.mark.parametrize("older", [None, "float16"])
def test_the_newer_name_of_the_type_counts(older):
    """As in transformers, where None means that it was not given."""
    made = albert.pt.AutoModel.from_pretrained(
        "albert-demo", dtype="bfloat16", torch_dtype=older
    )
    config = AlbertConfig(vocab_size=50, num_hidden_layers=1, **SMALL)
    new = albert.pt.AutoModel.from_config(config, dtype="bfloat16", torch_dtype=older)
    assert "bfloat16" in str(made.dtype)
    assert "bfloat16" in str(new.dtype)
    plain = albert.pt.AutoModel.from_config(config, torch_dtype=None)
    assert "float32" in str(plain.dtype)
