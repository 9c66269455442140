"""How each tool spells the weights: every name once, and found wherever it stands."""

from pathlib import Path

import pytest

from albert.common import names
from albert.common.checkpoint import forms
from albert.common.config import AlbertConfig
from albert.common.dialects import DIALECTS, match
from albert.common.opening import open_checkpoint
from conformance.cases import SIZES

FIXTURES = Path(__file__).parents[2] / "conformance" / "fixtures"
CONFIG = AlbertConfig(**SIZES)
GROUPS = CONFIG.replace(num_hidden_layers=4, num_hidden_groups=2, inner_group_num=2)
BASES = pytest.mark.parametrize("base", [False, True], ids=["head", "base"])
KEYS = pytest.mark.parametrize("key", DIALECTS)
WRITTEN = ("pytorch", "transformers-tf", "flax")
# Heads that these tools have not; the Model Garden has no groups, either.
LACKING = {
    "keras-hub": ("sop_classifier.", "qa_outputs."),
    "model-garden": ("sop_classifier.", "qa_outputs.", "classifier."),
}
BLOCK = "albert.encoder.albert_layer_groups.1.albert_layers.0"

# Canonical name -> what it is called in a file of a model with a head, and how it is
# stored: "same", or "turned", [in, out]. By hand, from the files of the real tools.
LITERAL = {
    "pytorch": {
        "albert.embeddings.word_embeddings.weight": (
            "albert.embeddings.word_embeddings.weight",
            "same",
        ),
        f"{BLOCK}.attention.query.weight": (
            (
                "albert.encoder.albert_layer_groups.1.albert_layers.0.attention.query."
                "weight"
            ),
            "same",
        ),
        "predictions.bias": ("predictions.bias", "same"),
        "sop_classifier.classifier.weight": (
            "sop_classifier.classifier.weight",
            "same",
        ),
    },
    "transformers-tf": {
        "albert.embeddings.word_embeddings.weight": (
            "albert/embeddings/word_embeddings/weight",
            "same",
        ),
        "albert.embeddings.token_type_embeddings.weight": (
            "albert/embeddings/token_type_embeddings/embeddings",
            "same",
        ),
        "albert.embeddings.LayerNorm.weight": (
            "albert/embeddings/LayerNorm/gamma",
            "same",
        ),
        f"{BLOCK}.ffn_output.weight": (
            "albert/encoder/albert_layer_groups_._1/albert_layers_._0/ffn_output/kernel",
            "turned",
        ),
        "albert.pooler.weight": ("albert/pooler/kernel", "turned"),
        "predictions.bias": ("predictions/decoder/bias", "same"),
        "predictions.LayerNorm.bias": ("predictions/LayerNorm/beta", "same"),
        "sop_classifier.classifier.weight": (
            "sop_classifier/classifier/kernel",
            "turned",
        ),
        "qa_outputs.bias": ("qa_outputs/bias", "same"),
    },
    "flax": {
        "albert.embeddings.position_embeddings.weight": (
            "albert/embeddings/position_embeddings/embedding",
            "same",
        ),
        "albert.embeddings.LayerNorm.weight": (
            "albert/embeddings/LayerNorm/scale",
            "same",
        ),
        f"{BLOCK}.full_layer_layer_norm.bias": (
            (
                "albert/encoder/albert_layer_groups/1/albert_layers/0/"
                "full_layer_layer_norm/bias"
            ),
            "same",
        ),
        "predictions.dense.weight": ("predictions/dense/kernel", "turned"),
        "predictions.bias": ("predictions/bias", "same"),
        "classifier.weight": ("classifier/kernel", "turned"),
    },
    "google": {
        "albert.embeddings.word_embeddings.weight": (
            "bert/embeddings/word_embeddings",
            "same",
        ),
        "albert.encoder.embedding_hidden_mapping_in.weight": (
            "bert/encoder/embedding_hidden_mapping_in/kernel",
            "turned",
        ),
        f"{BLOCK}.attention.key.bias": (
            "bert/encoder/transformer/group_1/inner_group_0/attention_1/self/key/bias",
            "same",
        ),
        f"{BLOCK}.ffn_output.weight": (
            (
                "bert/encoder/transformer/group_1/inner_group_0/ffn_1/intermediate/output/"
                "dense/kernel"
            ),
            "turned",
        ),
        f"{BLOCK}.attention.LayerNorm.weight": (
            "bert/encoder/transformer/group_1/inner_group_0/LayerNorm/gamma",
            "same",
        ),
        f"{BLOCK}.full_layer_layer_norm.bias": (
            "bert/encoder/transformer/group_1/inner_group_0/LayerNorm_1/beta",
            "same",
        ),
        "albert.pooler.weight": ("bert/pooler/dense/kernel", "turned"),
        "predictions.dense.weight": (
            "cls/predictions/transform/dense/kernel",
            "turned",
        ),
        "sop_classifier.classifier.weight": (
            "cls/seq_relationship/output_weights",
            "same",
        ),
        "classifier.weight": ("output_weights", "same"),
        "qa_outputs.weight": ("cls/squad/output_weights", "same"),
    },
    "keras": {
        "albert.embeddings.word_embeddings.weight": (
            "albert/embeddings/word_embeddings/vars/0",
            "same",
        ),
        "albert.embeddings.LayerNorm.bias": (
            "albert/embeddings/LayerNorm/vars/1",
            "same",
        ),
        f"{BLOCK}.attention.query.weight": (
            (
                "albert/encoder/albert_layer_groups/tf_albert_layer_group_1/albert_layers/"
                "tf_albert_layer/attention/query/vars/0"
            ),
            "turned",
        ),
        "albert.encoder.albert_layer_groups.0.albert_layers.1.ffn.bias": (
            (
                "albert/encoder/albert_layer_groups/tf_albert_layer_group/albert_layers/"
                "tf_albert_layer_1/ffn/vars/1"
            ),
            "same",
        ),
        "albert.pooler.weight": ("albert/layers/dense/vars/0", "turned"),
        "predictions.bias": ("layers/tf_albert_mlm_head/vars/0", "same"),
        "predictions.dense.weight": (
            "layers/tf_albert_mlm_head/dense/vars/0",
            "turned",
        ),
        "sop_classifier.classifier.weight": (
            "layers/tf_albert_sop_head/classifier/vars/0",
            "turned",
        ),
        "classifier.bias": ("classifier/vars/1", "same"),
        "qa_outputs.weight": ("layers/dense/vars/0", "turned"),
    },
    "keras-hub": {
        "albert.embeddings.word_embeddings.weight": (
            "layers/reversible_embedding/vars/0",
            "same",
        ),
        "albert.embeddings.token_type_embeddings.weight": (
            "layers/embedding/vars/0",
            "same",
        ),
        "albert.encoder.embedding_hidden_mapping_in.bias": (
            "layers/dense/vars/1",
            "same",
        ),
        "albert.encoder.albert_layer_groups.0.albert_layers.0.attention.dense.weight": (
            "layers/transformer_encoder/_self_attention_layer/output_dense/vars/0",
            "turned",
        ),
        f"{BLOCK}.attention.query.bias": (
            "layers/transformer_encoder_2/_self_attention_layer/query_dense/vars/1",
            "same",
        ),
        "albert.pooler.weight": ("layers/dense_1/vars/0", "turned"),
        "predictions.LayerNorm.weight": (
            "task/layers/masked_lm_head/_intermediate_layer_norm/vars/0",
            "same",
        ),
        "predictions.bias": ("task/layers/masked_lm_head/vars/0", "same"),
        "classifier.weight": ("task/layers/dense/vars/0", "turned"),
    },
    "model-garden": {
        "albert.embeddings.word_embeddings.weight": (
            "word_embeddings/embeddings",
            "same",
        ),
        "albert.encoder.embedding_hidden_mapping_in.weight": (
            "embedding_projection/kernel",
            "turned",
        ),
        "albert.encoder.albert_layer_groups.0.albert_layers.0.attention.dense.weight": (
            "transformer/self_attention/attention_output/kernel",
            "turned",
        ),
        "albert.encoder.albert_layer_groups.0.albert_layers.0.ffn.bias": (
            "transformer/intermediate/bias",
            "same",
        ),
        "albert.pooler.bias": ("pooler_transform/bias", "same"),
        "predictions.dense.weight": (
            "cls/predictions/transform/dense/kernel",
            "turned",
        ),
        "predictions.bias": ("cls/predictions/output_bias/bias", "same"),
    },
}
# What the bare model's file has instead.
LITERAL_BARE = {
    "pytorch": {
        "albert.pooler.weight": "pooler.weight",
        f"{BLOCK}.ffn.bias": "encoder.albert_layer_groups.1.albert_layers.0.ffn.bias",
    },
    "transformers-tf": {"albert.pooler.weight": "albert/pooler/kernel"},
    "flax": {
        "albert.pooler.weight": "pooler/kernel",
        f"{BLOCK}.ffn.bias": "encoder/albert_layer_groups/1/albert_layers/0/ffn/bias",
    },
    "google": {"albert.pooler.weight": "bert/pooler/dense/kernel"},
    "keras": {
        "albert.pooler.weight": "layers/dense/vars/0",
        "albert.embeddings.LayerNorm.bias": "embeddings/LayerNorm/vars/1",
    },
    "keras-hub": {"albert.pooler.weight": "layers/dense_1/vars/0"},
    "model-garden": {"albert.pooler.weight": "pooler_transform/kernel"},
}


