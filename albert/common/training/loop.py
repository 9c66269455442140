"""The training loop: the same for all frameworks, which only compute its steps."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path

import numpy as np

from albert.common.training.engines import Alone, Engine
from albert.common.training.objectives import Batch, Objective, cut
from albert.common.training.parts import Data, HeldOut, Judge, Trainer
from albert.common.training.reporting import Reporter
from albert.common.training.run_folder import RunFolder
from albert.common.training.scaling import LossScale
from albert.common.training.schedules import PolynomialDecay
from albert.common.training.settings import TrainingSettings


@dataclass
class Position:
    """Where a run stands, beside its weights: all of it is in a checkpoint.

    Fields:
        step: optimizer steps that are done.
        scale: of the loss.
        sums: of what the log's next line is the mean of, by name.
        summed: over how many steps.
    """

    step: int
    scale: LossScale
    sums: dict[str, float] = field(default_factory=dict[str, float])
    summed: int = 0

    def add(self, numbers: Mapping[str, float]) -> None:
        """Add a step's numbers."""
        for name, number in numbers.items():
            self.sums[name] = self.sums.get(name, 0.0) + number
        self.summed += 1

    def means(self) -> dict[str, float]:
        """Give the means since the last call, and start anew."""
        found = {name: total / self.summed for name, total in self.sums.items()}
        self.sums, self.summed = {}, 0
        return found


class Loop:
    """A run, from its last checkpoint to its end.

    Args:
        trainer: computes.
        data: gives the batches, or this process' slices of them.
        objective: what is minimised.
        settings: of the run.
        folder: where everything is written.
        reporter: shows progress.
        write_model: writes what users load into a checkpoint's folder.
        held_out: batches to evaluate on, likewise; None for no evaluation.
        judge: evaluates instead, and may end the run early; None for none.
        engine: the processes that train together; None for this one alone.
    """

    def __init__(
        self,
        trainer: Trainer,
        data: Data,
        objective: Objective,
        settings: TrainingSettings,
        folder: RunFolder,
        reporter: Reporter,
        write_model: Callable[[Path | None], None],
        held_out: HeldOut | None = None,
        judge: Judge | None = None,
        engine: Engine | None = None,
    ) -> None:
        self.trainer, self.data, self.objective = trainer, data, objective
        self.settings, self.folder, self.reporter = settings, folder, reporter
        self.write_model, self.held_out = write_model, held_out
        self.engine: Engine = engine or Alone()
        self.judge, self.enough = judge, False
        self.schedule = PolynomialDecay(
            settings.learning_rate,
            settings.steps,
            warmup_steps=settings.warmup_steps,
            power=settings.power,
        )
        self.position = Position(0, LossScale.of(settings.precision))

    def run(self) -> dict[str, float]:
        """Train to the end.

        Returns:
            The last line of the log: the last evaluation's figures, if there are any.

        Raises:
            ValueError: the loss or the gradients are no finite numbers.
            OSError: something cannot be written. The last checkpoint stays.
        """
        self._resume()
        self.reporter.start(self.position.step)
        while self.position.step < self.settings.steps and not self.enough:
            started = time.perf_counter()
            batch = self.data.batch(self.position.step)
            self._step(batch)
            # The other slices have about as many.
            tokens = int(np.sum(batch["attention_mask"])) * self.engine.part[1]
            self.reporter.advance(tokens, time.perf_counter() - started)
            self._write()
        self.engine.barrier()
        lines = self.folder.lines()
        self.reporter.finish(lines)
        return lines[-1]

    def _resume(self) -> None:
        checkpoints = self.folder.checkpoints()
        if checkpoints:
            arrays, state = self.folder.load(checkpoints[-1])
            self.trainer.load_model(checkpoints[-1])
            self.trainer.load_state(arrays)
            scale = LossScale(**state.pop("scale"))
            self.position = Position(scale=scale, **state)
        self._agree(self.position.step)
        self.folder.forget_after(self.position.step)
        self._ask()

    def _agree(self, step: int) -> None:
        """Refuse to train on where processes have read other checkpoints."""
        place, slices = self.engine.part
        first = self.engine.add_up({"step": 0 if place else step})["step"]
        wrong = self.engine.add_up({"wrong": float(step != first)})["wrong"]
        if slices > 1 and wrong:
            raise ValueError(
                f"process {self.engine.rank} stands at step {step}, and process 0 at "
                f"step {first:.0f}: all machines must see the same "
                f"{str(self.folder.path)!r}."
            )

    def _step(self, batch: Batch) -> None:
        position = self.position
        parts = cut(batch, self.settings.accumulation)
        numbers = self.trainer.step(
            parts,
            self.objective.shares(parts, batch, self.engine.add_up),
            position.step,
            self.schedule.rate(position.step),
            position.scale.value,
        )
        finite = math.isfinite(numbers["gradient_norm"])
        if not finite and not position.scale.may_skip:
            raise ValueError(
                f"step {position.step + 1}: the gradients' norm is "
                f"{numbers['gradient_norm']} and the loss {numbers['loss']}. Nothing "
                f"was changed by this step; the last checkpoint is as it was. A lower "
                f"learning_rate or more warmup_steps may help."
            )
        position.scale.update(finite)
        position.step += 1
        if finite:
            position.add(numbers)

    def _write(self) -> None:
        """Log, evaluate and save, where it is time for it."""
        settings, step = self.settings, self.position.step
        ends = step == settings.steps
        if (ends or step % settings.log_every == 0) and self.position.summed:
            rate = self.schedule.rate(step - 1)
            self._log({**self.position.means(), "learning_rate": rate})
        if self.held_out and (ends or step % settings.eval_every == 0):
            self._log(evaluate(self.trainer, self.held_out))
        if self.judge and (ends or step % settings.eval_every == 0):
            self._log(self.judge.evaluate(step, self.folder.lines()))
            self._ask()
        if ends or self.enough or step % settings.save_every == 0:
            state = asdict(self.position)
            self.folder.save(self.write_model, self.trainer.state(), state)
            if self.judge:
                self.judge.clear(self.folder.lines())

    def _ask(self) -> None:
        if self.judge:
            self.enough = self.judge.is_enough(self.folder.lines())

    def _log(self, numbers: Mapping[str, float]) -> None:
        line = {"step": self.position.step, **numbers}
        self.folder.log(line)
        self.reporter.show(line)


def evaluate(trainer: Trainer, held_out: HeldOut) -> dict[str, float]:
    """Compute the figures on held-out batches.

    Args:
        trainer: computes.
        held_out: the batches.

    Returns:
        "eval_mlm_loss" and "eval_mlm_accuracy", means over all labels, and the same of
        "sop"; what has no label is left out.
    """
    sums: dict[str, float] = {}
    for number in range(len(held_out)):
        for name, value in trainer.evaluate(held_out.batch(number)).items():
            sums[name] = sums.get(name, 0.0) + value
    found: dict[str, float] = {}
    for name in [key.removesuffix("_count") for key in sums if key.endswith("_count")]:
        count = sums[f"{name}_count"]
        if count:
            found[f"eval_{name}_loss"] = sums[f"{name}_loss"] / count
            found[f"eval_{name}_accuracy"] = sums[f"{name}_right"] / count
    return found
