"""The weight-name table: every name, shape, path and layout, written out."""

import numpy as np
import pytest

from albert.common import names
from albert.common.config import AlbertConfig

V, P, T, E, H, I, L = 101, 19, 2, 5, 24, 37, 8  # noqa: E741

CONFIG = AlbertConfig(
    vocab_size=V,
    embedding_size=E,
    hidden_size=H,
    num_hidden_layers=3,
    num_hidden_groups=2,
    inner_group_num=2,
    num_attention_heads=4,
    intermediate_size=I,
    max_position_embeddings=P,
    type_vocab_size=T,
    num_labels=L,
)

START = {
    "albert.embeddings.word_embeddings.weight": (V, E),
    "albert.embeddings.position_embeddings.weight": (P, E),
    "albert.embeddings.token_type_embeddings.weight": (T, E),
    "albert.embeddings.LayerNorm.weight": (E,),
    "albert.embeddings.LayerNorm.bias": (E,),
    "albert.encoder.embedding_hidden_mapping_in.weight": (H, E),
    "albert.encoder.embedding_hidden_mapping_in.bias": (H,),
}
BLOCK = {
    "attention.query.weight": (H, H),
    "attention.query.bias": (H,),
    "attention.key.weight": (H, H),
    "attention.key.bias": (H,),
    "attention.value.weight": (H, H),
    "attention.value.bias": (H,),
    "attention.dense.weight": (H, H),
    "attention.dense.bias": (H,),
    "attention.LayerNorm.weight": (H,),
    "attention.LayerNorm.bias": (H,),
    "ffn.weight": (I, H),
    "ffn.bias": (I,),
    "ffn_output.weight": (H, I),
    "ffn_output.bias": (H,),
    "full_layer_layer_norm.weight": (H,),
    "full_layer_layer_norm.bias": (H,),
}
GROUPS = "albert.encoder.albert_layer_groups"
BACKBONE = {
    **START,
    **{
        f"{GROUPS}.{group}.albert_layers.{inner}.{name}": shape
        for group in (0, 1)
        for inner in (0, 1)
        for name, shape in BLOCK.items()
    },
}
POOLER = {"albert.pooler.weight": (H, H), "albert.pooler.bias": (H,)}
PREDICTIONS = {
    "predictions.dense.weight": (E, H),
    "predictions.dense.bias": (E,),
    "predictions.LayerNorm.weight": (E,),
    "predictions.LayerNorm.bias": (E,),
    "predictions.bias": (V,),
}
HEADS = {
    "AlbertModel": POOLER,
    "AlbertForPreTraining": {
        **POOLER,
        **PREDICTIONS,
        "sop_classifier.classifier.weight": (2, H),
        "sop_classifier.classifier.bias": (2,),
    },
    "AlbertForMaskedLM": PREDICTIONS,
    "AlbertForSequenceClassification": {
        **POOLER,
        "classifier.weight": (L, H),
        "classifier.bias": (L,),
    },
    "AlbertForMultipleChoice": {
        **POOLER,
        "classifier.weight": (1, H),
        "classifier.bias": (1,),
    },
    "AlbertForTokenClassification": {
        "classifier.weight": (L, H),
        "classifier.bias": (L,),
    },
    "AlbertForQuestionAnswering": {
        "qa_outputs.weight": (2, H),
        "qa_outputs.bias": (2,),
    },
}

every_class = pytest.mark.parametrize("class_name", HEADS)


def row_of(canonical, class_name="AlbertForPreTraining"):
    (row,) = [
        row for row in names.weights(CONFIG, class_name) if row.canonical == canonical
    ]
    return row


def test_classes():
    assert set(names.PARTS) == set(HEADS)


@every_class
def test_every_weight_and_shape(class_name):
    rows = names.weights(CONFIG, class_name)
    found = {row.canonical: row.shape(CONFIG) for row in rows}
    assert len(found) == len(rows)
    assert found == {**BACKBONE, **HEADS[class_name]}
    # Inputs towards outputs; the heads' own order is free.
    assert list(found)[: len(BACKBONE)] == list(BACKBONE)


