"""Configurations and tokenizers by their Auto names, and what is refused."""

import json
import shutil
from pathlib import Path

import pytest

import albert
from albert import AlbertConfig, AlbertTokenizer, AlbertTokenizerFast
from albert.common.auto import AutoConfig, AutoModelClass, AutoTokenizer

from .repositories import content, failure

DEMO = Path(albert.__file__).parent / "assets" / "albert-demo"
BERT = (
    "model_type must be 'albert', but this is the configuration of a 'bert' model, "
    "which this package cannot hold."
)


@pytest.mark.parametrize("unneeded", [{}, {"trust_remote_code": True}])
def test_configuration(unneeded):
    found = AutoConfig.from_pretrained("albert-demo", num_labels=5, **unneeded)
    assert found == AlbertConfig.from_pretrained("albert-demo", num_labels=5)


@pytest.mark.parametrize(
    ("options", "kind"),
    [
        ({}, AlbertTokenizerFast),
        ({"use_fast": True, "trust_remote_code": False}, AlbertTokenizerFast),
        ({"use_fast": False, "config": AlbertConfig()}, AlbertTokenizer),
    ],
)
def test_tokenizer(options, kind):
    found = AutoTokenizer.from_pretrained("albert-demo", **options)
    assert type(found) is kind
    assert found("a word") == kind.from_pretrained("albert-demo")("a word")


def test_tokenizer_of_the_hub_with_settings(hub):
    hub.add("owner/name", content(DEMO))
    found = AutoTokenizer.from_pretrained(
        "owner/name", revision="main", do_lower_case=False
    )
    assert found.do_lower_case is False
    assert "model.safetensors" not in hub.downloads


def test_a_folder_of_bert(tmp_path):
    (tmp_path / "config.json").write_text('{"model_type": "bert"}')
    words = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "word"]
    (tmp_path / "vocab.txt").write_text("\n".join(words))
    for auto in (AutoConfig, AutoTokenizer):
        assert failure(ValueError, auto.from_pretrained, tmp_path) == BERT


@pytest.mark.parametrize("kind", ["XLNetTokenizer", "T5TokenizerFast"])
def test_a_vocabulary_of_another_tokenizer(tmp_path, kind):
    shutil.copy(DEMO / "spiece.model", tmp_path)
    settings = tmp_path / "tokenizer_config.json"
    settings.write_text(json.dumps({"tokenizer_class": kind}))
    assert failure(ValueError, AutoTokenizer.from_pretrained, tmp_path) == (
        f"{str(tmp_path)!r} holds the vocabulary of a {kind} (tokenizer_class in "
        f"tokenizer_config.json), which gives other ids than ALBERT's tokenizer; it "
        f"must be that of AlbertTokenizer or BertTokenizer or PreTrainedTokenizer or "
        f"TokenizersBackend."
    )


@pytest.mark.parametrize(
    "kind", ["AlbertTokenizerFast", "PreTrainedTokenizerFast", "TokenizersBackend"]
)
def test_a_vocabulary_alone(tmp_path, kind):
    shutil.copy(DEMO / "spiece.model", tmp_path)
    found = AutoTokenizer.from_pretrained(tmp_path)
    (tmp_path / "tokenizer_config.json").write_text(
        json.dumps({"tokenizer_class": kind})
    )
    again = AutoTokenizer.from_pretrained(tmp_path)
    assert found("a word") == again("a word")


@pytest.mark.parametrize("auto", [AutoConfig, AutoTokenizer])
def test_it_cannot_be_made(auto):
    name = auto.__name__
    assert failure(OSError, auto, "albert-demo") == (
        f"{name} makes objects of other classes: call {name}.from_pretrained(...)."
    )


def test_a_model_class_cannot_be_made():
    assert failure(OSError, AutoModelClass, AlbertConfig()) == (
        "AutoModelClass makes objects of other classes: call "
        "AutoModelClass.from_pretrained(...) or AutoModelClass.from_config(...)."
    )


def test_a_backend_says_how_a_model_is_built():
    with pytest.raises(NotImplementedError):
        AutoModelClass.from_config(AlbertConfig())
