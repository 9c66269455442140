"""Defects of dropout.

Where a framework is missing, its own design leaves no room for the defect: in JAX what
is computed again has the same keys, and without a key nothing can be dropped.
"""

from __future__ import annotations

from conformance.mutants.seeding import Mutant

_EMBEDDINGS = "AlbertModel-dropout-embeddings"

MUTANTS = (
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
)
