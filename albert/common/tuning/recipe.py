"""How long and how fast to fine-tune, where the user does not say."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

from albert.common.config import AlbertConfig
from albert.common.training.rules import OptimizerSettings
from albert.common.training.settings import TrainingSettings

_RATES = ((1500, 5e-6), (1000, 1e-5), (512, 2e-5))
"""Least width -> rate, the widest first."""


def default_rate(config: AlbertConfig) -> float:
    """Give a learning rate that is safe for a model's size.

    Safe means low. The paper's rates, 1e-5 to 5e-5, are by task, and it names no size.
    Users whose models gave one answer to everything were cured by lower ones: an xlarge
    by 5e-6 (google-research/google-research issue 151), where 2e-5 made another's loss
    swing (brightmart/albert_zh issue 56); a base in KerasHub (its issue 831) by 1e-5,
    which is KerasHub's default for all sizes, without a warm-up. What a size gets of
    these is our choice. For models narrower than the published ones no source gives a
    rate; theirs is ours, tried on the checkpoint in the package.

    Args:
        config: its `hidden_size` counts.

    Returns:
        5e-6 for xxlarge (4096) and xlarge (2048), 1e-5 for large (1024), 2e-5 for base
        (768), 5e-4 for less than 512.

    Source: ALBERT paper (arXiv 1909.11942v6), table 14; the threads above.
    """
    return next((rate for size, rate in _RATES if config.hidden_size >= size), 5e-4)


@dataclass(frozen=True)
class Recipe:
    """What decides a run's length and speed.

    Fields:
        epochs: how often each row is seen, if `steps` is None.
        steps: optimizer steps.
        batch_size: rows of a step.
        accumulation: parts that a step's rows are cut into.
        learning_rate: at the schedule's top; None for `default_rate`.
        warmup: part of the steps in which the rate rises from 0. The paper's table has
            numbers of steps; they are 6 % (CoLA, 320 of 5336) to 25 % (RTE, MRPC).
        optimizer: which one; AdamW as in the original's fine-tuning.
        precision: of the arithmetic.
        recompute: whether layers are computed again in the backward pass.
        freeze: "embeddings" or "encoder", which stay as they are; None for neither.
        seed: of new weights, order, masks and dropout.
        eval_every: steps between two evaluations; None for an epoch.
        save_every: steps between two checkpoints; None for an epoch.
        keep: checkpoints that stay.
        log_every: steps of a line of the log.

    Raises:
        ValueError: epochs is not above 0, or warmup not from 0 to 1.

    Source: ALBERT paper (arXiv 1909.11942v6), table 14; google-research/albert
    optimization.py.
    """

    epochs: float = 3.0
    steps: int | None = None
    batch_size: int = 16
    accumulation: int = 1
    learning_rate: float | None = None
    warmup: float = 0.1
    optimizer: OptimizerSettings = field(
        default_factory=lambda: OptimizerSettings("adamw")
    )
    precision: str = "float32"
    recompute: bool = False
    freeze: str | None = None
    seed: int = 0
    eval_every: int | None = None
    save_every: int | None = None
    keep: int = 1
    log_every: int = 10

    def __post_init__(self) -> None:
        if not 0 < self.epochs < math.inf:
            raise ValueError(
                f"epochs must be above 0 and finite, but is {self.epochs!r}."
            )
        if not 0 <= self.warmup <= 1:
            raise ValueError(f"warmup must be from 0 to 1, but is {self.warmup!r}.")
        if self.batch_size < 1:
            raise ValueError(
                f"batch_size must be at least 1, but is {self.batch_size!r}."
            )

    def settings(self, rows: int, config: AlbertConfig) -> TrainingSettings:
        """Give the settings for some data and a model.

        Args:
            rows: of an epoch.
            config: of the model.

        Returns:
            The settings.

        Raises:
            ValueError: one of them cannot be.
        """
        epoch = -(-rows // self.batch_size)
        steps = self.steps
        if steps is None:
            steps = max(1, math.ceil(self.epochs * rows / self.batch_size))
        rate = self.learning_rate
        return TrainingSettings(
            steps=steps,
            batch_size=self.batch_size,
            accumulation=self.accumulation,
            optimizer=self.optimizer,
            learning_rate=default_rate(config) if rate is None else rate,
            warmup_steps=round(self.warmup * steps),
            precision=self.precision,
            recompute=self.recompute,
            freeze=self.freeze,
            seed=self.seed,
            eval_every=self.eval_every or epoch,
            save_every=self.save_every or epoch,
            keep=self.keep,
            log_every=self.log_every,
        )
