"""Defects of whole training steps."""

# ruff: noqa: E501

from __future__ import annotations

from conformance.mutants.checks import STEPS
from conformance.mutants.seeding import Mutant

MUTANTS = (
    Mutant(
        "parts of a batch count alike",
        "common/training/objectives.py",
        ("self._count(part, name) / max(1, count)", "1 / len(parts)"),
        first=STEPS,
    ),
    Mutant(
        "the loss of the order counts whole",
        "common/training/objectives.py",
        ("self.weights[name] * losses[name] for", "losses[name] for"),
        first=STEPS,
    ),
    Mutant(
        "the last part's gradients alone",
        "training.py",
        {
            "pt": (
                "        with self._arithmetic():\n            means",
                "        self.optimizer.zero_grad()\n        with self._arithmetic():\n            means",
            ),
            "tf": ("found if sums is None else _added(sums, found)", "found"),
            "flax": ("found if sums is None else _added(sums, found)", "found"),
        },
        first=STEPS,
    ),
    Mutant(
        "the scale not taken out",
        "training.py",
        {
            "pt": ("gradient.div_(scale)", "gradient.div_(1.0)"),
            "tf": (
                "[each / scale for each in gradients]",
                "[each / 1.0 for each in gradients]",
            ),
            "flax": (
                "lambda one: one / scale, gradients",
                "lambda one: one / 1.0, gradients",
            ),
        },
        first=STEPS,
    ),
    Mutant(
        "clipped before the scale is taken out",
        "training.py",
        {
            "pt": (
                "            gradient.div_(scale)\n        _, norm = clip_by_global_norm(gradients, self.settings.optimizer.limit)",
                "            pass\n        _, norm = clip_by_global_norm(gradients, self.settings.optimizer.limit)\n        torch._foreach_div_(gradients, scale)\n        norm = norm / scale",
            ),
            "tf": (
                "gradients = [each / scale for each in gradients]\n        clipped, norm = clip_by_global_norm(gradients, self.settings.optimizer.limit)",
                "clipped, norm = clip_by_global_norm(gradients, self.settings.optimizer.limit)\n        clipped, norm = [each / scale for each in clipped], norm / scale",
            ),
            "flax": (
                "gradients = jax.tree.map(lambda one: one / scale, gradients)\n        clipped, norm = clip_by_global_norm(gradients, self.settings.optimizer.limit)",
                "clipped, norm = clip_by_global_norm(gradients, self.settings.optimizer.limit)\n        clipped, norm = jax.tree.map(lambda one: one / scale, clipped), norm / scale",
            ),
        },
        first=STEPS,
    ),
    Mutant(
        "clipped after the update, not before",
        "training.py",
        {
            "pt": (
                "_, norm = clip_by_global_norm(gradients, ",
                "_, norm = clip_by_global_norm([one.clone() for one in gradients], ",
            ),
            "tf": ("self.optimizer.apply(clipped)", "self.optimizer.apply(gradients)"),
            "flax": (
                "self.optimizer.update(clipped, held, params)",
                "self.optimizer.update(gradients, held, params)",
            ),
        },
        first=STEPS,
    ),
)
