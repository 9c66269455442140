"""AlbertTokenizer: the tokenizer on top of the sentencepiece library."""

from __future__ import annotations

from typing import ClassVar

from albert.common.tokenization.base import Tokenizer
from albert.common.tokenization.engine import Engine
from albert.common.tokenization.engines import SentencePieceEngine
from albert.common.tokenization.settings import Settings
from albert.common.tokenization.source import Source


class AlbertTokenizer(Tokenizer):
    """Google's ALBERT tokenizer, by the sentencepiece library.

    It gives the same ids as `AlbertTokenizerFast`, without offsets and words. See
    `Tokenizer` for arguments and methods.
    """

    is_fast: ClassVar[bool] = False

    def _make_engine(self, source: Source, settings: Settings) -> Engine:
        if source.proto is None:
            raise ValueError(
                "the vocabulary is WordPiece (vocab.txt), and AlbertTokenizer cuts "
                "with sentencepiece: use AlbertTokenizerFast."
            )
        return SentencePieceEngine(
            source.proto, settings.cleaning, settings.sp_model_kwargs
        )
