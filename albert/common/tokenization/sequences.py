"""Texts to token sequences, special tokens in them recognised."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from albert.common.tokenization.added import TokenFinder
from albert.common.tokenization.encoding import Sequenced
from albert.common.tokenization.engine import Cut, Engine, Spans


def cut_text(
    text: str, engine: Engine, finder: TokenFinder, ids: Mapping[str, int]
) -> Sequenced:
    """Cut a text.

    Args:
        text: the text as the user wrote it.
        engine: cuts what stands between added tokens.
        finder: finds added tokens.
        ids: ids of added tokens.

    Returns:
        The tokens of the text.
    """
    cuts: list[tuple[int, Cut]] = []
    for start, end, token, continues in finder.split(text):
        if token is None:
            cut = engine.cut(text[start:end], continues=continues)
        else:
            cut = Cut([token], [ids[token]], [0], _span(end - start))
        cuts.append((start, cut))
    return _join(cuts)


def cut_words(
    words: Sequence[str], engine: Engine, finder: TokenFinder, ids: Mapping[str, int]
) -> Sequenced:
    """Cut ready-made words, each as a text of its own; see `cut_text`.

    The number of a token's word is the word's place in `words`, and its span counts
    the word's characters.
    """
    found = [cut_text(word, engine, finder, ids) for word in words]
    return Sequenced(
        [token for part in found for token in part.tokens],
        [index for part in found for index in part.ids],
        [number for number, part in enumerate(found) for _ in part.ids],
        lambda: [span for part in found for span in part.spans],
    )


def _span(length: int) -> Callable[[], Spans]:
    return lambda: [(0, length)]


def _join(cuts: Sequence[tuple[int, Cut]]) -> Sequenced:
    words: list[int] = []
    for _, cut in cuts:
        first = words[-1] + 1 if words else 0
        words.extend(first + word for word in cut.words)
    return Sequenced(
        [token for _, cut in cuts for token in cut.tokens],
        [index for _, cut in cuts for index in cut.ids],
        words,
        lambda: [
            (at + start, at + end) for at, cut in cuts for start, end in cut.spans()
        ],
    )
