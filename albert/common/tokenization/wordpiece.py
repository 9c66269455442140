"""BERT's tokenizer from a vocab.txt, as many Chinese ALBERTs ship it."""

from __future__ import annotations

from collections.abc import Sequence
from importlib import import_module
from typing import Any

from albert.common.tokenization.settings import Settings


def read_vocab(text: str, name: str = "vocab.txt") -> list[str]:
    """Read one token a line.

    Args:
        text: the file's content.
        name: what to call the file in an error.

    Returns:
        The tokens by id.

    Raises:
        ValueError: there are none, or one stands there twice.
    """
    tokens = [line.rstrip("\r") for line in text.split("\n")]
    while tokens and not tokens[-1]:
        tokens.pop()
    if not tokens:
        raise ValueError(f"{name} is empty; it must hold one token a line.")
    if len(set(tokens)) < len(tokens):
        seen: set[str] = set()
        twice = next(t for t in tokens if t in seen or seen.add(t))
        raise ValueError(f"{name} holds the token {twice!r} twice.")
    return tokens


def build_wordpiece(tokens: Sequence[str], settings: Settings, unk_token: str) -> str:
    """Make a BERT tokenizer and return its tokenizer.json.

    Args:
        tokens: the vocabulary by id.
        settings: `do_lower_case`, `strip_accents` and `tokenize_chinese_chars` count.
        unk_token: the token for unknown words.

    Returns:
        The content of a tokenizer.json.

    Raises:
        ValueError: `unk_token` is not in the vocabulary.

    Source: google-research/bert tokenization.py, by tokenizers' BertNormalizer.
    """
    vocab = {token: index for index, token in enumerate(tokens)}
    if unk_token not in vocab:
        raise ValueError(
            f"unk_token {unk_token!r} is not in vocab.txt: add it there, or give the "
            f"token that the vocabulary has for unknown words as unk_token."
        )
    tokenizers: Any = import_module("tokenizers")
    model = tokenizers.models.WordPiece(vocab, unk_token=unk_token)
    tokenizer = tokenizers.Tokenizer(model)
    tokenizer.normalizer = tokenizers.normalizers.BertNormalizer(
        clean_text=True,
        handle_chinese_chars=settings.tokenize_chinese_chars,
        strip_accents=settings.strip_accents,
        lowercase=settings.do_lower_case,
    )
    tokenizer.pre_tokenizer = tokenizers.pre_tokenizers.BertPreTokenizer()
    tokenizer.decoder = tokenizers.decoders.WordPiece()
    return tokenizer.to_str()
