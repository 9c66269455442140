"""The table of published models: values, sources and parameter counts."""

import math

import pytest

from albert.common import names
from albert.common.config import AlbertConfig
from albert.common.presets import PRESETS, SOURCES

# Parameters of `AlbertModel` with its pooling layer.
COUNTS = {
    "albert-base-v1": 11_683_584,
    "albert-large-v1": 17_683_968,
    "albert-xlarge-v1": 58_724_864,
    "albert-xxlarge-v1": 222_595_584,
    "albert-base-v2": 11_683_584,
    "albert-large-v2": 17_683_968,
    "albert-xlarge-v2": 58_724_864,
    "albert-xxlarge-v2": 222_595_584,
    "albert-base-zh": 10_547_968,
    "albert-large-zh": 16_548_352,
    "albert-xlarge-zh": 57_589_248,
    "albert-xxlarge-zh": 221_459_968,
}

# Hidden size, layers, heads, intermediate size; word pieces; activation; two dropouts.
VALUES = {
    "albert-base-v1": (768, 12, 12, 3072, 30000, "gelu_new", 0.1, 0.1),
    "albert-large-v1": (1024, 24, 16, 4096, 30000, "gelu_new", 0.1, 0.1),
    "albert-xlarge-v1": (2048, 24, 16, 8192, 30000, "gelu_new", 0.1, 0.1),
    "albert-xxlarge-v1": (4096, 12, 64, 16384, 30000, "gelu_new", 0.0, 0.0),
    "albert-base-v2": (768, 12, 12, 3072, 30000, "gelu_new", 0.0, 0.0),
    "albert-large-v2": (1024, 24, 16, 4096, 30000, "gelu_new", 0.0, 0.0),
    "albert-xlarge-v2": (2048, 24, 16, 8192, 30000, "gelu_new", 0.0, 0.0),
    "albert-xxlarge-v2": (4096, 12, 64, 16384, 30000, "gelu_new", 0.0, 0.0),
    "albert-base-zh": (768, 12, 12, 3072, 21128, "relu", 0.0, 0.0),
    "albert-large-zh": (1024, 24, 16, 4096, 21128, "relu", 0.0, 0.0),
    "albert-xlarge-zh": (2048, 24, 16, 8192, 21128, "relu", 0.0, 0.0),
    "albert-xxlarge-zh": (4096, 12, 16, 16384, 21128, "relu", 0.0, 0.0),
}

every_preset = pytest.mark.parametrize("name", COUNTS)


def test_there_are_twelve():
    assert list(PRESETS) == list(COUNTS)
    assert list(SOURCES) == list(COUNTS)


@every_preset
def test_sizes(name):
    config = AlbertConfig.preset(name)
    assert VALUES[name] == (
        config.hidden_size,
        config.num_hidden_layers,
        config.num_attention_heads,
        config.intermediate_size,
        config.vocab_size,
        config.hidden_act,
        config.hidden_dropout_prob,
        config.attention_probs_dropout_prob,
    )


@every_preset
def test_what_all_have_in_common(name):
    config = AlbertConfig.preset(name)
    assert config.embedding_size == 128
    assert config.num_hidden_groups == 1
    assert config.inner_group_num == 1
    assert config.max_position_embeddings == 512
    assert config.type_vocab_size == 2
    assert config.layer_norm_eps == 1e-12
    assert config.classifier_dropout_prob == 0.1
    assert config.pad_token_id == 0
    chinese = name.endswith("zh")
    ids = (101, 102) if chinese else (2, 3)
    assert (config.bos_token_id, config.eos_token_id) == ids
    deviation = {"albert-xlarge-zh": 0.014, "albert-xxlarge-zh": 0.01}.get(name, 0.02)
    assert config.initializer_range == deviation


@every_preset
def test_parameter_count(name):
    config = AlbertConfig.preset(name)
    rows = names.weights(config, "AlbertModel")
    assert sum(math.prod(row.shape(config)) for row in rows) == COUNTS[name]


@every_preset
def test_every_value_has_a_source(name):
    assert SOURCES[name].keys() == PRESETS[name].keys()
    standings = {source.split(":")[0] for source in SOURCES[name].values()}
    assert standings <= {"read", "inferred", "disputed"}
    assert all(source.partition(": ")[2] for source in SOURCES[name].values())


@every_preset
def test_every_value_is_a_field(name):
    config = AlbertConfig.preset(name)
    assert PRESETS[name].items() <= config.to_dict().items()
    # No field that says what the model is was left to its xxlarge default.
    left = config.to_dict().keys() - PRESETS[name].keys()
    assert left == {"model_type", "position_embedding_type"}
