"""Gradients of every weight, held to the backward pass of the oracle.

The cases are those of `cases` that have a loss, and some for the ways that only
gradients take. Each runs in every framework, in float32 with all dropouts 0.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from albert.common import names
from conformance import backward
from conformance.backends import make_model
from conformance.cases import CONFIGURATIONS, Case, all_cases
from conformance.differentiation import Arrays, Differentiate, Way
from conformance.run import Result, model_key
from conformance.tolerances import GRADIENTS

FAMILY = "gradients"

_CANCELLED = 1e-12
"""What float64 leaves of terms that cancel, of their size, is smaller."""

EVALUATION = Way(training=False)
TRAINING = Way(training=True)
CHECKPOINTED = Way(training=True, checkpointing=True)
COMPILED = Way(training=True, compiled=True)

_NO_DROPOUT = {
    "hidden_dropout_prob": 0.0,
    "attention_probs_dropout_prob": 0.0,
    "classifier_dropout_prob": 0.0,
}


@dataclass(frozen=True)
class GradientCase:
    """One gradient.

    Attributes:
        case: the model and the call.
        way: how the gradient is computed.
    """

    case: Case
    way: Way

    @property
    def id(self) -> str:
        """Name for a test's report."""
        return f"{self.case.class_name}-{self.case.name}"


def all_gradient_cases() -> list[GradientCase]:
    """Every case, those of one model together."""
    found = [_made(case, way) for case in all_cases() for way in _ways(case)]
    found += [_made(case, way) for case, way in _special()]
    return sorted(found, key=lambda one: list(names.PARTS).index(one.case.class_name))


def _ways(case: Case) -> Iterable[Way]:
    if case.family == "labels":
        # A configuration or a shape of its own costs JAX a program for each way.
        own = case.config.num_labels == 1 or case.config.problem_type is not None
        own = own or case.class_name == "AlbertForMultipleChoice"
        return (TRAINING,) if own else (EVALUATION, TRAINING)
    if case.class_name == "AlbertModel" and case.name == "three layers":
        return (EVALUATION, TRAINING)
    return (TRAINING,) if case.name == "labels at positions in training" else ()


def _special() -> Iterator[tuple[Case, Way]]:
    """What differs in one class only: masked words, which have every part."""
    (base,) = _named("AlbertForMaskedLM", "labels", "some")
    yield base, CHECKPOINTED
    yield base, COMPILED
    eager = base.config.replace(attn_implementation="eager")
    yield replace(base, name="eager attention", config=eager), TRAINING
    deep = base.config.replace(**CONFIGURATIONS["groups and inner blocks"])
    deep_case = replace(base, name="groups and inner blocks", config=deep)
    yield deep_case, TRAINING
    for case in all_cases():
        kinds = ("left padding", "a row all masked", "positions shared", "embeds")
        wanted = case.family == "inputs" and case.name in kinds
        if wanted and case.class_name == base.class_name:
            inputs = {**case.inputs, "labels": base.inputs["labels"]}
            yield replace(base, name=case.name, inputs=inputs), TRAINING
    yield replace(base, name="several chunks", inputs=_many_places(base)), TRAINING


def _many_places(base: Case) -> dict[str, np.ndarray]:
    """More places with a label than any framework scores at a time: 1,024."""
    random = np.random.default_rng(120)
    shape = (len(base.inputs["input_ids"]), 500)
    places = random.integers(0, base.inputs["input_ids"].shape[1], shape)
    labels = random.integers(0, base.config.vocab_size, shape)
    labels[random.random(shape) < 0.2] = -100
    chosen = {"masked_lm_positions": places, "labels": labels}
    return {**base.inputs, **{n: a.astype(np.int32) for n, a in chosen.items()}}


def _named(class_name: str, family: str, name: str) -> list[Case]:
    wanted = (class_name, family, name)
    return [c for c in all_cases() if (c.class_name, c.family, c.name) == wanted]


