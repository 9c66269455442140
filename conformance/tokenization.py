"""Hold both tokenizers to Google's rules, written down once more and straight.

`Reference` is SentencePiece and the rules around it, as google-research/albert
tokenization.py has them; it shares no code with `albert.common.tokenization`.
"""

# ruff: noqa: RUF001

from __future__ import annotations

import atexit
import re
import shutil
import struct
import unicodedata
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from tempfile import mkdtemp
from typing import Any

from sentencepiece import SentencePieceProcessor

from albert.common.config import AlbertConfig
from albert.common.hub import find_files
from conformance.cases import Case
from conformance.run import Result

FAMILY = "tokenization"
SPECIAL = ("<pad>", "<unk>", "[CLS]", "[SEP]", "[MASK]")
CLASSES = ("AlbertTokenizer", "AlbertTokenizerFast")
SETTINGS: tuple[dict[str, bool], ...] = (
    {},
    {"do_lower_case": False},
    {"keep_accents": True},
    {"do_lower_case": False, "keep_accents": True},
)

TEXTS = (
    "",
    " ",
    "The man worked as a carpenter.",
    "In 1998, they paid 1,000,000 dollars (about 3.0, they said) for No. 5, and left.",
    "Dr. Müller's naïve résumé, Ångström, İstanbul, ΑΣ ΣΑΣ.",
    "a [MASK] walks into [MASK]. [CLS] x[SEP]y <unk> <pad>",
    "[mask] [MASK]ing the[MASK]",
    "``quoted'' and `single' \"double\" it's",
    "3.0, x99, 2001, 12, ,5, ９，９, ²,  7,x 1,2,3,",
    "  many   blanks\tand\nlines\u3000wide\xa0hard\u2028end\x85 ",
    "e\u0301 o\u0315\u0323 a\u0345 zero\u200bwidth\u200dhere\ufeff",
    "ﬁne ﬀ ① ½ Ⅷ ㎏ ſ",
    "가각ㄱ \u1100\u1161\u11a8 か\u3099ガ ﾞ",
    "שׁלום \u200f\u202eعربى",
    "👨\u200d👩🏽 ok \ufe0f",
    "\x00\x01\x07\x1f\x7f control",
    "▁ under ▁the▁bar",
    "\U00010400\U0001d400 \ue000 \ufffd",
    "हिन्दी क्षि ไทย",
    "https://example.org/a_b?c=1,2#d e-mail@x.y",
)
"""Real text and hostile."""

NUMBERS = ("▁2001,", "▁3,", "98,", "9,", "1,", "0,")
"""Pieces that end in a digit and a comma, of which the demo's vocabulary has none."""

PAIR = (TEXTS[2], TEXTS[3])
LENGTHS = (4, 5, 9, 16, 21)


def preprocess(text: str, lower: bool = True, keep_accents: bool = False) -> str:
    """Clean a text as Google's `preprocess_text`, quotes included."""
    text = " ".join(text.strip().split())
    text = text.replace("``", '"').replace("''", '"')
    if not keep_accents:
        text = unicodedata.normalize("NFKD", text)
        text = "".join([c for c in text if not unicodedata.combining(c)])
    return text.lower() if lower else text


