"""Tokens that are found in the text as they stand, before anything else is done."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import Any, NamedTuple

from albert.common.tokenization.kinds import is_mapping


@dataclass(frozen=True)
class AddedToken:
    """A token that is recognised in text literally, by case and accent.

    Args:
        content: the text of the token; not empty.
        single_word: whether it must not touch letters, digits or "_".
        lstrip: whether it takes the white space on its left with it.
        rstrip: whether it takes the white space on its right with it.
        normalized: kept for files of other tools; tokens are found in the text as it
            was written whatever it says.
        special: whether decoding may skip it.

    Raises:
        ValueError: `content` is empty.
    """

    content: str
    single_word: bool = False
    lstrip: bool = False
    rstrip: bool = False
    normalized: bool = False
    special: bool = False

    def __post_init__(self) -> None:
        if not self.content:
            raise ValueError("a token must have at least one character, got ''.")

    def __str__(self) -> str:
        return self.content

    def as_dict(self) -> dict[str, Any]:
        """Return the fields as tokenizer files hold them."""
        return asdict(self)


_FLAGS = ("single_word", "lstrip", "rstrip", "normalized", "special")


def as_added(value: object, argument: str = "token", **defaults: bool) -> AddedToken:
    """Make an `AddedToken` of what users and files give for one.

    Args:
        value: a string, an AddedToken of this package or of tokenizers, or its fields.
        argument: what to call the value in an error.
        **defaults: flags of a plain string.

    Returns:
        The token.

    Raises:
        TypeError: it is none of these.
    """
    if isinstance(value, AddedToken):
        return value
    if isinstance(value, str):
        return AddedToken(value, **defaults)
    fields: Mapping[str, Any] | None = None
    if is_mapping(value):
        fields = value
    elif hasattr(value, "content"):
        fields = {name: getattr(value, name) for name in ("content", *_FLAGS)}
    if fields is None or not isinstance(fields.get("content"), str):
        raise TypeError(
            f"{argument} must be a str or an AddedToken, got {type(value).__name__}."
        )
    flags = {name: bool(fields[name]) for name in _FLAGS if name in fields}
    return AddedToken(fields["content"], **{**defaults, **flags})


class Part(NamedTuple):
    """A stretch of a text: an added token, or what stands between two.

    Attributes:
        start: first character, counted in the text.
        end: one past the last character.
        token: the added token; None for ordinary text.
        continues: for ordinary text, whether it touches the token in front of it
            without a blank, so that it continues a word.
    """

    start: int
    end: int
    token: str | None
    continues: bool


class TokenFinder:
    """Find added tokens in texts; the longest wins where several begin.

    Args:
        tokens: the tokens to find.
    """

    def __init__(self, tokens: Iterable[AddedToken]) -> None:
        self._tokens = {token.content: token for token in tokens}
        ordered = sorted(self._tokens.values(), key=lambda token: -len(token.content))
        pattern = "|".join(map(_pattern, ordered))
        self._pattern = re.compile(pattern) if pattern else None

    def split(self, text: str) -> Iterator[Part]:
        """Yield the parts of `text`, from left to right; blanks may be left out.

        The rule for blanks: text at the very start begins a word. Behind an added
        token it begins a word if white space (`str.isspace`) is between them, and
        continues one otherwise: "[MASK] ing" has "▁ing", "[MASK]ing" has "ing".
        """
        at = 0
        for found in self._pattern.finditer(text) if self._pattern else ():
            token = self._tokens[found.group()]
            if found.start() < at:
                continue
            before = text[at : found.start()]
            end = at + len(before.rstrip() if token.lstrip else before)
            if end > at:
                yield Part(at, end, None, at > 0 and not text[at].isspace())
            yield Part(found.start(), found.end(), token.content, False)
            at = found.end()
            if token.rstrip:
                at = _skip_blanks(text, at)
        if at < len(text):
            yield Part(at, len(text), None, at > 0 and not text[at].isspace())


def _skip_blanks(text: str, at: int) -> int:
    while at < len(text) and text[at].isspace():
        at += 1
    return at


def _pattern(token: AddedToken) -> str:
    literal = re.escape(token.content)
    return rf"(?<!\w){literal}(?!\w)" if token.single_word else literal
