"""Checkpoints of other models, told by the names of their arrays."""

import pytest

from albert.common.strangers import refuse_strangers

LIKE_BERT = "BERT or a model built like it"


@pytest.mark.parametrize(
    ("name", "model"),
    [
        ("bert.encoder.layer.0.attention.self.query.weight", LIKE_BERT),
        ("deberta.encoder.layer.0.attention.self.query_proj.weight", LIKE_BERT),
        ("vit.encoder.layer.0.attention.attention.query.weight", LIKE_BERT),
        ("mpnet.encoder.layer.0.attention.attn.q.weight", LIKE_BERT),
        ("transformer.layer.0.rel_attn.q", "XLNet"),
        ("model/transformer/layer_0/rel_attn/q/kernel", "XLNet"),
        ("transformer.layer.5.attention.q_lin.weight", "DistilBERT"),
        ("distilbert.embeddings.word_embeddings.weight", "DistilBERT"),
        ("roberta.encoder.layer.0.attention.self.query.weight", "RoBERTa"),
        ("electra.encoder.layer.0.attention.self.query.weight", "ELECTRA"),
    ],
)
def test_who_it_is(name, model):
    with pytest.raises(ValueError) as caught:
        refuse_strangers(["embeddings.word_embeddings.weight", name], "a file")
    assert str(caught.value).startswith(f"'a file' is a checkpoint of {model}, which ")
    assert str(caught.value).endswith(f" ({name}).")


@pytest.mark.parametrize(
    "name",
    [
        "transformer.layer.0.ff.weight",
        "albert.encoder.albert_layer_groups.0.albert_layers.0.attention.query.weight",
        "bert/encoder/transformer/group_0/inner_group_0/attention_1/self/query/kernel",
    ],
)
def test_names_that_tell_nothing(name):
    refuse_strangers([name], "a file")