class Reference:
    """SentencePiece and the rules around it.

    Args:
        folder: with a `spiece.model`.
    """

    def __init__(self, folder: Path) -> None:
        data = (folder / "spiece.model").read_bytes()
        processor: Any = SentencePieceProcessor
        self.starting = processor(model_proto=data)
        # Field 3 of field 3: normalizer_spec.add_dummy_prefix = false.
        self.continuing = processor(model_proto=data + b"\x1a\x02\x18\x00")

    def pieces(self, text: str, processor: Any) -> list[str]:
        """Cut a clean text, numbers before a comma once more."""
        new: list[str] = []
        for piece in processor.encode(text, out_type=str):
            if len(piece) > 1 and piece[-1] == "," and piece[-2].isdigit():
                number = piece[:-1].replace("▁", "")
                again = self.starting.encode(number, out_type=str)
                if piece[0] != "▁" and again[0][0] == "▁":
                    if len(again[0]) == 1:
                        again = again[1:]
                    else:
                        again[0] = again[0][1:]
                new.extend([*again, ","])
            else:
                new.append(piece)
        return new

    def tokens(
        self, text: str, lower: bool = True, keep_accents: bool = False
    ) -> list[str]:
        """Cut a text in which special tokens may stand."""
        found: list[str] = []
        parts = re.split("(" + "|".join(map(re.escape, SPECIAL)) + ")", text)
        for number, part in enumerate(parts):
            if part in SPECIAL:
                found.append(part)
                continue
            continues = number > 0 and part and not part[0].isspace()
            processor = self.continuing if continues else self.starting
            clean = preprocess(part, lower, keep_accents)
            found.extend(self.pieces(clean, processor))
        return found

    def ids(
        self, text: str, lower: bool = True, keep_accents: bool = False
    ) -> list[int]:
        """Give the ids of these tokens."""
        tokens = self.tokens(text, lower, keep_accents)
        return [self.starting.piece_to_id(one) for one in tokens]

    def row(self, first: str, second: str, length: int) -> dict[str, list[int]]:
        """Give [CLS] A [SEP] B [SEP], cut from the longer text and filled up.

        Source: google-research/albert classifier_utils.py, `_truncate_seq_pair` and
        `convert_single_example`.
        """
        a, b = self.ids(first), self.ids(second)
        while len(a) + len(b) > length - 3:
            (a if len(a) > len(b) else b).pop()
        cls, sep = (self.starting.piece_to_id(one) for one in ("[CLS]", "[SEP]"))
        ids = [cls, *a, sep, *b, sep]
        segments = [0] * (len(a) + 2) + [1] * (len(b) + 1)
        rest = length - len(ids)
        pad = self.starting.piece_to_id("<pad>")
        return {
            "input_ids": ids + [pad] * rest,
            "token_type_ids": segments + [0] * rest,
            "attention_mask": [1] * len(ids) + [0] * rest,
        }


@cache
def _reference() -> Reference:
    return Reference(_folder())


@cache
def _folder() -> Path:
    """Write the demo's vocabulary, with pieces such as Google's own has."""
    demo = Path(find_files("albert-demo").fetch(["spiece.model"]))
    data = (demo / "spiece.model").read_bytes()
    folder = Path(mkdtemp())
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    more = b"".join(_entry(piece) for piece in NUMBERS)
    (folder / "spiece.model").write_bytes(data + more)
    return folder


def _entry(piece: str) -> bytes:
    """Give a likely piece as a field of the vocabulary's message, which is a list."""
    text = piece.encode()
    held = b"\x0a" + bytes([len(text)]) + text + b"\x15" + struct.pack("<f", -1.0)
    return b"\x0a" + bytes([len(held)]) + held


def run() -> Iterator[Result]:
    """Check both classes; an error is the number of texts that differ.

    Yields:
        A result for each class and setting, and for each length of a pair.
    """
    for name in CLASSES:
        for settings in SETTINGS:
            label = ", ".join(settings) or "as it is"
            yield _result(name, label, lambda t, how=settings: _wrong(t, how), settings)
        yield _result(name, "pairs, cut and filled", _wrong_pairs, {})


def _result(
    class_name: str, name: str, check: Callable[[Any], list[str]], settings: Any
) -> Result:
    case = Case(FAMILY, name, class_name, AlbertConfig(), {})
    try:
        import albert.common.tokenization as package

        tokenizer = getattr(package, class_name).from_pretrained(_folder(), **settings)
        wrong = check(tokenizer)
        return Result(case, len(wrong), wrong[0] if wrong else "", 0.0)
    except Exception as problem:  # whatever it is, it is this case's failure
        text = f"{type(problem).__name__}: {problem}"
        return Result(case, float("inf"), text, 0.0)


def _wrong(tokenizer: Any, settings: dict[str, bool]) -> list[str]:
    lower = settings.get("do_lower_case", True)
    accents = settings.get("keep_accents", False)
    wrong = []
    for text in TEXTS:
        # Pieces too: of what the vocabulary lacks all ids are alike.
        if tokenizer.tokenize(text) != _reference().tokens(text, lower, accents):
            wrong.append(f"pieces of {text!r}")
        elif tokenizer.encode(text, add_special_tokens=False) != _reference().ids(
            text, lower, accents
        ):
            wrong.append(f"ids of {text!r}")
    return wrong


def _wrong_pairs(tokenizer: Any) -> list[str]:
    wrong = []
    for length in LENGTHS:
        for first, second in (PAIR, PAIR[::-1]):
            found = tokenizer(
                first,
                second,
                truncation=True,
                padding="max_length",
                max_length=length,
            )
            right = _reference().row(first, second, length)
            if {name: list(found[name]) for name in right} != right:
                wrong.append(f"{length} tokens of {first!r} and {second!r}")
    longer = _reference().row(*PAIR, 64)
    found = tokenizer(*PAIR, padding="max_length", max_length=64)
    if {name: list(found[name]) for name in longer} != longer:
        wrong.append("a pair filled up")
    return wrong
