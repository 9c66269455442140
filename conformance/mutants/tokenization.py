"""Defects of tokenization."""

# ruff: noqa: E501

from __future__ import annotations

from conformance.mutants.checks import TOKENIZATION
from conformance.mutants.seeding import Mutant

MUTANTS = (
    Mutant(
        "not lower-cased",
        "common/tokenization/normalize.py",
        {
            "common": (
                "return text.lower() if how.do_lower_case else text",
                "return text",
            )
        },
        first=TOKENIZATION,
    ),
    Mutant(
        "characters lower-cased one by one",
        "common/tokenization/normalize.py",
        {
            "common": (
                "return text.lower() if how.do_lower_case else text",
                'return "".join(c.lower() for c in text) if how.do_lower_case else text',
            )
        },
        first=TOKENIZATION,
    ),
    Mutant(
        "accents kept",
        "common/tokenization/normalize.py",
        {
            "common": (
                "c for c in text if not unicodedata.combining(c)",
                "c for c in text",
            )
        },
        first=TOKENIZATION,
    ),
    Mutant(
        "canonical decomposition alone",
        "common/tokenization/normalize.py",
        {
            "common": (
                'text = unicodedata.normalize("NFKD", text)',
                'text = unicodedata.normalize("NFD", text)',
            )
        },
        first=TOKENIZATION,
    ),
    Mutant(
        "doubled quotes left",
        "common/tokenization/normalize.py",
        {"common": ("""text = text.replace("``", '"').replace("''", '"')""", "pass")},
        first=TOKENIZATION,
    ),
    Mutant(
        "numbers before a comma not cut again",
        "common/tokenization/commas.py",
        {
            "common": (
                "return len(piece) > 1 and",
                "return False and len(piece) > 1 and",
            )
        },
        first=TOKENIZATION,
    ),
    Mutant(
        "numbers within a word begin one",
        "common/tokenization/commas.py",
        {
            "common": (
                "if pieces and piece[0] != BLANK",
                "if False and piece[0] != BLANK",
            )
        },
        first=TOKENIZATION,
    ),
    Mutant(
        "text behind a special token begins a word",
        "common/tokenization/sequences.py",
        {"common": ("continues=continues)", "continues=False)")},
        first=TOKENIZATION,
    ),
    Mutant(
        "the second text of a pair in segment 0",
        "common/tokenization/encoding.py",
        {"common": ("row.type_ids += [number] * size", "row.type_ids += [0] * size")},
        first=TOKENIZATION,
    ),
    Mutant(
        "no separator behind the second text",
        "common/tokenization/encoding.py",
        {"common": ("        if sep:\n", "        if sep and not number:\n")},
        first=TOKENIZATION,
    ),
    Mutant(
        "the first text of a pair cut first",
        "common/tokenization/truncation.py",
        {"common": ("return room - half, half", "return half, room - half")},
        first=TOKENIZATION,
    ),
    Mutant(
        "a long text keeps its end",
        "common/tokenization/rows.py",
        {
            "common": (
                'if plan.side == "left" else (0, keep)',
                'if plan.side == "right" else (0, keep)',
            )
        },
        first=TOKENIZATION,
    ),
    Mutant(
        "padding is seen",
        "common/tokenization/encoding.py",
        {
            "common": (
                "attention_mask=join(self.attention_mask, 0)",
                "attention_mask=join(self.attention_mask, 1)",
            )
        },
        first=TOKENIZATION,
    ),
    Mutant(
        "padding in segment 1",
        "common/tokenization/encoding.py",
        {
            "common": (
                "type_ids=join(self.type_ids, 0)",
                "type_ids=join(self.type_ids, 1)",
            )
        },
        first=TOKENIZATION,
    ),
)
