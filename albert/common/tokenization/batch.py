"""What a tokenizer returns: columns by name, and the rows behind them."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping, Sequence
from importlib import import_module
from importlib.util import find_spec
from typing import Any, NamedTuple

from albert.common.tokenization.encoding import Encoding
from albert.common.tokenization.tensors import check_kind, to_tensor


class CharSpan(NamedTuple):
    """Characters of a text, from `start` up to, but not with, `end`."""

    start: int
    end: int


class TokenSpan(NamedTuple):
    """Tokens of a row, from `start` up to, but not with, `end`."""

    start: int
    end: int


class BatchEncoding(dict[str, Any]):
    """A dict of columns ("input_ids", ...), each also an attribute.

    Rows are numbered from 0. Where a method takes a row and a place, the row may be
    left out of a single text's encoding.

    Args:
        data: the columns.
        encodings: what is known of each row; None from `AlbertTokenizer`.
        tensor_type: pt, tf, jax or np turns the columns into arrays; None leaves them.
        prepend_batch_axis: whether each column is one row, to be put into a batch.
    """

    def __init__(
        self,
        data: Mapping[str, Any] | Iterable[tuple[str, Any]] = (),
        encodings: Sequence[Encoding] | None = None,
        tensor_type: str | None = None,
        prepend_batch_axis: bool = False,
    ) -> None:
        super().__init__(data)
        self._encodings = list(encodings) if encodings is not None else None
        self.convert_to_tensors(tensor_type, prepend_batch_axis)

    def __getattr__(self, name: str) -> Any:
        if name in self:
            return self[name]
        raise AttributeError(
            f"BatchEncoding has no {name!r}; its columns are {', '.join(self)}."
        )

    def __getitem__(self, key: Any) -> Any:
        if isinstance(key, str):
            return super().__getitem__(key)
        if isinstance(key, slice):
            return {name: column[key] for name, column in self.items()}
        if isinstance(key, int):
            return self._rows("a row's encoding")[key]
        raise KeyError(
            f"a BatchEncoding is indexed by column name, row number or slice, not by "
            f"{type(key).__name__}."
        )

    def __reduce__(self) -> Any:
        encodings = self._encodings
        if encodings is not None:
            for encoding in encodings:
                # The functions that compute offsets cannot be pickled.
                offsets = encoding.offsets
                encoding.make_offsets = _Given(offsets)
        return (BatchEncoding, (dict(self), encodings))

    @property
    def data(self) -> dict[str, Any]:
        """The columns."""
        return self

    @property
    def encodings(self) -> list[Encoding] | None:
        """The rows; None from `AlbertTokenizer`."""
        return self._encodings

    @property
    def is_fast(self) -> bool:
        """Whether it comes from `AlbertTokenizerFast`."""
        return self._encodings is not None

    @property
    def n_sequences(self) -> int | None:
        """Number of texts in a row, 1 or 2; None from `AlbertTokenizer`."""
        if not self._encodings:
            return None
        found = {n for n in self._encodings[0].sequence_ids if n is not None}
        return max(found, default=0) + 1

    def tokens(self, batch_index: int = 0) -> list[str]:
        """Return the tokens of a row."""
        return self._rows("tokens()")[batch_index].tokens

    def word_ids(self, batch_index: int = 0) -> list[int | None]:
        """Return each token's word, counted from 0 in its text; None around the texts.

        Args:
            batch_index: the row.

        Returns:
            The words' numbers.

        Raises:
            ValueError: it comes from `AlbertTokenizer`.
        """
        return self._rows("word_ids()")[batch_index].word_ids

    def sequence_ids(self, batch_index: int = 0) -> list[int | None]:
        """Return each token's text, 0 or 1; None for tokens around the texts."""
        return self._rows("sequence_ids()")[batch_index].sequence_ids

    def token_to_sequence(
        self, batch_or_token_index: int, token_index: int | None = None
    ) -> int | None:
        """Return the text (0 or 1) of a token."""
        row, at = _row_and_place(batch_or_token_index, token_index)
        return self._rows("token_to_sequence()")[row].sequence_ids[at]

    def token_to_word(
        self, batch_or_token_index: int, token_index: int | None = None
    ) -> int | None:
        """Return the word of a token, counted from 0 in its text."""
        row, at = _row_and_place(batch_or_token_index, token_index)
        return self._rows("token_to_word()")[row].word_ids[at]

    def token_to_chars(
        self, batch_or_token_index: int, token_index: int | None = None
    ) -> CharSpan | None:
        """Return a token's characters in its text; None around the texts."""
        row, at = _row_and_place(batch_or_token_index, token_index)
        encoding = self._rows("token_to_chars()")[row]
        if encoding.sequence_ids[at] is None:
            return None
        return CharSpan(*encoding.offsets[at])

    def char_to_token(
        self,
        batch_or_char_index: int,
        char_index: int | None = None,
        sequence_index: int = 0,
    ) -> int | None:
        """Return the token that holds a character; None if none does.

        Args:
            batch_or_char_index: the row, or the character if `char_index` is left out.
            char_index: the character, counted from 0 in its text.
            sequence_index: 0 for the first text, 1 for the second.

        Returns:
            The token's place in its row.
        """
        row, at = _row_and_place(batch_or_char_index, char_index)
        return self._rows("char_to_token()")[row].char_to_token(at, sequence_index)

    def word_to_tokens(
        self,
        batch_or_word_index: int,
        word_index: int | None = None,
        sequence_index: int = 0,
    ) -> TokenSpan | None:
        """Return the tokens of a word; None if the row has none of it."""
        row, at = _row_and_place(batch_or_word_index, word_index)
        found = self._rows("word_to_tokens()")[row].word_to_tokens(at, sequence_index)
        return TokenSpan(*found) if found else None

    def word_to_chars(
        self,
        batch_or_word_index: int,
        word_index: int | None = None,
        sequence_index: int = 0,
    ) -> CharSpan | None:
        """Return the characters of a word; None if the row has none of it."""
        row, at = _row_and_place(batch_or_word_index, word_index)
        encoding = self._rows("word_to_chars()")[row]
        found = encoding.word_to_tokens(at, sequence_index)
        if not found:
            return None
        spans = encoding.offsets[slice(*found)]
        return CharSpan(min(s for s, _ in spans), max(e for _, e in spans))

    def char_to_word(
        self,
        batch_or_char_index: int,
        char_index: int | None = None,
        sequence_index: int = 0,
    ) -> int | None:
        """Return the word that holds a character; None if none does."""
        row, at = _row_and_place(batch_or_char_index, char_index)
        encoding = self._rows("char_to_word()")[row]
        token = encoding.char_to_token(at, sequence_index)
        return None if token is None else encoding.word_ids[token]

    def convert_to_tensors(
        self, tensor_type: str | None = None, prepend_batch_axis: bool = False
    ) -> BatchEncoding:
        """Turn the columns into arrays, in place.

        Args:
            tensor_type: pt, tf, jax or np; None leaves the columns as they are.
            prepend_batch_axis: whether to put each column into a batch of one.

        Returns:
            This object.

        Raises:
            ValueError: the rows differ in length, or the type is unknown.
            ImportError: the framework is not installed.
        """
        if tensor_type is not None:
            kind = check_kind(tensor_type)
            for name, column in list(self.items()):
                rows = [column] if prepend_batch_axis else column
                self[name] = to_tensor(name, rows, kind)
            _register(kind)
        return self

    def to(self, device: Any) -> BatchEncoding:
        """Move the columns that are torch tensors to a device, in place."""
        for name, column in self.items():
            if hasattr(column, "to"):
                self[name] = column.to(device)
        return self

    def _rows(self, what: str) -> list[Encoding]:
        if self._encodings is None:
            raise ValueError(
                f"{what} is known to AlbertTokenizerFast only: use it, it gives the "
                f"same ids."
            )
        return self._encodings


def _register(kind: str) -> None:
    """Make the frameworks that are in use look into a BatchEncoding."""
    trees: Any = import_module("albert.common.tokenization.trees")
    # Importing TensorFlow makes Keras available, whatever the arrays are for.
    if (kind == "tf" or "keras" in sys.modules) and find_spec("optree"):
        trees.register_with_keras()
    if kind == "jax":
        trees.register_with_jax()


class _Given:
    """A function that returns what is known already."""

    def __init__(self, value: Any) -> None:
        self._value = value

    def __call__(self) -> Any:
        return self._value


def _row_and_place(first: int, second: int | None) -> tuple[int, int]:
    return (0, first) if second is None else (first, second)
