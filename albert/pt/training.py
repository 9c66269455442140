"""Training steps: NumPy batches in, numbers out; what `albert.common.training` drives.

Letters: B batch, S sequence, P positions to score.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch

from albert.common.inputs import IGNORE_INDEX
from albert.common.training.freezing import frozen
from albert.common.training.objectives import Objective, random_seed
from albert.common.training.settings import TrainingSettings
from albert.pt.engine import Engine
from albert.pt.losses import cross_entropy, sentence_order_loss
from albert.pt.optimizers import clip_by_global_norm, make_optimizer

_MOMENTS = {"first": "exp_avg", "second": "exp_avg_sq"}


def pretraining_losses(
    model: Any, batch: Mapping[str, torch.Tensor]
) -> dict[str, torch.Tensor]:
    """Compute the two mean losses of pre-training.

    Args:
        model: an `AlbertForPreTraining`, in training.
        batch: its arguments: `labels` [B, P] at `masked_lm_positions` [B, P], and
            `sentence_order_label` [B].

    Returns:
        "mlm" and "sop", each float [].
    """
    inputs = dict(batch)
    order = inputs.pop("sentence_order_label")
    outputs = model(**inputs, return_dict=True)
    return {
        "mlm": outputs.loss,
        "sop": sentence_order_loss(outputs.sop_logits, order),
    }


def task_losses(
    model: Any, batch: Mapping[str, torch.Tensor]
) -> dict[str, torch.Tensor]:
    """Compute the loss of a task.

    Args:
        model: any with a head, in training.
        batch: its arguments, with labels.

    Returns:
        "task", float [].
    """
    return {"task": model(**batch, return_dict=True).loss}


_LOSSES = {"pretraining": pretraining_losses, "task": task_losses}


def make_trainer(
    model_class: Any,
    source: Any,
    settings: TrainingSettings,
    objective: Objective,
    engine: Engine | None = None,
) -> "Trainer":
    """Load a model and make it ready to be trained.

    Args:
        model_class: one of this package's.
        source: a checkpoint.
        settings: of the run.
        objective: what is minimised.
        engine: the processes that train together; None for this one alone.

    Returns:
        The trainer.

    Raises:
        OSError: no such checkpoint.
        ValueError: it does not fit.
    """
    engine = engine or Engine()
    with engine.scope():
        model = model_class.from_pretrained(source, device_map=engine.device)
        if settings.recompute:
            model.gradient_checkpointing_enable()
        return Trainer(model, settings, objective, engine)


class Trainer:
    """A model in training.

    Args:
        model: of this package, in float32; it is changed.
        settings: of the run.
        objective: what is minimised.
        engine: the processes that train together; None for this one alone.
    """

    def __init__(
        self,
        model: Any,
        settings: TrainingSettings,
        objective: Objective,
        engine: Engine | None = None,
    ) -> None:
        self.settings, self.objective = settings, objective
        stays = frozen(model.weight_rows(), settings.freeze)
        self.rows = [row for row in model.weight_rows() if row not in stays]
        for row in stays:
            model._get_weight(row).requires_grad_(False)
        self.engine = engine or Engine()
        self.model = self.engine.place(model)
        self.optimizer = make_optimizer(model, settings.optimizer, 0.0)

    def step(
        self,
        parts: Sequence[Mapping[str, np.ndarray]],
        shares: Sequence[Mapping[str, float]],
        number: int,
        rate: float,
        scale: float = 1.0,
    ) -> dict[str, float]:
        """Take one optimizer step, unless the gradients are not finite.

        Args:
            parts: of the batch, or of this process' slice of it; their gradients are
                added up, over all processes.
            shares: for each part, how much of each mean loss lies in it, by name.
            number: of the step, from 0; dropout's randomness depends on it.
            rate: of learning.
            scale: what the loss is multiplied by, and the gradients divided by.

        Returns:
            "loss", the "…_loss" of each kind, and "gradient_norm" before clipping.
        """
        self.model.train()
        sums: Any = None
        for place, (part, share) in enumerate(zip(parts, shares, strict=True)):
            place += self.engine.part[0] * len(parts)
            torch.manual_seed(random_seed(self.settings.seed, number, place))
            found = self._gradients(part, share, scale)
            sums = found if sums is None else _added(sums, found)
        norm = self._update(rate, scale)
        losses = {name: float(value) for name, value in sums.items()}
        return self.objective.numbers(self.engine.add_up(losses), norm)

    def evaluate(self, batch: Mapping[str, np.ndarray]) -> dict[str, float]:
        """Add up pre-training's losses and right answers over a batch.

        Args:
            batch: as in training.

        Returns:
            "mlm_loss", "mlm_right" and "mlm_count", and the same of "sop".
        """
        self.model.eval()
        inputs = self._tensors(batch)
        labels, order = inputs.pop("labels"), inputs.pop("sentence_order_label")
        with torch.inference_mode(), self._arithmetic():
            outputs = self.model(**inputs, return_dict=True)
        self.engine.release(self.model)
        sums = _sums("mlm", outputs.prediction_logits, labels)
        sums |= _sums("sop", outputs.sop_logits, order)
        return self.engine.add_up({name: float(sums[name]) for name in sums})

    def save_model(self, folder: Path | None) -> None:
        """Write the model.

        Args:
            folder: as in `save_pretrained`; None in a process that does not write.
        """
        model = self.engine.gathered(self.model)
        if folder is not None:
            model.save_pretrained(folder)

    def load_model(self, folder: Path) -> None:
        """Take over the weights that `save_model` wrote.

        Args:
            folder: which it was given.
        """
        saved = type(self.model).from_pretrained(folder)
        with torch.no_grad():
            for row in self.model.weight_rows():
                weight = self.model._get_weight(row)
                weight.copy_(self.engine.spread(saved._get_weight(row), weight))

    def state(self) -> dict[str, np.ndarray]:
        """Give the optimizer's state.

        Returns:
            "count" of updates; "first/…" and "second/…" moments by the weights'
            canonical names, in the layout of the hub's file.
        """
        steps = self.optimizer.param_groups[0]["steps"]
        arrays = {"count": np.array([steps], np.float64)}
        for row in self.rows:
            held = self.optimizer.state[self.model._get_weight(row)]
            for moment, name in _MOMENTS.items():
                if held:
                    whole = self.engine.whole(held[name])
                    arrays[f"{moment}/{row.canonical}"] = whole.cpu().numpy()
        return arrays

    def load_state(self, arrays: Mapping[str, np.ndarray]) -> None:
        """Take over what `state` gave.

        Args:
            arrays: likewise, of the same model in any framework.
        """
        for group in self.optimizer.param_groups:
            group["steps"] = int(arrays["count"][0])
        for row in self.rows:
            weight = self.model._get_weight(row)
            self.optimizer.state[weight] = {
                name: self.engine.spread(
                    torch.tensor(arrays[f"{moment}/{row.canonical}"]), weight
                )
                for moment, name in _MOMENTS.items()
            }

    def _gradients(
        self, part: Mapping[str, np.ndarray], share: Mapping[str, float], scale: float
    ) -> dict[str, torch.Tensor]:
        """Add a part's gradients to those that are there; give its losses."""
        with self._arithmetic():
            means = _LOSSES[self.objective.name](self.model, self._tensors(part))
        losses = {name: means[name] * share[name] for name in means}
        (self.objective.total(losses) * scale).backward()
        return {name: value.detach() for name, value in losses.items()}

    def _update(self, rate: float, scale: float) -> torch.Tensor:
        """Clip and apply the gradients, if they are finite; give their norm."""
        weights = list(self.model.parameters())
        self.engine.add_up_gradients(weights)
        weights = [each for each in weights if each.grad is not None]
        gradients: list[Any] = [weight.grad for weight in weights]
        for gradient in gradients:
            gradient.div_(scale)
        _, norm = clip_by_global_norm(gradients, self.settings.optimizer.limit)
        if torch.isfinite(norm):
            for group in self.optimizer.param_groups:
                group["lr"] = rate
            self.optimizer.step()
        self.optimizer.zero_grad()
        return self.engine.whole(norm)

    def _arithmetic(self) -> Any:
        low = self.settings.precision != "float32"
        kind = getattr(torch, self.settings.precision)
        return torch.autocast(self.model.device.type, kind, enabled=low)

    def _tensors(self, batch: Mapping[str, np.ndarray]) -> dict[str, torch.Tensor]:
        return {
            name: torch.tensor(array, device=self.model.device)
            for name, array in batch.items()
        }


def _added(one: Any, other: Any) -> Any:
    return {name: one[name] + other[name] for name in one}


def _sums(name: str, logits: torch.Tensor, labels: torch.Tensor) -> dict[str, Any]:
    """Add up losses, right answers and labels, where there is a label."""
    counted = labels != IGNORE_INDEX
    number = counted.sum()
    loss = cross_entropy(logits, labels) * number
    right = (logits.argmax(-1) == labels) & counted
    return {
        f"{name}_loss": loss,
        f"{name}_right": right.sum(),
        f"{name}_count": number,
    }
