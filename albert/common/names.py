"""The weight-name table: what each weight is called in every framework.

The canonical name is the one of the hub's `model.safetensors`, which is the PyTorch
`state_dict` name with the prefix "albert." on the encoder. A weight is a module path,
the same in all three frameworks, and a kind, which says what the framework calls the
variable and how it lays it out.

Letters of the shapes: V vocabulary, P positions, T token types, E embedding, H hidden,
I intermediate, L labels; numbers stand for themselves.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from albert.common.config import AlbertConfig

PREFIX = "albert."


class Kind(NamedTuple):
    """What a variable is called in each framework.

    Fields:
        pt, tf, flax: name of the variable in its module.
        transpose: whether Keras and Flax store the matrix [in, out], PyTorch [out, in].
    """

    pt: str
    tf: str
    flax: str
    transpose: bool = False


TABLE = Kind("weight", "embeddings", "embedding")
KERNEL = Kind("weight", "kernel", "kernel", transpose=True)
BIAS = Kind("bias", "bias", "bias")
SCALE = Kind("weight", "gamma", "scale")
SHIFT = Kind("bias", "beta", "bias")


class Weight(NamedTuple):
    """One row of the table.

    Fields:
        module: path of the module that holds it, with dots.
        kind: what it is.
        letters: its shape as PyTorch has it.
        part: which part of a model owns it, a key of `_PARTS`.
    """

    module: str
    kind: Kind
    letters: tuple[str, ...]
    part: str

    @property
    def canonical(self) -> str:
        """Name in the hub's `model.safetensors`, as a head model has it."""
        return f"{self.module}.{self.kind.pt}"

    def path(self, framework: str, base: bool) -> tuple[str, ...]:
        """Steps from a model to the variable.

        Args:
            framework: "pt", "tf" or "flax".
            base: whether the model is the bare `AlbertModel`, which has no prefix.

        Returns:
            Attribute names and list indices (PyTorch, Keras) or dictionary keys (Flax).
        """
        module = self.module.removeprefix(PREFIX) if base else self.module
        return (*module.split("."), getattr(self.kind, framework))

    def shape(self, config: AlbertConfig) -> tuple[int, ...]:
        """Shape as PyTorch and the file have it, [out, in] for a matrix."""
        sizes = {
            "V": config.vocab_size,
            "P": config.max_position_embeddings,
            "T": config.type_vocab_size,
            "E": config.embedding_size,
            "H": config.hidden_size,
            "I": config.intermediate_size,
            "L": config.num_labels,
        }
        return tuple(sizes.get(letter) or int(letter) for letter in self.letters)

    def to_framework(self, array: np.ndarray, framework: str) -> np.ndarray:
        """Turn the canonical layout into the framework's; the same call turns back."""
        swap = self.kind.transpose and framework != "pt"
        return array.T if swap else array


