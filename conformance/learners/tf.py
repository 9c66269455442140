"""The plain training step in Keras."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from albert.common import names
from albert.common.config import AlbertConfig
from albert.common.training.rules import OptimizerSettings
from albert.tf import TFAlbertForPreTraining
from albert.tf.optimizers import clip_by_global_norm, make_optimizer
from conformance.backends import device_options
from conformance.learners import Arrays


class Learner:
    """See `conformance.learners.Learner`."""

    def __init__(
        self, rows: tuple[names.Weight, ...], variables: list[Any], model: Any = None
    ) -> None:
        self.rows, self.variables, self.model = rows, variables, model
        self.first = [variable.numpy() for variable in variables]
        self._gradients = tf.function(self._differentiate)

    @classmethod
    def from_checkpoint(cls, folder: str | Path) -> Any:
        """Load a model."""
        model = TFAlbertForPreTraining.from_pretrained(folder, **device_options())
        rows = model.weight_rows()
        return cls(rows, [model._get_weight(row) for row in rows], model)

    @classmethod
    def from_arrays(cls, config: AlbertConfig, weights: Arrays) -> Any:
        """Take weights."""
        rows = names.weights(config, "AlbertForPreTraining")
        arrays = [row.to_framework(weights[row.canonical], "tf") for row in rows]
        named = zip(rows, arrays, strict=True)
        return cls(
            rows, [keras.Variable(array, name=row.kind.tf) for row, array in named]
        )

    def start(self, settings: OptimizerSettings) -> None:
        """Start again."""
        for variable, array in zip(self.variables, self.first, strict=True):
            variable.assign(array)
        self.optimizer: Any = make_optimizer(settings, 0.0)
        self.optimizer.build(self.variables)
        self.limit = settings.limit
        self._apply = tf.function(self._clip_and_apply)

    def differentiate(self, batch: Arrays) -> tuple[Arrays, Any]:
        """Run a tape in a traced function."""
        tensors = {name: tf.constant(array) for name, array in batch.items()}
        given, gradients = self._gradients(tensors)
        return {name: one.numpy() for name, one in given.items()}, gradients

    def update(self, gradients: Any, rate: np.float32) -> float:
        """Make one update."""
        self.optimizer.learning_rate = rate
        return float(self._apply(gradients))

    def canonical(self, gradients: Any) -> Arrays:
        """Turn into arrays."""
        return {
            row.canonical: row.to_framework(
                tf.convert_to_tensor(one).numpy(), "tf"
            ).copy()
            for row, one in zip(self.rows, gradients, strict=True)
        }

    def native(self, gradients: Arrays) -> Any:
        """Turn into tensors."""
        return [
            tf.constant(row.to_framework(gradients[row.canonical], "tf"))
            for row in self.rows
        ]

    def weights(self) -> Arrays:
        """Copy the weights."""
        return self.canonical(self.variables)

    def moments(self) -> tuple[Arrays, Arrays]:
        """Copy the moments."""
        first, second = self.optimizer._first, self.optimizer._second
        return self.canonical(first), self.canonical(second)

    def _differentiate(self, batch: Any) -> Any:
        with tf.GradientTape() as tape:
            outputs = self.model(batch, training=True)
        found = tape.gradient(outputs.loss, [v.value for v in self.variables])
        given = {"loss": outputs.loss, "sop_logits": outputs.sop_logits}
        return given, [tf.convert_to_tensor(one) for one in found]

    def _clip_and_apply(self, gradients: Any) -> tf.Tensor:
        clipped, norm = clip_by_global_norm(gradients, self.limit)
        if tf.math.is_finite(norm):
            self.optimizer.apply(clipped)
        return norm
