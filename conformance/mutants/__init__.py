"""Seeded defects: proof that the suite can fail.

`python -m conformance.mutants` seeds every defect into every backend that can have it,
runs the suite's cases until one fails that passes without the defect, and reports a
defect that none of them catches. Each file here has the defects of one subject.
"""

from __future__ import annotations

from conformance.mutants import (
    attention,
    dropout,
    embeddings,
    encoder,
    fast,
    gradients,
    heads,
    loading,
    losses,
    optimizers,
    settings,
    steps,
    tokenization,
)
from conformance.mutants.checks import caught_by, crashed
from conformance.mutants.seeding import COMMON, Mutant, mutated

__all__ = [
    "COMMON",
    "GROUPS",
    "MUTANTS",
    "Mutant",
    "caught_by",
    "crashed",
    "mutated",
    "seedings",
]

GROUPS: dict[str, tuple[Mutant, ...]] = {
    "embeddings": embeddings.MUTANTS,
    "attention": attention.MUTANTS,
    "encoder": encoder.MUTANTS,
    "heads": heads.MUTANTS,
    "losses": losses.MUTANTS,
    "loading": loading.MUTANTS,
    "fast": fast.MUTANTS,
    "gradients": gradients.MUTANTS,
    "dropout": dropout.MUTANTS,
    "optimizers": optimizers.MUTANTS,
    "steps": steps.MUTANTS,
    "settings": settings.MUTANTS,
    "tokenization": tokenization.MUTANTS,
}
"""Subject -> its defects."""

MUTANTS: tuple[Mutant, ...] = tuple(one for group in GROUPS.values() for one in group)


def seedings(framework: str, group: str | None = None) -> list[Mutant]:
    """List the defects that a framework can have.

    Args:
        framework: "pt", "tf" or "flax"; "common" for those that show without any.
        group: a subject; None for all.

    Returns:
        The defects.
    """
    chosen = MUTANTS if group is None else GROUPS[group]
    return [mutant for mutant in chosen if mutant.fits(framework)]
