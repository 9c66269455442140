"""Defects of the optimizers, clipping and the schedule."""

# ruff: noqa: E501

from __future__ import annotations

from conformance.mutants.checks import UPDATES
from conformance.mutants.seeding import Mutant

MUTANTS = (
    Mutant(
        "epsilon inside the root",
        "optimizers.py",
        {
            "pt": (
                "updates, divisor = first, _many._foreach_sqrt(second)",
                'updates, divisor = first, _many._foreach_sqrt(_many._foreach_add(second, group["epsilon"]))',
            ),
            "tf": (
                "(tf.sqrt(square) + self.epsilon)",
                "tf.sqrt(square + self.epsilon)",
            ),
            "flax": ("(jnp.sqrt(v) + epsilon)", "jnp.sqrt(v + epsilon)"),
        },
        first=UPDATES + "adamw",
    ),
    Mutant(
        "bias corrected always",
        "optimizers.py",
        {
            "pt": ('if group["bias_correction"]:', "if True:"),
            "tf": ("if self.bias_correction:", "if True:"),
            "flax": ("if bias_correction:", "if True:"),
        },
        first=UPDATES + "adamw",
    ),
    Mutant(
        "bias never corrected",
        "optimizers.py",
        {
            "pt": ('if group["bias_correction"]:', "if False:"),
            "tf": ("if self.bias_correction:", "if False:"),
            "flax": ("if bias_correction:", "if False:"),
        },
        first=UPDATES + "lamb, corrected",
    ),
    Mutant(
        "decay and trust ratio on everything",
        "optimizers.py",
        {
            "pt": ("if not out:", "if True:"),
            "tf": ("if not self._left_out[index]:", "if True:"),
            "flax": (
                'return not left_out("flax", str(getattr(path[-1], "key", "")), jnp.ndim(leaf))',
                "return True",
            ),
        },
        first=UPDATES + "lamb",
    ),
    Mutant(
        "AdamW decays biases",
        "optimizers.py",
        {
            "pt": ("if not out:", "if not out or type(self).__name__ == 'AdamW':"),
            "tf": (
                "if not self._left_out[index]:",
                "if not self._left_out[index] or type(self).__name__ == 'TFAdamW':",
            ),
            "flax": (
                "optax.add_decayed_weights(weight_decay, decay_mask),\n            _times_rate",
                "optax.add_decayed_weights(weight_decay),\n            _times_rate",
            ),
        },
        first=UPDATES + "adamw",
    ),
    Mutant(
        "no trust ratio",
        "optimizers.py",
        {
            "pt": ("_many._foreach_mul_(updates, ratios)", "return"),
            "tf": (
                "tf.where(none, tf.ones_like(norms[0]), norms[0] / norms[1])",
                "tf.ones_like(norms[0])",
            ),
            "flax": (
                "            optax.masked(optax.scale_by_trust_ratio(), decay_mask),\n",
                "",
            ),
        },
        first=UPDATES + "lamb",
    ),
    Mutant(
        "trust ratio turned over",
        "optimizers.py",
        {
            "pt": ("1.0, weight / update)", "1.0, update / weight)"),
            "tf": ("norms[0] / norms[1])", "norms[1] / norms[0])"),
        },
        first=UPDATES + "lamb",
    ),
    Mutant(
        "trust ratio before the decay",
        "optimizers.py",
        {
            "pt": (
                '_many._foreach_add_(updates, parameters, alpha=group["weight_decay"])\n            self._scale(updates, parameters)',
                'self._scale(updates, parameters)\n            _many._foreach_add_(updates, parameters, alpha=group["weight_decay"])',
            ),
            "tf": (
                "            update += weight * self.weight_decay\n            update *= tf.cast(self._ratio(weight, update), update.dtype)",
                "            update *= tf.cast(self._ratio(weight, update), update.dtype)\n            update += weight * self.weight_decay",
            ),
            "flax": (
                "            optax.add_decayed_weights(weight_decay, decay_mask),\n            optax.masked(optax.scale_by_trust_ratio(), decay_mask),",
                "            optax.masked(optax.scale_by_trust_ratio(), decay_mask),\n            optax.add_decayed_weights(weight_decay, decay_mask),",
            ),
        },
        first=UPDATES + "lamb",
    ),
    Mutant(
        "second moment of the gradient, not its square",
        "optimizers.py",
        {
            "pt": (
                "_many._foreach_addcmul_(second, gradients, gradients, value=1 - beta_2)",
                "_many._foreach_add_(second, _many._foreach_abs(gradients), alpha=1 - beta_2)",
            ),
            "tf": (
                "tf.square(gradient) * (1 - beta_2)",
                "tf.abs(gradient) * (1 - beta_2)",
            ),
            "flax": (
                "jax.tree.map(jnp.square, updates)",
                "jax.tree.map(jnp.abs, updates)",
            ),
        },
        first=UPDATES + "adamw",
    ),
    Mutant(
        "not clipped",
        "optimizers.py",
        {
            "pt": (
                "factor = max_norm / norm.clamp(min=max_norm)",
                "factor = norm / norm",
            ),
            "tf": (
                "factor = max_norm / tf.maximum(norm, max_norm)",
                "factor = norm / norm",
            ),
            "flax": (
                "factor = max_norm / jnp.maximum(norm, max_norm)",
                "factor = norm / norm",
            ),
        },
        first=UPDATES + "lamb",
    ),
    Mutant(
        "small gradients made larger",
        "optimizers.py",
        {
            "pt": ("max_norm / norm.clamp(min=max_norm)", "max_norm / norm"),
            "tf": ("max_norm / tf.maximum(norm, max_norm)", "max_norm / norm"),
            "flax": ("max_norm / jnp.maximum(norm, max_norm)", "max_norm / norm"),
        },
        first=UPDATES + "lamb",
    ),
    Mutant(
        "scales of norms decay",
        "common/training/rules.py",
        ("_LEFT_OUT = (BIAS, SCALE, SHIFT)\n", "_LEFT_OUT = (BIAS, SHIFT)\n"),
        first=UPDATES + "lamb",
    ),
    Mutant(
        "correction a step late",
        "common/training/rules.py",
        {
            "pt": ("1.0 - betas[1] ** steps)", "1.0 - betas[1] ** (steps + 1))"),
            "tf": ("1.0 - betas[1] ** steps)", "1.0 - betas[1] ** (steps + 1))"),
        },
        first=UPDATES + "lamb, corrected",
    ),
    # One schedule serves all: one framework shows it.
    Mutant(
        "schedule a step ahead",
        "common/training/schedules.py",
        {
            "pt": ("since = step - self.start", "since = step + 1 - self.start"),
        },
        first=UPDATES + "lamb",
    ),
    Mutant(
        "decay counted from the warm-up's end",
        "common/training/schedules.py",
        {
            "pt": (
                "library.maximum(self.total_steps - step, 0) / self.total_steps",
                "library.maximum(self.total_steps - step, 0) / (self.total_steps - self.warmup_steps)",
            ),
        },
        first=UPDATES + "lamb",
    ),
)
