"""Segments of a document to rows: pairs of text in an order, or plain text.

Source: ALBERT paper, section 3.1 (sentence-order prediction); google-research/albert
create_pretraining_data.py, create_instances_from_document and truncate_seq_pair.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

IN_ORDER, SWAPPED, NO_ORDER = 0, 1, -100
"""Labels of the sentence order; the losses ignore the last."""

SHORTEST = 2
"""The fewest tokens that a short row is filled up to."""


class Span(NamedTuple):
    """Tokens of a document.

    Fields:
        begin: the first.
        end: one past the last.
    """

    begin: int
    end: int

    @property
    def length(self) -> int:
        """The number of tokens."""
        return self.end - self.begin


class Row(NamedTuple):
    """One example.

    Fields:
        first: between [CLS] and the first [SEP].
        second: between the two [SEP]; None if there is only one text.
        label: `IN_ORDER`, `SWAPPED` or `NO_ORDER`.
    """

    first: Span
    second: Span | None
    label: int


def make_rows(
    ends: np.ndarray,
    max_length: int,
    short_probability: float,
    generator: np.random.Generator,
) -> Iterator[Row]:
    """Make pairs of consecutive text, half of them swapped.

    Segments are collected until they reach a length, which is drawn once for the
    document: `max_length` less three special tokens or, with `short_probability`,
    any from `SHORTEST` to that. They are split between two of them at random. A
    single segment becomes a row of one text without a label.

    Args:
        ends: int [segments], one past the last token of each segment, which is never
            empty; the first begins at 0.
        max_length: of a row, special tokens included.
        short_probability: of a short document.
        generator: the document's own.

    Yields:
        The rows, in the order of the text.
    """
    target = _target(max_length - 3, short_probability, generator)
    begin = from_ = 0
    while from_ < len(ends):
        # The segment with which the target is reached, or the last one.
        to = min(int(np.searchsorted(ends, begin + target)), len(ends) - 1)
        end = int(ends[to])
        if to == from_:
            whole = _cut(Span(begin, end), max_length - 2, generator)
            yield Row(whole, None, NO_ORDER)
        else:
            middle = int(ends[generator.integers(from_, to)])
            swapped = generator.random() < 0.5
            first, second = Span(begin, middle), Span(middle, end)
            if swapped:
                first, second = second, first
            first, second = _fit(first, second, max_length - 3, generator)
            yield Row(first, second, SWAPPED if swapped else IN_ORDER)
        begin, from_ = end, to + 1


def pack_rows(
    ends: np.ndarray,
    max_length: int,
    short_probability: float,
    generator: np.random.Generator,
) -> Iterator[Row]:
    """Cut a document into rows of one text each; nothing of it is lost.

    Args:
        ends: as in `make_rows`.
        max_length: of a row, special tokens included.
        short_probability: of a document with shorter rows, of a length that is drawn.
        generator: the document's own.

    Yields:
        The rows, in the order of the text.
    """
    target = _target(max_length - 2, short_probability, generator)
    end = int(ends[-1]) if len(ends) else 0
    for begin in range(0, end, target):
        yield Row(Span(begin, min(begin + target, end)), None, NO_ORDER)


def _target(
    longest: int, short_probability: float, generator: np.random.Generator
) -> int:
    if generator.random() < short_probability:
        return int(generator.integers(SHORTEST, longest + 1))
    return longest


def _fit(
    first: Span, second: Span, room: int, generator: np.random.Generator
) -> tuple[Span, Span]:
    """Shorten two texts: the longer one, or the second if they are of one length."""
    lengths = _kept(first.length, second.length, room)
    return _cut(first, lengths[0], generator), _cut(second, lengths[1], generator)


def _kept(first: int, second: int, room: int) -> tuple[int, int]:
    """Tell what is left if one token after another goes from the longer text."""
    over = first + second - room
    if over <= 0:
        return first, second
    lead = min(over, abs(first - second))
    over -= lead
    if first > second:
        first -= lead
    else:
        second -= lead
    return first - over // 2, second - (over + 1) // 2


def _cut(span: Span, length: int, generator: np.random.Generator) -> Span:
    """Shorten a text; each token goes at the front or the back, with equal chance."""
    over = span.length - length
    if over <= 0:
        return span
    front = int(generator.binomial(over, 0.5))
    return Span(span.begin + front, span.end - over + front)
