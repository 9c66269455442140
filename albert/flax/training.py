"""Training steps: NumPy batches in, numbers out; what `albert.common.training` drives.

Letters: B batch, S sequence, P positions to score.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax
from flax.traverse_util import flatten_dict, unflatten_dict

from albert.common.inputs import IGNORE_INDEX
from albert.common.training.freezing import frozen
from albert.common.training.objectives import Objective, random_seed
from albert.common.training.settings import TrainingSettings
from albert.flax.engine import Engine
from albert.flax.losses import cross_entropy, sentence_order_loss
from albert.flax.optimizers import clip_by_global_norm, make_optimizer

_MOMENTS = {"first": "mu", "second": "nu"}


def pretraining_losses(
    model: Any, batch: Mapping[str, jax.Array], **how: Any
) -> dict[str, jax.Array]:
    """Compute the two mean losses of pre-training.

    Args:
        model: a `FlaxAlbertForPreTraining`.
        batch: its arguments: `labels` [B, P] at `masked_lm_positions` [B, P], and
            `sentence_order_label` [B].
        **how: `params`, `train` and `dropout_rng` of the call.

    Returns:
        "mlm" and "sop", each float [].
    """
    inputs = dict(batch)
    order = inputs.pop("sentence_order_label")
    outputs = model(**inputs, return_dict=True, **how)
    return {
        "mlm": outputs.loss,
        "sop": sentence_order_loss(outputs.sop_logits, order),
    }


def task_losses(
    model: Any, batch: Mapping[str, jax.Array], **how: Any
) -> dict[str, jax.Array]:
    """Compute the loss of a task.

    Args:
        model: any with a head.
        batch: its arguments, with labels.
        **how: `params`, `train` and `dropout_rng` of the call.

    Returns:
        "task", float [].
    """
    return {"task": model(**batch, return_dict=True, **how).loss}


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
        model = model_class.from_pretrained(
            source, device_map=engine.device, dtype=settings.precision
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
        self.engine.check(model.config)
        stays = frozen(model.weight_rows(), settings.freeze)
        self.rows = [row for row in model.weight_rows() if row not in stays]
        self.stays = [model._path(row) for row in stays]
        # The rate of each step comes with it.
        self.optimizer = make_optimizer(settings.optimizer, 1.0)
        self.held = self.engine.place(self.optimizer.init(model.params))
        model.params = self.engine.place(model.params)
        self._gradients = jax.jit(self._differentiate)
        self._update = jax.jit(self._apply, donate_argnums=(0, 1))
        self._scores = jax.jit(self._evaluate)

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
        for place, (part, share) in enumerate(zip(parts, shares, strict=True)):
            seed = np.int32(random_seed(self.settings.seed, number, place))
            found = self._gradients(
                self.model.params,
                self.engine.spread(part),
                # Of the rows of all processes, which are one part here.
                self.engine.add_up(share),
                seed,
                scale,
            )
            sums = found if sums is None else _added(sums, found)
        gradients, losses = sums
        params, self.held, norm = self._update(
            self.model.params, self.held, gradients, np.float32(rate), scale
        )
        self.model.params = params
        return self.objective.numbers(losses, norm)

    def evaluate(self, batch: Mapping[str, np.ndarray]) -> dict[str, float]:
        """Add up pre-training's losses and right answers over a batch.

        Args:
            batch: as in training.

        Returns:
            "mlm_loss", "mlm_right" and "mlm_count", and the same of "sop".
        """
        sums = self._scores(self.model.params, self.engine.spread(batch))
        return {name: float(value) for name, value in sums.items()}

    def save_model(self, folder: Path | None) -> None:
        """Write the model.

        Args:
            folder: as in `save_pretrained`; None in a process that does not write.
        """
        params = self.engine.whole(self.model.params)
        if folder is not None:
            self.model.save_pretrained(folder, params=params)

    def load_model(self, folder: Path) -> None:
        """Take over the weights that `save_model` wrote.

        Args:
            folder: which it was given.
        """
        saved = type(self.model).from_pretrained(folder)
        self.model.params = self.engine.place(saved.params)

    def state(self) -> dict[str, np.ndarray]:
        """Give the optimizer's state.

        Returns:
            "count" of updates; "first/…" and "second/…" moments by the weights'
            canonical names, in the layout of the hub's file.
        """
        held = self.engine.whole(self._moments())
        arrays = {"count": np.array([held.count], np.float64)}
        for moment, name in _MOMENTS.items():
            flat = flatten_dict(getattr(held, name))
            for row in self.rows:
                array = np.asarray(flat[self.model._path(row)])
                turned = row.to_framework(array, "flax")
                arrays[f"{moment}/{row.canonical}"] = np.ascontiguousarray(turned)
        return arrays

    def load_state(self, arrays: Mapping[str, np.ndarray]) -> None:
        """Take over what `state` gave.

        Args:
            arrays: likewise, of the same model in any framework.
        """
        found: dict[str, Any] = {"count": jnp.int32(arrays["count"][0])}
        for moment, name in _MOMENTS.items():
            flat = flatten_dict(getattr(self._moments(), name))
            for row in self.rows:
                array = arrays[f"{moment}/{row.canonical}"]
                turned = row.to_framework(array, "flax")
                flat[self.model._path(row)] = jax.device_put(turned)
            found[name] = unflatten_dict(flat)
        moved = jax.tree.map(
            lambda held: held._replace(**found) if _has_moments(held) else held,
            self.held,
            is_leaf=_has_moments,
        )
        self.held = self.engine.place(moved)

    def _differentiate(
        self, params: Any, part: Any, share: Any, seed: Any, scale: Any
    ) -> Any:
        """Give a part's gradients and losses."""
        key = jax.random.key(seed)

        def scaled(params: Any) -> Any:
            how = {"params": params, "train": True, "dropout_rng": key}
            means = _LOSSES[self.objective.name](self.model, part, **how)
            losses = {name: means[name] * share[name] for name in means}
            return self.objective.total(losses) * scale, losses

        gradients, losses = jax.grad(scaled, has_aux=True)(params)
        return self.engine.keep(self._still(gradients)), losses

    def _apply(
        self, params: Any, held: Any, gradients: Any, rate: Any, scale: Any
    ) -> Any:
        """Clip and apply the gradients, if they are finite; give their norm."""
        gradients = jax.tree.map(lambda one: one / scale, gradients)
        clipped, norm = clip_by_global_norm(gradients, self.settings.optimizer.limit)
        updates, moved = self.optimizer.update(clipped, held, params)
        updates = self._still(jax.tree.map(lambda one: one * rate, updates))
        new = optax.apply_updates(params, updates), moved
        finite = jnp.isfinite(norm)
        kept = jax.tree.map(
            lambda one, old: jnp.where(finite, one, old), new, (params, held)
        )
        return *self.engine.keep(kept), norm

    def _evaluate(self, params: Any, batch: Any) -> dict[str, jax.Array]:
        inputs = dict(batch)
        labels, order = inputs.pop("labels"), inputs.pop("sentence_order_label")
        outputs = self.model(**inputs, params=params, return_dict=True)
        words = _sums("mlm", outputs.prediction_logits, labels)
        return words | _sums("sop", outputs.sop_logits, order)

    def _still(self, tree: Any) -> Any:
        """Put zeros where weights stay as they are."""
        flat: dict[Any, Any] = flatten_dict(tree)
        zeros = {path: jnp.zeros_like(flat[path]) for path in self.stays}
        return unflatten_dict({**flat, **zeros})

    def _moments(self) -> Any:
        leaves = jax.tree.leaves(self.held, is_leaf=_has_moments)
        return next(leaf for leaf in leaves if _has_moments(leaf))


def _has_moments(state: Any) -> bool:
    return isinstance(state, optax.ScaleByAdamState)


def _added(one: Any, other: Any) -> Any:
    return jax.tree.map(jnp.add, one, other)


def _sums(name: str, logits: jax.Array, labels: jax.Array) -> dict[str, Any]:
    """Add up losses, right answers and labels, where there is a label."""
    counted = labels != IGNORE_INDEX
    number = counted.sum()
    right = (logits.argmax(-1) == labels) & counted
    return {
        f"{name}_loss": cross_entropy(logits, labels) * number,
        f"{name}_right": right.sum(),
        f"{name}_count": number,
    }
