"""Defects of the names and layouts of weights."""

# ruff: noqa: E501

from __future__ import annotations

from conformance.mutants.checks import WRITTEN
from conformance.mutants.seeding import Mutant

_SQUARE = "(lambda a: a.T if a.ndim == 2 and a.shape[0] == a.shape[1] else a)"

MUTANTS = (
    Mutant(
        "square kernels not transposed",
        "pretrained.py",
        {
            "pt": (
                "tensor.to(device, target)",
                f"{_SQUARE}(tensor).to(device, target)",
            ),
            "tf": (
                "transpose=row.kind.transpose",
                "transpose=row.kind.transpose and len(set(array.shape)) > 1",
            ),
            "flax": (
                "read(transpose=row.kind.transpose)",
                "read(row.kind.transpose and len({*arrays[row.canonical].shape}) > 1)",
            ),
        },
    ),
    Mutant(
        "scales and shifts swapped in the name table",
        "common/names.py",
        {
            "tf": (
                'SCALE = Kind("weight", "gamma", "scale")\nSHIFT = Kind("bias", "beta", "bias")',
                'SCALE = Kind("weight", "beta", "scale")\nSHIFT = Kind("bias", "gamma", "bias")',
            ),
            "flax": (
                'SCALE = Kind("weight", "gamma", "scale")\nSHIFT = Kind("bias", "beta", "bias")',
                'SCALE = Kind("weight", "gamma", "bias")\nSHIFT = Kind("bias", "beta", "scale")',
            ),
        },
    ),
    Mutant(
        "queries and values swapped in the name table",
        "common/names.py",
        (
            '(*module.split("."), getattr',
            '(*module.replace("query", "?").replace("value", "query").replace("?", "value").split("."), getattr',
        ),
    ),
    # What reads files is common to all: one framework shows it.
    Mutant(
        "KerasHub's queries and keys swapped",
        "common/dialects.py",
        {
            "pt": (
                (
                    '"attention.query": "_self_attention_layer/query_dense",\n'
                    '    "attention.key": "_self_attention_layer/key_dense"'
                ),
                (
                    '"attention.query": "_self_attention_layer/key_dense",\n'
                    '    "attention.key": "_self_attention_layer/query_dense"'
                ),
            ),
        },
        first=WRITTEN,
    ),
    Mutant(
        "the queries and values of Google's files swapped",
        "common/dialects.py",
        {
            "pt": (
                (
                    '"attention.query": "attention_1/self/query",\n'
                    '    "attention.key": "attention_1/self/key",\n'
                    '    "attention.value": "attention_1/self/value"'
                ),
                (
                    '"attention.query": "attention_1/self/value",\n'
                    '    "attention.key": "attention_1/self/key",\n'
                    '    "attention.value": "attention_1/self/query"'
                ),
            ),
        },
        first=WRITTEN,
    ),
    Mutant(
        "the Model Garden's scales and shifts swapped",
        "common/dialects.py",
        {
            "pt": (
                'return [f"{module}/{row.kind.tf}" for module in modules]',
                (
                    'swapped = {"gamma": "beta", "beta": "gamma"}\n'
                    "    kind = swapped.get(row.kind.tf, row.kind.tf)\n"
                    '    return [f"{module}/{kind}" for module in modules]'
                ),
            ),
        },
        first=WRITTEN,
    ),
)
