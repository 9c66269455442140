"""The cases: every class, over configurations, inputs and labels.

Everything is made from seeds, so that no file can be missing and no case can be empty.
The sizes are pairwise distinct (B=3, S=7, E=5, H=24, N=4, D=6, I=37, V=101, P=19, T=2,
L=8, C=9), so that mixed-up axes cannot pass.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from albert.common import names
from albert.common.config import AlbertConfig
from albert.common.probe import BATCH, CHOICES, LENGTH, make_inputs, right_padding

LABELS = 8

SIZES: dict[str, Any] = {
    "vocab_size": 101,
    "embedding_size": 5,
    "hidden_size": 24,
    "num_hidden_layers": 3,
    "num_attention_heads": 4,
    "intermediate_size": 37,
    "max_position_embeddings": 19,
    "type_vocab_size": 2,
    "num_labels": LABELS,
}

Inputs = dict[str, np.ndarray]


@dataclass(frozen=True)
class Case:
    """One model and one call.

    Attributes:
        family: the line of the report that it counts for.
        name: unique within family and class.
        class_name: PyTorch's name of the class.
        config: sizes and settings.
        inputs: arguments of the call.
        seed: of the weights.
        embedding_scale: deviation of the embedding tables.
        identity_mapping: whether the embeddings enter the first block unchanged, as
            in the original if E = H.
        training: whether the call is one of training; dropout never is on.
    """

    family: str
    name: str
    class_name: str
    config: AlbertConfig
    inputs: Inputs = field(repr=False)
    seed: int = 0
    embedding_scale: float = 0.3
    identity_mapping: bool = False
    training: bool = False

    @property
    def id(self) -> str:
        """Name for a test's report."""
        return f"{self.class_name}-{self.family}-{self.name}"

    def weights(self) -> dict[str, np.ndarray]:
        """Make the model's weights: {canonical name: float32}."""
        weights = random_weights(
            self.config, self.class_name, self.seed, self.embedding_scale
        )
        if self.identity_mapping:
            mapping = "albert.encoder.embedding_hidden_mapping_in"
            width = self.config.hidden_size
            weights[f"{mapping}.weight"] = np.eye(width, dtype=np.float32)
            weights[f"{mapping}.bias"] = np.zeros(width, np.float32)
        return weights


def random_weights(
    config: AlbertConfig, class_name: str, seed: int, embedding_scale: float = 0.3
) -> dict[str, np.ndarray]:
    """Make weights large enough that every one of them shows in the outputs.

    Each weight has a generator of its own, seeded by its name, so that a weight does
    not depend on which others there are.
    """
    weights = {}
    for row in names.weights(config, class_name):
        name = [ord(letter) for letter in row.canonical]
        normal = np.random.default_rng([seed, *name]).normal(size=row.shape(config))
        # Beyond two deviations a single entry would dominate: cut as the original does.
        normal = np.clip(normal, -2, 2)
        if row.kind is names.TABLE:
            value = embedding_scale * normal
        elif row.kind is names.SCALE:
            value = 1 + 0.3 * normal
        elif row.kind is names.KERNEL:
            sharp = row.module.endswith(("query", "key"))
            value = (2.2 / np.sqrt(config.hidden_size) if sharp else 0.3) * normal
        else:
            value = 0.15 * normal
        weights[row.canonical] = value.astype(np.float32)
    return weights


def all_cases() -> list[Case]:
    """Every case of the suite."""
    makers = (_configurations, _activations, _google, _inputs, _labels, _words)
    return [case for name in names.PARTS for maker in makers for case in maker(name)]


def _config(**changes: Any) -> AlbertConfig:
    return AlbertConfig(**{**SIZES, **changes})


CONFIGURATIONS: dict[str, dict[str, Any]] = {
    "one layer": {"num_hidden_layers": 1},
    "two groups": {"num_hidden_layers": 4, "num_hidden_groups": 2},
    "uneven groups": {"num_hidden_layers": 5, "num_hidden_groups": 3},
    "two inner blocks": {"inner_group_num": 2},
    "groups and inner blocks": {"num_hidden_groups": 2, "inner_group_num": 2},
    "E = H": {"embedding_size": 24},
    "one head, one segment": {"num_attention_heads": 1, "type_vocab_size": 1},
    "three layers": {},
    "wide embeddings": {"embedding_size": 29, "layer_norm_eps": 1e-6},
}


