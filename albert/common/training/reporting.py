"""What a run shows: a progress bar, TensorBoard's event files, a plot at the end."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from albert.common.files import atomic_path

PLOT_FILE = "loss.png"
_EVENTS = "events"
_LINES = (
    ("mlm_loss", "masked words, training", "#1f5fa8", "-"),
    ("eval_mlm_loss", "masked words, held out", "#1f5fa8", "o--"),
    ("sop_loss", "sentence order, training", "#c8501e", "-"),
    ("eval_sop_loss", "sentence order, held out", "#c8501e", "o--"),
    ("task_loss", "training", "#1f5fa8", "-"),
    ("eval_task_loss", "held out", "#1f5fa8", "o--"),
)


class Reporter:
    """Shows a run while it goes, and draws it at its end.

    Args:
        folder: of the run; events go to `events/`, the plot to `loss.png`.
        steps: of the whole run.
        quiet: whether to show no bar; None if the output is no terminal.
        writes: whether this process does; only one of those that train together.

    Raises:
        ImportError: a library of the extra "train" is not installed.
    """

    def __init__(
        self,
        folder: Path,
        steps: int,
        quiet: bool | None = None,
        writes: bool = True,
    ) -> None:
        self.folder, self.steps, self.writes = folder, steps, writes
        self.quiet = not sys.stderr.isatty() if quiet is None else quiet
        self.tokens, self.seconds = 0, 0.0
        self._writing = _needed("tensorboardX")
        _needed("matplotlib")

    def start(self, step: int) -> None:
        """Begin.

        Args:
            step: optimizer steps that are done already. Events of later ones, of a
                run that was killed, are marked as outdated.
        """
        from tqdm import tqdm

        if not self.writes:
            return
        self._events = self._writing.SummaryWriter(
            str(self.folder / _EVENTS), purge_step=step + 1
        )
        self._bar = tqdm(
            total=self.steps, initial=step, unit="step", disable=self.quiet
        )

    def advance(self, tokens: int, seconds: float) -> None:
        """Count a step.

        Args:
            tokens: real ones, without padding.
            seconds: that it took.
        """
        if not self.writes:
            return
        self.tokens += tokens
        self.seconds += seconds
        self._bar.update()

    def show(self, line: Mapping[str, Any]) -> None:
        """Show a line of the log.

        Args:
            line: numbers by name, "step" among them.
        """
        if not self.writes:
            return
        for name, number in line.items():
            if name != "step":
                self._events.add_scalar(name, number, line["step"])
        if self.seconds:
            rate = self.tokens / self.seconds
            self._events.add_scalar("tokens_per_second", rate, line["step"])
            self._bar.set_postfix_str(f"{_short(line)}, {rate:,.0f} tokens/s")
        self.tokens, self.seconds = 0, 0.0

    def finish(self, lines: Sequence[Mapping[str, Any]]) -> None:
        """Close the files and draw the losses.

        Args:
            lines: the whole log.
        """
        if not self.writes:
            return
        self._bar.close()
        self._events.close()
        draw(lines, self.folder / PLOT_FILE)


def draw(lines: Sequence[Mapping[str, Any]], file: Path) -> None:
    """Draw the losses over the steps.

    Args:
        lines: of the log.
        file: the PNG, written whole or not at all.
    """
    figure_module = importlib.import_module("matplotlib.figure")
    figure = figure_module.Figure(figsize=(8, 4.5), layout="constrained")
    axes = figure.subplots()
    for name, title, colour, style in _LINES:
        points = [(line["step"], line[name]) for line in lines if name in line]
        if points:
            axes.plot(*zip(*points, strict=True), style, color=colour, label=title)
    axes.set_xlabel("optimizer steps")
    axes.set_ylabel("loss (nats)")
    axes.grid(alpha=0.3)
    if axes.lines:
        axes.legend()
    with atomic_path(file) as temporary:
        figure.savefig(temporary, format="png", dpi=120)


def _short(line: Mapping[str, Any]) -> str:
    return ", ".join(
        f"{name.replace('_', ' ')} {line[name]:.3f}"
        for name, *_ in _LINES
        if name in line
    )


def _needed(library: str) -> Any:
    try:
        return importlib.import_module(library)
    except ModuleNotFoundError:
        raise ImportError(
            f'training needs {library}: pip install "albert-models[train]"'
        ) from None
