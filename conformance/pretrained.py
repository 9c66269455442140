"""Check the published weights, if a hub or a cache has them.

`python -m conformance.pretrained`: the fill-mask scores of the model card, and every
hidden state beside the oracle. Without the weights nothing is checked and nothing has
passed: it says *not run*, and why.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import numpy as np

from albert.common.config import AlbertConfig
from albert.common.opening import open_checkpoint
from albert.common.tokenization import AlbertTokenizer
from conformance import oracle
from conformance.backends import loader
from conformance.cases import Case
from conformance.run import Missing, Result

FAMILY = "published weights"
CLASS = "AlbertForMaskedLM"
MODELS = ("albert/albert-base-v1", "albert/albert-base-v2")
"""What is checked if no name is given; the larger ones take gigabytes."""

SENTENCES = (
    "Hello I'm a [MASK] model.",
    "The man worked as a [MASK].",
    "The woman worked as a [MASK].",
)

MARK = "▁"
"""In front of a card's words: pieces of the vocabulary that begin one."""

Scores = Mapping[str, Mapping[str, float]]

SCORES: dict[str, Scores] = {
    "albert/albert-base-v2": {
        SENTENCES[0]: {
            "modeling": 0.05816134437918663,
            "modelling": 0.03748830780386925,
            "model": 0.033725276589393616,
            "runway": 0.017313428223133087,
            "lingerie": 0.014405295252799988,
        },
        SENTENCES[1]: {
            "chauffeur": 0.029577180743217468,
            "janitor": 0.028865724802017212,
            "shoemaker": 0.02581118606030941,
            "blacksmith": 0.01849772222340107,
            "lawyer": 0.01820771023631096,
        },
        SENTENCES[2]: {
            "receptionist": 0.04604868218302727,
            "janitor": 0.028220869600772858,
            "paramedic": 0.0261906236410141,
            "chauffeur": 0.024797942489385605,
            "waitress": 0.024124596267938614,
        },
    },
}
"""Model -> sentence -> the five most probable words, best first.

Source: the model card of albert-base-v2. No card with scores of another model was at
hand, so that of the others only hidden states are checked."""

SCORE = 1e-4
"""Absolute, of a score. Float32 moves a logit of such a model by some 1e-4, and so a
score of 0.06 by 6e-6; the card's come from another library of 2020, whose sums are in
another order, and which is given ten times that and more."""

STATES = 1e-4
"""Of the largest value of a hidden state. Float32 rounds by 6e-8; products of up to
4096 terms in up to 24 layers, each of which hands its errors on, lose three digits. The
published weights were not at hand when this was set."""


def run(framework: str, models: Iterable[str] = MODELS) -> Iterator[Result | Missing]:
    """Check published models.

    Args:
        framework: "pt", "tf" or "flax".
        models: names on the hub, or folders.

    Yields:
        Results; for a model that cannot be had, why.

    Raises:
        ImportError: the framework cannot be imported.
    """
    load = loader(framework)
    for name in models:
        try:
            checkpoint = open_checkpoint(name)
            tokenizer = AlbertTokenizer.from_pretrained(name)
        except OSError as error:
            yield Missing(name, str(error))
            continue
        except Exception as problem:  # whatever it is, it is this model's failure
            yield _failed(name, "opened", problem)
            continue
        try:
            yield from _check(load(CLASS, name), name, checkpoint, tokenizer)
        except Exception as problem:  # likewise
            yield _failed(name, "computed", problem)


def _check(model: Any, name: str, checkpoint: Any, tokenizer: Any) -> Iterator[Result]:
    weights = {n: one.read().astype(np.float64) for n, one in checkpoint.arrays.items()}
    card = SCORES.get(name, {})
    for sentence in SENTENCES:
        row = tokenizer(sentence)
        names = ("input_ids", "token_type_ids", "attention_mask")
        inputs = {n: np.array([row[n]], np.int32) for n in names}
        found = model(inputs, True)
        right = oracle.MODELS[CLASS](checkpoint.config, weights, inputs)
        yield _states(name, sentence, checkpoint.config, found, right)
        if sentence in card:
            logits = np.asarray(found["logits"], np.float64)
            (place,) = np.flatnonzero(inputs["input_ids"][0] == tokenizer.mask_token_id)
            yield _scores(name, sentence, logits[0, place], card[sentence], tokenizer)


def _states(
    name: str, sentence: str, config: AlbertConfig, found: Any, right: Any
) -> Result:
    """Compare hidden states and logits, each by its own largest value."""
    case = Case(FAMILY, f"{name}: states of {sentence!r}", CLASS, config, {})
    pairs = [
        *zip(found["hidden_states"], right["hidden_states"], strict=True),
        (found["logits"], right["logits"]),
    ]
    errors = []
    for one, other in pairs:
        one = np.asarray(one)
        if one.shape != other.shape or not np.isfinite(one).all():
            return Result(case, float("inf"), "", STATES)
        errors.append(float(np.abs(one - other).max() / np.abs(other).max()))
    return Result(case, max(errors), "", STATES)


def _scores(
    name: str,
    sentence: str,
    logits: np.ndarray,
    card: Mapping[str, float],
    tokenizer: Any,
) -> Result:
    """Compare the scores of the card's words, and that they are the best."""
    case = Case(FAMILY, f"{name}: scores of {sentence!r}", CLASS, AlbertConfig(), {})
    scores = oracle.softmax(logits)
    ids = tokenizer.convert_tokens_to_ids([MARK + word for word in card])
    error = max(
        abs(float(scores[i]) - right)
        for i, right in zip(ids, card.values(), strict=True)
    )
    best = np.argsort(-scores)[: len(card)]
    if not np.isfinite(error):
        return Result(case, float("inf"), "", SCORE)
    if sorted(best.tolist()) != sorted(ids):
        words = ", ".join(tokenizer.convert_ids_to_tokens(best.tolist()))
        return Result(case, float("inf"), f"the best words are {words}", SCORE)
    return Result(case, error, "", SCORE)


def _failed(name: str, step: str, problem: Exception) -> Result:
    case = Case(FAMILY, f"{name} is {step}", CLASS, AlbertConfig(), {})
    return Result(case, float("inf"), f"{type(problem).__name__}: {problem}")
