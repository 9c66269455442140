"""A label for each piece, word or stretch of a text.

Letters: S sequence, L labels.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, cast

import numpy as np

from albert.common.config import AlbertConfig
from albert.common.tasks.aggregation import (
    OF_WORDS,
    STRATEGIES,
    Entity,
    Piece,
    aggregate,
    without_overlaps,
)
from albert.common.tasks.checks import (
    check_choice,
    check_count,
    check_flag,
    mapping_of,
    text_of,
)
from albert.common.tasks.encoding import limit
from albert.common.tasks.inputs import read_text
from albert.common.tasks.scores import softmax
from albert.common.tasks.task import Encoded, Outputs, Task
from albert.common.tasks.windows import (
    Pieces,
    make_row,
    pieces_of,
    pieces_of_words,
    trimmed,
)
from albert.common.tokenization.charsmap import BLANK
from albert.common.tokenization.truncation import windows


@dataclass(frozen=True, kw_only=True)
class TokenClassificationOptions:
    """What the caller may choose.

    Args:
        aggregation_strategy: "none" for each piece by itself, or "simple", "first",
            "average" or "max"; see `aggregate`.
        ignore_labels: entities with these labels are left out, or groups with these;
            None for "O".
        stride: tokens that a window of a long text shares with the one before it; None
            for no windows: a long text is cut.
        is_split_into_words: whether an input is a list of words.
        delimiter: what stands between such words in the text that `start` and `end`
            refer to; None for a blank.
        grouped_entities: the older way to say "simple", or "first" with
            `ignore_subwords`, and False for "none".
        ignore_subwords: see `grouped_entities`.
    """

    aggregation_strategy: str = "none"
    ignore_labels: Sequence[str] | None = ("O",)
    stride: int | None = None
    is_split_into_words: bool = False
    delimiter: str | None = None
    grouped_entities: bool | None = None
    ignore_subwords: bool | None = None

    def __post_init__(self) -> None:
        strategy = self.aggregation_strategy
        if self.grouped_entities is not None or self.ignore_subwords is not None:
            grouped = "first" if self.ignore_subwords else "simple"
            strategy = grouped if self.grouped_entities else "none"
            # Said once: a later choice of a strategy counts.
            object.__setattr__(self, "grouped_entities", None)
            object.__setattr__(self, "ignore_subwords", None)
        if isinstance(strategy, str):  # pyright: ignore[reportUnnecessaryIsInstance]
            strategy = strategy.lower()
        check_choice("aggregation_strategy", strategy, STRATEGIES)
        object.__setattr__(self, "aggregation_strategy", strategy)
        if isinstance(self.ignore_labels, str):
            raise ValueError(
                f"ignore_labels must be a list of labels, but is "
                f"{self.ignore_labels!r}."
            )
        if self.stride is not None:
            check_count("stride", self.stride, 0)
        check_flag("is_split_into_words", self.is_split_into_words)
        if self.delimiter is not None:
            text_of(self.delimiter, "delimiter")

    @property
    def ignored(self) -> Sequence[str]:
        """The labels that are left out."""
        return ("O",) if self.ignore_labels is None else self.ignore_labels


class _State(NamedTuple):
    """A text and which of its pieces the rows hold.

    Fields:
        pieces: the text's.
        windows: first piece of each row, and the one after its last.
    """

    pieces: Pieces
    windows: list[tuple[int, int]]


class TokenClassification(Task[TokenClassificationOptions]):
    """Label the pieces of a text."""

    name = "token-classification"
    model_class = "AlbertForTokenClassification"
    fields = ("logits",)
    per_token = True
    keys = ("text",)
    options_class = TokenClassificationOptions

    def __init__(self, tokenizer: Any, config: AlbertConfig) -> None:
        super().__init__(tokenizer, config)
        self._labels = [config.id2label[index] for index in range(config.num_labels)]
        # WordPiece marks the pieces that continue a word, sentencepiece does not.
        self._marks = tokenizer.convert_tokens_to_string(["a", "##b"]) == "ab"

    def arrange(self, *inputs: Any, **options: Any) -> tuple[Any, dict[str, Any]]:
        """Sort the arguments of a call.

        Args:
            *inputs: a text; or with `is_split_into_words` a list of words, which stands
                for a list with that one input; or several in a list or anything that
                can be iterated.
            **options: as given by name.

        Returns:
            The inputs and the options.

        Raises:
            TypeError: there are no inputs, or too many.
        """
        given, options = super().arrange(*inputs, **options)
        if options.get("is_split_into_words") and isinstance(given, (list, tuple)):
            words = cast(Sequence[Any], given)
            if any(isinstance(word, str) for word in words):
                return [words], options
        return cast(Any, given), options

    def encode(self, given: Any, options: TokenClassificationOptions) -> Encoded:
        """Turn a text into a row or, with a stride, as many as it needs.

        Args:
            given: the text, or a list of words; or `{"text": ...}` with either.
            options: what the caller chose.

        Returns:
            The rows; none for an empty text.

        Raises:
            TypeError: the input is no text, or no list of words.
            ValueError: the stride is too great, or the tokenizer cannot do what is
                wanted.
        """
        self._check(options)
        pieces = self._pieces(given, options)
        size = len(pieces.ids)
        around = self.tokenizer.num_special_tokens_to_add()
        room = limit(self.tokenizer, self.config) - around
        if options.stride is not None and options.stride >= room:
            raise ValueError(
                f"stride must be less than {room}, which is how many tokens of a text "
                f"the model reads at once, but is {options.stride}."
            )
        found = windows(size, room, options.stride or 0, self.tokenizer.truncation_side)
        cut = size > room and options.stride is None
        if cut or not size:
            found = found[: min(size, 1)]
        rows = [make_row(self.tokenizer, pieces.ids[start:end]) for start, end in found]
        return Encoded(rows, _State(pieces, found), cut)

    def decode(
        self,
        encoded: Encoded,
        outputs: Sequence[Outputs],
        options: TokenClassificationOptions,
    ) -> Any:
        """Label the pieces and put them together.

        Args:
            encoded: of `encode`.
            outputs: `logits` of each row, float [S, L].
            options: what the caller chose.

        Returns:
            A list of dictionaries; see `aggregate`. `score` is a probability, 0 to 1,
                a Python float; `start` and `end` count characters of the text, without
                the blank in front of a word. They are None from `AlbertTokenizer`.
        """
        state: _State = encoded.state
        found: list[Entity] = []
        for window, output in zip(state.windows, outputs, strict=True):
            # Rounded, as sure pieces that are alike in float32 are to be alike.
            scores = softmax(output["logits"][1:-1]).astype(np.float32)
            found += aggregate(
                self._scored(state.pieces, window, scores),
                options.aggregation_strategy,
                self._labels,
                self._join,
            )
        key = "entity" if options.aggregation_strategy == "none" else "entity_group"
        found = [entity for entity in found if entity[key] not in options.ignored]
        if len(state.windows) > 1:
            found = without_overlaps(found)
        if state.pieces.places is not None:
            for one in found:
                one["start"] = trimmed(state.pieces.text, one["start"], one["end"])
        return found

    def _check(self, options: TokenClassificationOptions) -> None:
        """Refuse what needs to know places of a tokenizer that does not."""
        strategy = options.aggregation_strategy
        wanted = {
            f"aggregation_strategy={strategy!r}": strategy in OF_WORDS,
            f"stride={options.stride}": options.stride is not None,
            "is_split_into_words=True": options.is_split_into_words,
        }
        for what, needed in wanted.items():
            if needed and not self.tokenizer.is_fast:
                raise ValueError(
                    f"{what} needs to know where in the text a piece is, and that is "
                    f"known to AlbertTokenizerFast only: use it, it gives the same ids."
                )

    def _pieces(self, given: Any, options: TokenClassificationOptions) -> Pieces:
        if not options.is_split_into_words:
            return pieces_of(self.tokenizer, read_text(given, self.keys))
        held = mapping_of(given, self.keys)
        words = given if held is None else held.get("text")
        if not isinstance(words, (list, tuple)):
            raise TypeError(
                f"the input must be a list of words, as is_split_into_words=True says, "
                f"but is of type {type(words).__name__}."
            )
        words = [text_of(word, "each word") for word in cast(Sequence[Any], words)]
        delimiter = " " if options.delimiter is None else options.delimiter
        return pieces_of_words(self.tokenizer, words, delimiter)

    def _scored(
        self, pieces: Pieces, window: tuple[int, int], scores: np.ndarray
    ) -> list[Piece]:
        start, end = window
        ids = pieces.ids[start:end].tolist()
        tokens = self.tokenizer.convert_ids_to_tokens(ids)
        if pieces.places is None:
            found = zip(tokens, scores, strict=True)
            return [Piece(*one, at, None, None) for at, one in enumerate(found, 1)]
        made: list[Piece] = []
        unknown = self.tokenizer.unk_token_id
        begins = pieces.places.begins[start:end].tolist()
        ends = pieces.places.ends[start:end].tolist()
        for at, place in enumerate(zip(begins, ends, strict=True)):
            token, known = tokens[at], ids[at] != unknown
            word = token if known else pieces.text[slice(*place)]
            continues = known and self._continues(pieces.text, token, place[0])
            made.append(Piece(word, scores[at], at + 1, *place, continues))
        return made

    def _join(self, tokens: list[str]) -> str:
        if self._marks:
            return self.tokenizer.convert_tokens_to_string(tokens)
        # A blank at the end of a word stays, to part it from the next.
        first, *others = tokens
        return first.replace(BLANK, "") + "".join(others).replace(BLANK, " ")

    def _continues(self, text: str, token: str, begin: int) -> bool:
        if self._marks:
            return token.startswith("##")
        # As transformers: only U+0020 parts words.
        return begin > 0 and " " not in text[begin - 1 : begin + 1]
