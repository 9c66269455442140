"""Defects of the heads and the pooler."""

from __future__ import annotations

from conformance.mutants.seeding import Mutant

MUTANTS = (
    Mutant(
        "the head's own epsilon not used",
        "heads.py",
        {
            "pt": ("eps=config.predictions_eps", "eps=config.layer_norm_eps"),
            "tf": ("epsilon=config.predictions_eps", "epsilon=config.layer_norm_eps"),
            "flax": ("self.config.predictions_eps", "self.config.layer_norm_eps"),
        },
        first="another epsilon in the head",
    ),
    Mutant(
        "pooler takes the second token",
        "models.py",
        ("outputs.last_hidden_state[:, 0]", "outputs.last_hidden_state[:, 1]"),
    ),
    Mutant(
        "positions taken from the row before",
        "heads.py",
        {
            "pt": (
                "return hidden_states[rows[:, None]",
                "return hidden_states[rows[:, None] - 1",
            ),
            "tf": (
                "tf.gather(hidden_states,",
                "tf.gather(tf.roll(hidden_states, 1, 0),",
            ),
            "flax": (
                "return hidden_states[jnp.arange(len(hidden_states))",
                "return hidden_states[(jnp.arange(len(hidden_states)) - 1)",
            ),
        },
        first="at positions",
    ),
    Mutant(
        "bias of the masked-LM output missing",
        "heads.py",
        {
            "pt": ("self.decoder(narrowed)", "self.decoder(narrowed) - self.bias"),
            "tf": (", transpose_b=True) + bias", ", transpose_b=True)"),
            "flax": (" + bias.astype(dtype)", ""),
        },
        first="AlbertForMaskedLM",
    ),
    Mutant(
        "start and end swapped",
        "models.py",
        ("        start_logits, end_logits = ", "        end_logits, start_logits = "),
        first="AlbertForQuestionAnswering",
    ),
    Mutant(
        "no activation in the masked-LM head",
        "heads.py",
        ("self.activation(self.dense(hidden_states))", "self.dense(hidden_states)"),
        first="AlbertForMaskedLM",
    ),
    Mutant(
        "no norm in the masked-LM head",
        "heads.py",
        ("return self.LayerNorm(narrowed)", "return narrowed"),
        first="AlbertForMaskedLM",
    ),
    Mutant(
        "tied weights cut",
        "heads.py",
        {
            "pt": (
                "return self.decoder(narrowed)",
                "return narrowed @ self.decoder.weight.roll(1, 0).T + self.bias",
            ),
            "tf": (
                "self.decoder.embeddings, self.bias)",
                "tf.roll(self.decoder.embeddings, 1, 0), self.bias)",
            ),
            "flax": (
                "decoder.embedding, self.bias)",
                "jnp.roll(decoder.embedding, 1, 0), self.bias)",
            ),
        },
        first="AlbertForMaskedLM",
    ),
    Mutant(
        "no activation in the pooler",
        "models.py",
        {
            "pt": (
                "torch.tanh(self.pooler(outputs.last_hidden_state[:, 0]))",
                "self.pooler(outputs.last_hidden_state[:, 0])",
            ),
            "tf": (
                "tf.tanh(self.pooler(outputs.last_hidden_state[:, 0]))",
                "self.pooler(outputs.last_hidden_state[:, 0])",
            ),
            "flax": (
                "jnp.tanh(self.pooler(outputs.last_hidden_state[:, 0]))",
                "self.pooler(outputs.last_hidden_state[:, 0])",
            ),
        },
    ),
    Mutant(
        "choices and texts transposed",
        "models.py",
        {
            "pt": ("scores.view(batch, choices)", "scores.view(choices, batch).T"),
            "tf": (
                "tf.reshape(scores, (batch, choices))",
                "tf.transpose(tf.reshape(scores, (choices, batch)))",
            ),
            "flax": (
                "scores.reshape(batch, choices)",
                "scores.reshape(choices, batch).T",
            ),
        },
        first="AlbertForMultipleChoice",
    ),
)
