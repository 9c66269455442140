"""Defects of the embeddings."""

from __future__ import annotations

from conformance.mutants.seeding import Mutant

MUTANTS = (
    Mutant(
        "epsilon 1e-5",
        "embeddings.py",
        {
            "pt": ("eps=config.layer_norm_eps", "eps=1e-5"),
            "tf": ("epsilon=config.layer_norm_eps", "epsilon=1e-5"),
            "flax": ("epsilon or module.config.layer_norm_eps", "epsilon or 1e-5"),
        },
        first="small embeddings",
    ),
    Mutant(
        "segments ignored",
        "embeddings.py",
        (
            "self.token_type_embeddings(token_type_ids)",
            "self.token_type_embeddings(token_type_ids * 0)",
        ),
    ),
    Mutant(
        "positions counted from 1",
        "embeddings.py",
        {
            "pt": (
                "torch.arange(length, device=device)[None]",
                "torch.arange(1, length + 1, device=device)[None]",
            ),
            "tf": ("table[None, :length]", "table[None, 1 : length + 1]"),
            "flax": ("jnp.arange(length)[None]", "jnp.arange(1, length + 1)[None]"),
        },
    ),
    Mutant(
        "positions not added",
        "embeddings.py",
        ("words + segments + positions", "words + segments"),
    ),
    Mutant(
        "segments not added",
        "embeddings.py",
        ("words + segments + positions", "words + positions"),
    ),
    Mutant(
        "segments swapped",
        "embeddings.py",
        (
            "self.token_type_embeddings(token_type_ids)",
            "self.token_type_embeddings(1 - token_type_ids)",
        ),
    ),
    Mutant(
        "segment 1 where none is given",
        "embeddings.py",
        {
            "pt": ("torch.zeros((1, length)", "torch.ones((1, length)"),
            "tf": ("tf.zeros((1, length)", "tf.ones((1, length)"),
            "flax": ("jnp.zeros((1, length)", "jnp.ones((1, length)"),
        },
        first="ids alone",
    ),
    Mutant(
        "given positions ignored",
        "embeddings.py",
        ("if position_ids is None:", "if True:"),
        first="left padding",
    ),
    Mutant(
        "embeddings not normalised",
        "embeddings.py",
        ("self.dropout(self.LayerNorm(embeddings)", "self.dropout((embeddings)"),
    ),
)
