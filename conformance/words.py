"""Configuration and tokenizers: the same from every import path, beside each framework.

    python -m conformance.words FRAMEWORK

imports a framework's part of the package in this fresh process and prints, as JSON,
what its public names read of the demo checkpoint and make of texts. `run` starts that
process and holds it to what this one computes, which needs no framework.
"""

from __future__ import annotations

import importlib
import json
import os
import random
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

import albert
from albert.common.auto import AutoConfig, AutoTokenizer
from albert.common.config import AlbertConfig
from albert.common.tokenization import AlbertTokenizer, AlbertTokenizerFast
from conformance.backends import PREFIXES
from conformance.cases import Case
from conformance.run import Result

FAMILY = "configuration and tokenizers"
DEMO = "albert-demo"
TENSORS = {"pt": "pt", "tf": "tf", "flax": "jax"}
DRAWN = 300
_ROOT = Path(__file__).resolve().parents[1]

# What tokenizers get wrong: controls, marks that combine, Hangul in parts, case that
# has no single letter, ligatures, right to left, emoji in sequence, spaces that are
# none, quotes that SentencePiece rewrites, commas after digits, special tokens inside
# words.
_POOLS = (
    "aab12 x!h,.",
    "0123456789,. ",
    "\x00\x01\x07\x1c\x1f\x7f\x85\u2028\u2029 a",
    "e\u0301\u0315\u0323\u0345\u0300\u200d ",
    "\u1100\u1161\u11a8\uac00\uac01\u3131 ",
    "\u03a3\u03c3\u03c2\u0391. \u0130\u0131\u1e9e\u00df",
    "\ufb01\ufb00\u2460\u00bd\u2167\u338f\u017f",
    "\u05d0\u05d1\u05e9\u05c1\u200f\u200e\u202e ",
    "\U0001f468\u200d\U0001f469\U0001f3fd\ufe0f a",
    "\xa0\u200b\u3000\ufeff\t\n a",
    "`'\" a",
    "\ufffd\ue000\ufdd0\uffff a",
    "\u2581 a.",
    "\u0939\u093f\u0928\u094d\u0926\u0940 ",
    "\u304b\u304c\u30ac\uff9e\u3099 ",
)
_WORDS = (
    *("[MASK]", "[CLS]", "[SEP]", "<pad>", "<unk>", "[mask]", " [MASK]. "),
    *("3.0,", "1,000,", "2001,", "x99,", "``", "''", "it's"),
)


def texts() -> list[str]:
    """Give the texts: drawn from awkward letters, and the demo's own words."""
    draw = random.Random(17)
    drawn = []
    for _ in range(DRAWN):
        parts = [
            draw.choice(_WORDS)
            if draw.random() < 0.25
            else "".join(draw.choices(draw.choice(_POOLS), k=draw.randint(0, 9)))
            for _ in range(draw.randint(1, 4))
        ]
        drawn.append("".join(parts))
    package = Path(str(albert.__file__)).parent
    page = (package / "assets" / DEMO / "README.md").read_text(encoding="utf-8")
    return ["", " ", *drawn, *page.splitlines(), page]


def run(framework: str) -> Iterator[Result]:
    """Hold the configuration and the tokenizers beside a framework to those without.

    Args:
        framework: "pt", "tf" or "flax".

    Yields:
        A result for each import path; the error is the number of texts or fields that
        differ, and none may.
    """
    right = described()
    found: dict[str, Any] = {}
    done = subprocess.run(
        [sys.executable, "-m", "conformance.words", framework],
        cwd=_ROOT,
        env={**os.environ, "PYTHONPATH": _path()},
        capture_output=True,
        text=True,
    )
    failure = done.stderr[-500:] if done.returncode else ""
    if not failure:
        found.update(json.loads(done.stdout.splitlines()[-1]))
    own = {f"{framework} model's configuration": right["AlbertConfig"]}
    own[f"{framework} tensors"] = right["AlbertTokenizerFast"]
    found["fast beside slow"] = right["AlbertTokenizerFast"]
    own["fast beside slow"] = right["AlbertTokenizer"]
    for name, expected in {**right, **own}.items():
        case = Case(FAMILY, name, "AlbertModel", AlbertConfig(), {})
        if name not in found:
            yield Result(case, float("inf"), failure or "missing", 0.0)
            continue
        wrong = _differing(found[name], expected)
        told = f"{wrong[0]} differs" if wrong else ""
        yield Result(case, float(len(wrong)), told, 0.0)


def _path() -> str:
    """Give this process' import path to the other."""
    return os.pathsep.join(one or os.getcwd() for one in sys.path)


def _differing(found: Any, right: Any) -> list[str]:
    """Name what differs, of a configuration's fields or of the ids of texts."""
    if isinstance(right, dict):
        both = {**found, **right}
        return [key for key in both if key not in found or found[key] != right.get(key)]
    if len(found) != len(right):
        return ["the number of texts"]
    pairs = zip(texts(), found, right, strict=True)
    return [repr(text[:60]) for text, one, other in pairs if one != other]


def described() -> dict[str, Any]:
    """Give what the names that belong to no framework read and make."""
    return {
        "AlbertConfig": AlbertConfig.from_pretrained(DEMO).to_dict(),
        "AutoConfig": AutoConfig.from_pretrained(DEMO).to_dict(),
        "AlbertTokenizer": _ids(AlbertTokenizer.from_pretrained(DEMO)),
        "AlbertTokenizerFast": _ids(AlbertTokenizerFast.from_pretrained(DEMO)),
        "AutoTokenizer": _ids(AutoTokenizer.from_pretrained(DEMO)),
    }


def _ids(tokenizer: Any) -> list[list[int]]:
    return [list(tokenizer(text)["input_ids"]) for text in texts()]


def _described_beside(framework: str) -> dict[str, Any]:
    """Give the same with a framework imported, and what is the framework's own."""
    importlib.import_module(f"albert.{framework}.models")
    model_class = getattr(albert, f"{PREFIXES[framework]}AlbertForPreTraining")
    model = model_class.from_pretrained(DEMO)
    tokenizer = AlbertTokenizerFast.from_pretrained(DEMO)
    tensors = [
        tokenizer(text, return_tensors=TENSORS[framework])["input_ids"]
        for text in texts()
    ]
    return {
        **described(),
        f"{framework} model's configuration": model.config.to_dict(),
        f"{framework} tensors": [np.asarray(one)[0].tolist() for one in tensors],
    }


if __name__ == "__main__":
    print(json.dumps(_described_beside(sys.argv[1])))
