"""Google's clean-up of a text before SentencePiece sees it.

In this order: fold white space, write `` and '' as ", decompose (NFKD), drop accents,
lower-case. Both tokenizer classes call `clean`; `clean_aligned` does the same and
says where every character came from.

Source: google-research/albert tokenization.py, preprocess_text; the quotes are
transformers' addition.
"""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass

Aligned = list[tuple[str, int, int]]
"""Characters with the start and end of their source, in characters."""


@dataclass(frozen=True)
class Cleaning:
    """What to do to a text.

    Args:
        do_lower_case: whether to lower-case (the whole string: a final sigma is kept).
        remove_space: whether to strip white space and fold each run to one blank.
        keep_accents: True leaves out decomposition and the dropping of accents; the
            vocabulary's own rules then see the text as it was written.
    """

    do_lower_case: bool = True
    remove_space: bool = True
    keep_accents: bool = False


def check_text(text: object, argument: str = "text") -> str:
    """Return `text` if it is a string that UTF-8 can hold.

    Args:
        text: what should be a string.
        argument: what to call it in an error.

    Returns:
        The string.

    Raises:
        TypeError: it is no string.
        ValueError: it holds half of a surrogate pair.
    """
    if not isinstance(text, str):
        raise TypeError(
            f"{argument} must be a string, got {type(text).__name__}: give a str, or "
            f"a list of str for a batch."
        )
    if text.isascii():
        return text
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise ValueError(
            f"{argument} holds the lone surrogate U+{ord(text[error.start]):04X} at "
            f"character {error.start}, which is no text: decode the bytes it came "
            f"from with errors='replace'."
        ) from None
    return text


def clean(text: str, how: Cleaning) -> str:
    """Clean `text` as Google does.

    Args:
        text: the text as the user wrote it.
        how: which steps to take.

    Returns:
        The text for SentencePiece.
    """
    if how.remove_space:
        text = " ".join(text.split())
    text = text.replace("``", '"').replace("''", '"')
    if not how.keep_accents and not text.isascii():
        text = unicodedata.normalize("NFKD", text)
        text = "".join(c for c in text if not unicodedata.combining(c))
    return text.lower() if how.do_lower_case else text


def clean_aligned(text: str, how: Cleaning) -> Aligned:
    """Clean `text` and keep, for every character, the characters it came from.

    Args:
        text: the text as the user wrote it.
        how: which steps to take.

    Returns:
        (character, start, end) for each character of `clean(text, how)`; start and
        end count characters of `text`.
    """
    chars = _fold(text) if how.remove_space else _plain(text)
    chars = _unify_quotes(chars)
    if not how.keep_accents:
        chars = [
            (part, start, end)
            for char, start, end in chars
            for part in unicodedata.normalize("NFKD", char)
            if not unicodedata.combining(part)
        ]
    return _lower(chars) if how.do_lower_case else chars


def _plain(text: str) -> Aligned:
    return [(char, at, at + 1) for at, char in enumerate(text)]


def _fold(text: str) -> Aligned:
    out: Aligned = []
    blank_from = -1
    for at, char in enumerate(text):
        if char.isspace():
            blank_from = at if blank_from < 0 else blank_from
            continue
        if blank_from >= 0 and out:
            out.append((" ", blank_from, at))
        blank_from = -1
        out.append((char, at, at + 1))
    return out


def _unify_quotes(chars: Aligned) -> Aligned:
    out: Aligned = []
    at = 0
    while at < len(chars):
        char, start, end = chars[at]
        if char in "`'" and at + 1 < len(chars) and chars[at + 1][0] == char:
            char, end = '"', chars[at + 1][2]
            at += 1
        out.append((char, start, end))
        at += 1
    return out


def _lower(chars: Aligned) -> Aligned:
    # Whether a sigma is final depends on its neighbours, so the string is lowered
    # whole; a character becomes as many as it does alone.
    lowered = "".join(char for char, _, _ in chars).lower()
    out: Aligned = []
    for char, start, end in chars:
        for _ in char.lower():
            out.append((lowered[len(out)], start, end))
    return out