def rows_of(key, base):
    """Give the rows that a dialect has names for."""
    config = CONFIG if key == "model-garden" else GROUPS
    rows = names.weights(config, "AlbertModel") if base else names.all_weights(config)
    lacking = LACKING.get(key, ())
    return config, [row for row in rows if not row.canonical.startswith(lacking or " ")]


def row_of(canonical):
    rows = {row.canonical: row for row in names.all_weights(GROUPS)}
    return rows[canonical]


def test_every_dialect_is_tested():
    assert set(DIALECTS) == set(LITERAL) == set(LITERAL_BARE)
    assert set(DIALECTS) > set(WRITTEN)


@KEYS
@BASES
def test_every_weight_has_names_and_no_two_share_one(key, base):
    config, rows = rows_of(key, base)
    owners = {}
    for row in rows:
        spelled = DIALECTS[key].spell(row, config, base)
        assert spelled, row.canonical
        for name in spelled:
            assert owners.setdefault(name, row.canonical) == row.canonical, name


@KEYS
@BASES
def test_no_name_of_any_head_is_that_of_another_weight(key, base):
    """Files are matched against every head's weights, whichever class wrote them."""
    owners = {}
    for row in names.all_weights(GROUPS):
        for name in DIALECTS[key].spell(row, GROUPS, base):
            assert owners.setdefault(name, row.canonical) == row.canonical, name


