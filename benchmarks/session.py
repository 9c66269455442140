"""One run of the harness: its sizes, its environments, and what it has found so far."""

from __future__ import annotations

import os
import statistics
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from benchmarks import alternate, contenders, machine, targets
from benchmarks.alternate import Ratio
from benchmarks.targets import Line


@dataclass(frozen=True)
class Plan:
    """How much is measured.

    Args:
        preset: of the model.
        overrides: of its configuration.
        rounds: of A B A B at least, and at most where noise leaves it open.
        turn: seconds of a turn.
        shapes: of the targets that are measured.
        training: shape of the training step.
        information: whether what nothing is asked of is measured, too.
        first_calls: rounds of first calls, each in a fresh process.
        depths: of the model whose first call is measured.
        texts: of the mixed set that are used; None for all.
        long_texts: of them, SQuAD's paragraphs.
        pipeline_layers: of the model that answers them; None for all.
        pipeline_turns: into which the peer's one pass over them is cut.
        pretraining: batch and length.
        pretraining_rounds: of A B A B.
        cold_starts: rounds of whole processes, by framework.
        sentences: on which int8 is compared with float32.
        growth: whether item 8 is measured.
        patience: seconds after which noise is met with no more rounds than the least.
    """

    preset: str = "albert-base-v2"
    overrides: dict[str, Any] = field(default_factory=dict)
    rounds: tuple[int, int] = (5, 9)
    turn: float = 0.2
    shapes: tuple[targets.Shape, ...] = targets.SHAPES
    training: targets.Shape = (8, 128)
    information: bool = True
    first_calls: int = 3
    depths: tuple[int, int] = (12, 24)
    texts: int = 510
    long_texts: int = 90
    pipeline_layers: int | None = None
    pipeline_turns: int = 4
    pretraining: targets.Shape = (32, 512)
    pretraining_rounds: int = 2
    cold_starts: dict[str, int] = field(
        default_factory=lambda: {"pt": 5, "tf": 5, "flax": 5}
    )
    sentences: int = 300
    growth: bool = False
    patience: float = float("inf")


@dataclass
class Session:
    """What the measurements share.

    Args:
        plan: sizes.
        environments: folder of the peers' environments.
        data: folder of UD EWT and SQuAD, or None for made-up texts.
        scratch: folder for files of this run.
    """

    plan: Plan
    environments: Path
    data: Path | None
    scratch: Path
    lines: list[Line] = field(default_factory=list)
    samples: list[dict[str, Any]] = field(default_factory=list)
    peaks: dict[str, float] = field(default_factory=dict)
    versions: dict[str, dict[str, str]] = field(default_factory=dict)
    notes: dict[str, Any] = field(default_factory=dict)
    begun: float = field(default_factory=time.perf_counter)
    work: float = field(default_factory=lambda: machine.work() - machine.own_work())

    def hurries(self) -> bool:
        """Whether the plan's patience is used up."""
        return time.perf_counter() - self.begun > self.plan.patience

    def others(self) -> float:
        """Give the share of the cores that other processes have used meanwhile.

        What they take is missing from what is measured, in the peak, too.
        """
        spent = (time.perf_counter() - self.begun) * len(os.sched_getaffinity(0))
        return max(0.0, machine.work() - machine.own_work() - self.work) / spent

    def config(self, **overrides: Any) -> dict[str, Any]:
        """Give the configuration of this run's models, with some fields different."""
        chosen = {**self.plan.overrides, **overrides}
        return contenders.settings(self.plan.preset, **chosen)

    def started(self, names: Sequence[str], **options: Any) -> Any:
        """Start contenders; see `benchmarks.contenders.started`.

        Args:
            names: of contenders.
            **options: of the workers; `config` for another configuration.
        """
        config = options.pop("config", None) or self.config()
        return contenders.started(names, self.environments, config, **options)

    def seen(self, workers: dict[str, Any]) -> None:
        """Remember the versions that workers run."""
        for name, worker in workers.items():
            self.versions[name] = worker.ready()["versions"]

    def keep(self, what: str, shape: str, samples: alternate.Samples) -> None:
        """Keep what was measured for the result's file."""
        for seat, seconds in samples.items():
            self.samples.append(
                {"what": what, "shape": shape, "seat": seat, "seconds": seconds}
            )

    def add(self, line: Line) -> None:
        """Keep and print a line."""
        self.lines.append(line)
        print(line, flush=True)

    def say(self, what: str) -> None:
        """Say on stderr what is being measured."""
        spent = time.perf_counter() - self.begun
        print(f"[{spent:4.0f} s] {what}", file=sys.stderr, flush=True)

    def compare(
        self,
        item: int,
        what: str,
        shape: str,
        ours: tuple[str, Sequence[float]],
        peer: tuple[str, Sequence[float]],
        wanted: float | None,
        show: Callable[[float], str],
        aim: bool = False,
        note: str = "",
        verdict: str | None = None,
    ) -> Ratio:
        """Judge figures of the same rounds, and add the line.

        Args:
            item: number in the issue.
            what: is compared.
            shape: at which.
            ours: name, and figures of which less is better.
            peer: likewise.
            wanted: least ratio of the peer's to ours.
            show: writes a figure with its unit.
            aim: see `targets.Target`.
            note: see `targets.Line`.
            verdict: by something else than the ratio; None if that judges.

        Returns:
            The ratio.
        """
        found = alternate.ratio(ours[1], peer[1])
        left, right = (f"{name} {show(median(some))}" for name, some in (ours, peer))
        judged = verdict or targets.verdict(found, wanted, aim)
        self.add(Line(item, what, shape, left, right, *found, wanted, judged, note))
        return found


def median(values: Sequence[float]) -> float:
    """Give the middle value."""
    return statistics.median(values)


def milliseconds(seconds: float) -> str:
    """Write seconds as milliseconds, with three figures or more."""
    return f"{seconds * 1e3:.3g} ms" if seconds < 1 else f"{seconds * 1e3:.0f} ms"


def in_seconds(seconds: float) -> str:
    """Write seconds."""
    return f"{seconds:.3g} s"


def megabytes(size: float) -> str:
    """Write bytes as megabytes."""
    return f"{size / 1e6:.0f} MB"


def shape_text(shape: targets.Shape) -> str:
    """Write batch and length."""
    return f"{shape[0]}x{shape[1]}"
