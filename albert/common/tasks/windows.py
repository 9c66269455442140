"""Texts in pieces, with their places in the text, and windows of them as rows.

Letters: P pieces of a text.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

import numpy as np

from albert.common.tasks.task import Row
from albert.common.tokenization.charsmap import BLANK


class Places(NamedTuple):
    """Where pieces are in their text.

    Fields:
        begins: int [P], first character. With a piece that begins a word it is the
            blank in front: transformers counts so when it compares places. What users
            see is `trimmed`.
        ends: int [P], the character after the last.
        words: int [P], number of the word, from 0. A comma behind a number is a word of
            its own, as in the `tokenizer.json` that the tokenizer saves.
    """

    begins: np.ndarray
    ends: np.ndarray
    words: np.ndarray


class Pieces(NamedTuple):
    """A text in pieces, without special tokens.

    Fields:
        text: the text.
        ids: int [P].
        places: None from `AlbertTokenizer`, which does not know them.
    """

    text: str
    ids: np.ndarray
    places: Places | None


def pieces_of(tokenizer: Any, text: str) -> Pieces:
    """Cut a text, however long it is.

    Args:
        tokenizer: cuts it.
        text: the text.

    Returns:
        Its pieces.
    """
    return _pieces(tokenizer, text, text, None)


def pieces_of_words(tokenizer: Any, words: Sequence[str], delimiter: str) -> Pieces:
    """Cut ready-made words, each by itself.

    Args:
        tokenizer: cuts them.
        words: the words.
        delimiter: stands between them in the text that places refer to.

    Returns:
        Their pieces.
    """
    steps = [0, *(len(word) + len(delimiter) for word in words)]
    starts = np.cumsum(steps[: len(words)], dtype=np.int64)
    return _pieces(tokenizer, list(words), delimiter.join(words), starts)


def make_row(
    tokenizer: Any, first: np.ndarray, second: np.ndarray | None = None
) -> Row:
    """Put special tokens around pieces.

    Args:
        tokenizer: knows them.
        first: int [P], ids of the first text.
        second: int [P], ids of the second; None for none.

    Returns:
        The row [CLS] A [SEP] or [CLS] A [SEP] B [SEP].
    """
    texts = [first.tolist()] if second is None else [first.tolist(), second.tolist()]
    ids = tokenizer.build_inputs_with_special_tokens(*texts)
    types = tokenizer.create_token_type_ids_from_sequences(*texts)
    return Row(np.asarray(ids, np.int32), np.asarray(types, np.int32))


def trimmed(text: str, begin: int, end: int) -> int:
    """Move a begin over the blanks in front of a word.

    Args:
        text: the text.
        begin: a character.
        end: where to stop at the latest.

    Returns:
        The first character from `begin` on that is no white space; or `end`.
    """
    while begin < end and text[begin].isspace():
        begin += 1
    return begin


def _pieces(tokenizer: Any, given: Any, text: str, starts: np.ndarray | None) -> Pieces:
    found = tokenizer(
        given,
        add_special_tokens=False,
        is_split_into_words=starts is not None,
        return_token_type_ids=False,
        return_attention_mask=False,
        return_offsets_mapping=tokenizer.is_fast,
        verbose=False,
    )
    ids = np.asarray(found["input_ids"], np.int32)
    if not tokenizer.is_fast:
        return Pieces(text, ids, None)
    spans = np.asarray(found["offset_mapping"], np.int64).reshape(-1, 2)
    words = np.asarray(found.word_ids(), np.int64)
    bases = np.zeros(len(words), np.int64) if starts is None else starts[words]
    begins, ends = (spans + bases[:, None]).T
    begins = _with_blanks(text, found.tokens(), begins, ends, bases)
    words = _with_commas(found.tokens(), words)
    return Pieces(text, ids, Places(begins, ends, words))


def _with_blanks(
    text: str,
    tokens: Iterable[str],
    begins: np.ndarray,
    ends: np.ndarray,
    bases: np.ndarray,
) -> np.ndarray:
    """Move begins back to the blank that a piece's "▁" stands for."""
    moved = begins.copy()
    columns = zip(tokens, begins.tolist(), ends.tolist(), bases.tolist(), strict=True)
    for number, (token, begin, end, base) in enumerate(columns):
        if token == BLANK:
            moved[number] = max(begin, end - 1)
        elif token[0] == BLANK and begin > base and text[begin - 1].isspace():
            moved[number] = begin - 1
    return moved


def _with_commas(tokens: Sequence[str], words: np.ndarray) -> np.ndarray:
    """Number words anew, commas between a digit and no digit apart."""
    goes_on = np.append(words[1:] == words[:-1], False)
    apart = np.zeros(len(words), bool)
    for at, token in enumerate(tokens):
        if token == "," and at and goes_on[at - 1] and tokens[at - 1][-1].isdecimal():
            apart[at] = not (goes_on[at] and tokens[at + 1][0].isdecimal())
    more = goes_on[:-1] & (apart[1:] | apart[:-1])
    return words + np.concatenate([[0], np.cumsum(more)])[: len(words)]
