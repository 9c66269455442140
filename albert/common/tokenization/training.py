"""A new vocabulary of a corpus, with ALBERT's settings.

Source: the settings that Google's English model (30k-clean.model) records of itself.
"""

from __future__ import annotations

import io
import os
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from tqdm import tqdm

from albert.common.tokenization.normalize import Cleaning, clean
from albert.common.tokenization.slow import AlbertTokenizer
from albert.common.tokenization.source import SPIECE

CONTROL = ("[CLS]", "[SEP]", "[MASK]")
"""Ids 2 to 4, behind <pad> and <unk>; no text is cut into them."""

USER_DEFINED = ("(", ")", '"', "-", ".", "\u2013", "\u00a3", "\u20ac")
"""Ids 5 to 12: pieces that are always cut out alone."""

_FIRST = 2 + len(CONTROL) + len(USER_DEFINED)
_LONGEST = 4192
_SEED_PIECES = 1_000_000


@dataclass(frozen=True)
class VocabularySettings:
    """How a vocabulary is made.

    Args:
        vocab_size: the number of pieces, special ones included.
        do_lower_case: whether text is lower-cased.
        keep_accents: whether accents stay, which many languages need.
        character_coverage: part of the corpus' characters that have a piece; the rarest
            of the others are unknown.
        input_sentence_size: sentences that are drawn from a larger corpus, always the
            same ones; they are in memory.
        threads: as many as Google's model was made with, whatever this machine has: the
            same number gives the same bytes, and another one adds in another order, so
            that scores differ in their last digits.
        model_max_length: the model's limit in tokens, kept for the tokenizer's users.

    Raises:
        ValueError: a value is out of range.
    """

    vocab_size: int = 30000
    do_lower_case: bool = True
    keep_accents: bool = False
    character_coverage: float = 0.99995
    input_sentence_size: int = 10_000_000
    threads: int = 16
    model_max_length: int = 512

    def __post_init__(self) -> None:
        if self.vocab_size <= _FIRST:
            raise ValueError(
                f"vocab_size must be above {_FIRST}, the number of special and "
                f"user-defined pieces, but is {self.vocab_size}."
            )
        if not 0.9 <= self.character_coverage <= 1:
            raise ValueError(
                f"character_coverage must be 0.9 to 1, but is "
                f"{self.character_coverage}."
            )
        for name in ("input_sentence_size", "threads", "model_max_length"):
            if getattr(self, name) < 1:
                raise ValueError(
                    f"{name} must be at least 1, but is {getattr(self, name)}."
                )


def train_tokenizer(
    texts: Iterable[str],
    output: str | os.PathLike[str],
    settings: VocabularySettings | None = None,
    *,
    progress: bool = False,
) -> AlbertTokenizer:
    """Make a vocabulary, and write the tokenizer's files.

    Args:
        texts: sentences or lines; what is longer than 4,192 bytes is cut at a blank.
        output: the folder; made if need be. A tokenizer in it is replaced.
        settings: how; None for the defaults.
        progress: whether to count the texts on stderr.

    Returns:
        The tokenizer; the folder has its spiece.model, tokenizer.json and
        tokenizer_config.json.

    Raises:
        OSError: the folder cannot be written to.
        ValueError: there is no text, or too little for the vocabulary.
    """
    settings = settings or VocabularySettings()
    how = Cleaning(settings.do_lower_case, keep_accents=settings.keep_accents)
    counted = tqdm(texts, "reading", unit=" texts", disable=not progress)
    proto = _train(_cleaned(counted, how), settings)
    tokenizer = _tokenizer(proto, settings)
    tokenizer.save_pretrained(output)
    return tokenizer


def _cleaned(texts: Iterable[str], how: Cleaning) -> Iterator[str]:
    """Clean texts as the tokenizer will before it cuts them."""
    for text in texts:
        yield from _pieces_of(clean(text, how))


def _pieces_of(text: str) -> Iterator[str]:
    """Cut what SentencePiece would leave out as too long."""
    raw = text.encode()
    while len(raw) > _LONGEST:
        # A blank, or else the beginning of a character.
        at = raw.rfind(b" ", 1, _LONGEST)
        if at < 0:
            at = _LONGEST
            while raw[at] & 0xC0 == 0x80:
                at -= 1
        yield raw[:at].decode()
        raw = raw[at:].lstrip(b" ")
    if raw:
        yield raw.decode()


def _train(texts: Iterator[str], settings: VocabularySettings) -> bytes:
    library: Any = import_module("sentencepiece")
    first = next(texts, None)
    if first is None:
        raise ValueError("there is no text to make a vocabulary of.")

    def every() -> Iterator[str]:
        yield first
        yield from texts

    written = io.BytesIO()
    try:
        library.SentencePieceTrainer.train(
            sentence_iterator=every(),
            model_writer=written,
            model_type="unigram",
            vocab_size=settings.vocab_size,
            character_coverage=settings.character_coverage,
            normalization_rule_name="nmt_nfkc",
            pad_id=0,
            unk_id=1,
            bos_id=-1,
            eos_id=-1,
            control_symbols=list(CONTROL),
            user_defined_symbols=list(USER_DEFINED),
            input_sentence_size=settings.input_sentence_size,
            shuffle_input_sentence=True,
            seed_sentencepiece_size=_SEED_PIECES,
            num_threads=settings.threads,
            max_sentence_length=_LONGEST,
            minloglevel=2,
        )
    except RuntimeError as error:
        raise _explained(error, settings.vocab_size) from None
    return written.getvalue()


def _explained(error: RuntimeError, vocab_size: int) -> Exception:
    text = str(error)
    most = re.search(r"set it to a value <= (\d+)", text)
    if most:
        return ValueError(
            f"vocab_size {vocab_size} is more than the text supports: give at most "
            f"{most[1]}, or more text."
        )
    least = re.search(r"smaller than required_chars\. \d+ vs (\d+)", text)
    if least:
        return ValueError(
            f"vocab_size {vocab_size} is less than the text's characters need: give "
            f"more than {least[1]}, or a lower character_coverage."
        )
    return ValueError(f"SentencePiece cannot make a vocabulary of the text: {text}")


def _tokenizer(proto: bytes, settings: VocabularySettings) -> AlbertTokenizer:
    with TemporaryDirectory() as folder:
        path = Path(folder) / SPIECE
        path.write_bytes(proto)
        return AlbertTokenizer(
            path,
            do_lower_case=settings.do_lower_case,
            keep_accents=settings.keep_accents,
            model_max_length=settings.model_max_length,
        )
