"""What a tokenizer class needs from the library under it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

Spans = list[tuple[int, int]]
"""Start and end of tokens, in characters of a text."""


@dataclass(frozen=True)
class Cut:
    """A stretch of text, cut.

    Args:
        tokens: the tokens; an unknown one as its own characters.
        ids: their ids.
        words: for each token the number of its word within the stretch, from 0.
        spans: computes start and end of each token in the stretch, in characters.
    """

    tokens: Sequence[str]
    ids: Sequence[int]
    words: Sequence[int]
    spans: Callable[[], Spans]


class Engine(Protocol):
    """A vocabulary, and a way to cut text into it."""

    @property
    def vocabulary(self) -> Sequence[str]:
        """The tokens by id."""
        ...

    def cut(self, text: str, *, continues: bool) -> Cut:
        """Cut text that holds no added token.

        Args:
            text: the text as the user wrote it.
            continues: whether it continues what is in front of it, so that its first
                token does not begin a word.

        Returns:
            The tokens.
        """
        ...

    def join(self, tokens: Sequence[str]) -> str:
        """Make text of tokens."""
        ...


def join_pieces(tokens: Sequence[str]) -> str:
    """Make text of SentencePiece's pieces: "▁" is a blank, the outer ones go."""
    return "".join(tokens).replace("▁", " ").strip(" ")


def index_of(tokens: Sequence[str]) -> dict[str, int]:
    """Return token to id."""
    return {token: index for index, token in enumerate(tokens)}


def no_spans() -> Any:
    """Stand in for spans where there are none.

    Returns:
        Nothing.

    Raises:
        NotImplementedError: always.
    """
    raise NotImplementedError(
        "AlbertTokenizer does not know the offsets of its tokens: use "
        "AlbertTokenizerFast, which gives the same ids and their offsets."
    )
