"""One row of a batch with all that is known of its tokens."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

from albert.common.tokenization.engine import Spans


@dataclass(frozen=True)
class Sequenced:
    """A text, or a text of ready-made words, in tokens.

    Args:
        tokens: the tokens.
        ids: their ids.
        words: number of each token's word, from 0.
        make_spans: computes each token's start and end, in characters of the text, or
            of its word where the words came ready-made.
    """

    tokens: Sequence[str]
    ids: Sequence[int]
    words: Sequence[int]
    make_spans: Callable[[], Spans]

    @cached_property
    def spans(self) -> Spans:
        """Start and end of each token, in characters."""
        return self.make_spans()

    def __len__(self) -> int:
        return len(self.ids)


@dataclass(frozen=True)
class Slice:
    """The tokens of a text from `start` up to, but not with, `end`."""

    sequence: Sequenced
    start: int
    end: int


def whole(sequence: Sequenced) -> Slice:
    """Take all tokens of a text."""
    return Slice(sequence, 0, len(sequence))


@dataclass
class Encoding:
    """A row: special tokens, one text or two, padding.

    Args:
        ids: token ids.
        type_ids: 0 for the first text and its special tokens, 1 for the second's.
        tokens: the tokens themselves.
        attention_mask: 1 for tokens, 0 for padding.
        special_tokens_mask: 1 for tokens that were put around the texts, and padding;
            0 for tokens of the texts, even if they are special ones written there.
        word_ids: number of the token's word in its text; None for tokens put around.
        sequence_ids: 0 for the first text, 1 for the second, None for tokens around.
        make_offsets: computes `offsets`.
        overflowing: further rows of the same texts, where asked for.
    """

    ids: list[int]
    type_ids: list[int]
    tokens: list[str]
    attention_mask: list[int]
    special_tokens_mask: list[int]
    word_ids: list[int | None]
    sequence_ids: list[int | None]
    make_offsets: Callable[[], Spans]
    overflowing: list[Encoding] = field(default_factory=list["Encoding"])

    @cached_property
    def offsets(self) -> Spans:
        """Start and end of each token in characters of its text; around them (0, 0)."""
        return self.make_offsets()

    def __len__(self) -> int:
        return len(self.ids)

    def char_to_token(self, char: int, sequence: int = 0) -> int | None:
        """Find the token that holds a character of a text.

        Args:
            char: number of the character, from 0.
            sequence: 0 for the first text, 1 for the second.

        Returns:
            The token's place in the row; None if no token holds the character.
        """
        for index, (start, end) in enumerate(self.offsets):
            if self.sequence_ids[index] == sequence and start <= char < end:
                return index
        return None

    def word_to_tokens(self, word: int, sequence: int = 0) -> tuple[int, int] | None:
        """Find the tokens of a word.

        Args:
            word: number of the word, from 0.
            sequence: 0 for the first text, 1 for the second.

        Returns:
            First token and one past the last; None if the row has none of that word.
        """
        pairs = zip(self.word_ids, self.sequence_ids, strict=True)
        found = [at for at, pair in enumerate(pairs) if pair == (word, sequence)]
        return (found[0], found[-1] + 1) if found else None

    def padded(self, length: int, side: str, pad_id: int, pad_token: str) -> Encoding:
        """Return this row with padding up to `length` on `side` (left or right)."""
        missing = length - len(self)
        if missing <= 0:
            return self

        def join(values: list[Any], pad: Any) -> list[Any]:
            extra = [pad] * missing
            return extra + values if side == "left" else values + extra

        return replace(
            self,
            ids=join(self.ids, pad_id),
            type_ids=join(self.type_ids, 0),
            tokens=join(self.tokens, pad_token),
            attention_mask=join(self.attention_mask, 0),
            special_tokens_mask=join(self.special_tokens_mask, 1),
            word_ids=join(self.word_ids, None),
            sequence_ids=join(self.sequence_ids, None),
            make_offsets=lambda: join(self.offsets, (0, 0)),
        )


Around = tuple[int, str]
"""Id and text of a token put around the texts."""


def make_row(
    first: Slice, second: Slice | None, cls: Around | None, sep: Around | None
) -> Encoding:
    """Make the row [CLS] A [SEP] or [CLS] A [SEP] B [SEP].

    Args:
        first: the first text.
        second: the second, if there is one.
        cls: the token in front; None for none.
        sep: the token behind each text; None for none.

    Returns:
        The row.
    """
    row = Encoding([], [], [], [], [], [], [], list)
    spans: list[Callable[[], Spans]] = []
    if cls:
        _add_around(row, spans, cls, 0)
    for number, part in enumerate((first, second)):
        if part is None:
            continue
        _add_text(row, spans, part, number)
        if sep:
            _add_around(row, spans, sep, number)
    row.attention_mask = [1] * len(row.ids)
    row.make_offsets = lambda: [span for make in spans for span in make()]
    return row


def _add_around(
    row: Encoding, spans: list[Callable[[], Spans]], token: Around, number: int
) -> None:
    row.ids.append(token[0])
    row.tokens.append(token[1])
    row.type_ids.append(number)
    row.special_tokens_mask.append(1)
    row.word_ids.append(None)
    row.sequence_ids.append(None)
    spans.append(lambda: [(0, 0)])


def _add_text(
    row: Encoding, spans: list[Callable[[], Spans]], part: Slice, number: int
) -> None:
    taken, size = slice(part.start, part.end), part.end - part.start
    row.ids += part.sequence.ids[taken]
    row.tokens += part.sequence.tokens[taken]
    row.type_ids += [number] * size
    row.special_tokens_mask += [0] * size
    row.word_ids += part.sequence.words[taken]
    row.sequence_ids += [number] * size
    spans.append(lambda: part.sequence.spans[taken])