@every_class
def test_without_pooling(class_name):
    rows = names.weights(CONFIG, class_name, pooling=False)
    expected = (BACKBONE.keys() | HEADS[class_name].keys()) - POOLER.keys()
    assert {row.canonical for row in rows} == expected


@every_class
def test_parts(class_name):
    for row in names.weights(CONFIG, class_name):
        assert row.part in names.PARTS[class_name]
        assert (row.part == names.BACKBONE) == (row.canonical in BACKBONE)
        assert (row.part == "pooler") == (row.canonical in POOLER)


def test_all_weights_are_those_of_every_class_once():
    rows = names.all_weights(CONFIG)
    every = {r.canonical for name in names.PARTS for r in names.weights(CONFIG, name)}
    assert rows[0].canonical.endswith("word_embeddings.weight")
    assert len(rows) == len(every)
    assert {row.canonical for row in rows} == every


def test_tied_names():
    assert names.TIED == {
        "predictions.decoder.weight": "albert.embeddings.word_embeddings.weight",
        "predictions.decoder.bias": "predictions.bias",
    }


BLOCK_PATH = "albert.encoder.albert_layer_groups.1.albert_layers.0"
STEPS = ("encoder", "albert_layer_groups", "1", "albert_layers", "0")

# Canonical name -> the steps of the bare model and the variable's three names.
PATHS = {
    "albert.embeddings.word_embeddings.weight": (
        ("embeddings", "word_embeddings"),
        ("weight", "embeddings", "embedding"),
    ),
    "albert.embeddings.LayerNorm.weight": (
        ("embeddings", "LayerNorm"),
        ("weight", "gamma", "scale"),
    ),
    "albert.embeddings.LayerNorm.bias": (
        ("embeddings", "LayerNorm"),
        ("bias", "beta", "bias"),
    ),
    f"{BLOCK_PATH}.attention.query.weight": (
        (*STEPS, "attention", "query"),
        ("weight", "kernel", "kernel"),
    ),
    f"{BLOCK_PATH}.ffn.bias": ((*STEPS, "ffn"), ("bias", "bias", "bias")),
    f"{BLOCK_PATH}.full_layer_layer_norm.bias": (
        (*STEPS, "full_layer_layer_norm"),
        ("bias", "beta", "bias"),
    ),
    "albert.pooler.weight": (("pooler",), ("weight", "kernel", "kernel")),
}


@pytest.mark.parametrize("canonical", PATHS)
@pytest.mark.parametrize("framework", ["pt", "tf", "flax"])
def test_path(canonical, framework):
    steps, leaves = PATHS[canonical]
    leaf = dict(zip(("pt", "tf", "flax"), leaves, strict=True))[framework]
    row = row_of(canonical)
    assert row.path(framework, base=True) == (*steps, leaf)
    assert row.path(framework, base=False) == ("albert", *steps, leaf)


@pytest.mark.parametrize("base", [True, False])
@pytest.mark.parametrize("framework", ["pt", "tf", "flax"])
def test_head_path_has_no_prefix(framework, base):
    leaf = {"pt": "weight", "tf": "gamma", "flax": "scale"}[framework]
    row = row_of("predictions.LayerNorm.weight")
    assert row.path(framework, base) == ("predictions", "LayerNorm", leaf)
    assert row_of("predictions.bias").path(framework, base) == ("predictions", "bias")


@pytest.mark.parametrize("framework", ["pt", "tf", "flax"])
@every_class
def test_layout(class_name, framework):
    """Keras and Flax hold matrices [in, out]; tables and vectors are alike."""
    for row in names.weights(CONFIG, class_name):
        shape = row.shape(CONFIG)
        array = np.random.default_rng(0).normal(size=shape)
        found = row.to_framework(array, framework)
        matrix = len(shape) == 2 and "_embeddings" not in row.canonical
        if matrix and framework != "pt":
            assert found.shape == shape[::-1]
            np.testing.assert_array_equal(found.swapaxes(0, 1), array)
        else:
            np.testing.assert_array_equal(found, array)
        np.testing.assert_array_equal(row.to_framework(found, framework), array)


@every_class
def test_pytorch_path_is_the_canonical_name(class_name):
    for row in names.weights(CONFIG, class_name):
        assert ".".join(row.path("pt", base=False)) == row.canonical
