"""What fine-tuning knows of a task: columns in, batches and figures out."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Generator, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from numbers import Integral
from typing import Any, ClassVar, NamedTuple

import numpy as np

from albert.common.config import AlbertConfig
from albert.common.records import Record
from albert.common.tasks.task import Encoded, Outputs, Row, Task

PROBLEMS = ("single-label", "multi-label", "regression")
"""What a text may get: one label, several, or a number."""


@dataclass(frozen=True)
class TaskSettings:
    """What decides how examples are read and cut.

    Fields:
        columns: role -> name of the column; those that are not here have defaults.
        problem: one of `PROBLEMS`, of text-classification.
        new_labels: whether labels are taken from the training data, though the model
            has names for its own.
        max_length: tokens of a row at most; None for what the model reads.
        stride: tokens that a window of a context shares with the one before it; None
            for the pipeline's choice, 128 or half a window.
        mask_probability: part of the tokens that fill-mask masks.
    """

    columns: Mapping[str, str] = field(default_factory=dict[str, str])
    problem: str = "single-label"
    new_labels: bool = False
    max_length: int | None = None
    stride: int | None = None
    mask_probability: float = 0.15

    def __post_init__(self) -> None:
        if self.problem not in PROBLEMS:
            raise ValueError(
                f"problem must be one of {', '.join(PROBLEMS)}, but is "
                f"{self.problem!r}."
            )
        if not 0 < self.mask_probability < 1:
            raise ValueError(
                f"mask_probability must be above 0 and below 1, but is "
                f"{self.mask_probability!r}."
            )


class Example(NamedTuple):
    """One row of the data.

    Fields:
        place: where it stands, for error texts.
        given: what the task's pipeline reads.
        target: what is to be learned, as it was read.
        name: its id, if it has one.
    """

    place: str
    given: Any
    target: Any = None
    name: Any = None


class Feature(NamedTuple):
    """One row of a batch.

    Fields:
        rows: the sequences; several for the choices of multiple choice.
        labels: argument of the model -> a number, or an array along the sequence.
        number: of the row, from 0, over all features.
    """

    rows: Sequence[Row]
    labels: Mapping[str, Any]
    number: int = 0


class Scored(NamedTuple):
    """How good a model is on examples.

    Fields:
        figures: numbers by name.
        predictions: for each example, as JSON holds them.
        constant: what the model answers to all examples, though it should not; None
            if answers differ.
    """

    figures: dict[str, float]
    predictions: list[dict[str, Any]]
    constant: str | None = None


class Kind(ABC):
    """A task as fine-tuning sees it.

    Args:
        tokenizer: of the model.
        config: of the model that is trained, with its labels.
        settings: what the caller chose.
    """

    name: ClassVar[str]
    """As the command line has it."""
    roles: ClassVar[Mapping[str, tuple[str, ...]]]
    """What a row holds -> names of columns that are looked for."""
    optional: ClassVar[tuple[str, ...]] = ()
    """Roles that may be missing."""
    counted: ClassVar[str] = "labels"
    """Argument of the model whose labels the loss is a mean of."""
    main: str
    """The figure by which the best checkpoint is chosen; more is better."""
    task: Task[Any]
    """The halves before and after the model."""

    def __init__(
        self, tokenizer: Any, config: AlbertConfig, settings: TaskSettings
    ) -> None:
        self.tokenizer, self.config, self.settings = tokenizer, config, settings

    @classmethod
    @abstractmethod
    def example(cls, place: str, row: Mapping[str, Any]) -> Example:
        """Make an example of a row.

        Args:
            place: where it stands.
            row: by role.

        Returns:
            The example.

        Raises:
            ValueError: a value is of the wrong kind.
        """

    @classmethod
    def changes(
        cls, examples: Sequence[Example], config: AlbertConfig, settings: TaskSettings
    ) -> dict[str, Any]:
        """Give what the model's configuration must have for these examples.

        Args:
            examples: to train on.
            config: as it is.
            settings: what the caller chose.

        Returns:
            Fields of the configuration.

        Raises:
            ValueError: the labels do not fit.
        """
        return {}

    @abstractmethod
    def features(self, example: Example) -> list[Feature]:
        """Cut an example into rows to train on.

        Args:
            example: one.

        Returns:
            The rows; none if there is nothing to learn from it.

        Raises:
            TypeError: a value is of the wrong kind.
            ValueError: it cannot be used.
        """

    @abstractmethod
    def encode(self, example: Example) -> Encoded:
        """Cut an example into rows to answer.

        Args:
            example: one.

        Returns:
            The rows.
        """

    @abstractmethod
    def score(
        self,
        examples: Sequence[Example],
        encoded: Sequence[Encoded],
        outputs: Sequence[Sequence[Outputs]],
    ) -> Scored:
        """Compare answers with what is right.

        Args:
            examples: with targets.
            encoded: of `encode`.
            outputs: of the rows of each example.

        Returns:
            The figures and the answers.
        """

    def vary(
        self,
        batch: dict[str, np.ndarray],
        seed: int,
        epochs: Sequence[int],
        numbers: Sequence[int],
    ) -> dict[str, np.ndarray]:
        """Change a batch by what differs between epochs.

        Args:
            batch: padded.
            seed: of what is drawn.
            epochs: of each row.
            numbers: of each row.

        Returns:
            The batch to train on.
        """
        return batch


def read_examples(
    kind: type[Kind], source: str, records: Iterable[Record], columns: Mapping[str, str]
) -> list[Example]:
    """Read examples.

    Args:
        kind: the task.
        source: name of the input, for error texts.
        records: its rows.
        columns: role -> name of the column, where the defaults are not right.

    Returns:
        The examples, in order.

    Raises:
        ValueError: there is none, or a column is missing, or a value is wrong; the text
            names the row.
    """
    for role in columns:
        if role not in kind.roles:
            raise ValueError(
                f"columns must be among {', '.join(kind.roles)} for {kind.name}, but "
                f"has {role!r}."
            )
    found = list(_examples(kind, records, columns))
    if not found:
        raise ValueError(f"input {source!r} holds no row: give one with examples.")
    return found


def _examples(
    kind: type[Kind], records: Iterable[Record], columns: Mapping[str, str]
) -> Generator[Example]:
    for place, held in records:
        row: dict[str, Any] = {}
        for role, known in kind.roles.items():
            name = columns.get(role) or next((one for one in known if one in held), "")
            if name in held:
                row[role] = held[name]
            elif role in columns or role not in kind.optional:
                raise ValueError(
                    f"{place}: has no column {name or role!r} for {role}; it has "
                    f"{', '.join(held)}. Say which it is, such as --column "
                    f"{role}={next(iter(held), 'name')}."
                )
        yield kind.example(place, row)


def text_in(place: str, role: str, value: Any) -> str:
    """Give a text that a row must hold.

    Args:
        place: of the row.
        role: what it is.
        value: as read.

    Returns:
        The text.

    Raises:
        ValueError: it is none, or empty.
    """
    if not isinstance(value, str) or not value.strip():
        raise ValueError(
            f"{place}: {role} must be a text that is not empty, but is {value!r}."
        )
    return value


def index_in(place: str, role: str, value: Any, size: int) -> int:
    """Give a number from 0 that a row must hold.

    Args:
        place: of the row.
        role: what it is.
        value: as read; a number, or its digits.
        size: one more than the greatest.

    Returns:
        The number.

    Raises:
        ValueError: it is none, or out of range.
    """
    number = whole(value)
    if number is None or not 0 <= number < size:
        raise ValueError(
            f"{place}: {role} must be a whole number from 0 to {size - 1}, but is "
            f"{value!r}."
        )
    return number


def whole(value: Any) -> int | None:
    """Give a whole number that is one, or is written as one; None for all else."""
    if isinstance(value, str) and value.strip().lstrip("-").isdecimal():
        return int(value)
    if isinstance(value, bool) or not isinstance(value, Integral):
        return None
    return int(value)


def log_likelihood(logits: np.ndarray, right: int) -> float:
    """Give the logarithm of the probability of the right class.

    Args:
        logits: float [K].
        right: the class.

    Returns:
        The logarithm, in nats.
    """
    wide = np.asarray(logits, np.float64)
    wide = wide - wide.max()
    return float(wide[right] - np.log(np.exp(wide).sum()))
