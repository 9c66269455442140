"""Defects of the losses."""

# ruff: noqa: E501

from __future__ import annotations

from conformance.mutants.seeding import Mutant

MUTANTS = (
    Mutant(
        "ignored labels counted in the mean",
        "losses.py",
        {
            "pt": ("(labels != IGNORE_INDEX).sum()", "(labels != -1).sum()"),
            "tf": ("tf.cast(kept, dtype)", "tf.ones_like(kept, dtype)"),
            "flax": ("kept.sum()", "kept.size"),
        },
        first="some",
    ),
    Mutant(
        "the loss in training divided by all places",
        "losses.py",
        {
            "pt": ("return total / _number(labels)", "return total / labels.numel()"),
            "tf": (
                "return total / _number(labels,",
                "return total / _number(labels * 0,",
            ),
            "flax": ("return total / _number(labels)", "return total / labels.size"),
        },
        first="some labels in training",
    ),
    Mutant(
        "labels shifted by one",
        "losses.py",
        (
            'config.vocab_size, "vocab_size")\n    return cross_entropy(logits, labels)',
            'config.vocab_size, "vocab_size")\n    return cross_entropy(logits[:, :-1], labels[:, 1:])',
        ),
        first="some",
    ),
    Mutant(
        "losses of an answer added up",
        "losses.py",
        ("(start_loss + end_loss) / 2", "(start_loss + end_loss)"),
        first="inside",
    ),
    Mutant(
        "answers that were cut off counted",
        "losses.py",
        {
            "pt": (
                "torch.where(inside, positions, IGNORE_INDEX)",
                "positions.clamp(0, length - 1)",
            ),
            "tf": (
                "tf.where(inside, positions, ignored)",
                "tf.clip_by_value(positions, 0, length - 1)",
            ),
            "flax": (
                "jnp.where(inside, positions, IGNORE_INDEX)",
                "jnp.clip(positions, 0, length - 1)",
            ),
        },
        first="some outside",
    ),
    Mutant(
        "squares added up",
        "losses.py",
        {
            "pt": (
                "functional.mse_loss(logits, labels)",
                'functional.mse_loss(logits, labels, reduction="sum")',
            ),
            "tf": (
                "tf.reduce_mean(tf.math.squared_difference(logits, labels))",
                "tf.reduce_sum(tf.math.squared_difference(logits, labels))",
            ),
            "flax": (
                "jnp.square(logits - labels).mean()",
                "jnp.square(logits - labels).sum()",
            ),
        },
        first="several numbers",
    ),
    Mutant(
        "several labels share a softmax",
        "losses.py",
        {
            "pt": (
                "functional.binary_cross_entropy_with_logits(logits, labels)",
                "functional.cross_entropy(logits, labels)",
            ),
            "tf": (
                "tf.nn.sigmoid_cross_entropy_with_logits(",
                "tf.nn.softmax_cross_entropy_with_logits(",
            ),
            "flax": (
                "(jax.nn.softplus(logits) - labels * logits).mean()",
                "(-labels * jax.nn.log_softmax(logits)).mean()",
            ),
        },
        first="several labels",
    ),
    Mutant(
        "losses in bfloat16",
        "losses.py",
        {
            "pt": ("else logits.float()", "else logits.bfloat16().float()"),
            "tf": (
                "return tf.cast(logits, keras",
                "return tf.cast(tf.cast(logits, tf.bfloat16), keras",
            ),
            "flax": (
                "return logits.astype(jnp",
                "return logits.astype(jnp.bfloat16).astype(jnp",
            ),
        },
        first="some",
    ),
)