_EMBEDDINGS = (
    ("embeddings.word_embeddings", TABLE, "VE"),
    ("embeddings.position_embeddings", TABLE, "PE"),
    ("embeddings.token_type_embeddings", TABLE, "TE"),
    ("embeddings.LayerNorm", SCALE, "E"),
    ("embeddings.LayerNorm", SHIFT, "E"),
    ("encoder.embedding_hidden_mapping_in", KERNEL, "HE"),
    ("encoder.embedding_hidden_mapping_in", BIAS, "H"),
)
_BLOCK = (
    ("attention.query", KERNEL, "HH"),
    ("attention.query", BIAS, "H"),
    ("attention.key", KERNEL, "HH"),
    ("attention.key", BIAS, "H"),
    ("attention.value", KERNEL, "HH"),
    ("attention.value", BIAS, "H"),
    ("attention.dense", KERNEL, "HH"),
    ("attention.dense", BIAS, "H"),
    ("attention.LayerNorm", SCALE, "H"),
    ("attention.LayerNorm", SHIFT, "H"),
    ("ffn", KERNEL, "IH"),
    ("ffn", BIAS, "I"),
    ("ffn_output", KERNEL, "HI"),
    ("ffn_output", BIAS, "H"),
    ("full_layer_layer_norm", SCALE, "H"),
    ("full_layer_layer_norm", SHIFT, "H"),
)
_HEADS = {
    "pooler": (("albert.pooler", KERNEL, "HH"), ("albert.pooler", BIAS, "H")),
    "predictions": (
        ("predictions.dense", KERNEL, "EH"),
        ("predictions.dense", BIAS, "E"),
        ("predictions.LayerNorm", SCALE, "E"),
        ("predictions.LayerNorm", SHIFT, "E"),
        ("predictions", BIAS, "V"),
    ),
    "sop_classifier": (
        ("sop_classifier.classifier", KERNEL, "2H"),
        ("sop_classifier.classifier", BIAS, "2"),
    ),
    "classifier": (("classifier", KERNEL, "LH"), ("classifier", BIAS, "L")),
    "choice": (("classifier", KERNEL, "1H"), ("classifier", BIAS, "1")),
    "qa_outputs": (("qa_outputs", KERNEL, "2H"), ("qa_outputs", BIAS, "2")),
}

BACKBONE = "backbone"

PARTS: dict[str, tuple[str, ...]] = {
    "AlbertModel": (BACKBONE, "pooler"),
    "AlbertForPreTraining": (BACKBONE, "pooler", "predictions", "sop_classifier"),
    "AlbertForMaskedLM": (BACKBONE, "predictions"),
    "AlbertForSequenceClassification": (BACKBONE, "pooler", "classifier"),
    "AlbertForMultipleChoice": (BACKBONE, "pooler", "choice"),
    "AlbertForTokenClassification": (BACKBONE, "classifier"),
    "AlbertForQuestionAnswering": (BACKBONE, "qa_outputs"),
}
"""Class (PyTorch's name) -> the parts that it is made of."""

TIED: dict[str, str] = {
    "predictions.decoder.weight": "albert.embeddings.word_embeddings.weight",
    "predictions.decoder.bias": "predictions.bias",
}
"""Second name of a tied weight, which a file may hold or lack -> its first name."""


def weights(
    config: AlbertConfig, class_name: str, pooling: bool = True
) -> tuple[Weight, ...]:
    """List the weights of a model, inputs towards outputs.

    Args:
        config: sizes and number of groups.
        class_name: PyTorch's name of the class, a key of `PARTS`.
        pooling: False for an `AlbertModel` without its pooling layer.

    Returns:
        One row for each weight; tied copies are not listed.
    """
    rows: list[Weight] = []
    for part in PARTS[class_name]:
        if part == BACKBONE:
            rows.extend(_backbone(config))
        elif part != "pooler" or pooling:
            rows.extend(Weight(m, k, tuple(s), part) for m, k, s in _HEADS[part])
    return tuple(rows)


def all_weights(config: AlbertConfig) -> tuple[Weight, ...]:
    """List the weights of every head, whichever class owns it, after the backbone's.

    Of weights that have one name in several classes, the first stands for all.
    """
    rows = {row.canonical: row for row in _backbone(config)}
    for part, members in _HEADS.items():
        for module, kind, letters in members:
            row = Weight(module, kind, tuple(letters), part)
            rows.setdefault(row.canonical, row)
    return tuple(rows.values())


def _backbone(config: AlbertConfig) -> Iterator[Weight]:
    for module, kind, letters in _EMBEDDINGS:
        yield Weight(PREFIX + module, kind, tuple(letters), BACKBONE)
    for group in range(config.num_hidden_groups):
        for inner in range(config.inner_group_num):
            block = f"albert.encoder.albert_layer_groups.{group}.albert_layers.{inner}"
            for module, kind, letters in _BLOCK:
                yield Weight(f"{block}.{module}", kind, tuple(letters), BACKBONE)
