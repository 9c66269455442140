"""How long and how fast to fine-tune, where the user does not say."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

from albert.common.config import AlbertConfig
from albert.common.training.rules import OptimizerSettings
from albert.common.training.settings import TrainingSettings

_RATES = ((3000, 1e-5), (1500, 1e-5), (1000, 2e-5), (512, 3e-5))


def default_rate(config: AlbertConfig) -> float:
    """Give a learning rate that is safe for a model's size.

    The paper's rates are between 1e-5 and 5e-5 for all tasks; wide models collapse
    first, so that they get the lowest of them. For models narrower than the published
    ones no source gives a rate; theirs is ours, tried on the checkpoint in the package.

    Args:
        config: its `hidden_size` counts.

    Returns:
        1e-5 for xxlarge (4096) and xlarge (2048), 2e-5 for large (1024), 3e-5 for base
        (768), 5e-4 for less than 512.

    Source: ALBERT paper, table 14 (rates of each task).
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
        warmup: part of the steps in which the rate rises from 0. The paper's are
            between 6 % and 25 %.
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

    Source: ALBERT paper, table 14; google-research/albert optimization.py.
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
