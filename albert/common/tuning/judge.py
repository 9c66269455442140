"""Evaluation while a task is learned: figures, the best checkpoint, when to stop."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from albert.common.tasks.batching import Sizes, check_rows, compute
from albert.common.tasks.task import Encoded
from albert.common.training.run_folder import RunFolder
from albert.common.tuning.kind import Example, Kind, Scored

_PREFIX = "best-"
_EVAL = "eval_"

Line = Mapping[str, Any]


class Answers:
    """Answers of a model to examples, and how good they are.

    Args:
        kind: the task.
        examples: at least one.
        runner: of the model, which may change.
        batch_size: rows in a batch at most.

    Raises:
        ValueError: an example cannot be used; the text names it.
    """

    def __init__(
        self, kind: Kind, examples: Sequence[Example], runner: Any, batch_size: int
    ) -> None:
        self._kind, self._examples = kind, examples
        self._runner, self._batch_size = runner, batch_size
        self._encoded = [_encoded(kind, example) for example in examples]
        self._seen: Sizes = set()

    def score(self) -> Scored:
        """Answer all of them, with the model as it is now.

        Returns:
            The figures and the answers.
        """
        rows = [row for one in self._encoded for row in one.rows]
        outputs = compute(
            self._runner, self._kind.task, rows, self._batch_size, self._seen
        )
        parted: list[list[Any]] = []
        first = 0
        for one in self._encoded:
            parted.append(outputs[first : first + len(one.rows)])
            first += len(one.rows)
        return self._kind.score(self._examples, self._encoded, parted)


class Judge:
    """Evaluates a run, keeps its best model and says when it gets no better.

    All that it knows of evaluations before stands in the log, so a run that goes on
    after it was stopped judges as it would have.

    Args:
        answers: to the held-out examples.
        main: name of the figure that counts; more is better.
        patience: evaluations without a better one after which a run ends; 0 for never.
        rate: of learning, for what is said of a collapse.
        folder: of the run; the best model is in `best-…/` of it.
        write_model: writes the model as it is now.
    """

    def __init__(
        self,
        answers: Answers,
        main: str,
        patience: int,
        rate: float,
        folder: RunFolder,
        write_model: Callable[[Path], None],
    ) -> None:
        self._answers, self._main = answers, _EVAL + main
        self._patience, self._rate = patience, rate
        self._folder, self._write_model = folder, write_model

    def evaluate(self, step: int, lines: Sequence[Line]) -> dict[str, float]:
        """Evaluate, and keep the model if it is the best so far.

        Args:
            step: optimizer steps that are done.
            lines: of the log so far.

        Returns:
            The figures, each with "eval_" in front.

        Warns:
            UserWarning: the model answers the same to everything.
        """
        scored = self._answers.score()
        tell_of_collapse(scored, step, self._rate)
        figures = {_EVAL + name: value for name, value in scored.figures.items()}
        best = self.best(lines)
        if best is None or figures[self._main] > best[self._main]:
            with self._folder.new(_name(step)) as staged:
                self._write_model(staged)
        return figures

    def best(self, lines: Sequence[Line]) -> Line | None:
        """Give the line of the best evaluation, the first of equals.

        Args:
            lines: of the log.

        Returns:
            The line; None if there was no evaluation.
        """
        judged = [line for line in lines if self._main in line]
        return max(judged, key=lambda line: line[self._main], default=None)

    def is_enough(self, lines: Sequence[Line]) -> bool:
        """Say whether the last evaluations have brought nothing.

        Args:
            lines: of the log.

        Returns:
            Whether.
        """
        judged = [line for line in lines if self._main in line]
        best = self.best(judged)
        if not self._patience or best is None:
            return False
        since = sum(line["step"] > best["step"] for line in judged)
        return since >= self._patience

    def kept(self, lines: Sequence[Line]) -> Path:
        """Give the folder of the best model.

        Args:
            lines: of the log.

        Returns:
            The folder.
        """
        best = self.best(lines)
        assert best is not None
        return self._folder.path / _name(best["step"])

    def clear(self, lines: Sequence[Line]) -> None:
        """Remove the models that are no longer the best.

        Args:
            lines: of a log that the run never goes back behind, since a checkpoint
                stands at its end.
        """
        kept = self.kept(lines) if self.best(lines) else None
        for path in self._folder.path.glob(_PREFIX + "*"):
            if path != kept:
                self._folder.remove(path)


def tell_of_collapse(scored: Scored, step: int, rate: float) -> None:
    """Warn if a model answers the same to everything.

    Args:
        scored: its answers.
        step: optimizer steps that are done.
        rate: of learning.

    Warns:
        UserWarning: it does.
    """
    if scored.constant:
        warnings.warn(
            f"COLLAPSED after step {step}: the model gives {scored.constant} to all "
            f"{len(scored.predictions)} examples. Early in a run it may have learned "
            f"nothing yet; if it stays so, start again with a lower --learning-rate, "
            f"such as {rate / 3:.2g}, a longer --warmup or another --seed.",
            stacklevel=3,
        )


def _name(step: int) -> str:
    return f"{_PREFIX}{step:08d}"


def _encoded(kind: Kind, example: Example) -> Encoded:
    try:
        found = kind.encode(example)
        check_rows(found.rows, kind.config)
    except (TypeError, ValueError) as error:
        raise ValueError(f"{example.place}: {error}") from None
    return found
