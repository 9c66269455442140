"""Defects of the ways that are only quicker."""

from __future__ import annotations

from conformance.mutants.checks import CHANGES
from conformance.mutants.seeding import Mutant

MUTANTS = (
    Mutant(
        "fast: bias of queries, keys and values missing",
        "fast/products.py",
        {
            "pt": (
                "[torch.cat([side.bias for side in sides]),",
                "[torch.cat([side.bias * 0 for side in sides]),",
            ),
        },
    ),
    Mutant(
        "fast: copies of matrices not made anew",
        "fast/packing.py",
        {
            "pt": ("kept is None or not _equal(kept.prints, prints)", "kept is None"),
            "flax": ("tuple(map(id, arrays))", "tuple(one.shape for one in arrays)"),
        },
        first=CHANGES,
    ),
    Mutant(
        "fast: without padding the texts of a batch attend to each other",
        "fast/attention.py",
        {
            "pt": (
                "for number, length in tokens.runs:",
                "for number, length in [(1, sum(tokens.lengths))]:",
            ),
        },
        first="right padding",
    ),
    Mutant(
        "fast: the compiled call does not see the mask",
        "fast/compiled.py",
        {
            "tf": (
                'for name, one in given.items() if name != "way"}',
                'for name, one in given.items() if name not in "way attention_mask"}',
            ),
        },
        first="right padding",
    ),
    Mutant(
        "fast: compiled for another configuration",
        "fast/compiled.py",
        {
            "tf": (
                "self._state is None or not self._state.still_is()",
                "not self._state",
            )
        },
        first=CHANGES,
    ),
    Mutant(
        "fast: a program for another configuration",
        "fast/calls.py",
        {
            "flax": (
                "return module.clone(config=copy.deepcopy(module.config))",
                "return module",
            ),
        },
        first=CHANGES,
    ),
    Mutant(
        "fast: outputs of a longer text cut at the wrong end",
        "fast/lengths.py",
        {
            "flax": (
                "start_index=0, limit_index=length",
                "start_index=1, limit_index=length + 1",
            ),
        },
    ),
    Mutant(
        "fast: a row all masked sees the padding",
        "fast/lengths.py",
        {"flax": ("seen = seen | ~seen.any(axis=-1, keepdims=True)", "")},
        first="a row all masked",
    ),
    Mutant(
        "fast: bias of the products by columns missing",
        "fast/layers.py",
        {
            "flax": (
                'self.packed[name] @ tokens + params["bias"][:, None]',
                "self.packed[name] @ tokens",
            ),
        },
    ),
)
