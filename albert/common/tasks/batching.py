"""Rows to batches of like lengths, and the outputs back to rows.

Letters: B batch, S sequence, M places that are wanted.
"""

from __future__ import annotations

import sys
from collections.abc import Generator, Mapping, Sequence
from functools import cache
from typing import Any, NamedTuple, Protocol

import numpy as np

from albert.common.config import AlbertConfig
from albert.common.inputs import check_shapes, check_values
from albert.common.tasks.task import Outputs, Row, Task


class Runner(Protocol):
    """A model as tasks call it; each backend's `runner.py` has one."""

    model: Any
    """Its `config` says which ids it reads."""
    bucketed: bool
    """Whether each new shape costs a compilation, so that few shapes are better."""

    def __call__(
        self,
        inputs: Mapping[str, np.ndarray],
        fields: Sequence[str],
        at: np.ndarray | None = None,
    ) -> dict[str, np.ndarray]:
        """Compute some fields of the output, `at` some places [B, M] or all."""
        ...


class Batch(NamedTuple):
    """Rows that are computed together.

    Fields:
        members: number of each row in the sequence of rows.
        inputs: arguments of the model, padded. There may be more rows than members;
            those behind are hidden by the mask.
        at: int [B, M], padded with 0; None for all places.
    """

    members: tuple[int, ...]
    inputs: dict[str, np.ndarray]
    at: np.ndarray | None


_LENGTHS = (8, 16, 24, 32, 48, 64, 96, 128, 192, 256, 384, 512)
"""Lengths of bucketed batches, and above them the multiples of the last."""

_OVERHEAD = 8
"""What a batch costs by itself, in tokens for each row that it may have."""

_COMPILATION = 16
"""What a shape costs that a stream of bucketed batches has not had, in the same unit.

It takes longer than that, but is paid once, and padding again in each window.
"""

Sizes = set[tuple[int, int]]
"""Numbers of rows and lengths of the batches of a stream so far."""


def check_rows(rows: Sequence[Row], config: AlbertConfig) -> None:
    """Refuse rows that the model cannot read, before they are in a batch.

    Args:
        rows: of one input.
        config: of the model.

    Raises:
        ValueError: a row is empty or too long, or an id is out of range, as those of
            another model's tokenizer may be.
    """
    for row in rows:
        shape = (1, len(row.input_ids))
        check_shapes(
            config,
            {
                "input_ids": shape,
                "attention_mask": None,
                "token_type_ids": (1, len(row.token_type_ids)),
                "position_ids": None,
                "inputs_embeds": None,
            },
        )
        largest = row.input_ids.max()
        if largest >= config.vocab_size:
            raise ValueError(
                f"the tokenizer gives the id {largest}, but the model reads ids below "
                f"vocab_size={config.vocab_size}: use the model's own tokenizer, or "
                f"call model.resize_token_embeddings(len(tokenizer))."
            )
        check_values("input_ids", row.input_ids, config.vocab_size, "vocab_size")
        check_values(
            "token_type_ids",
            row.token_type_ids,
            config.type_vocab_size,
            "type_vocab_size",
        )


def compute(
    runner: Runner,
    task: Task[Any],
    rows: Sequence[Row],
    batch_size: int,
    seen: Sizes | None = None,
) -> list[Outputs]:
    """Run the model on rows, in batches of like lengths.

    Args:
        runner: the model.
        task: whose rows they are.
        rows: any number.
        batch_size: rows in a batch at most.
        seen: as in `make_batches`.

    Returns:
        The outputs of each row, in the order of the rows, without padding. Each array
            has memory of its own, so that one that is kept keeps no batch.

    Raises:
        ValueError: some rows have `at` and others not.
    """
    longest = task.config.max_position_embeddings if runner.bucketed else None
    pad_id = task.tokenizer.pad_token_id
    found: list[Outputs] = [{}] * len(rows)
    for batch in make_batches(rows, batch_size, pad_id, longest, seen):
        inputs = batch.inputs
        if task.axes == 3:
            inputs = {name: array[:, None] for name, array in inputs.items()}
        outputs = runner(inputs, task.fields, batch.at)
        for number, member in enumerate(batch.members):
            length = _length(rows[member]) if task.per_token else None
            found[member] = {
                name: array[number][:length].copy() for name, array in outputs.items()
            }
    return found


