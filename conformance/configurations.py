"""Configurations and names as they must be, value by value.

What a configuration makes of its settings reaches the oracle and the backends alike, so
that no comparison of outputs would see it wrong. Here it is written out.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from albert.common import names
from albert.common.config import AlbertConfig
from conformance.cases import Case
from conformance.run import Result

FAMILY = "configuration fields"

LAYER_GROUPS: dict[tuple[int, int], tuple[int, ...]] = {
    (1, 1): (0,),
    (4, 1): (0, 0, 0, 0),
    (4, 2): (0, 0, 1, 1),
    (5, 3): (0, 0, 1, 1, 2),
    (6, 6): (0, 1, 2, 3, 4, 5),
    # As floating point has it: 29 / 50 * 50 is below 29.
    (50, 50): tuple({29: 28}.get(layer, layer) for layer in range(50)),
}
"""(layers, groups) -> the group of each layer, as the original computes it."""

_SIZES = ("hidden_size", "num_hidden_layers", "num_attention_heads")
PRESETS: dict[str, dict[str, Any]] = {
    f"albert-{size}-v2": {
        **dict(zip((*_SIZES, "intermediate_size"), sizes, strict=True)),
        "embedding_size": 128,
        "vocab_size": 30000,
        "max_position_embeddings": 512,
        "type_vocab_size": 2,
        "hidden_act": "gelu_new",
        "num_hidden_groups": 1,
        "inner_group_num": 1,
        "layer_norm_eps": 1e-12,
    }
    for size, sizes in {
        "base": (768, 12, 12, 3072),
        "large": (1024, 24, 16, 4096),
        "xlarge": (2048, 24, 16, 8192),
        "xxlarge": (4096, 12, 64, 16384),
    }.items()
}
"""Source: ALBERT paper, tables 1 and 2; the albert_config.json of the releases."""

_BLOCK = "albert.encoder.albert_layer_groups.0.albert_layers.0"
BASE_WEIGHTS: dict[str, tuple[int, ...]] = {
    "albert.embeddings.word_embeddings.weight": (30000, 128),
    "albert.embeddings.position_embeddings.weight": (512, 128),
    "albert.embeddings.token_type_embeddings.weight": (2, 128),
    "albert.embeddings.LayerNorm.weight": (128,),
    "albert.embeddings.LayerNorm.bias": (128,),
    "albert.encoder.embedding_hidden_mapping_in.weight": (768, 128),
    "albert.encoder.embedding_hidden_mapping_in.bias": (768,),
    **{
        f"{_BLOCK}.attention.{part}.{kind}": (768, 768) if kind == "weight" else (768,)
        for part in ("query", "key", "value", "dense")
        for kind in ("weight", "bias")
    },
    **{
        f"{_BLOCK}.{part}.{kind}": (768,)
        for part in ("attention.LayerNorm", "full_layer_layer_norm")
        for kind in ("weight", "bias")
    },
    f"{_BLOCK}.ffn.weight": (3072, 768),
    f"{_BLOCK}.ffn.bias": (3072,),
    f"{_BLOCK}.ffn_output.weight": (768, 3072),
    f"{_BLOCK}.ffn_output.bias": (768,),
    "albert.pooler.weight": (768, 768),
    "albert.pooler.bias": (768,),
    "predictions.dense.weight": (128, 768),
    "predictions.dense.bias": (128,),
    "predictions.LayerNorm.weight": (128,),
    "predictions.LayerNorm.bias": (128,),
    "predictions.bias": (30000,),
    "sop_classifier.classifier.weight": (2, 768),
    "sop_classifier.classifier.bias": (2,),
}
"""Every weight of the published base model, as its `model.safetensors` has it."""


def run() -> Iterator[Result]:
    """Check what is written out; an error is the number of values that differ.

    Yields:
        A result for each subject.
    """
    for name, check in (
        ("groups of layers", _groups),
        ("presets", _presets),
        ("Google's json", _google),
        ("derived values", _derived),
        ("names of the weights", _names),
    ):
        case = Case(FAMILY, name, "AlbertConfig", AlbertConfig(), {})
        try:
            wrong = list(check())
            yield Result(case, len(wrong), wrong[0] if wrong else "", 0.0)
        except Exception as problem:  # whatever it is, it is this case's failure
            text = f"{type(problem).__name__}: {problem}"
            yield Result(case, float("inf"), text, 0.0)


def _groups() -> Iterator[str]:
    for (layers, groups), right in LAYER_GROUPS.items():
        config = AlbertConfig(num_hidden_layers=layers, num_hidden_groups=groups)
        if config.layer_groups != right:
            yield f"{layers} layers in {groups} groups: {config.layer_groups}"


def _presets() -> Iterator[str]:
    for name, right in PRESETS.items():
        config = AlbertConfig.preset(name)
        for field, value in right.items():
            if getattr(config, field) != value:
                yield f"{name}: {field} is {getattr(config, field)!r}"
        if config.hidden_dropout_prob or config.attention_probs_dropout_prob:
            yield f"{name}: dropout is not 0"


def _google() -> Iterator[str]:
    for written, right in (
        ("gelu", "gelu_new"),
        ("GELU", "gelu_new"),
        ("relu", "relu"),
    ):
        found = AlbertConfig.from_dict({"hidden_act": written, "hidden_size": 4096})
        if found.hidden_act != right:
            yield f"Google's {written!r} is read as {found.hidden_act!r}"
    ours = AlbertConfig.from_dict({"model_type": "albert", "hidden_act": "gelu"})
    if ours.hidden_act != "gelu":
        yield f"transformers' 'gelu' is read as {ours.hidden_act!r}"


def _derived() -> Iterator[str]:
    config = AlbertConfig(prediction_layer_norm_eps=1e-5)
    if config.predictions_eps != 1e-5:
        yield f"the head's own epsilon is {config.predictions_eps!r}"
    plain = AlbertConfig(layer_norm_eps=1e-6)
    if plain.predictions_eps != 1e-6:
        yield f"the head's epsilon is {plain.predictions_eps!r}"
    if AlbertConfig().head_size != 64:
        yield f"xxlarge's head size is {AlbertConfig().head_size!r}"


def _names() -> Iterator[str]:
    config = AlbertConfig.preset("albert-base-v2")
    rows = names.weights(config, "AlbertForPreTraining")
    found = {row.canonical: row.shape(config) for row in rows}
    for name in found.keys() ^ BASE_WEIGHTS.keys():
        yield f"{name} is missing or added"
    for name in found.keys() & BASE_WEIGHTS.keys():
        if found[name] != BASE_WEIGHTS[name]:
            yield f"{name} is {found[name]}"
