"""Defects of blocks, groups and what stands between them."""

# ruff: noqa: E501

from __future__ import annotations

from conformance.mutants.seeding import Mutant

MUTANTS = (
    Mutant(
        "erf form for tanh GELU",
        "activations.py",
        {
            "pt": ('partial(functional.gelu, approximate="tanh")', "functional.gelu"),
            "tf": ("approximate=True, ", ""),
            "flax": ("approximate=True", "approximate=False"),
        },
    ),
    Mutant(
        "mask ignored",
        "encoder.py",
        ("visible_keys(attention_mask)", "visible_keys(None)"),
        first="right padding",
    ),
    Mutant(
        "groups swapped",
        "encoder.py",
        {
            "pt": (
                "in self.config.layer_groups:",
                "in reversed(self.config.layer_groups):",
            ),
            "tf": (
                "in self.config.layer_groups:",
                "in reversed(self.config.layer_groups):",
            ),
            "flax": (
                "self.albert_layer_groups.members",
                "self.albert_layer_groups.members[::-1]",
            ),
        },
        first="two groups",
    ),
    Mutant(
        "no activation",
        "encoder.py",
        {
            "pt": (
                "self.activation(fast.project(self.ffn, attended))",
                "fast.project(self.ffn, attended)",
            ),
            "tf": ("self.activation(self.ffn(rows))", "self.ffn(rows)"),
            "flax": ("self.activation(self.ffn(attended))", "self.ffn(attended)"),
        },
    ),
    Mutant(
        "bias of the wide layer missing",
        "encoder.py",
        {
            "pt": (
                "fast.project(self.ffn, attended)",
                "(fast.project(self.ffn, attended) - self.ffn.bias)",
            ),
            "tf": ("self.ffn(rows)", "self.ffn(rows) - self.ffn(rows * 0)"),
            "flax": (
                "self.ffn(attended)",
                "self.ffn(attended) - self.ffn(attended * 0)",
            ),
        },
    ),
    Mutant(
        "bias of the mapping missing",
        "encoder.py",
        {
            "pt": (
                "hidden_states = self.embedding_hidden_mapping_in(embeddings)",
                "hidden_states = embeddings @ self.embedding_hidden_mapping_in.weight.T",
            ),
            "tf": (
                "hidden_states = self.embedding_hidden_mapping_in(embeddings)",
                "hidden_states = self.embedding_hidden_mapping_in(embeddings) - self.embedding_hidden_mapping_in(embeddings * 0)",
            ),
            "flax": (
                "hidden_states = self.embedding_hidden_mapping_in(embeddings)",
                "hidden_states = self.embedding_hidden_mapping_in(embeddings) - self.embedding_hidden_mapping_in(embeddings * 0)",
            ),
        },
    ),
    Mutant(
        "residual of the feed-forward step missing",
        "encoder.py",
        {
            "pt": ("(attended + narrowed)", "(narrowed)"),
            "tf": ("(rows + narrowed)", "(narrowed)"),
            "flax": ("(attended + narrowed)", "(narrowed)"),
        },
    ),
    Mutant(
        "residual around the whole block",
        "encoder.py",
        {
            "pt": ("(attended + narrowed)", "(hidden_states + narrowed)"),
            "tf": ("(rows + narrowed)", "(_as_rows(hidden_states) + narrowed)"),
            "flax": ("(attended + narrowed)", "(hidden_states + narrowed)"),
        },
    ),
    Mutant(
        "inner blocks not repeated",
        "encoder.py",
        {
            "pt": ("in self.albert_layers:", "in self.albert_layers[:1]:"),
            "tf": (
                "in self.albert_layers:\n            hidden_states, probabilities",
                "in self.albert_layers[:1]:\n            hidden_states, probabilities",
            ),
            "flax": (
                "in self.albert_layers.members:",
                "in self.albert_layers.members[:1]:",
            ),
        },
        first="two inner blocks",
    ),
    Mutant(
        "inner blocks in the other order",
        "encoder.py",
        {
            "pt": ("in self.albert_layers:", "in self.albert_layers[::-1]:"),
            "tf": (
                "in self.albert_layers:\n            hidden_states, probabilities",
                "in self.albert_layers[::-1]:\n            hidden_states, probabilities",
            ),
            "flax": (
                "in self.albert_layers.members:",
                "in self.albert_layers.members[::-1]:",
            ),
        },
        first="two inner blocks",
    ),
    Mutant(
        "a layer too few",
        "encoder.py",
        {
            "pt": ("in self.config.layer_groups:", "in self.config.layer_groups[1:]:"),
            "tf": ("in self.config.layer_groups:", "in self.config.layer_groups[1:]:"),
            "flax": (
                "Counter(self.config.layer_groups)",
                "Counter(self.config.layer_groups[1:])",
            ),
        },
        first="three layers",
    ),
    Mutant(
        "hidden states leak through bfloat16",
        "encoder.py",
        {
            "pt": (
                "= apply(hidden_states, visible",
                "= apply(hidden_states.bfloat16().float(), visible",
            ),
            "tf": (
                "= apply(\n                hidden_states,",
                "= apply(\n                tf.cast(tf.cast(hidden_states, tf.bfloat16), tf.float32),",
            ),
            "flax": (
                "            variables,\n            hidden_states,",
                "            variables,\n            hidden_states.astype(jnp.bfloat16).astype(jnp.float32),",
            ),
        },
    ),
)
