"""Defects of configurations."""

from __future__ import annotations

from conformance.mutants.checks import FIELDS
from conformance.mutants.seeding import Mutant

MUTANTS = (
    Mutant(
        "groups dealt out in turn",
        "common/config.py",
        {"common": ("int(layer / layers * groups)", "layer % groups")},
        first=FIELDS,
    ),
    Mutant(
        "groups by whole numbers",
        "common/config.py",
        {"common": ("int(layer / layers * groups)", "layer * groups // layers")},
        first=FIELDS,
    ),
    Mutant(
        "Google's gelu read as the erf form",
        "common/config.py",
        {
            "common": (
                '"hidden_act": _GOOGLE_ACTIVATIONS.get(act, act)',
                '"hidden_act": act',
            )
        },
        first=FIELDS,
    ),
    Mutant(
        "the head's own epsilon lost",
        "common/config.py",
        {
            "common": (
                "return self.layer_norm_eps if own is None else own",
                "return self.layer_norm_eps",
            )
        },
        first=FIELDS,
    ),
    Mutant(
        "large with half its heads",
        "common/presets.py",
        {"common": ('("large", 1024, 24, 16, 4096)', '("large", 1024, 24, 8, 4096)')},
        first=FIELDS,
    ),
    Mutant(
        "epsilon 1e-5 in every preset",
        "common/presets.py",
        {"common": ('"layer_norm_eps": 1e-12', '"layer_norm_eps": 1e-5')},
        first=FIELDS,
    ),
    Mutant(
        "a weight's axes swapped in the name table",
        "common/names.py",
        {"common": ('("ffn_output", KERNEL, "HI")', '("ffn_output", KERNEL, "IH")')},
        first=FIELDS,
    ),
    Mutant(
        "regression for eight labels",
        "common/inputs.py",
        ("if config.num_labels == 1:", "if config.num_labels == 8:"),
        first="several labels",
    ),
)
