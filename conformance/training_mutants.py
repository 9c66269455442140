"""Seeded defects of training: proof that its checks can fail.

As `conformance.mutants`, for gradients and dropout; `python -m
conformance.training_mutants` seeds them all. Each defect names the check that
has to catch it. Where a framework is missing, its own design leaves no room for the
defect: in JAX what is computed again has the same keys, and without a key nothing can
be dropped.
"""

from __future__ import annotations

import functools
import sys
from collections.abc import Mapping

from conformance import dropout, gradients
from conformance.backends import PREFIXES
from conformance.mutants import Mutant, mutated
from conformance.run import Result

_WORDS = "AlbertForMaskedLM-gradients-some, in training"
_EMBEDDINGS = "AlbertModel-dropout-embeddings"

TRAINING_MUTANTS = (
    Mutant(
        "dropout at inference",
        "embeddings.py",
        {
            "pt": (
                "self.dropout(self.LayerNorm(embeddings))",
                "nn.functional.dropout(self.LayerNorm(embeddings), self.dropout.p)",
            ),
            "tf": (
                "self.LayerNorm(embeddings), training=training",
                "self.LayerNorm(embeddings), training=True",
            ),
        },
        first=_EMBEDDINGS,
    ),
    Mutant(
        "dropout before the norm of the embeddings",
        "embeddings.py",
        {
            "pt": (
                "self.dropout(self.LayerNorm(embeddings))",
                "self.LayerNorm(self.dropout(embeddings))",
            ),
            "tf": (
                "self.dropout(self.LayerNorm(embeddings), training=training)",
                "self.LayerNorm(self.dropout(embeddings, training=training))",
            ),
            "flax": (
                "self.dropout(self.LayerNorm(embeddings), deterministic)",
                "self.LayerNorm(self.dropout(embeddings, deterministic))",
            ),
        },
        first=_EMBEDDINGS,
    ),
    Mutant(
        "another place's rate",
        "attention.py",
        {
            "pt": (
                "nn.Dropout(config.hidden_dropout_prob)",
                "nn.Dropout(config.attention_probs_dropout_prob)",
            ),
            "tf": (
                "layers.Dropout(config.hidden_dropout_prob,",
                "layers.Dropout(config.attention_probs_dropout_prob,",
            ),
            "flax": (
                "nn.Dropout(self.config.hidden_dropout_prob)",
                "nn.Dropout(self.config.attention_probs_dropout_prob)",
            ),
        },
        first="AlbertModel-dropout-attention output",
    ),
    Mutant(
        "attention without dropout",
        "attention.py",
        {
            "pt": ("dropout_p=dropout", "dropout_p=0.0"),
            "tf": (
                "return self.attention_dropout(probabilities, training=training)",
                "return probabilities",
            ),
            "flax": (
                "return self.attention_dropout(probabilities, deterministic)",
                "return probabilities",
            ),
        },
        first="AlbertModel-dropout-attention probabilities",
    ),
    Mutant(
        "dropout before the sentence-order head",
        "heads.py",
        {
            "pt": (
                "self.classifier(pooled_output)",
                "self.classifier(nn.functional.dropout(pooled_output, 0.1))",
            ),
            "tf": (
                "self.classifier(pooled_output)",
                "self.classifier(tf.nn.dropout(pooled_output, 0.1))",
            ),
        },
        first="AlbertForPreTraining-dropout-none in the heads",
    ),
    Mutant(
        "layers computed again with other masks",
        "encoder.py",
        {
            "pt": (
                "partial(checkpoint, apply, ",
                "partial(checkpoint, apply, preserve_rng_state=False, ",
            ),
            "tf": (
                "zip(states, before, strict=True)",
                "[(one, tf.identity(one.value)) for one in states]",
            ),
        },
        first="AlbertForMaskedLM-dropout-the same when layers are computed again",
    ),
    Mutant(
        "layers that share weights share masks",
        "encoder.py",
        {
            "flax": (
                "jax.random.fold_in(dropout_rng, turn)",
                "jax.random.fold_in(dropout_rng, 0)",
            ),
        },
        first="AlbertModel-dropout-attention output",
    ),
    Mutant(
        "the loss not divided by the number of labels",
        "losses.py",
        {
            "pt": ("return total / _number(labels)", "return total"),
            "tf": ("return total / _number(labels, total.dtype)", "return total"),
            "flax": ("return total / _number(labels)", "return total"),
        },
        first=_WORDS,
    ),
    Mutant(
        "no gradient for the table as the output layer",
        "losses.py",
        {
            "pt": (
                "_total(head.score(rows), chosen)",
                "_total(rows @ head.decoder.weight.detach().T + head.bias, chosen)",
            ),
            "tf": (
                "(head.decoder.embeddings, head.bias)",
                "(tf.stop_gradient(head.decoder.embeddings), head.bias)",
            ),
            "flax": (
                "(decoder.embedding, head.bias)",
                "(jax.lax.stop_gradient(decoder.embedding), head.bias)",
            ),
        },
        first=_WORDS,
    ),
    Mutant(
        "the loss of the order twice",
        "models.py",
        ("else loss + sop_loss", "else loss + 2 * sop_loss"),
        first="AlbertForPreTraining-gradients-both, in training",
    ),
)


def mutants_of(framework: str) -> list[Mutant]:
    """List the defects that a framework can have."""
    return [
        mutant
        for mutant in TRAINING_MUTANTS
        if not isinstance(mutant.changes, Mapping) or framework in mutant.changes
    ]


def caught_by(framework: str, mutant: Mutant) -> Result | None:
    """Run a defect's check on a backend with the defect.

    Args:
        framework: "pt", "tf" or "flax".
        mutant: the defect.

    Returns:
        The result if it failed where the sound backend passes, or None.

    Raises:
        ValueError: the right source text is not in the file.
    """
    sound = _sound(framework, mutant.first)
    with mutated(framework, mutant):
        result = check(framework, mutant.first)
    return result if sound.passed and not result.passed else None


@functools.cache
def _sound(framework: str, name: str) -> Result:
    return check(framework, name)


def check(framework: str, name: str) -> Result:
    """Run one check of training.

    Args:
        framework: "pt", "tf" or "flax".
        name: id of its case.

    Returns:
        What came of it.

    Raises:
        ValueError: there is no such check.
    """
    cases = [one for one in gradients.all_gradient_cases() if one.case.id == name]
    if cases:
        return next(gradients.run(framework, cases))
    results = list(dropout.run(framework, only=name))
    if not results:
        raise ValueError(f"there is no check {name!r}")
    return results[0]


def main() -> int:
    """Seed every defect and print what became of it.

    Returns:
        0 if every defect was caught in every framework that can have it, else 1.
    """
    survivors = 0
    for framework in PREFIXES:
        for mutant in mutants_of(framework):
            caught = caught_by(framework, mutant)
            survivors += caught is None
            by = f"caught by {caught.case.id}" if caught else "NOT CAUGHT"
            print(f"{framework:5} {mutant.name:48} {by}")
    return 1 if survivors else 0


if __name__ == "__main__":
    sys.exit(main())
