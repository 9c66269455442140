"""The three engines: sentencepiece, tokenizers' Unigram, tokenizers' WordPiece."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from importlib import import_module
from typing import Any

from albert.common.tokenization.charsmap import BLANK, SpmNormalizer
from albert.common.tokenization.commas import ends_in_digit_comma, recut
from albert.common.tokenization.engine import (
    Cut,
    Spans,
    index_of,
    join_pieces,
    no_spans,
)
from albert.common.tokenization.normalize import Cleaning, clean, clean_aligned
from albert.common.tokenization.proto import parse_model
from albert.common.tokenization.spm import SentencePieceCutter
from albert.common.tokenization.unigram import UnigramCutter


class SentencePieceEngine:
    """Google's way: clean, let sentencepiece cut, cut numbers again.

    Args:
        proto: the bytes of `spiece.model`.
        how: the cleaning.
        options: further arguments of `SentencePieceProcessor`.
    """

    def __init__(
        self, proto: bytes, how: Cleaning, options: Mapping[str, Any] | None = None
    ) -> None:
        model = parse_model(proto)
        self.vocabulary: Sequence[str] = model.pieces
        self._unk_id = model.unk_id
        self._ids = index_of(model.pieces)
        self._how = how
        self._cutter = SentencePieceCutter(proto, options)

    def cut(self, text: str, *, continues: bool) -> Cut:
        """See `Engine.cut`; there are no spans."""
        cleaned = clean(text, self._how)
        pieces: list[str] = []
        for piece in self._cutter.cut(cleaned, continues=continues):
            if ends_in_digit_comma(piece):
                pieces.extend(recut(piece, self._cutter.cut))
            else:
                pieces.append(piece)
        ids = [self._ids.get(piece, self._unk_id) for piece in pieces]
        return Cut(pieces, ids, _words(pieces), no_spans)

    def join(self, tokens: Sequence[str]) -> str:
        """See `Engine.join`."""
        return join_pieces(tokens)


class UnigramEngine:
    """The same with tokenizers' Unigram model, and with spans.

    Args:
        proto: the bytes of `spiece.model`.
        how: the cleaning.
    """

    def __init__(self, proto: bytes, how: Cleaning) -> None:
        model = parse_model(proto)
        self.vocabulary: Sequence[str] = model.pieces
        self._unk_id = model.unk_id
        self._ids = index_of(model.pieces)
        self._how = how
        self._normalizer = SpmNormalizer(model)
        self._unigram = UnigramCutter(model)
        # It is asked where float32 rounding decides: see `unigram`.
        self._referee = SentencePieceCutter(proto)

    def cut(self, text: str, *, continues: bool) -> Cut:
        """See `Engine.cut`."""
        cleaned = clean(text, self._how)
        raw = self._pieces(cleaned, continues=continues)
        again = {
            place: recut(piece, self._pieces)
            for place, piece in enumerate(raw)
            if piece[-1] == "," and ends_in_digit_comma(piece)
        }
        pieces = raw
        if again:
            parts = [again.get(place, [piece]) for place, piece in enumerate(raw)]
            pieces = [piece for part in parts for piece in part]
        ids = [self._ids.get(piece, self._unk_id) for piece in pieces]

        def spans() -> Spans:
            return self._spans(text, continues, raw, again)

        return Cut(pieces, ids, _words(pieces), spans)

    def join(self, tokens: Sequence[str]) -> str:
        """See `Engine.join`."""
        return join_pieces(tokens)

    def _pieces(self, cleaned: str, *, continues: bool = False) -> list[str]:
        normalized = self._normalizer.normalize(cleaned, prefix=not continues)
        pieces = self._unigram.cut(normalized)
        if pieces is None:
            pieces = self._referee.cut(cleaned, continues=continues)
        return pieces

    def _spans(
        self, text: str, continues: bool, raw: list[str], again: dict[int, list[str]]
    ) -> Spans:
        """Lead every piece back through both normalisations."""
        cleaned = clean_aligned(text, self._how)
        joined = "".join([char for char, _, _ in cleaned])
        chars = self._normalizer.aligned(joined, prefix=not continues)
        spans: Spans = []
        at = 0
        for place, piece in enumerate(raw):
            for start, stop in _parts(piece, again.get(place)):
                spans.append(_source(cleaned, chars[at + start : at + stop]))
            at += len(piece)
        return spans


def _parts(piece: str, parts: list[str] | None) -> Spans:
    """Place the parts in a piece that was cut again; without parts it is one."""
    if parts is None or sum(map(len, parts)) != len(piece):
        return [(0, len(piece))] * (1 if parts is None else len(parts))
    spans: Spans = []
    start = 0
    for part in parts:
        spans.append((start, start + len(part)))
        start += len(part)
    return spans


def _source(
    cleaned: list[tuple[str, int, int]], chars: list[tuple[str, int, int]]
) -> tuple[int, int]:
    """Find the characters of the text that made `chars`, blanks in front left out."""
    while len(chars) > 1 and chars[0][0] == BLANK:
        chars = chars[1:]
    first = min(start for _, start, _ in chars)
    last = max(end for _, _, end in chars)
    if first == last:
        at = cleaned[first][1] if first < len(cleaned) else 0
        return (at, at)
    made = cleaned[first:last]
    return min(start for _, start, _ in made), max(end for _, _, end in made)


def _words(pieces: Sequence[str]) -> list[int]:
    """Number the words: a piece with "▁" in front begins one."""
    words: list[int] = []
    word = -1
    for piece in pieces:
        if piece[0] == BLANK or word < 0:
            word += 1
        words.append(word)
    return words


class WordPieceEngine:
    """BERT's way, for ALBERTs that ship a `vocab.txt`; the tokenizers library does all.

    Args:
        tokenizer_json: a WordPiece tokenizer as tokenizers writes it.
    """

    def __init__(self, tokenizer_json: str) -> None:
        self.tokenizer_json = tokenizer_json
        self._tokenizer: Any = import_module("tokenizers").Tokenizer.from_str(
            tokenizer_json
        )
        self._tokenizer.no_truncation()
        self._tokenizer.no_padding()
        ids: dict[str, int] = self._tokenizer.get_vocab(with_added_tokens=False)
        self.vocabulary: Sequence[str] = sorted(ids, key=ids.__getitem__)

    def cut(self, text: str, *, continues: bool) -> Cut:
        """See `Engine.cut`; text that continues a word is cut as if it began one."""
        found = self._tokenizer.encode(text, add_special_tokens=False)
        words = [word or 0 for word in found.word_ids]
        return Cut(found.tokens, found.ids, words, lambda: list(found.offsets))

    def join(self, tokens: Sequence[str]) -> str:
        """See `Engine.join`."""
        return " ".join(tokens).replace(" ##", "")
