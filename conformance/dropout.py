"""Where dropout fires, how often, and what it leaves: counted in the outputs.

The models are made so that each output, or what it must have been made of, is a
constant if nothing is dropped. Then whatever is 0 was dropped, and the rest must have
been divided by the share that is kept. One place shows at a time: at all others there
is nothing to drop, or nothing that reaches the outputs.

Letters: B batch, C choices, S sequence, H hidden, N heads.

Source: google-research/albert modeling.py, classifier_utils.py: `dropout` after the
norm of the embeddings, on the attention probabilities, on the output of attention and
of the feed-forward step before each residual sum, and before the classifiers.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import pairwise
from typing import Any

import numpy as np

from albert.common import names
from albert.common.config import AlbertConfig
from conformance.backends import make_model, sampler
from conformance.cases import Case, random_weights
from conformance.compare import largest_error
from conformance.differentiation import Differentiate, Way
from conformance.run import Result
from conformance.tolerances import DEVIATIONS, FLOAT32, GRADIENTS

FAMILY = "dropout"
RATE = 0.25

BATCH, CHOICES, LENGTH, HEADS, WIDTH, LAYERS = 48, 9, 8, 2, 24, 2

CONFIG = AlbertConfig(
    vocab_size=WIDTH,
    embedding_size=WIDTH,
    hidden_size=WIDTH,
    num_hidden_layers=LAYERS,
    num_attention_heads=HEADS,
    intermediate_size=5,
    max_position_embeddings=LENGTH,
    type_vocab_size=2,
    num_labels=WIDTH,
    hidden_dropout_prob=0.0,
    attention_probs_dropout_prob=0.0,
    classifier_dropout_prob=0.0,
)
# The places of a hidden vector that no projection writes to: what they hold tells how
# the norm has shifted and scaled the others.
KNOWN = slice(0, LENGTH)

HIDDEN, ATTENTION, CLASSIFIER = (
    "hidden_dropout_prob",
    "attention_probs_dropout_prob",
    "classifier_dropout_prob",
)
_BLOCK = "albert.encoder.albert_layer_groups.0.albert_layers.0"
_MAPPING = "albert.encoder.embedding_hidden_mapping_in"

Arrays = dict[str, np.ndarray]
Outputs = dict[str, Any]
Read = Callable[[Outputs], list[np.ndarray]]
Check = tuple[str, str, Callable[[str], float]]


@dataclass(frozen=True)
class Place:
    """One place of dropout, in one class.

    Attributes:
        name: what it is called in reports.
        class_name: PyTorch's name of the class.
        rate: the setting that drops here.
        weights: what shows this place alone.
        read: makes of outputs what was dropped from, one array for each time that the
            place fires in a call, scaled to be 1 where nothing drops.
        details: outputs that are asked for.
    """

    name: str
    class_name: str
    rate: str
    weights: Arrays
    read: Read
    details: tuple[str, ...] = ()


# The models


def plain_weights(class_name: str, changes: Mapping[str, Any]) -> Arrays:
    """Give weights of 0, norms that only normalise, and some that are set."""
    weights = {
        row.canonical: np.full(
            row.shape(CONFIG), float(row.kind is names.SCALE), np.float32
        )
        for row in names.weights(CONFIG, class_name)
    }
    for name, value in changes.items():
        weights[name][...] = value
    return weights


def places() -> list[Place]:
    """Every place where the original drops."""
    model = "AlbertModel"
    seen, hidden = ("output_hidden_states",), HIDDEN
    one_hot = _one_hot_weights()
    return [
        Place("embeddings", model, hidden, _embedding_weights(), _embeddings, seen),
        Place(
            "attention output",
            model,
            hidden,
            _sum_weights("attention.dense"),
            _sums,
            seen,
        ),
        Place(
            "feed-forward output",
            model,
            hidden,
            _sum_weights("ffn_output"),
            _sums,
            seen,
        ),
        Place("attention probabilities", model, ATTENTION, one_hot, _contexts, seen),
        Place(
            "attention probabilities, as given",
            model,
            ATTENTION,
            one_hot,
            _probabilities,
            ("output_attentions",),
        ),
        *_classifiers(),
    ]


def _embedding_weights() -> Arrays:
    """The norm gives 1 everywhere, and the mapping hands it on."""
    embeddings = "albert.embeddings.LayerNorm"
    changes = {
        f"{embeddings}.weight": 0,
        f"{embeddings}.bias": 1,
        f"{_MAPPING}.weight": np.eye(WIDTH),
    }
    return plain_weights("AlbertModel", changes)


def _embeddings(outputs: Outputs) -> list[np.ndarray]:
    return [outputs["hidden_states"][0]]


def _sum_weights(projection: str) -> Arrays:
    """Embeddings are lost; one projection gives 1 but for the known places."""
    ones = np.ones(WIDTH)
    ones[KNOWN] = 0
    # normalised, so that the first norm changes nothing where nothing is added to it
    values = np.linspace(-1, 1, WIDTH)
    changes = {
        "albert.embeddings.LayerNorm.weight": 0,
        f"{_MAPPING}.bias": values / values.std(),
        f"{_BLOCK}.{projection}.bias": ones,
    }
    return plain_weights("AlbertModel", changes)


def _sums(outputs: Outputs) -> list[np.ndarray]:
    return [added[..., LENGTH:] for added in _added(outputs)]


def _added(outputs: Outputs) -> Iterator[np.ndarray]:
    """Give what each layer added to its input before the norms: [B, S, H]."""
    hidden = [one.astype(np.float64) for one in outputs["hidden_states"]]
    for before, after in pairwise(hidden):
        # The norms shift and scale all of a vector alike: by how much, the known
        # places say.
        x, y = after[..., KNOWN], before[..., KNOWN]
        x, y = x - x.mean(-1, keepdims=True), y - y.mean(-1, keepdims=True)
        scale = (x * y).sum(-1, keepdims=True) / (x**2).sum(-1, keepdims=True)
        shift = (before - scale * after)[..., KNOWN].mean(-1, keepdims=True)
        yield scale * after + shift - before


def _one_hot_weights() -> Arrays:
    """Each token is a unit vector, each head gathers them, all with one weight.

    What head n gathers, S numbers, is added behind the known places, at S (n + 1).
    """
    size = WIDTH // HEADS
    value, dense = np.zeros((WIDTH, WIDTH)), np.zeros((WIDTH, WIDTH))
    for head in range(HEADS):
        for token in range(LENGTH):
            value[head * size + token, token] = 1
            dense[LENGTH * (head + 1) + token, head * size + token] = 1
    changes = {
        "albert.embeddings.word_embeddings.weight": np.eye(WIDTH),
        f"{_MAPPING}.weight": np.eye(WIDTH),
        f"{_BLOCK}.attention.value.weight": value,
        f"{_BLOCK}.attention.dense.weight": dense,
    }
    return plain_weights("AlbertModel", changes)


def _contexts(outputs: Outputs) -> list[np.ndarray]:
    found = []
    layers = zip(_added(outputs), outputs["hidden_states"], strict=False)
    for added, before in layers:
        # [B, S, N S] is the probabilities, [S, S], times the tokens' known places
        tokens = np.linalg.inv(before[..., KNOWN].astype(np.float64))
        for head in range(1, HEADS + 1):
            gathered = added[..., LENGTH * head : LENGTH * (head + 1)]
            found.append(gathered @ tokens * LENGTH)
    return found


def _probabilities(outputs: Outputs) -> list[np.ndarray]:
    return [
        head * LENGTH for one in outputs["attentions"] for head in one.swapaxes(0, 1)
    ]


def _classifiers() -> Iterator[Place]:
    pooled = {"albert.pooler.bias": np.arctanh(0.5)}
    last = {f"{_BLOCK}.full_layer_layer_norm.weight": 0}
    last[f"{_BLOCK}.full_layer_layer_norm.bias"] = 1
    # Its only score is a number whose binary digits say what was kept.
    digits = {
        "classifier.weight": 2.0 ** np.arange(WIDTH) * (np.arange(WIDTH) < DIGITS)
    }
    for class_name, changes, read in (
        (
            "AlbertForSequenceClassification",
            {**pooled, "classifier.weight": 2 * np.eye(WIDTH)},
            _logits,
        ),
        (
            "AlbertForTokenClassification",
            {**last, "classifier.weight": np.eye(WIDTH)},
            _logits,
        ),
        ("AlbertForMultipleChoice", {**pooled, **digits}, _digits),
    ):
        weights = plain_weights(class_name, changes)
        yield Place("classifier", class_name, CLASSIFIER, weights, read)


DIGITS = 12
"""As many as float32 can tell apart in a sum with a rate on top."""


def _logits(outputs: Outputs) -> list[np.ndarray]:
    return [outputs["logits"]]


def _digits(outputs: Outputs) -> list[np.ndarray]:
    # Kept ones are larger by 1 / (1 - p), if anything is dropped; the unit tells.
    sums = 2 * outputs["logits"].astype(np.float64)
    whole = 2.0**DIGITS - 1
    unit = 1.0 if np.allclose(sums, whole, rtol=1e-5) else 1 / (1 - RATE)
    kept = np.rint(sums / unit)
    if np.abs(sums / unit - kept).max() > 1e-2:
        return [np.full(1, np.nan)]
    bits = kept[..., None].astype(np.int64) >> np.arange(DIGITS) & 1
    return [bits * unit]


# The checks


def run(framework: str, only: str | None = None) -> Iterator[Result]:
    """Run every check.

    Args:
        framework: "pt", "tf" or "flax".
        only: id of the one to run; None for all.

    Yields:
        A result for each, whose error is in standard deviations of a count.
    """
    checks: list[Check] = [
        (place.name, place.class_name, partial(check_place, place=place))
        for place in places()
    ]
    for name, class_name, check in (*checks, *others()):
        case = Case(FAMILY, name, class_name, CONFIG, {})
        if only in (None, case.id):
            yield _result(framework, case, check)


def others() -> list[Check]:
    """Give name, class and function of the checks beside those of the places."""
    found: list[Check] = [
        ("none in the heads", name, partial(check_no_more, class_name=name))
        for name in ("AlbertForPreTraining", "AlbertForQuestionAnswering")
    ]
    again = "the same when layers are computed again"
    return [*found, (again, _RECOMPUTED, check_recomputed)]


def _result(framework: str, case: Case, check: Callable[[str], float]) -> Result:
    try:
        return Result(case, check(framework), "", DEVIATIONS)
    except Exception as problem:  # whatever it is, it is this check's failure
        text = f"{type(problem).__name__}: {problem}"
        return Result(case, float("inf"), text, DEVIATIONS)


def check_place(framework: str, place: Place) -> float:
    """Count what one place drops.

    Args:
        framework: "pt", "tf" or "flax".
        place: the place.

    Returns:
        The largest deviation of any count from what independent draws would give, in
        standard deviations. Infinite if something is neither dropped nor scaled as it
        must be, if anything is dropped in evaluation, if a seed does not give its mask
        again, or if two steps give the same.
    """
    config = CONFIG.replace(**{place.rate: RATE})
    inputs = _inputs(place.class_name)
    flags = dict.fromkeys(place.details, True)

    def sample(*modes: bool) -> list[list[np.ndarray]]:
        give = sampler(framework, place.class_name, config, place.weights, seed=1)
        return [place.read(give(inputs, training, **flags)) for training in modes]

    first, second, still = sample(True, True, False)
    (again,) = sample(True)
    if not all(np.allclose(array, 1, rtol=0, atol=_NEAR) for array in still):
        return float("inf")
    if not all(map(np.array_equal, first, again)):
        return float("inf")
    masks = [mask for mask in map(_mask, first) if mask is not None]
    if len(masks) != len(still):
        return float("inf")
    return max(_share(masks), *_agreements(masks, second))


_NEAR = 1e-3
"""How far a recovered 0 or 1 / (1 - p) may be; what is wrong is off by a tenth."""


def _mask(array: np.ndarray) -> np.ndarray | None:
    """Tell what was kept; None if something is neither 0 nor scaled as it must be."""
    kept = array > 0.5
    near = np.allclose(array, kept / (1 - RATE), rtol=0, atol=_NEAR)
    return kept if near else None


def _share(masks: Sequence[np.ndarray]) -> float:
    return max(_deviations(~mask, RATE) for mask in masks)


def _agreements(
    masks: Sequence[np.ndarray], second: Sequence[np.ndarray]
) -> Iterator[float]:
    """Compare masks that have nothing to do with each other.

    Those of neighbouring layers or heads, of the next step, and each with itself moved
    on along each axis.
    """
    share = RATE**2 + (1 - RATE) ** 2
    pairs = [*pairwise(masks)]
    pairs += [(mask, later > 0.5) for mask, later in zip(masks, second, strict=True)]
    pairs += [
        (mask, np.roll(mask, 1, axis)) for mask in masks for axis in range(mask.ndim)
    ]
    for one, two in pairs:
        yield _deviations(one == two, share)


def _deviations(events: np.ndarray, probability: float) -> float:
    """How far a count is from its expectation, in standard deviations."""
    number = events.size
    spread = np.sqrt(number * probability * (1 - probability))
    return float(abs(events.sum() - number * probability) / spread)


def check_no_more(framework: str, class_name: str) -> float:
    """Hold the head in training to evaluation, where no place before it shows.

    Args:
        framework: "pt", "tf" or "flax".
        class_name: PyTorch's name of a class whose head drops nothing.

    Returns:
        The difference, in the unit of the other checks.
    """
    config = CONFIG.replace(**dict.fromkeys((HIDDEN, ATTENTION, CLASSIFIER), RATE))
    weights = random_weights(config, class_name, seed=6)
    # Whatever comes, the last norm gives its bias.
    weights[f"{_BLOCK}.full_layer_layer_norm.weight"][...] = 0
    give = sampler(framework, class_name, config, weights, seed=1)
    found, right = (give(_inputs(class_name), training) for training in (True, False))
    return largest_error(found, right) / FLOAT32 * DEVIATIONS


_RECOMPUTED = "AlbertForMaskedLM"


def check_recomputed(framework: str) -> float:
    """Hold gradients with checkpointing to those without, from one seed.

    Args:
        framework: "pt", "tf" or "flax".

    Returns:
        The largest difference of any gradient relative to the largest of all, in the
        unit of the other checks; infinite if dropout changes nothing.
    """
    config = CONFIG.replace(**dict.fromkeys((HIDDEN, ATTENTION), RATE))
    weights = random_weights(config, _RECOMPUTED, seed=6)
    model = make_model(framework, _RECOMPUTED, config, weights)
    differentiate = Differentiate(framework, model, _RECOMPUTED)
    inputs = {name: array[:2] for name, array in _inputs(_RECOMPUTED).items()}
    inputs["labels"] = inputs["input_ids"]
    ways = (Way(True), Way(True, checkpointing=True), Way(False))
    right, found, without = (differentiate(inputs, way) for way in ways)
    if _apart(right, without) < 1e-2:
        return float("inf")
    return _apart(right, found) / GRADIENTS * DEVIATIONS


def _apart(one: Arrays, other: Arrays) -> float:
    largest = max(np.abs(array).max() for array in one.values())
    return max(np.abs(one[name] - other[name]).max() for name in one) / largest


def _inputs(class_name: str) -> Arrays:
    """Give each row the pieces 0, 1, ..., as `_one_hot_weights` has them."""
    choices = (CHOICES,) if class_name == "AlbertForMultipleChoice" else ()
    shape = (BATCH, *choices, LENGTH)
    ids = np.broadcast_to(np.arange(LENGTH, dtype=np.int32), shape)
    return {"input_ids": ids.copy()}