@pytest.mark.parametrize(
    ("key", "canonical"),
    [(key, canonical) for key, names_ in LITERAL.items() for canonical in names_],
)
def test_literal_names(key, canonical):
    name, layout = LITERAL[key][canonical]
    dialect, row = DIALECTS[key], row_of(canonical)
    assert dialect.spell(row, GROUPS, False)[0] == name
    assert dialect.turned(row) is (layout == "turned")


@pytest.mark.parametrize(
    ("key", "canonical"),
    [(key, canonical) for key, names_ in LITERAL_BARE.items() for canonical in names_],
)
def test_literal_names_of_the_bare_model(key, canonical):
    spelled = DIALECTS[key].spell(row_of(canonical), GROUPS, True)
    assert spelled[0] == LITERAL_BARE[key][canonical]


STRANGERS = (
    "global_step",
    "optimizer/vars/7",
    "bert/embeddings/word_embeddings/adam_m",
    "albert.embeddings.position_ids",
    "conv/kernel",
    "kernel",
    "weight",
    "",
    "/",
    "a//b",
)


@KEYS
@BASES
@pytest.mark.parametrize("scope", ["", "some_model_3/", "a/b.c/d/"])
@pytest.mark.parametrize("end", ["", ":0"])
def test_match_finds_all_and_nothing_else(key, base, scope, end):
    config, rows = rows_of(key, base)
    dialect = DIALECTS[key]
    stored = {
        f"{scope}{dialect.spell(row, config, base)[0]}{end}": row.canonical
        for row in rows
    }
    assert len(stored) == len(rows)
    found = match(dialect, [*STRANGERS, *stored], config, names.all_weights(config))
    assert found == {canonical: [name] for name, canonical in stored.items()}


