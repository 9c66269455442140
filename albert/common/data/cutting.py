"""Segments to ids, many at a time, by the tokenizer's own rules."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from functools import cached_property
from importlib import import_module
from typing import Any, cast

import numpy as np

from albert.common.data.words import piece_kinds
from albert.common.tokenization.added import TokenFinder
from albert.common.tokenization.commas import ends_in_digit_comma, recut
from albert.common.tokenization.engine import Engine, index_of
from albert.common.tokenization.engines import SentencePieceEngine, WordPieceEngine
from albert.common.tokenization.normalize import clean
from albert.common.tokenization.saving import Saved
from albert.common.tokenization.sequences import cut_text

SPECIAL = ("pad", "cls", "sep", "mask")
"""Roles that a tokenizer for pre-training has."""


@dataclass(frozen=True)
class Identity:
    """What of a tokenizer decides about ids.

    Args:
        sha256: of vocabulary, cleaning and added tokens, as hexadecimal digits.
        vocab_size: the number of ids, added tokens included.
        special: id of each role in `SPECIAL`.
        never_masked: all special ids, that of unknown pieces included, ascending.
    """

    sha256: str
    vocab_size: int
    special: dict[str, int]
    never_masked: list[int]


class Cutter:
    """Cuts plain text: special tokens written in it are cut as any other text.

    Args:
        tokenizer: an `AlbertTokenizer` or `AlbertTokenizerFast`.

    Raises:
        ValueError: it lacks a special token.
    """

    def __init__(self, tokenizer: Any) -> None:
        # What a pickle of it holds: all of it, as plain data.
        saved = cast("Saved", tokenizer.__getstate__()["saved"])
        self._saved = saved
        self._how = saved.settings.cleaning
        self._added = [entry for entry in saved.added if not entry[1].special]
        self.identity = Identity(
            _digest(saved, self._added),
            len(tokenizer),
            {role: _special_id(tokenizer, role) for role in SPECIAL},
            sorted(set(tokenizer.all_special_ids)),
        )
        self._engine = _engine(saved)
        self._unknown: int = tokenizer.convert_tokens_to_ids(tokenizer.unk_token)
        # Only then can an unknown run end in one.
        self._no_comma = "," not in saved.vocabulary

    def kinds(self) -> np.ndarray:
        """Tell what each id's piece is; see `words.piece_kinds`.

        Returns:
            uint8 [vocabulary].
        """
        identity, plain = self.identity, self._saved.proto is None
        pieces = self._saved.vocabulary
        return piece_kinds(pieces, identity.never_masked, identity.vocab_size, plain)

    def cut(self, texts: Sequence[str]) -> list[list[int]]:
        """Cut texts.

        Args:
            texts: any number.

        Returns:
            The ids of each, without special tokens.
        """
        if self._saved.proto is None or self._added:
            return [self._cut_one(text) for text in texts]
        cleaned = [clean(text, self._how) for text in texts]
        rows: list[list[int]] = self._processor.encode(
            cleaned, out_type=int, num_threads=1
        )
        for place, row in enumerate(rows):
            if self._no_comma and self._unknown in row:
                # Google's rule for numbers looks at text, which this id does not tell.
                rows[place] = self._cut_one(texts[place])
            elif not self._numbers.keys().isdisjoint(row):
                parts = (self._numbers.get(index, [index]) for index in row)
                rows[place] = [index for part in parts for index in part]
        return rows

    @cached_property
    def _processor(self) -> Any:
        library = import_module("sentencepiece")
        return library.SentencePieceProcessor(model_proto=self._saved.proto)

    @cached_property
    def _numbers(self) -> dict[int, list[int]]:
        """Give the pieces that Google's rule for numbers cuts again, and into what."""
        pieces = self._saved.vocabulary
        ids = index_of(pieces)

        def cut(text: str) -> list[str]:
            return self._processor.encode(text, out_type=str)

        return {
            index: [ids.get(part, self._unknown) for part in recut(piece, cut)]
            for index, piece in enumerate(pieces)
            if ends_in_digit_comma(piece)
        }

    def _cut_one(self, text: str) -> list[int]:
        finder = TokenFinder([token for _, token in self._added])
        ids = {token.content: index for index, token in self._added}
        return list(cut_text(text, self._engine, finder, ids).ids)


def _engine(saved: Saved) -> Engine:
    if saved.proto is None:
        return WordPieceEngine(saved.wordpiece_json or "")
    # Without its options: a vocabulary that is cut at random would be cut otherwise
    # each time.
    return SentencePieceEngine(saved.proto, saved.settings.cleaning)


def _special_id(tokenizer: Any, role: str) -> int:
    index: int | None = getattr(tokenizer, f"{role}_token_id")
    if index is None:
        raise ValueError(
            f"the tokenizer has no {role}_token, which pre-training needs: set it with "
            f"add_special_tokens()."
        )
    return index


def _digest(saved: Saved, added: Sequence[tuple[int, Any]]) -> str:
    found = hashlib.sha256()
    facts = {
        "vocabulary": list(saved.vocabulary),
        "cleaning": asdict(saved.settings.cleaning),
        "added": [[index, token.content] for index, token in added],
        "special": sorted((name, str(token)) for name, token in saved.special.items()),
        "wordpiece": saved.wordpiece_json,
    }
    found.update(json.dumps(facts, sort_keys=True).encode())
    found.update(saved.proto or b"")
    return found.hexdigest()
