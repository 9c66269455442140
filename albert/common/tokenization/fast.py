"""AlbertTokenizerFast: the tokenizer on top of the tokenizers library."""

from __future__ import annotations

from dataclasses import asdict
from typing import ClassVar

from albert.common.tokenization.base import Tokenizer
from albert.common.tokenization.engine import Engine, index_of
from albert.common.tokenization.engines import UnigramEngine, WordPieceEngine
from albert.common.tokenization.settings import Settings, default_tokens
from albert.common.tokenization.source import Source
from albert.common.tokenization.tokenizer_json import with_settings
from albert.common.tokenization.wordpiece import build_wordpiece


class AlbertTokenizerFast(Tokenizer):
    """Google's ALBERT tokenizer, by the tokenizers library.

    It gives the same ids as `AlbertTokenizer`, and offsets and words. It also takes
    the WordPiece vocabularies (`vocab.txt`) of Chinese ALBERTs. See `Tokenizer` for
    arguments and methods.
    """

    is_fast: ClassVar[bool] = True

    def _make_engine(self, source: Source, settings: Settings) -> Engine:
        if source.proto is not None:
            return UnigramEngine(source.proto, settings.cleaning)
        if source.wordpiece_json is not None:
            given = asdict(settings)
            return WordPieceEngine(with_settings(source.wordpiece_json, given))
        tokens = source.wordpiece_vocab or ()
        roles = {**default_tokens(index_of(tokens)), **settings.tokens}
        unknown = roles["unk_token"]
        name = unknown.content if unknown else "[UNK]"
        return WordPieceEngine(build_wordpiece(tokens, settings, name))