@KEYS
def test_match_puts_first_what_counts(key):
    config, rows = rows_of(key, False)
    dialect = DIALECTS[key]
    spelled = {
        row.canonical: list(dict.fromkeys(dialect.spell(row, config, False)))
        for row in rows
    }
    backwards = [name for each in spelled.values() for name in reversed(each)]
    assert match(dialect, backwards, config, names.all_weights(config)) == spelled


def test_bias_of_tensorflow():
    rows = names.all_weights(CONFIG)
    dialect = DIALECTS["transformers-tf"]
    stored = ["predictions/m/predictions/bias:0", "x/m/predictions/decoder/bias:0"]
    assert match(dialect, stored, CONFIG, rows) == {"predictions.bias": stored[::-1]}


def test_dots_in_flax_files():
    rows = names.all_weights(CONFIG)
    stored = ["albert.embeddings.LayerNorm.scale", "predictions.dense.kernel"]
    assert match(DIALECTS["flax"], stored, CONFIG, rows) == {
        "albert.embeddings.LayerNorm.weight": stored[:1],
        "predictions.dense.weight": stored[1:],
    }


def test_tied_names_of_pytorch():
    rows = names.all_weights(CONFIG)
    stored = ["predictions.decoder.bias", "predictions.decoder.weight"]
    assert match(DIALECTS["pytorch"], stored, CONFIG, rows) == {
        "predictions.bias": stored[:1],
        "albert.embeddings.word_embeddings.weight": stored[1:],
    }


def test_counted_modules():
    rows = names.all_weights(CONFIG)
    stored = [
        "transformer_3/self_attention/query/bias",
        "embeddings/layer_norm_1/gamma",
        "word_embeddings_12/embeddings",
    ]
    block = "albert.encoder.albert_layer_groups.0.albert_layers.0"
    assert match(DIALECTS["model-garden"], stored, CONFIG, rows) == {
        f"{block}.attention.query.bias": stored[:1],
        "albert.embeddings.LayerNorm.weight": stored[1:2],
        "albert.embeddings.word_embeddings.weight": stored[2:],
    }
    assert match(DIALECTS["transformers-tf"], stored, CONFIG, rows) == {}


WRITERS = {
    "transformers-4.57.6-pt/bin-groups": "pytorch",
    "transformers-4.30.2-pt/bin-AlbertModel": "pytorch",
    "transformers-4.57.6-tf/h5-groups": "transformers-tf",
    "transformers-4.57.6-tf/safetensors-AlbertForTokenClassification": (
        "transformers-tf"
    ),
    "transformers-4.57.6-flax/msgpack-groups": "flax",
    "transformers-4.57.6-flax/safetensors": "flax",
    "keras-hub-0.32.0/backbone-groups": "keras-hub",
    "keras-hub-0.32.0/text-classifier": "keras-hub",
    "tf-hub-0.12.0/pre-training": "google",
    "tf-models-2.15.0/masked-lm": "model-garden",
    "tf-models-2.2.0/encoder": "model-garden",
}


@pytest.mark.parametrize("name", WRITERS)
def test_real_files_are_told_apart(name):
    """No other dialect finds as much in a file as its own does."""
    checkpoint = open_checkpoint(FIXTURES / name)
    assert checkpoint.dialect == WRITERS[name]
    stored = forms.open_weights(checkpoint.file)
    rows = names.all_weights(checkpoint.config)
    counts = {
        key: len(match(DIALECTS[key], stored, checkpoint.config, rows))
        for key in DIALECTS
    }
    own = counts.pop(checkpoint.dialect)
    assert own >= 23
    assert max(counts.values()) < own / 2
