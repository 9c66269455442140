"""The calling convention: texts in, a BatchEncoding out."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import Any, ClassVar

from albert.common.tokenization import padding as pads
from albert.common.tokenization.batch import BatchEncoding
from albert.common.tokenization.columns import gather_columns, make_columns
from albert.common.tokenization.encoding import Around, Encoding, Sequenced
from albert.common.tokenization.engine import no_spans
from albert.common.tokenization.inputs import Text, read_inputs
from albert.common.tokenization.rows import RowPlan, left_over, make_rows
from albert.common.tokenization.sequences import cut_text, cut_words
from albert.common.tokenization.settings import UNLIMITED, check_side
from albert.common.tokenization.tensors import check_kind
from albert.common.tokenization.truncation import check_strategy
from albert.common.tokenization.vocabulary import Vocabulary

PaddingArgument = bool | str | None
TruncationArgument = bool | str | None


class Calling(Vocabulary):
    """A vocabulary that can be called on texts."""

    is_fast: ClassVar[bool]
    model_input_names: Sequence[str] = ("input_ids", "token_type_ids", "attention_mask")
    padding_side: str
    truncation_side: str
    model_max_length: int
    _warned: set[str]

    def __call__(
        self,
        text: Any,
        text_pair: Any = None,
        add_special_tokens: bool = True,
        padding: PaddingArgument = False,
        truncation: TruncationArgument = None,
        max_length: int | None = None,
        stride: int = 0,
        is_split_into_words: bool = False,
        pad_to_multiple_of: int | None = None,
        padding_side: str | None = None,
        return_tensors: str | None = None,
        return_token_type_ids: bool | None = None,
        return_attention_mask: bool | None = None,
        return_overflowing_tokens: bool = False,
        return_special_tokens_mask: bool = False,
        return_offsets_mapping: bool = False,
        return_length: bool = False,
        verbose: bool = True,
    ) -> BatchEncoding:
        """Turn texts into rows of token ids.

        Args:
            text: a text, a list of texts, or a list of (text, text) pairs; with
                `is_split_into_words` a list of words, or a list of such lists.
            text_pair: the second text, or a list of second texts.
            add_special_tokens: whether to put [CLS] and [SEP] around the texts.
            padding: True or "longest", "max_length", or False or "do_not_pad".
            truncation: True or "longest_first", "only_first", "only_second", or False
                or "do_not_truncate". None cuts as "longest_first" if `max_length` is
                given without padding, and warns of it.
            max_length: the limit in tokens, special ones included; None is
                `model_max_length`.
            stride: tokens that a row left over shares with the one before it.
            is_split_into_words: whether a list of strings is one text. Each word is
                cut as if it stood alone.
            pad_to_multiple_of: rounds the padded length up; None for not.
            padding_side: "left" or "right"; None is the tokenizer's attribute.
            return_tensors: "pt", "tf", "jax" or "np"; None returns lists.
            return_token_type_ids: False leaves `token_type_ids` out. They are 0 for
                the first text with its special tokens and padding, 1 for the second.
            return_attention_mask: False leaves `attention_mask` out. It is 1 for
                tokens and 0 for padding.
            return_overflowing_tokens: whether to return what truncation took. The fast
                class adds rows, and `overflow_to_sample_mapping` with the number of
                each row's text; the other adds `overflowing_tokens` (ids) and
                `num_truncated_tokens`.
            return_special_tokens_mask: whether to add `special_tokens_mask`: 1 for
                tokens put around the texts and for padding, 0 for the texts' own.
            return_offsets_mapping: fast class only: whether to add `offset_mapping`:
                start and end of each token in characters of its text (of its word with
                `is_split_into_words`), (0, 0) for tokens around the texts.
            return_length: whether to add `length`: the row's tokens, with padding.
            verbose: False silences the warnings.

        Returns:
            The columns: lists of rows for a batch, one row for a single text without
            `return_tensors`.

        Raises:
            TypeError: a text is of the wrong kind.
            ValueError: an argument is none of its values, or the arguments do not go
                together.
            NotImplementedError: offsets are wanted of `AlbertTokenizer`.
        """
        rows, is_batch = read_inputs(text, text_pair, is_split_into_words)
        if return_offsets_mapping and not self.is_fast:
            no_spans()
        if return_tensors is not None:
            check_kind(return_tensors)
        plan, strategy, length = self._plan(
            add_special_tokens, padding, truncation, max_length, stride, verbose
        )
        if strategy != "do_not_pad":
            _check_multiple(plan, pad_to_multiple_of)
        encodings, samples, extra = self._encode_rows(
            rows, plan, return_overflowing_tokens
        )
        if plan.strategy == "do_not_truncate" and verbose:
            self._warn_if_long(encodings)
        target = pads.target_length(
            [len(row) for row in encodings], strategy, length, pad_to_multiple_of
        )
        encodings = self._pad_rows(encodings, target, padding_side)
        columns = make_columns(
            encodings,
            return_token_type_ids is not False,
            return_attention_mask is not False,
            return_special_tokens_mask,
            return_offsets_mapping,
            return_length,
        )
        if return_overflowing_tokens:
            columns |= {"overflow_to_sample_mapping": samples} if self.is_fast else {}
            columns |= extra
        kept = encodings if self.is_fast else None
        squeeze = not is_batch and not (self.is_fast and return_overflowing_tokens)
        if squeeze and return_tensors is None:
            columns = {name: column[0] for name, column in columns.items()}
        return BatchEncoding(columns, kept, return_tensors)

    def encode(
        self,
        text: Any,
        text_pair: Any = None,
        add_special_tokens: bool = True,
        padding: PaddingArgument = False,
        truncation: TruncationArgument = None,
        max_length: int | None = None,
        stride: int = 0,
        padding_side: str | None = None,
        return_tensors: str | None = None,
        **further: Any,
    ) -> Any:
        """Return only the `input_ids` of a text or a pair.

        The arguments are those of calling the tokenizer, as are the errors.
        """
        return self(
            text,
            text_pair,
            add_special_tokens=add_special_tokens,
            padding=padding,
            truncation=truncation,
            max_length=max_length,
            stride=stride,
            padding_side=padding_side,
            return_tensors=return_tensors,
            **further,
        )["input_ids"]

    def encode_plus(
        self, text: Any, text_pair: Any = None, **arguments: Any
    ) -> BatchEncoding:
        """Call the tokenizer on a text or a pair; the arguments are the same."""
        return self(text, text_pair, **arguments)

    def batch_encode_plus(
        self, batch_text_or_text_pairs: Any, **arguments: Any
    ) -> BatchEncoding:
        """Call the tokenizer on a batch; the arguments are the same."""
        return self(batch_text_or_text_pairs, **arguments)

    def tokenize(
        self, text: Any, pair: Any = None, add_special_tokens: bool = False
    ) -> list[str]:
        """Return the tokens of a text, and of a second behind it.

        An unknown token is given as its characters in the text.

        Args:
            text: the text.
            pair: the second text; None for none.
            add_special_tokens: whether to put [CLS] and [SEP] around the texts.

        Returns:
            The tokens.
        """
        rows, is_batch = read_inputs(text, pair, False)
        if is_batch:
            raise TypeError(
                "text must be one string for tokenize(): call the tokenizer for a "
                "batch."
            )
        cls, sep = self._around() if add_special_tokens else (None, None)
        plan = RowPlan(cls, sep, "do_not_truncate", None, 0, "right")
        first, second = rows[0]
        other = None if second is None else self._cut(second)
        return make_rows(self._cut(first), other, plan, False)[0].tokens

    def num_special_tokens_to_add(self, pair: bool = False) -> int:
        """Count the special tokens put around one text, or a pair."""
        return 3 if pair else 2

    def build_inputs_with_special_tokens(
        self, token_ids_0: Sequence[int], token_ids_1: Sequence[int] | None = None
    ) -> list[int]:
        """Put special tokens around ids: [CLS] A [SEP] or [CLS] A [SEP] B [SEP]."""
        (cls, _), (sep, _) = self._around()
        second = [] if token_ids_1 is None else [*token_ids_1, sep]
        return [cls, *token_ids_0, sep, *second]

    def create_token_type_ids_from_sequences(
        self, token_ids_0: Sequence[int], token_ids_1: Sequence[int] | None = None
    ) -> list[int]:
        """Return the token types of `build_inputs_with_special_tokens`.

        0 stands for the first text with [CLS] and its [SEP], 1 for the second with its
        [SEP].
        """
        second = 0 if token_ids_1 is None else len(token_ids_1) + 1
        return [0] * (len(token_ids_0) + 2) + [1] * second

    def get_special_tokens_mask(
        self,
        token_ids_0: Sequence[int],
        token_ids_1: Sequence[int] | None = None,
        already_has_special_tokens: bool = False,
    ) -> list[int]:
        """Return 1 for special tokens and 0 for others.

        Args:
            token_ids_0: ids of the first text, or of a whole row.
            token_ids_1: ids of the second text; None for none.
            already_has_special_tokens: whether `token_ids_0` is a whole row; then
                every special token counts, wherever it stands.

        Returns:
            The mask, as long as the row.

        Raises:
            ValueError: `token_ids_1` is given with a whole row.
        """
        if already_has_special_tokens:
            if token_ids_1 is not None:
                raise ValueError(
                    "token_ids_1 must be None with already_has_special_tokens=True: "
                    "token_ids_0 is the whole row."
                )
            special = set(self.all_special_ids)
            return [int(index in special) for index in token_ids_0]
        second = [] if token_ids_1 is None else [0] * len(token_ids_1) + [1]
        return [1, *[0] * len(token_ids_0), 1, *second]

    def pad(
        self,
        encoded_inputs: Any,
        padding: PaddingArgument = True,
        max_length: int | None = None,
        pad_to_multiple_of: int | None = None,
        padding_side: str | None = None,
        return_attention_mask: bool | None = None,
        return_tensors: str | None = None,
        verbose: bool = True,
    ) -> BatchEncoding:
        """Fill rows up to one length.

        Padding is the pad token in `input_ids`, 0 in `token_type_ids` and
        `attention_mask`, 1 in `special_tokens_mask`, (0, 0) in `offset_mapping`; other
        columns stay as they are.

        Args:
            encoded_inputs: columns of one row or of several, or a list of rows.
            padding: True or "longest", "max_length", or False or "do_not_pad".
            max_length: the length for "max_length"; None is `model_max_length`.
            pad_to_multiple_of: rounds the length up; None for not.
            padding_side: "left" or "right"; None is the tokenizer's attribute.
            return_attention_mask: False adds no `attention_mask`.
            return_tensors: "pt", "tf", "jax" or "np"; None returns lists.
            verbose: accepted for transformers' sake; there is nothing to silence.

        Returns:
            The columns, all rows of one length.

        Raises:
            ValueError: there is no `input_ids`, or an argument is none of its values.
        """
        columns = gather_columns(encoded_inputs)
        ids = columns["input_ids"]
        single = bool(ids) and not isinstance(ids[0], list)
        if single:
            columns = {name: [column] for name, column in columns.items()}
        lengths = [len(row) for row in columns["input_ids"]]
        if return_attention_mask is not False and "attention_mask" not in columns:
            columns["attention_mask"] = [[1] * length for length in lengths]
        target = pads.target_length(
            lengths, pads.check_padding(padding), self._limit(max_length),
            pad_to_multiple_of,
        )  # fmt: skip
        side = self._side(padding_side)
        fillers = {"input_ids": self._pad_id() if target else 0, **pads.FILLERS}
        for name in columns.keys() & fillers.keys():
            columns[name] = [
                pads.fill(row, target, fillers[name], side) for row in columns[name]
            ]
        if single and return_tensors is None:
            columns = {name: column[0] for name, column in columns.items()}
        return BatchEncoding(columns, None, return_tensors)

    def _cut(self, text: Text) -> Sequenced:
        cut = cut_text if isinstance(text, str) else cut_words
        return cut(text, self._engine, self._finder, self._ids)  # type: ignore

    def _around(self) -> tuple[Around, Around]:
        """Return the tokens put around texts.

        Returns:
            Id and text of [CLS] and of [SEP].

        Raises:
            ValueError: one of them is not set.
        """
        found: list[Around] = []
        for name in ("cls_token", "sep_token"):
            token = self.roles[name]
            if token is None:
                raise ValueError(
                    f"{name} is not set, and rows need it: set it, or use "
                    f"add_special_tokens=False."
                )
            found.append((self.convert_tokens_to_ids(token.content), token.content))
        return found[0], found[1]

    def _plan(
        self,
        add_special_tokens: bool,
        padding: PaddingArgument,
        truncation: TruncationArgument,
        max_length: int | None,
        stride: int,
        verbose: bool,
    ) -> tuple[RowPlan, str, int | None]:
        """Read the arguments on length: how rows are made, padded, and how long."""
        pad_strategy = pads.check_padding(padding)
        strategy = check_strategy(truncation)
        if max_length is not None and max_length < 0:
            raise ValueError(f"max_length must not be negative, got {max_length}.")
        if stride < 0:
            raise ValueError(f"stride must not be negative, got {stride}.")
        implied = truncation is None and pad_strategy == "do_not_pad"
        if max_length is not None and implied:
            strategy = "longest_first"
            self._warn(
                "max_length was given without truncation: rows are cut as with "
                "truncation='longest_first'. Give truncation=True, or "
                "truncation=False for not.",
                verbose,
            )
        limit = self._limit(max_length)
        if strategy != "do_not_truncate" and limit is None:
            self._warn(
                "truncation was asked for, and neither max_length nor the tokenizer's "
                "model_max_length is set: nothing is cut.",
                verbose,
            )
        cls, sep = self._around() if add_special_tokens else (None, None)
        plan = RowPlan(cls, sep, strategy, limit, stride, self._truncation_side())
        return plan, pad_strategy, limit

    def _encode_rows(
        self,
        rows: Sequence[tuple[Text, Text | None]],
        plan: RowPlan,
        overflow: bool,
    ) -> tuple[list[Encoding], list[int], dict[str, Any]]:
        """Cut and lay out all texts.

        Args:
            rows: first and second text of each row.
            plan: how rows are made.
            overflow: whether what truncation takes is wanted.

        Returns:
            The rows, the number of the text of each, and further columns.
        """
        encodings: list[Encoding] = []
        samples: list[int] = []
        extra: dict[str, list[Any]] = {}
        for number, (text, pair) in enumerate(rows):
            first = self._cut(text)
            second = None if pair is None else self._cut(pair)
            found = make_rows(first, second, plan, overflow and self.is_fast)
            encodings += found
            samples += [number] * len(found)
            if overflow and not self.is_fast:
                ids, removed = left_over(first, second, plan)
                extra.setdefault("overflowing_tokens", []).append(ids)
                extra.setdefault("num_truncated_tokens", []).append(removed)
        return encodings, samples, extra

    def _pad_rows(
        self, encodings: Sequence[Encoding], target: int, padding_side: str | None
    ) -> list[Encoding]:
        side = self._side(padding_side)
        if all(len(row) >= target for row in encodings):
            return list(encodings)
        pad_id, token = self._pad_id(), str(self.pad_token)
        return [row.padded(target, side, pad_id, token) for row in encodings]

    def _pad_id(self) -> int:
        """Return the pad token's id.

        Returns:
            The id.

        Raises:
            ValueError: there is no pad token.
        """
        token = self.roles["pad_token"]
        if token is None:
            raise ValueError("pad_token is not set, and padding needs it: set it.")
        return self.convert_tokens_to_ids(token.content)

    def _side(self, side: str | None) -> str:
        return check_side("padding_side", self.padding_side if side is None else side)

    def _truncation_side(self) -> str:
        return check_side("truncation_side", self.truncation_side)

    def _limit(self, max_length: int | None) -> int | None:
        if max_length is not None:
            return max_length
        return self.model_max_length if self.model_max_length < UNLIMITED else None

    def _warn_if_long(self, encodings: Sequence[Encoding]) -> None:
        longest = max((len(row) for row in encodings), default=0)
        if longest > self.model_max_length:
            self._warn(
                f"a row has {longest} tokens, and the model takes "
                f"{self.model_max_length} (model_max_length): the model will refuse "
                f"it. Use truncation=True.",
                True,
                "long",
            )

    def _warn(self, message: str, verbose: bool, key: str | None = None) -> None:
        """Warn, of one thing once."""
        if verbose and (key or message) not in self._warned:
            self._warned.add(key or message)
            warnings.warn(message, stacklevel=4)


def _check_multiple(plan: RowPlan, multiple: int | None) -> None:
    limit = plan.max_length
    if plan.strategy == "do_not_truncate" or not multiple or not limit:
        return
    if limit % multiple:
        raise ValueError(
            f"max_length must be a multiple of pad_to_multiple_of with truncation and "
            f"padding, got {limit} and {multiple}: padding would exceed it."
        )
