"""Defects of attention: masks, scale, heads, residual."""

# ruff: noqa: E501

from __future__ import annotations

from conformance.mutants.seeding import Mutant

MUTANTS = (
    Mutant(
        "a row all masked sees its first token alone",
        "attention.py",
        {
            "pt": (
                "visible | ~visible.any(dim=-1, keepdim=True)",
                "visible | (torch.arange(visible.shape[-1]) == 0)",
            ),
            "tf": (
                "visible | ~tf.reduce_any(visible, axis=-1, keepdims=True)",
                "visible | (tf.range(tf.shape(visible)[-1]) == 0)",
            ),
            "flax": (
                "visible | ~visible.any(axis=-1, keepdims=True)",
                "visible | (jnp.arange(visible.shape[-1]) == 0)",
            ),
        },
        first="a row all masked",
    ),
    Mutant(
        "bias of the attention output missing",
        "attention.py",
        {
            "pt": (
                "fast.project(self.dense, context)",
                "(fast.project(self.dense, context) - self.dense.bias)",
            ),
            "tf": (
                "self.dense(context)",
                "(self.dense(context) - self.dense(context * 0))",
            ),
            "flax": (
                "self.dense(context)",
                "(self.dense(context) - self.dense(context * 0))",
            ),
        },
    ),
    Mutant(
        "residual of attention missing",
        "attention.py",
        {
            "pt": ("hidden_states + projected", "projected"),
            "tf": ("rows + projected", "projected"),
            "flax": ("hidden_states + projected", "projected"),
        },
    ),
    Mutant(
        "scores not scaled",
        "attention.py",
        ("(1.0 / math.sqrt(", "(1.0 + 0 * ("),
    ),
    Mutant(
        "mask inverted",
        "attention.py",
        {
            "pt": ("visible = attention_mask != 0", "visible = attention_mask == 0"),
            "tf": (
                "tf.cast(attention_mask, tf.bool)",
                "~tf.cast(attention_mask, tf.bool)",
            ),
            "flax": (
                "jnp.asarray(attention_mask) != 0",
                "jnp.asarray(attention_mask) == 0",
            ),
        },
        first="right padding",
    ),
    Mutant(
        "hidden keys at -10",
        "attention.py",
        {
            "pt": (
                "scores.masked_fill(~visible, torch.finfo(scores.dtype).min)",
                "scores.masked_fill(~visible, -10.0)",
            ),
            "tf": ("scores.dtype.min", "-10.0"),
            "flax": ("jnp.finfo(scores.dtype).min", "-10.0"),
        },
        first="right padding",
    ),
    Mutant(
        "a mask of truth values inverted",
        "attention.py",
        {
            "pt": (
                "visible = attention_mask != 0",
                "visible = (attention_mask != 0) ^ (attention_mask.dtype == torch.bool)",
            ),
            "tf": (
                "tf.cast(attention_mask, tf.bool)",
                "tf.cast(attention_mask, tf.bool) ^ (attention_mask.dtype == tf.bool)",
            ),
            "flax": (
                "jnp.asarray(attention_mask) != 0",
                "(jnp.asarray(attention_mask) != 0) ^ (attention_mask.dtype == bool)",
            ),
        },
        first="mask of truth values",
    ),
    Mutant(
        "scaled by the whole width",
        "attention.py",
        {
            "pt": ("math.sqrt(query.shape[-1])", "math.sqrt(self.config.hidden_size)"),
            "tf": (
                "math.sqrt(self.config.head_size)",
                "math.sqrt(self.config.hidden_size)",
            ),
            "flax": (
                "math.sqrt(query.shape[-1])",
                "math.sqrt(self.config.hidden_size)",
            ),
        },
    ),
    Mutant(
        "softmax over the queries",
        "attention.py",
        {
            "pt": ("torch.softmax(scores, dim=-1)", "torch.softmax(scores, dim=-2)"),
            "tf": ("tf.nn.softmax(scores, axis=-1)", "tf.nn.softmax(scores, axis=-2)"),
            "flax": (
                "jax.nn.softmax(scores, axis=-1)",
                "jax.nn.softmax(scores, axis=-2)",
            ),
        },
    ),
    Mutant(
        "keys taken for queries",
        "attention.py",
        {
            "pt": (
                "fast.project(self.query, hidden_states)",
                "fast.project(self.key, hidden_states)",
            ),
            "tf": (
                "self._split_heads(self.query(rows), sizes)",
                "self._split_heads(self.key(rows), sizes)",
            ),
            "flax": (
                "self._split_heads(self.query(hidden_states))",
                "self._split_heads(self.key(hidden_states))",
            ),
        },
    ),
    Mutant(
        "values are the keys",
        "attention.py",
        {
            "pt": (
                "fast.project(self.value, hidden_states)",
                "fast.project(self.key, hidden_states)",
            ),
            "tf": (
                "self._split_heads(self.value(rows), sizes)",
                "self._split_heads(self.key(rows), sizes)",
            ),
            "flax": (
                "self._split_heads(self.value(hidden_states))",
                "self._split_heads(self.key(hidden_states))",
            ),
        },
    ),
    Mutant(
        "heads and their places transposed",
        "attention.py",
        {
            "pt": (
                "projected.unflatten(-1, (self.num_attention_heads, -1)).transpose(1, 2)",
                "projected.unflatten(-1, (-1, self.num_attention_heads)).movedim(-1, 1)",
            ),
            "tf": (
                "self.num_attention_heads, self.config.head_size)\n        return tf.transpose(tf.reshape(projected, heads), (0, 2, 1, 3))",
                "self.config.head_size, self.num_attention_heads)\n        return tf.transpose(tf.reshape(projected, heads), (0, 3, 1, 2))",
            ),
            "flax": (
                "self.num_attention_heads, self.config.head_size)\n        return projected.reshape(sizes).swapaxes(1, 2)",
                "self.config.head_size, self.num_attention_heads)\n        return jnp.moveaxis(projected.reshape(sizes), -1, 1)",
            ),
        },
    ),
    Mutant(
        "heads not turned back",
        "attention.py",
        {
            "pt": (
                "context.transpose(1, 2).flatten(2)",
                "context.reshape(hidden_states.shape)",
            ),
            "tf": (
                "tf.reshape(tf.transpose(context, (0, 2, 1, 3)), sizes)",
                "tf.reshape(context, sizes)",
            ),
            "flax": (
                "context.swapaxes(1, 2).reshape(hidden_states.shape)",
                "context.reshape(hidden_states.shape)",
            ),
        },
    ),
    Mutant(
        "normalised before the sum",
        "attention.py",
        {
            "pt": (
                "self.LayerNorm(hidden_states + projected)",
                "(hidden_states + self.LayerNorm(projected))",
            ),
            "tf": (
                "self.LayerNorm(rows + projected)",
                "rows + self.LayerNorm(projected)",
            ),
            "flax": (
                "self.LayerNorm(hidden_states + projected)",
                "(hidden_states + self.LayerNorm(projected))",
            ),
        },
    ),
)