def _configurations(class_name: str) -> Iterator[Case]:
    # A seed whose cases are all well conditioned (tests/conformance/test_cases.py).
    for name, changes in CONFIGURATIONS.items():
        config = _config(**changes)
        inputs = make_inputs(config, class_name, seed=6)
        yield Case("configuration", name, class_name, config, inputs, 6)
    if "predictions" in names.PARTS[class_name]:
        # KerasHub's head has one of its own.
        config = _config(prediction_layer_norm_eps=1e-2)
        inputs = make_inputs(config, class_name, seed=6)
        name = "another epsilon in the head"
        yield Case("configuration", name, class_name, config, inputs, 6)
    config = _config()
    inputs = make_inputs(config, class_name, seed=50)
    # Small sums let the epsilon of the norms show.
    yield Case(
        "configuration", "small embeddings", class_name, config, inputs, 50, 0.02
    )


def _activations(class_name: str) -> Iterator[Case]:
    from albert.common.activations import ACTIVATIONS

    # The masked-LM head has an activation of its own, the other heads have none.
    every = class_name == "AlbertForMaskedLM"
    for name in ACTIVATIONS if every else ("gelu", "relu"):
        config = _config(hidden_act=name)
        inputs = make_inputs(config, class_name, seed=60)
        yield Case("activation", name, class_name, config, inputs, 60)


GOOGLE_JSON: dict[str, dict[str, Any]] = {
    "base": {"attention_probs_dropout_prob": 0.1, "hidden_dropout_prob": 0.1},
    "groups": {"num_hidden_layers": 4, "num_hidden_groups": 2},
    "inner": {"inner_group_num": 2},
    "E = H": {"embedding_size": 24},
    "relu": {"hidden_act": "relu"},
    "inner above layers of a group": {
        "num_hidden_layers": 2,
        "num_hidden_groups": 2,
        "inner_group_num": 2,
    },
}
"""What the checkpoints that Google's original code wrote for us vary, in its json."""


def _google(class_name: str) -> Iterator[Case]:
    """Configurations as Google's json has them: "gelu" there is the tanh form."""
    for seed, (name, changes) in enumerate(GOOGLE_JSON.items(), start=70):
        keys = {key: value for key, value in SIZES.items() if key != "num_labels"}
        json = {**keys, "hidden_act": "gelu", "net_structure_type": 0, **changes}
        config = AlbertConfig.from_dict(json, num_labels=LABELS)
        inputs = make_inputs(config, class_name, seed=seed)
        equal = name == "E = H"
        scale = 0.05 if name == "groups" or equal else 0.3
        yield Case("google", name, class_name, config, inputs, seed, scale, equal)


def _inputs(class_name: str) -> Iterator[Case]:
    config = _config(num_hidden_groups=2)
    for name, inputs in _input_kinds(config, class_name):
        yield Case("inputs", name, class_name, config, inputs, 80)


def _input_kinds(config: AlbertConfig, class_name: str) -> Iterator[tuple[str, Inputs]]:
    full = make_inputs(config, class_name, seed=81)
    yield "ids alone", {"input_ids": full["input_ids"]}
    yield "right padding", _masked(full, right_padding(full["input_ids"].shape))
    left = right_padding(full["input_ids"].shape)[..., ::-1].copy()
    positions = np.maximum(np.cumsum(left, -1) - 1, 0).astype(np.int32)
    yield "left padding", {**_masked(full, left), "position_ids": positions}
    nothing = np.ones_like(full["input_ids"])
    nothing[(1,) if nothing.ndim == 2 else (1, 1)] = 0
    yield "a row all masked", _masked(full, nothing)
    yield "mask of truth values", _masked(full, right_padding(nothing.shape) != 0)
    backwards = np.arange(config.max_position_embeddings, dtype=np.int32)[::-1].copy()
    if class_name != "AlbertForMultipleChoice":
        yield "positions shared", {**full, "position_ids": backwards[None, :LENGTH]}
    embeds = np.random.default_rng(82).normal(
        size=(*full["input_ids"].shape, config.embedding_size)
    )
    rest = {name: array for name, array in full.items() if name != "input_ids"}
    yield "embeds", {**rest, "inputs_embeds": (0.3 * embeds).astype(np.float32)}
    yield "one token", make_inputs(config, class_name, seed=83, length=1)
    longest = config.max_position_embeddings
    yield "greatest length", make_inputs(config, class_name, seed=84, length=longest)
    yield "one text", make_inputs(config, class_name, seed=85, batch=1)


