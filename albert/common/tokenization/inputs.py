"""Make sense of the texts that a tokenizer is called with."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from albert.common.tokenization.kinds import is_list
from albert.common.tokenization.normalize import check_text

Text = str | Sequence[str]
"""A text, or a text of ready-made words."""


def read_inputs(
    text: Any, text_pair: Any, is_split_into_words: bool
) -> tuple[list[tuple[Text, Text | None]], bool]:
    """List the rows that a call asks for.

    Args:
        text: a text, a batch of texts, or a batch of (text, text) pairs; with
            `is_split_into_words` a list of words, or a batch of such.
        text_pair: the second texts, of the same kind; None for none.
        is_split_into_words: whether a list of strings is one text.

    Returns:
        First and second text of each row, and whether it is a batch.

    Raises:
        TypeError: the texts are of the wrong kind.
        ValueError: the batches differ in length.
    """
    if not _is_batch(text, is_split_into_words):
        if _is_batch(text_pair, is_split_into_words):
            raise TypeError(
                "text_pair is a batch, and text is not: give both as a batch, or "
                "neither."
            )
        return [_pair(text, text_pair, is_split_into_words)], False
    if text_pair is None:
        return [_row(entry, is_split_into_words) for entry in text], True
    if not _is_batch(text_pair, is_split_into_words):
        raise TypeError(
            f"text is a batch, and text_pair is of type {type(text_pair).__name__}: "
            f"give a text_pair for each text."
        )
    if len(text) != len(text_pair):
        raise ValueError(
            f"text and text_pair must have the same length, got {len(text)} and "
            f"{len(text_pair)}."
        )
    pairs = zip(text, text_pair, strict=True)
    return [_pair(first, second, is_split_into_words) for first, second in pairs], True


def _is_batch(text: Any, split: bool) -> bool:
    if not is_list(text):
        return False
    return not split or (bool(text) and is_list(text[0]))


def _row(entry: Any, split: bool) -> tuple[Text, Text | None]:
    """Read one entry of a batch: a text or a pair of texts."""
    if is_list(entry) and len(entry) == 2:
        inner = (list, tuple) if split else str
        if all(isinstance(part, inner) for part in entry):
            return _pair(entry[0], entry[1], split)
    return _pair(entry, None, split)


def _pair(first: Any, second: Any, split: bool) -> tuple[Text, Text | None]:
    checked = _check(first, "text", split)
    return checked, None if second is None else _check(second, "text_pair", split)


def _check(text: Any, argument: str, split: bool) -> Text:
    if not split:
        if is_list(text):
            raise TypeError(
                f"{argument} holds a list where a text belongs: for ready-made words "
                f"use is_split_into_words=True; a pair of texts has two strings."
            )
        return check_text(text, argument)
    if not is_list(text):
        raise TypeError(
            f"{argument} must be a list of words with is_split_into_words=True, got "
            f"{type(text).__name__}."
        )
    return [check_text(word, argument) for word in text]
