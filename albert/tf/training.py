"""Training steps: NumPy batches in, numbers out; what `albert.common.training` drives.

Letters: B batch, S sequence, P positions to score.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf
from keras import layers

from albert.common.inputs import IGNORE_INDEX
from albert.common.training.freezing import frozen
from albert.common.training.objectives import Objective, cut, random_seed
from albert.common.training.settings import TrainingSettings
from albert.tf.engine import Engine
from albert.tf.losses import cross_entropy, sentence_order_loss
from albert.tf.optimizers import clip_by_global_norm, make_optimizer

_MOMENTS = {"first": "_first", "second": "_second"}


def pretraining_losses(
    model: Any, batch: Mapping[str, tf.Tensor]
) -> dict[str, tf.Tensor]:
    """Compute the two mean losses of pre-training.

    Args:
        model: a `TFAlbertForPreTraining`.
        batch: its arguments: `labels` [B, P] at `masked_lm_positions` [B, P], and
            `sentence_order_label` [B].

    Returns:
        "mlm" and "sop", each float [].
    """
    inputs = dict(batch)
    order = inputs.pop("sentence_order_label")
    outputs = model(**inputs, return_dict=True, training=True)
    return {
        "mlm": outputs.loss,
        "sop": sentence_order_loss(outputs.sop_logits, order),
    }


def task_losses(model: Any, batch: Mapping[str, tf.Tensor]) -> dict[str, tf.Tensor]:
    """Compute the loss of a task.

    Args:
        model: any with a head.
        batch: its arguments, with labels.

    Returns:
        "task", float [].
    """
    return {"task": model(**batch, return_dict=True, training=True).loss}


_LOSSES = {"pretraining": pretraining_losses, "task": task_losses}
_POLICIES = {"bfloat16": "mixed_bfloat16", "float16": "mixed_float16"}


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
    policy = _POLICIES.get(settings.precision, "float32")
    with engine.scope():
        model = model_class.from_pretrained(
            source, device_map=engine.device, dtype=policy
        )
        if settings.recompute:
            model.gradient_checkpointing_enable()
        return Trainer(model, settings, objective, engine)


class Trainer:
    """A model in training.

    Args:
        model: of this package, with weights in float32; it is changed.
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
        self.model, self.settings, self.objective = model, settings, objective
        self.engine = engine or Engine()
        stays = frozen(model.weight_rows(), settings.freeze)
        self.rows = [row for row in model.weight_rows() if row not in stays]
        for row in stays:
            model._get_weight(row).trainable = False
        self.optimizer: Any = make_optimizer(settings.optimizer, 0.0)
        self.optimizer.build(model.trainable_variables)
        self._gradients = self.engine.compiled(self._differentiate)
        self._update = tf.function(self._apply, autograph=False)
        self._scores = self.engine.compiled(self._evaluate)

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
        sums: Any = None
        scaling = tf.constant(scale, tf.float32)
        for place, (part, share) in enumerate(zip(parts, shares, strict=True)):
            self._seed_dropout(number, place + self.engine.rank * len(parts))
            found = self._gradients(*self._slices(part, share), scaling)
            sums = found if sums is None else _added(sums, found)
        gradients, losses = sums
        norm = self._update(gradients, tf.constant(rate, tf.float32), scaling)
        return self.objective.numbers(losses, norm)

    def evaluate(self, batch: Mapping[str, np.ndarray]) -> dict[str, float]:
        """Add up pre-training's losses and right answers over a batch.

        Args:
            batch: as in training.

        Returns:
            "mlm_loss", "mlm_right" and "mlm_count", and the same of "sop".
        """
        sums = self._scores(self._slices(batch, {})[0])
        return {name: float(value) for name, value in sums.items()}

    def save_model(self, folder: Path | None) -> None:
        """Write the model.

        Args:
            folder: as in `save_pretrained`; None in a process that does not write.
        """
        if folder is not None:
            self.model.save_pretrained(folder)

    def load_model(self, folder: Path) -> None:
        """Take over the weights that `save_model` wrote.

        Args:
            folder: which it was given.
        """
        saved = type(self.model).from_pretrained(folder)
        for row in self.model.weight_rows():
            self.model._get_weight(row).assign(saved._get_weight(row))

    def state(self) -> dict[str, np.ndarray]:
        """Give the optimizer's state.

        Returns:
            "count" of updates; "first/…" and "second/…" moments by the weights'
            canonical names, in the layout of the hub's file.
        """
        steps = self.optimizer.iterations.numpy()
        arrays = {"count": np.array([steps], np.float64)}
        for moment, name in _MOMENTS.items():
            for row, held in self._moments(name):
                turned = row.to_framework(held.numpy(), "tf")
                arrays[f"{moment}/{row.canonical}"] = np.ascontiguousarray(turned)
        return arrays

    def load_state(self, arrays: Mapping[str, np.ndarray]) -> None:
        """Take over what `state` gave.

        Args:
            arrays: likewise, of the same model in any framework.
        """
        self.optimizer.iterations.assign(int(arrays["count"][0]))
        for moment, name in _MOMENTS.items():
            for row, held in self._moments(name):
                array = arrays[f"{moment}/{row.canonical}"]
                held.assign(row.to_framework(array, "tf"))

    def _differentiate(self, part: Any, share: Any, scale: tf.Tensor) -> Any:
        """Give a part's gradients and losses."""
        with tf.GradientTape() as tape:
            means = _LOSSES[self.objective.name](self.model, part)
            losses = {name: means[name] * share[name] for name in means}
            loss = self.objective.total(losses) * scale
        found = tape.gradient(loss, self.model.trainable_variables)
        return [tf.convert_to_tensor(each) for each in found], losses

    def _apply(self, gradients: Any, rate: tf.Tensor, scale: tf.Tensor) -> tf.Tensor:
        """Clip and apply the gradients, if they are finite; give their norm."""
        gradients = [each / scale for each in gradients]
        clipped, norm = clip_by_global_norm(gradients, self.settings.optimizer.limit)

        def apply() -> tf.Tensor:
            self.optimizer.learning_rate.assign(rate)
            self.optimizer.apply(clipped)
            return norm

        return tf.cond(tf.math.is_finite(norm), apply, lambda: norm)

    def _evaluate(self, batch: Any) -> dict[str, tf.Tensor]:
        inputs = dict(batch)
        labels, order = inputs.pop("labels"), inputs.pop("sentence_order_label")
        outputs = self.model(**inputs, return_dict=True, training=False)
        words = _sums("mlm", outputs.prediction_logits, labels)
        return words | _sums("sop", outputs.sop_logits, order)

    def _slices(self, part: Mapping[str, np.ndarray], share: Any) -> tuple[Any, Any]:
        """Cut a part, and its shares of the losses, over this process' replicas."""
        cuts = cut(part, self.engine.replicas)
        inner = self.objective.shares(cuts, part)
        parts = [
            {name: share[name] * within[name] for name in share} for within in inner
        ]
        return (
            self.engine.spread([_tensors(one) for one in cuts]),
            self.engine.spread([_numbers(one) for one in parts]),
        )

    def _moments(self, name: str) -> Any:
        places = {
            id(variable): place
            for place, variable in enumerate(self.model.trainable_variables)
        }
        held = getattr(self.optimizer, name)
        for row in self.rows:
            yield row, held[places[id(self.model._get_weight(row))]]

    def _seed_dropout(self, number: int, part: int) -> None:
        dropouts = [
            layer
            for layer in self.model._flatten_layers()
            if isinstance(layer, layers.Dropout) and layer.rate > 0
        ]
        for place, layer in enumerate(dropouts):
            seed = random_seed(self.settings.seed, number, part, place)
            layer.seed_generator.state.assign([seed, 0])


def _tensors(batch: Mapping[str, np.ndarray]) -> dict[str, tf.Tensor]:
    return {name: tf.constant(array) for name, array in batch.items()}


def _numbers(share: Mapping[str, float]) -> dict[str, tf.Tensor]:
    return {name: tf.constant(value, tf.float32) for name, value in share.items()}


def _added(one: Any, other: Any) -> Any:
    return tf.nest.map_structure(tf.add, one, other)


def _sums(name: str, logits: tf.Tensor, labels: tf.Tensor) -> dict[str, Any]:
    """Add up losses, right answers and labels, where there is a label."""
    counted = labels != IGNORE_INDEX
    number = tf.reduce_sum(tf.cast(counted, tf.float32))
    right = (tf.argmax(logits, -1, labels.dtype) == labels) & counted
    return {
        f"{name}_loss": cross_entropy(logits, labels) * number,
        f"{name}_right": tf.reduce_sum(tf.cast(right, tf.float32)),
        f"{name}_count": number,
    }
