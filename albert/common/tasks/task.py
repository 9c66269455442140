"""What a task is: text in, rows of ids; the model's outputs in, an answer."""

from __future__ import annotations

import dataclasses
import difflib
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Generic, NamedTuple, TypeVar

import numpy as np

from albert.common.config import AlbertConfig

Outputs = Mapping[str, np.ndarray]
"""Field -> what the model gave for one row, without padding."""


class Row(NamedTuple):
    """One sequence for the model, not yet padded.

    Fields:
        input_ids: int [S].
        token_type_ids: int [S], 0 for the first text and 1 for the second.
        at: places in the row, int [M], whose outputs are wanted; None for all.
    """

    input_ids: np.ndarray
    token_type_ids: np.ndarray
    at: np.ndarray | None = None


class Encoded(NamedTuple):
    """One input on its way through the model.

    Fields:
        rows: what the model computes; none if the answer needs no model.
        state: what `decode` needs to know of the input.
        cut: whether text was left out because it was too long.
    """

    rows: Sequence[Row]
    state: Any = None
    cut: bool = False


OptionsT = TypeVar("OptionsT")


class Task(ABC, Generic[OptionsT]):
    """The halves of a task before and after the model.

    Args:
        tokenizer: an `AlbertTokenizer` or `AlbertTokenizerFast`.
        config: of the model.

    Raises:
        ValueError: the model cannot do this task.
    """

    name: ClassVar[str]
    """As `pipeline` takes it."""
    model_class: ClassVar[str]
    """PyTorch's name of the class of the model."""
    fields: ClassVar[tuple[str, ...]]
    """Fields of the model's output that `decode` reads."""
    per_token: ClassVar[bool]
    """Whether these are [B, S, ...], one entry for each token, or else [B, ...]."""
    axes: ClassVar[int] = 2
    """Axes of the model's `input_ids`: 2 for [B, S], 3 for [B, 1, S]."""
    keys: ClassVar[tuple[str, ...]]
    """Names that an input which is a dictionary may hold."""
    framework: str | None = None
    """The model's, once a pipeline has one: what `return_tensors=True` means."""
    options_class: type[OptionsT]
    """A frozen dataclass of what the caller may choose, with defaults and checks."""

    def __init__(self, tokenizer: Any, config: AlbertConfig) -> None:
        self.tokenizer = tokenizer
        self.config = config

    def arrange(self, *inputs: Any, **options: Any) -> tuple[Any, dict[str, Any]]:
        """Sort the arguments of a call.

        Args:
            *inputs: as given by position.
            **options: as given by name; `inputs` is what else goes by position.

        Returns:
            The inputs (one, or several in a list or anything that can be iterated)
                and the options.

        Raises:
            TypeError: there are no inputs, or too many.
        """
        if "inputs" in options:
            inputs = (options.pop("inputs"), *inputs)
        if len(inputs) != 1:
            raise TypeError(
                f"{self.name} takes one input, or several in a list, but was given "
                f"{len(inputs)} arguments."
            )
        return inputs[0], options

    @abstractmethod
    def encode(self, given: Any, options: OptionsT) -> Encoded:
        """Turn one input into rows.

        Args:
            given: the input.
            options: what the caller chose.

        Returns:
            The rows.

        Raises:
            TypeError: the input is of the wrong kind.
            ValueError: it cannot be processed.
        """

    @abstractmethod
    def decode(
        self, encoded: Encoded, outputs: Sequence[Outputs], options: OptionsT
    ) -> Any:
        """Turn the model's outputs into the answer.

        Args:
            encoded: of `encode`.
            outputs: of each row, in order; without padding.
            options: what the caller chose.

        Returns:
            The answer.
        """

    def present(
        self, answers: list[Any], alone: bool, chosen: Mapping[str, Any]
    ) -> Any:
        """Give the answers as users of transformers expect them.

        Args:
            answers: to one input, or to a list.
            alone: whether the input was not in a list.
            chosen: the options that the call named.

        Returns:
            The only answer if the input was alone, else the list.
        """
        return answers[0] if alone else answers


def changed(task: str, options: OptionsT, changes: Mapping[str, Any]) -> OptionsT:
    """Give options with some of them changed.

    Args:
        task: its name, for the error text.
        options: a frozen dataclass.
        changes: by name.

    Returns:
        A new object.

    Raises:
        TypeError: there is no such option.
        ValueError: a value is bad.
    """
    known = [field.name for field in dataclasses.fields(options)]  # pyright: ignore
    for name in changes:
        if name not in known:
            close = difflib.get_close_matches(name, known, 1)
            meant = f" (did you mean {close[0]}?)" if close else ""
            raise TypeError(
                f"{task} has no option {name!r}{meant}; it has {', '.join(known)}."
            )
    return dataclasses.replace(options, **changes)  # pyright: ignore
