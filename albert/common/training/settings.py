"""What a training run is told, checked once and kept beside its results."""

from __future__ import annotations

import json
import math
from dataclasses import asdict, dataclass, field, fields
from typing import Any

from albert.common.training.freezing import CHOICES
from albert.common.training.initial import KINDS
from albert.common.training.rules import OptimizerSettings

PRECISIONS = ("float32", "bfloat16", "float16")


@dataclass(frozen=True)
class TrainingSettings:
    """How a run trains: all that decides its numbers, and when it writes.

    Fields:
        steps: optimizer steps of the whole run.
        batch_size: sequences in one step, over all devices and accumulated parts.
        accumulation: into how many parts a device cuts its share of a batch.
        optimizer: which one, and what it does beside the learning rate.
        learning_rate: at the top of the schedule.
        warmup_steps: steps of linear growth from 0.
        power: of the polynomial decay to 0.
        sop_weight: what the sentence-order loss is multiplied by; 0 trains without.
        precision: of the arithmetic; weights and averages are float32 always.
        recompute: whether layers are computed again in the backward pass, which
            takes less memory and more time.
        freeze: "embeddings" or "encoder", which then stay as they are (the encoder with
            the embeddings); None for neither.
        initial: how a new model starts, "normal" or "neighbours".
        seed: of a new model's weights, the order of the data, the masks and dropout.
        eval_every: steps between two evaluations.
        save_every: steps between two checkpoints.
        keep: how many checkpoints stay.
        log_every: steps between two lines of the log.

    Raises:
        ValueError: one of them cannot be; the text names it.
    """

    steps: int
    batch_size: int = 32
    accumulation: int = 1
    optimizer: OptimizerSettings = field(default_factory=OptimizerSettings)
    learning_rate: float = 0.00176
    warmup_steps: int = 0
    power: float = 1.0
    sop_weight: float = 1.0
    precision: str = "float32"
    recompute: bool = False
    freeze: str | None = None
    initial: str = "normal"
    seed: int = 0
    eval_every: int = 1000
    save_every: int = 1000
    keep: int = 2
    log_every: int = 10

    def __post_init__(self) -> None:
        for name in (
            "steps",
            "batch_size",
            "accumulation",
            "eval_every",
            "save_every",
            "keep",
            "log_every",
        ):
            self._check(name, getattr(self, name) >= 1, "at least 1")
        self._check_number("learning_rate", above=True)
        for name in ("power", "sop_weight"):
            self._check_number(name, above=False)
        self._check("seed", 0 <= self.seed < 1 << 63, "from 0 to 2**63 - 1")
        inside = 0 <= self.warmup_steps <= self.steps
        self._check("warmup_steps", inside, f"from 0 to steps, {self.steps}")
        self._check(
            "precision",
            self.precision in PRECISIONS,
            "'float32', 'bfloat16' or 'float16'",
        )
        self._check("initial", self.initial in KINDS, "'normal' or 'neighbours'")
        known = self.freeze is None or self.freeze in CHOICES
        self._check("freeze", known, "None, 'embeddings' or 'encoder'")
        if self.batch_size % self.accumulation:
            raise ValueError(
                f"batch_size must be a multiple of accumulation, but {self.batch_size} "
                f"is none of {self.accumulation}."
            )

    def to_dict(self) -> dict[str, Any]:
        """Give the settings by name, as JSON holds them."""
        return json.loads(json.dumps(asdict(self)))

    def differing(self, other: dict[str, Any]) -> list[str]:
        """Name the settings that differ and change what a run computes.

        Args:
            other: settings by name, of an earlier run. One that is missing had not been
                there to set, so that its default says what the run did.

        Returns:
            The names.
        """
        harmless = {"eval_every", "save_every", "keep", "log_every"}
        own = self.to_dict()
        usual = TrainingSettings(steps=1).to_dict() | {"steps": None}
        return [
            each.name
            for each in fields(self)
            if each.name not in harmless
            and other.get(each.name, usual.get(each.name)) != own[each.name]
        ]

    def _check(self, name: str, right: bool, wanted: str) -> None:
        if not right:
            raise ValueError(
                f"{name} must be {wanted}, but is {getattr(self, name)!r}."
            )

    def _check_number(self, name: str, above: bool) -> None:
        value = getattr(self, name)
        right = math.isfinite(value) and (value > 0 if above else value >= 0)
        self._check(name, right, f"a number {'above' if above else 'not below'} 0")
