"""The plain training step in JAX."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import jax
import numpy as np
import optax
from flax.traverse_util import flatten_dict, unflatten_dict

from albert.common import names
from albert.common.config import AlbertConfig
from albert.common.training.rules import OptimizerSettings
from albert.flax import FlaxAlbertForPreTraining
from albert.flax.optimizers import clip_by_global_norm, make_optimizer
from conformance.backends import device_options
from conformance.learners import Arrays


class Learner:
    """See `conformance.learners.Learner`."""

    def __init__(
        self, rows: tuple[names.Weight, ...], params: Any, model: Any = None
    ) -> None:
        self.rows, self.first, self.model = rows, params, model
        self._gradients = jax.jit(jax.grad(self._loss, has_aux=True))

    @classmethod
    def from_checkpoint(cls, folder: str | Path) -> Any:
        """Load a model."""
        model = FlaxAlbertForPreTraining.from_pretrained(folder, **device_options())
        return cls(model.weight_rows(), model.params, model)

    @classmethod
    def from_arrays(cls, config: AlbertConfig, weights: Arrays) -> Any:
        """Take weights."""
        rows = names.weights(config, "AlbertForPreTraining")
        return cls(rows, _nested(rows, weights))

    def start(self, settings: OptimizerSettings) -> None:
        """Start again."""
        self.params, self.limit = self.first, settings.limit
        # The rate is a part of the state, so that what is compiled takes any.
        self.optimizer = optax.inject_hyperparams(
            lambda learning_rate: make_optimizer(settings, learning_rate)
        )(learning_rate=0.0)
        self.state: Any = jax.jit(self.optimizer.init)(self.params)
        self._apply = jax.jit(self._clip_and_apply)

    def differentiate(self, batch: Arrays) -> tuple[Arrays, Any]:
        """Run a compiled gradient."""
        gradients, given = self._gradients(self.params, batch)
        return {name: np.asarray(one) for name, one in given.items()}, gradients

    def update(self, gradients: Any, rate: np.float32) -> float:
        """Make one update."""
        self.state.hyperparams["learning_rate"] = jax.numpy.asarray(rate)
        params, state, norm = self._apply(self.params, self.state, gradients)
        if math.isfinite(norm):
            self.params, self.state = params, state
        return float(norm)

    def canonical(self, gradients: Any) -> Arrays:
        """Turn into arrays."""
        held = flatten_dict(gradients)
        return {
            row.canonical: row.to_framework(
                np.array(held[row.path("flax", base=False)]), "flax"
            )
            for row in self.rows
        }

    def native(self, gradients: Arrays) -> Any:
        """Turn into a tree."""
        return _nested(self.rows, gradients)

    def weights(self) -> Arrays:
        """Copy the weights."""
        return self.canonical(self.params)

    def moments(self) -> tuple[Arrays, Arrays]:
        """Copy the moments."""
        moments = self.state.inner_state[0]
        return self.canonical(moments.mu), self.canonical(moments.nu)

    def _loss(self, params: Any, batch: Any) -> Any:
        outputs = self.model(**batch, params=params, train=True)
        return outputs.loss, {"loss": outputs.loss, "sop_logits": outputs.sop_logits}

    def _clip_and_apply(self, params: Any, state: Any, gradients: Any) -> Any:
        clipped, norm = clip_by_global_norm(gradients, self.limit)
        updates, state = self.optimizer.update(clipped, state, params)
        return optax.apply_updates(params, updates), state, norm


def _nested(rows: tuple[names.Weight, ...], arrays: Arrays) -> Any:
    turned = {row: row.to_framework(arrays[row.canonical], "flax") for row in rows}
    return unflatten_dict(
        {
            row.path("flax", base=False): jax.numpy.asarray(array)
            for row, array in turned.items()
        }
    )
