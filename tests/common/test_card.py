"""The cards of models and tokenizers."""

import re

import pytest
from huggingface_hub import ModelCard

from albert.common.card import (
    PIPELINE_TAGS,
    is_tokenizer_card,
    model_card,
    tokenizer_card,
)
from albert.common.config import AlbertConfig

CONFIG = AlbertConfig.preset("albert-base-v2", num_labels=3)
BLOCK = re.compile(r"^```python\n(.*?)^```$", re.S | re.M)


def _card(class_name="AlbertForSequenceClassification", **facts):
    return model_card(CONFIG, class_name, 11_685_123, repo_id="owner/name", **facts)


def test_card_with_all_facts():
    text = _card(
        training_data=["nyu-mll/glue", "Letters | of\nmy friends"],
        training={"seed": 3, "start": "albert|base"},
        evaluation={"SST-2": {"accuracy": 0.926, "F 1": 1}, "my set": {"loss": 0.25}},
        notice="Not for\nuse.",
        language=["en", "de"],
        license="apache-2.0",
        tags=["letters", "albert"],
    )
    data = ModelCard(text).data
    assert data.library_name == "albert"
    assert data.tags == ["albert", "letters"]
    assert data.pipeline_tag == "text-classification"
    assert data.datasets == ["nyu-mll/glue"]
    assert data.language == ["en", "de"]
    assert data.license == "apache-2.0"
    assert data.model_name == "name"
    found = [
        (each.task_type, each.dataset_name, each.dataset_type, each.metric_type)
        for each in data.eval_results
    ]
    assert found == [
        ("text-classification", "SST-2", "sst-2", "accuracy"),
        ("text-classification", "SST-2", "sst-2", "f-1"),
        ("text-classification", "my set", "my-set", "loss"),
    ]
    assert [each.metric_value for each in data.eval_results] == [0.926, 1.0, 0.25]
    for line in (
        "# name",
        "| hidden_size | 768 |",
        "| labels | LABEL_0, LABEL_1, LABEL_2 |",
        "| parameters | 11,685,123 |",
        "- nyu-mll/glue",
        "- Letters \\| of my friends",
        "**Not for use.**",
        "| seed | 3 |",
        "| start | albert\\|base |",
        "| SST-2 | accuracy | 0.926 |",
        "| my set | loss | 0.25 |",
    ):
        assert line in text.splitlines()


def test_card_with_few_facts():
    text = _card("AlbertModel")
    assert ModelCard(text).data.to_dict() == {
        "library_name": "albert",
        "pipeline_tag": "feature-extraction",
        "tags": ["albert"],
    }
    assert "## Training data\n\nNot stated.\n" in text
    assert "## Evaluation" not in text
    assert "## Training\n" not in text
    assert text.split("# name\n\n")[1].startswith("An ALBERT model")
    assert "labels" not in text


def test_training_data_as_a_sentence():
    text = _card(training_data="English Wikipedia, without lists.")
    assert "- English Wikipedia, without lists." in text.splitlines()
    assert "datasets" not in ModelCard(text).data.to_dict()


@pytest.mark.parametrize("class_name", PIPELINE_TAGS)
def test_examples_in_three_frameworks(class_name):
    blocks = BLOCK.findall(_card(class_name))
    for prefix, block in zip(("", "TF", "Flax"), blocks, strict=True):
        compile(block, "card", "exec")
        assert f'{prefix}{class_name}.from_pretrained("owner/name")' in block
        assert all(len(line) <= 88 for line in block.splitlines())


@pytest.mark.parametrize(
    "value", [float("nan"), float("inf"), True, "0.9", None, 10**400]
)
def test_values_that_are_no_numbers(value):
    with pytest.raises(ValueError) as caught:
        _card(evaluation={"SST-2": {"accuracy": value}})
    assert str(caught.value) == (
        f"evaluation must have finite numbers, but 'SST-2' has accuracy = {value!r}."
    )


@pytest.mark.parametrize(
    "evaluation", [{"x": 3}, {3: {"acc": 0.5}}, {"x": {3: 0.5}}, ["x"], {"x": None}]
)
def test_values_of_no_data_set(evaluation):
    with pytest.raises(ValueError) as caught:
        _card(evaluation=evaluation)
    assert str(caught.value) == (
        f"evaluation must have numbers by data set and metric, such as "
        f"{{'SST-2': {{'accuracy': 0.926}}}}, but is {evaluation!r}."
    )


@pytest.mark.parametrize("name", [None, 3, "", "a/b/c"])
def test_bad_name(name):
    text = (
        f"repo_id must be a name that a repository on the hub can have, such as "
        f"'owner/name', but is {name!r}."
    )
    for write in (
        lambda: model_card(CONFIG, "AlbertModel", 1, repo_id=name),
        lambda: tokenizer_card("AlbertTokenizer", {}, repo_id=name),
    ):
        with pytest.raises(ValueError) as caught:
            write()
        assert str(caught.value) == text


def test_no_such_class():
    with pytest.raises(ValueError) as caught:
        _card("TFAlbertModel")
    assert str(caught.value) == (
        f"class_name must be one of {', '.join(PIPELINE_TAGS)}, but is 'TFAlbertModel'."
    )


def test_tokenizer_card():
    settings = {"do_lower_case": True, "unk_token": "<unk>"}
    text = tokenizer_card("AlbertTokenizer", settings, repo_id="o/n", license="mit")
    assert ModelCard(text).data.to_dict() == {
        "library_name": "albert",
        "license": "mit",
        "tags": ["albert"],
    }
    assert "| unk_token | `<unk>` |" in text.splitlines()
    (block,) = BLOCK.findall(text)
    compile(block, "card", "exec")
    assert 'AlbertTokenizer.from_pretrained("o/n")' in block


def test_edited_tokenizer_cards_are_told_apart():
    text = tokenizer_card("AlbertTokenizer", {}, repo_id="o/n")
    assert is_tokenizer_card(text)
    assert not is_tokenizer_card(text.replace("# n", "# My own"))
    assert not is_tokenizer_card(text + "More.\n")
    assert not is_tokenizer_card(_card())
    assert not is_tokenizer_card("")
