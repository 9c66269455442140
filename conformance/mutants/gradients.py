"""Defects that gradients show."""

from __future__ import annotations

from conformance.mutants.seeding import Mutant

_WORDS = "AlbertForMaskedLM-gradients-some, in training"

MUTANTS = (
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
