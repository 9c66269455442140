"""How each tool spells the weights in its files, beside the canonical names.

A dialect is one function from a row of the name table to the spellings that its files
may have. A stored name may have a scope in front, such as the name of a Keras model,
so names are matched from their end.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple

from albert.common import names
from albert.common.config import AlbertConfig
from albert.common.names import Weight

_BLOCK = re.compile(
    r"albert\.encoder\.albert_layer_groups\.(?P<group>\d+)"
    r"\.albert_layers\.(?P<inner>\d+)\.(?P<step>.+)"
)
_COUNTER = re.compile(r"_\d+(?=/)")


class Dialect(NamedTuple):
    """The spelling of one tool.

    Fields:
        title: who writes so.
        spell: `spell(row, config, base)` gives the names that a weight may have, the
            one that counts first; `base` says that the file holds a bare `AlbertModel`.
        input_first: whether matrices are stored [in, out].
        output_first: modules whose matrix is stored [out, in] all the same.
        unread: names of weights that files have and that their tool does not use.
        no_square_mapping: whether the embeddings enter the first block unchanged,
            without a mapping, if E = H.
        counted: whether modules of a process's second model are called `<name>_1` and
            so on.
    """

    title: str
    spell: Callable[[Weight, AlbertConfig, bool], Sequence[str]]
    input_first: bool = True
    output_first: tuple[str, ...] = ()
    unread: tuple[str, ...] = ()
    no_square_mapping: bool = False
    counted: bool = False

    def turned(self, row: Weight) -> bool:
        """Whether a weight is stored the other way round than the canonical one."""
        return (
            row.kind.transpose
            and self.input_first
            and row.module not in self.output_first
        )


def match(
    dialect: Dialect,
    stored: Iterable[str],
    config: AlbertConfig,
    rows: Sequence[Weight],
) -> dict[str, list[str]]:
    """Find the weights among the names of a file.

    Args:
        dialect: how they are spelled.
        stored: names in the file.
        config: the model's.
        rows: weights to look for.

    Returns:
        Canonical name -> names in the file that spell it, the one that counts first.
    """
    held = list(stored)
    return max(
        (_matched(dialect, held, config, rows, base) for base in (False, True)), key=len
    )


def _matched(
    dialect: Dialect,
    stored: Sequence[str],
    config: AlbertConfig,
    rows: Sequence[Weight],
    base: bool,
) -> dict[str, list[str]]:
    spelled = {
        name: (row.canonical, rank)
        for row in rows
        for rank, name in enumerate(dialect.spell(row, config, base))
    }
    found: dict[str, list[tuple[int, str]]] = {}
    for name in stored:
        tail = name.removesuffix(":0")
        if dialect.counted:
            tail = _COUNTER.sub("", tail)
        while tail not in spelled and "/" in tail:
            tail = tail.partition("/")[2]
        if tail in spelled:
            canonical, rank = spelled[tail]
            found.setdefault(canonical, []).append((rank, name))
    return {key: [name for _, name in sorted(found[key])] for key in found}


def _pytorch(row: Weight, config: AlbertConfig, base: bool) -> Sequence[str]:
    bare = row.canonical.removeprefix(names.PREFIX)
    copies = [copy for copy, first in names.TIED.items() if first == row.canonical]
    spelled = (bare, row.canonical) if base else (row.canonical, bare)
    return (*spelled, *copies)


def _transformers_tf(row: Weight, config: AlbertConfig, base: bool) -> Sequence[str]:
    if row.canonical == "predictions.bias":
        # The head there has two biases and adds the decoder's only.
        return ("predictions/decoder/bias", "predictions/bias")
    if row.module == "albert.embeddings.word_embeddings":
        return ("albert/embeddings/word_embeddings/weight",)
    module = re.sub(r"/(\d+)", r"_._\1", row.module.replace(".", "/"))
    return (f"{module}/{row.kind.tf}",)


def _flax(row: Weight, config: AlbertConfig, base: bool) -> Sequence[str]:
    paths = [row.path("flax", base=base), row.path("flax", base=not base)]
    # Its safetensors files have dots.
    return [mark.join(path) for path in paths for mark in "/."]


_KERAS_MODULES = {
    # Keras names what it meets under `layers`, after `k` in the alphabet, by class.
    "albert.pooler": "albert/layers/dense",
    "predictions": "layers/tf_albert_mlm_head",
    "predictions.dense": "layers/tf_albert_mlm_head/dense",
    "predictions.LayerNorm": "layers/tf_albert_mlm_head/LayerNorm",
    "sop_classifier.classifier": "layers/tf_albert_sop_head/classifier",
    "qa_outputs": "layers/dense",
}


def _keras(row: Weight, config: AlbertConfig, base: bool) -> Sequence[str]:
    module = _KERAS_MODULES.get(row.module) or "/".join(
        _keras_step(step, before)
        for before, step in zip(
            ("", *row.module.split(".")), row.module.split("."), strict=False
        )
    )
    if base:
        # The bare model's pooler is called what a head's layer is called elsewhere.
        if not module.startswith("albert/"):
            return ()
        module = module.removeprefix("albert/")
    second = row.kind in (names.BIAS, names.SHIFT) and row.module != "predictions"
    return (f"{module}/vars/{int(second)}",)


def _keras_step(step: str, before: str) -> str:
    if not step.isdigit():
        return step
    kind = "tf_albert_layer" + ("_group" if before == "albert_layer_groups" else "")
    return kind if step == "0" else f"{kind}_{step}"


_GOOGLE = {
    "predictions.dense": "cls/predictions/transform/dense",
    "predictions.LayerNorm": "cls/predictions/transform/LayerNorm",
    "albert.pooler": "bert/pooler/dense",
}
_GOOGLE_HEADS = {
    # pre-training, then run_classifier.py and its like, run_squad_v1.py
    "predictions.bias": ("cls/predictions/output_bias",),
    "sop_classifier.classifier.weight": ("cls/seq_relationship/output_weights",),
    "sop_classifier.classifier.bias": ("cls/seq_relationship/output_bias",),
    "classifier.weight": ("output_weights",),
    "classifier.bias": ("output_bias",),
    "qa_outputs.weight": ("cls/squad/output_weights",),
    "qa_outputs.bias": ("cls/squad/output_bias",),
}
_GOOGLE_BLOCK = {
    "attention.query": "attention_1/self/query",
    "attention.key": "attention_1/self/key",
    "attention.value": "attention_1/self/value",
    "attention.dense": "attention_1/output/dense",
    "attention.LayerNorm": "LayerNorm",
    "ffn": "ffn_1/intermediate/dense",
    "ffn_output": "ffn_1/intermediate/output/dense",
    "full_layer_layer_norm": "LayerNorm_1",
}


def _google(row: Weight, config: AlbertConfig, base: bool) -> Sequence[str]:
    if row.canonical in _GOOGLE_HEADS:
        return _GOOGLE_HEADS[row.canonical]
    module = row.module.removeprefix(names.PREFIX)
    if row.kind is names.TABLE:
        return ("bert/" + module.replace(".", "/"),)
    if row.module in _GOOGLE:
        return (f"{_GOOGLE[row.module]}/{row.kind.tf}",)
    if block := _BLOCK.fullmatch(row.module):
        place = f"group_{block['group']}/inner_group_{block['inner']}"
        module = f"encoder/transformer/{place}/{_GOOGLE_BLOCK[block['step']]}"
    return (f"bert/{module.replace('.', '/')}/{row.kind.tf}",)


# A preset's file of a task is opened with "task/" in front of its names.
_KERAS_HUB = {
    "albert.embeddings.word_embeddings": "layers/reversible_embedding",
    "albert.embeddings.position_embeddings": "layers/position_embedding",
    "albert.embeddings.token_type_embeddings": "layers/embedding",
    "albert.embeddings.LayerNorm": "layers/layer_normalization",
    "albert.encoder.embedding_hidden_mapping_in": "layers/dense",
    "albert.pooler": "layers/dense_1",
    "predictions": "task/layers/masked_lm_head",
    "predictions.dense": "task/layers/masked_lm_head/_intermediate_dense",
    "predictions.LayerNorm": "task/layers/masked_lm_head/_intermediate_layer_norm",
    "classifier": "task/layers/dense",
}
_KERAS_HUB_BLOCK = {
    "attention.query": "_self_attention_layer/query_dense",
    "attention.key": "_self_attention_layer/key_dense",
    "attention.value": "_self_attention_layer/value_dense",
    "attention.dense": "_self_attention_layer/output_dense",
    "attention.LayerNorm": "_self_attention_layer_norm",
    "ffn": "_feedforward_intermediate_dense",
    "ffn_output": "_feedforward_output_dense",
    "full_layer_layer_norm": "_feedforward_layer_norm",
}


def _keras_hub(row: Weight, config: AlbertConfig, base: bool) -> Sequence[str]:
    module = _KERAS_HUB.get(row.module, "")
    if block := _BLOCK.fullmatch(row.module):
        number = int(block["group"]) * config.inner_group_num + int(block["inner"])
        counter = f"_{number}" if number else ""
        step = _KERAS_HUB_BLOCK[block["step"]]
        module = f"layers/transformer_encoder{counter}/{step}"
    second = row.kind in (names.BIAS, names.SHIFT) and row.module != "predictions"
    return (f"{module}/vars/{int(second)}",) if module else ()


_MODEL_GARDEN = {
    "albert.embeddings.word_embeddings": "word_embeddings",
    "albert.embeddings.position_embeddings": "position_embedding",
    "albert.embeddings.token_type_embeddings": "type_embeddings",
    "albert.embeddings.LayerNorm": "embeddings/layer_norm",
    "albert.encoder.embedding_hidden_mapping_in": "embedding_projection",
    "albert.pooler": "pooler_transform",
    "predictions": "cls/predictions/output_bias",
    "predictions.dense": "cls/predictions/transform/dense",
    "predictions.LayerNorm": "cls/predictions/transform/LayerNorm",
}
_MODEL_GARDEN_BLOCK = {
    # The second name is that of early 2020.
    "attention.dense": ("self_attention/attention_output", "self_attention_output"),
    "attention.query": ("self_attention/query",),
    "attention.key": ("self_attention/key",),
    "attention.value": ("self_attention/value",),
    "attention.LayerNorm": ("self_attention_layer_norm",),
    "ffn": ("intermediate",),
    "ffn_output": ("output",),
    "full_layer_layer_norm": ("output_layer_norm",),
}


def _model_garden(row: Weight, config: AlbertConfig, base: bool) -> Sequence[str]:
    modules = [_MODEL_GARDEN[row.module]] if row.module in _MODEL_GARDEN else []
    block = _BLOCK.fullmatch(row.module)
    # All its layers share one block.
    if block and block["group"] == block["inner"] == "0":
        steps = _MODEL_GARDEN_BLOCK[block["step"]]
        modules = [f"transformer/{step}" for step in steps]
    return [f"{module}/{row.kind.tf}" for module in modules]


DIALECTS = {
    "pytorch": Dialect("PyTorch", _pytorch, input_first=False),
    "transformers-tf": Dialect(
        "transformers' TensorFlow classes",
        _transformers_tf,
        unread=("predictions/bias",),
    ),
    "flax": Dialect("Flax", _flax),
    "google": Dialect(
        "google-research/albert",
        _google,
        output_first=("sop_classifier.classifier", "classifier", "qa_outputs"),
        no_square_mapping=True,
    ),
    "keras": Dialect("Keras, from this package's TFAlbert classes", _keras),
    "keras-hub": Dialect("KerasHub", _keras_hub),
    "model-garden": Dialect(
        "TensorFlow's Model Garden",
        _model_garden,
        no_square_mapping=True,
        counted=True,
    ),
}