def _made(case: Case, way: Way) -> GradientCase:
    name = f"{case.name}, {way}".replace(" in training, in training", ", in training")
    config = case.config.replace(**_NO_DROPOUT)
    return GradientCase(replace(case, family=FAMILY, name=name, config=config), way)


def run(framework: str, cases: Iterable[GradientCase]) -> Iterator[Result]:
    """Run cases, building a model once for neighbours that share it.

    Args:
        framework: "pt", "tf" or "flax".
        cases: what to run.

    Yields:
        A result for each case.
    """
    key, differentiate = "", None
    for one in cases:
        case = one.case
        try:
            if differentiate is None or key != model_key(case):
                weights = weights_of(case)
                model = make_model(framework, case.class_name, case.config, weights)
                differentiate = Differentiate(framework, model, case.class_name)
                key = model_key(case)
            found = differentiate(case.inputs, one.way, outer(case))
            yield Result(case, error(found, expected(case)), "", GRADIENTS)
        except Exception as problem:  # whatever it is, it is this case's failure
            text = f"{type(problem).__name__}: {problem}"
            yield Result(case, float("inf"), text, GRADIENTS)


def weights_of(case: Case) -> Arrays:
    """Make the model's weights, with little of what was attended in the sum.

    With more, the tokens of deeper layers are nearly alike, and the gradients of query
    and key what rounding leaves of terms that cancel.
    """
    return {
        name: (0.3 * a if name.endswith("attention.dense.weight") else a).astype("f4")
        for name, a in case.weights().items()
    }


def expected(case: Case) -> backward.Weights:
    """Give the oracle's gradients for a case."""
    weights = {name: a.astype(np.float64) for name, a in weights_of(case).items()}
    of = outer(case)
    if of:
        return backward.gradients_of_model(case.config, weights, case.inputs, of)
    return backward.gradients(case.class_name, case.config, weights, case.inputs)


def outer(case: Case) -> dict[str, np.ndarray]:
    """Give gradients by the outputs of the bare model, which has no loss."""
    if case.class_name != "AlbertModel":
        return {}
    random = np.random.default_rng(121)
    batch, length = case.inputs["input_ids"].shape
    width = case.config.hidden_size
    shapes = {
        "last_hidden_state": (batch, length, width),
        "pooler_output": (batch, width),
    }
    return {n: random.normal(size=s).astype(np.float32) for n, s in shapes.items()}


def error(found: Arrays, right: Mapping[str, Any]) -> float:
    """Give the largest difference of any tensor, relative to its largest gradient.

    A bias that shifts all scores of a softmax alike, as a key's does, has gradient 0:
    what a framework finds, and the oracle with other digits, is what rounding leaves
    of terms that cancel. Such a bias is held to the gradient of the matrix beside it,
    which has the same terms. Where the oracle has nothing but exact zeros, in a whole
    tensor or in the row of a piece, position or segment that is not used, 0 it must be.

    Args:
        found: gradients by canonical name.
        right: what they should be.

    Returns:
        The largest relative difference; infinite if a gradient is missing, added, of
        another shape or type, not finite, or not 0 where it must be.
    """
    if found.keys() != right.keys():
        return float("inf")
    return max(_error_of(name, found[name], right) for name in right)


def _error_of(name: str, found: np.ndarray, all_right: Mapping[str, Any]) -> float:
    right = all_right[name]
    if found.shape != right.shape or found.dtype != np.float32:
        return float("inf")
    if not np.isfinite(found).all():
        return float("inf")
    unused = ~right.any(-1) if "_embeddings." in name else ~right.any()
    if found[unused].any():
        return float("inf")
    largest = np.abs(right).max()
    if name.endswith(".bias") and name.replace("bias", "weight") in all_right:
        beside = np.abs(all_right[name.replace("bias", "weight")]).max()
        if largest < _CANCELLED * beside:
            largest = beside
    return float(np.abs(found - right).max() / largest) if largest else 0.0