def make_batches(
    rows: Sequence[Row],
    batch_size: int,
    pad_id: int,
    longest: int | None = None,
    seen: Sizes | None = None,
) -> Generator[Batch]:
    """Put rows of like lengths together.

    Args:
        rows: any number; either all or none with `at`.
        batch_size: rows in a batch at most.
        pad_id: id of the padding token.
        longest: the greatest length of all; then shapes are rounded up, so that there
            are few. None rounds nothing.
        seen: sizes that rounded batches before had, which are taken again where that
            pads little; those of these batches are added. None for none before.

    Yields:
        Batches, the longest rows first: what does not fit in memory fails at once.

    Raises:
        ValueError: some rows have `at` and others not.
    """
    if len({row.at is None for row in rows}) > 1:
        raise ValueError("either all rows must have places (at), or none.")
    order = sorted(range(len(rows)), key=lambda number: -len(rows[number].input_ids))
    shapes = _Shapes(batch_size, longest, set() if seen is None else seen)
    lengths = [len(rows[member].input_ids) for member in order]
    for start, end, size in shapes.divide(lengths):
        members = order[start:end]
        chosen = [rows[member] for member in members]
        places = [len(row.at) for row in chosen if row.at is not None]
        at = (size[0], shapes.places(max(places))) if places else None
        yield _pad(chosen, members, pad_id, size, at)


class _Shapes(NamedTuple):
    """The shapes that batches may have."""

    batch_size: int
    longest: int | None
    seen: Sizes

    def number(self, number: int) -> int:
        """Round a number of rows up: to 1, 2, 4, ... or all that there may be."""
        if self.longest is None or not number:
            return number
        return min(1 << (number - 1).bit_length(), self.batch_size)

    def length(self, length: int) -> int:
        """Round a length up."""
        if self.longest is None:
            return length
        step = _LENGTHS[-1]
        beyond = -(-length // step) * step
        return min(next((n for n in _LENGTHS if n >= length), beyond), self.longest)

    def places(self, number: int) -> int:
        """Round a number of places up, to 1, 4, 16, ..."""
        power = 1
        while power < number:
            power *= 4
        return number if self.longest is None else power

    def fit(self, number: int, length: int) -> tuple[int, tuple[int, int]]:
        """Choose the size of a batch: its own, or one that was seen and holds it.

        Args:
            number: of rows, rounded up.
            length: of the longest, rounded up.

        Returns:
            Cost in tokens, and number and length that are computed.
        """
        own = number, length
        if self.longest is None or own in self.seen:
            return number * length, own
        held = [size for size in self.seen if size[0] >= number and size[1] >= length]
        costs = [(rows * most, (rows, most)) for rows, most in held]
        return min([(number * length + _COMPILATION * self.batch_size, own), *costs])

    def divide(self, lengths: Sequence[int]) -> list[tuple[int, int, tuple[int, int]]]:
        """Divide rows into batches so that the least is computed.

        Args:
            lengths: of the rows, the longest first.

        Returns:
            Start and end of each batch, and its size, in order.
        """
        # Every row may begin a batch; with very large batches only some may.
        fine = max(self.batch_size // 32, 1)
        step = next(n for n in range(fine, 0, -1) if self.batch_size % n == 0)
        ends = [*range(0, len(lengths), step), len(lengths)]
        most = self.batch_size // step
        numbers = [self.number(number) for number in range(self.batch_size + 1)]
        padded = [self.length(length) for length in lengths]
        overhead = _OVERHEAD * self.batch_size
        fit = cache(self.fit)
        # Of each place: the least cost of the rows before it, and where the last batch
        # of them starts.
        costs, starts = [0], [0]
        for place, end in enumerate(ends[1:], start=1):
            best, start = sys.maxsize, place - 1
            for before in range(max(0, place - most), place):
                first = ends[before]
                cost = costs[before] + fit(numbers[end - first], padded[first])[0]
                if cost < best:
                    best, start = cost, before
            costs.append(best + overhead)
            starts.append(start)
        batches: list[tuple[int, int, tuple[int, int]]] = []
        place = len(ends) - 1
        while place > 0:
            start, end = ends[starts[place]], ends[place]
            _, size = fit(numbers[end - start], padded[start])
            batches.append((start, end, size))
            place = starts[place]
        self.seen.update(size for _, _, size in batches)
        return batches[::-1]


def _pad(
    rows: Sequence[Row],
    members: Sequence[int],
    pad_id: int,
    shape: tuple[int, int],
    places: tuple[int, int] | None,
) -> Batch:
    inputs = {
        "input_ids": np.full(shape, pad_id, np.int32),
        "attention_mask": np.zeros(shape, np.int32),
        "token_type_ids": np.zeros(shape, np.int32),
    }
    at = None if places is None else np.zeros(places, np.int32)
    for index, row in enumerate(rows):
        size = len(row.input_ids)
        inputs["input_ids"][index, :size] = row.input_ids
        inputs["attention_mask"][index, :size] = 1
        inputs["token_type_ids"][index, :size] = row.token_type_ids
        if at is not None and row.at is not None:
            at[index, : len(row.at)] = row.at
    return Batch(tuple(members), inputs, at)


def _length(row: Row) -> int:
    return len(row.input_ids) if row.at is None else len(row.at)