def _masked(inputs: Inputs, mask: np.ndarray) -> Inputs:
    return {**inputs, "attention_mask": mask}


def _labels(class_name: str) -> Iterator[Case]:
    for seed, (name, config, labels) in enumerate(_label_kinds(class_name), start=90):
        inputs = {**make_inputs(config, class_name, seed=seed), **labels}
        yield Case("labels", name, class_name, config, inputs, seed)


def _label_kinds(class_name: str) -> Iterator[tuple[str, AlbertConfig, Inputs]]:
    random = np.random.default_rng(91)
    config = _config()

    def draw(number: int, *shape: int) -> np.ndarray:
        return random.integers(0, number, shape).astype(np.int32)

    def some_ignored(labels: np.ndarray) -> np.ndarray:
        return np.where(random.random(labels.shape) < 0.5, labels, -100)

    words = some_ignored(draw(config.vocab_size, BATCH, LENGTH))
    order = np.array([1, 0, 1], np.int32)
    none = np.full((BATCH, LENGTH), -100, np.int32)
    if class_name == "AlbertModel":
        return
    if class_name == "AlbertForPreTraining":
        both = {"labels": words, "sentence_order_label": order}
        yield "both", config, both
        yield "words alone", config, {"labels": words}
        yield "order alone", config, {"sentence_order_label": order}
        yield "words all ignored", config, {**both, "labels": none}
    elif class_name == "AlbertForMaskedLM":
        yield "some", config, {"labels": words}
        yield "all ignored", config, {"labels": none}
    elif class_name == "AlbertForTokenClassification":
        tags = some_ignored(draw(LABELS, BATCH, LENGTH))
        yield "some", config, {"labels": tags}
        yield "all ignored", config, {"labels": none}
    elif class_name == "AlbertForMultipleChoice":
        yield "one", config, {"labels": draw(CHOICES, BATCH)}
    elif class_name == "AlbertForQuestionAnswering":
        start, end = draw(LENGTH, BATCH), draw(LENGTH, BATCH)
        yield "inside", config, {"start_positions": start, "end_positions": end}
        outside = {
            "start_positions": np.array([LENGTH, 2, -1], np.int32),
            "end_positions": np.array([LENGTH + 9, LENGTH - 1, -100], np.int32),
        }
        yield "some outside", config, outside
    else:
        one = draw(LABELS, BATCH)
        yield "one label", config, {"labels": one}
        yield "one ignored", config, {"labels": np.where(order == 1, one, -100)}
        several = draw(2, BATCH, LABELS).astype(np.float32)
        yield "several labels", config, {"labels": several}
        numbers = random.normal(size=(BATCH, LABELS)).astype(np.float32)
        several_numbers = _config(problem_type="regression")
        yield "several numbers", several_numbers, {"labels": numbers}
        yield "one number", _config(num_labels=1), {"labels": numbers[:, 0]}
        yield "one number, [B, 1]", _config(num_labels=1), {"labels": numbers[:, :1]}


def _words(class_name: str) -> Iterator[Case]:
    """Scores at chosen positions, and losses of training, which come without scores."""
    if "predictions" not in names.PARTS[class_name]:
        return
    random = np.random.default_rng(110)
    config = _config()
    full = make_inputs(config, class_name, seed=111)
    # One of them twice, in no order.
    positions = np.array([[5, 0, 5, 2], [6, 6, 1, 0], [3, 4, 0, 0]], np.int32)
    pieces = random.integers(0, config.vocab_size, (BATCH, LENGTH)).astype(np.int32)
    some = np.where(random.random(pieces.shape) < 0.5, pieces, -100)
    chosen = {
        "masked_lm_positions": positions,
        "labels": np.where(positions == 0, -100, pieces[:, :4]),
    }
    none = np.full_like(pieces, -100)
    one = np.where(np.arange(pieces.size).reshape(pieces.shape) == 9, pieces, -100)
    for name, inputs, training in (
        ("at positions", {"masked_lm_positions": positions}, False),
        ("labels at positions", chosen, False),
        ("labels at positions in training", chosen, True),
        ("some labels in training", {"labels": some}, True),
        ("one label in training", {"labels": one}, True),
        ("all labels in training", {"labels": pieces}, True),
        ("no labels in training", {"labels": none}, True),
    ):
        given = {**full, **inputs}
        yield Case("words", name, class_name, config, given, 111, training=training)
