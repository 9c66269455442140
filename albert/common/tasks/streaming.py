"""Inputs in, answers out, in order, with a bounded number of both in memory."""

from __future__ import annotations

import sys
from collections import deque
from collections.abc import Generator, Iterable, Iterator, Sequence
from contextlib import closing
from typing import Any, NamedTuple

from albert.common.tasks.batching import Runner, Sizes, check_rows, compute
from albert.common.tasks.notices import notify
from albert.common.tasks.task import Encoded, Outputs, Task

_BATCHES = 16
"""Batches' worth of inputs, or of rows, that are sorted by length together."""

_TOKENS = 64
"""Tokens for each of these inputs: fewer long texts make a window."""


class InputError(ValueError):
    """An input that could not be processed.

    Args:
        index: its number, from 0.
        cause: what was wrong.
    """

    def __init__(self, index: int, cause: Exception) -> None:
        super().__init__(f"input {index}: {cause}")
        self.index = index
        self.cause = cause
        self.__cause__ = cause

    def __reduce__(self) -> Any:
        return (InputError, (self.index, self.cause))


class _Broken(NamedTuple):
    """The end of inputs whose source raised an error."""

    error: Exception


_Read = tuple[int, Encoded | InputError | _Broken]
"""Number of an input, and what became of it."""


class Stream(NamedTuple):
    """What turns inputs into answers.

    Fields:
        task: the halves before and after the model.
        runner: the model.
        options: what the caller chose of the task.
        batch_size: rows in a batch at most.
        on_error: "raise", or "return" to give an `InputError` in the answer's place.
        first: number of the first input; the others are counted on from it.
        block: no inputs are computed together with those of another block of so many,
            and each block is read as the first one is. So the answers from the start of
            a block on are the same to the last bit, whether others went before or not.
            None for no blocks.
    """

    task: Task[Any]
    runner: Runner
    options: Any
    batch_size: int
    on_error: str = "raise"
    first: int = 0
    block: int | None = None

    def answers(self, inputs: Iterable[Any], together: bool = False) -> Generator[Any]:
        """Answer inputs.

        They are read a window ahead: one batch's worth at first, so that the first
        answers come soon, then twice as many each time, up to 16. With a `batch_size`
        of 1 each is answered before the next is read, as a dialogue needs it.

        Args:
            inputs: any number.
            together: whether nobody reads an answer before the last is there; then the
                windows are 16 batches from the start, which pads less.

        Yields:
            The answers, in order.

        Raises:
            InputError: an input cannot be processed, unless errors are returned; it
                comes after the answers to the inputs before. So does an error that
                `inputs` itself raises.

        Warns:
            UserWarning: a text was cut; said once.
        """
        numbered = enumerate(inputs, self.first)
        index, size, told = self.first, self.batch_size, False
        if together and size > 1:
            size *= _BATCHES
        seen: Sizes = set()
        while window := self._read(numbered, min(size, self._left(index))):
            if self._begins_block(index):
                seen.clear()
            index += len(window)
            told = told or _tell_of_cuts(window)
            yield from self._answer(window, seen)
            size = self._next_size(size, index)

    def answer(self, given: Any) -> Any:
        """Answer one input.

        Args:
            given: the input.

        Returns:
            The answer.

        Raises:
            TypeError: the input is of the wrong kind.
            ValueError: it cannot be processed.

        Warns:
            UserWarning: the text was cut.
        """
        encoded = self._encode(given)
        _tell_of_cuts([(0, encoded)])
        outputs = compute(self.runner, self.task, encoded.rows, self.batch_size)
        return self.task.decode(encoded, outputs, self.options)

    def _encode(self, given: Any) -> Encoded:
        encoded = self.task.encode(given, self.options)
        check_rows(encoded.rows, self.runner.model.config)
        return encoded

    def _read(self, numbered: Iterator[tuple[int, Any]], size: int) -> deque[_Read]:
        """Read on until there are `size` inputs, rows, or enough tokens."""
        window: deque[_Read] = deque()
        rows = tokens = index = 0
        while max(len(window), rows, tokens / _TOKENS) < size:
            try:
                index, given = next(numbered)
            except StopIteration:
                break
            except Exception as error:
                window.append((index, _Broken(error)))
                break
            try:
                found = self._encode(given)
            except (TypeError, ValueError) as error:
                window.append((index, InputError(index, error)))
                if self.on_error == "raise":
                    break
                continue
            window.append((index, found))
            rows += len(found.rows)
            tokens += sum(len(row.input_ids) for row in found.rows)
        return window

    def _left(self, index: int) -> int:
        """Tell how many inputs there are from this one to the end of its block."""
        return sys.maxsize if self.block is None else self.block - index % self.block

    def _next_size(self, size: int, index: int) -> int:
        if self.batch_size == 1 or self._begins_block(index):
            return self.batch_size
        return min(2 * size, self.batch_size * _BATCHES)

    def _begins_block(self, index: int) -> bool:
        return self.block is not None and index % self.block == 0

    def _answer(self, window: deque[_Read], seen: Sizes) -> Generator[Any]:
        """Answer a window, and let go of each input and its outputs on the way."""
        rows = [
            row for _, one in window if isinstance(one, Encoded) for row in one.rows
        ]
        outputs = deque(compute(self.runner, self.task, rows, self.batch_size, seen))
        while window:
            index, one = window.popleft()
            if isinstance(one, Encoded):
                own = [outputs.popleft() for _ in one.rows]
                yield self._decode(index, one, own)
            elif isinstance(one, _Broken):
                raise one.error
            elif self.on_error == "raise":
                raise one
            else:
                yield one

    def _decode(self, index: int, encoded: Encoded, outputs: Sequence[Outputs]) -> Any:
        try:
            return self.task.decode(encoded, outputs, self.options)
        except (TypeError, ValueError) as error:
            if self.on_error == "return":
                return InputError(index, error)
            raise InputError(index, error) from error


def with_progress(
    answers: Generator[Any], total: int | None, progress: bool | None, long: int
) -> Generator[Any]:
    """Show on stderr how far a stream has come.

    Args:
        answers: to pass on; closed at the end, or with the result.
        total: how many there will be; None if it is not known.
        progress: whether to show it; None shows it on a terminal, if there are more
            than `long` answers or it is not known how many.
        long: see `progress`.

    Yields:
        The same.
    """
    if progress is None:
        terminal = sys.stderr is not None and sys.stderr.isatty()
        progress = terminal and (total is None or total > long)
    with closing(answers):
        if not progress:
            yield from answers
            return
        # Importing it costs more than many a call.
        from tqdm import tqdm

        with tqdm(total=total, unit="inputs") as bar:
            for answer in answers:
                yield answer
                bar.update()


def _tell_of_cuts(window: Iterable[_Read]) -> bool:
    for index, found in window:
        if isinstance(found, Encoded) and found.cut:
            notify(
                f"input {index} is longer than its limit and is cut; so will be "
                f"others that are (this is said once)."
            )
            return True
    return False
