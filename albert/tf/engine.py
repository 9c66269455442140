"""The processes and devices that train one model together: a `tf.distribute.Strategy`.

Gradients are added up over all replicas. A strategy that was not asked for is none: one
device needs no messages.
"""

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import tensorflow as tf

from albert.common.training.engines import EngineSettings


class Engine:
    """The processes, as one of them sees them.

    Args:
        settings: how the run is spread.

    Raises:
        ValueError: a strategy's devices or environment are not there.

    Fields, beside those of `albert.common.training.engines.Engine`:
        device: where the model goes, as `from_pretrained(device_map=)` takes it.
        strategy: None for one device.
        replicas: devices of this process.
    """

    def __init__(self, settings: EngineSettings | None = None) -> None:
        self.settings = settings or EngineSettings()
        self.rank, self.world, self.part, self.slices = 0, 1, (0, 1), 1
        self.device: Any = "auto"
        self.strategy: Any = None
        self.replicas = 1
        if self.settings.strategy is not None:
            self._join(self.settings.strategy)

    def scope(self) -> AbstractContextManager[Any]:
        """Give the context in which model and optimizer are made."""
        return nullcontext() if self.strategy is None else self.strategy.scope()

    def place(self, model: Any) -> Any:
        """Give the model: its variables are where `scope` has made them.

        Args:
            model: of this package.

        Returns:
            The model.
        """
        return model

    def add_up(self, numbers: Mapping[str, float]) -> dict[str, float]:
        """Add up numbers over the slices that processes read.

        Args:
            numbers: by name, the same names in each process.

        Returns:
            The sums.
        """
        if self.world == 1:
            return dict(numbers)
        values = tf.constant(list(numbers.values()), tf.float64)
        zeros = [tf.zeros_like(values)] * (self.replicas - 1)
        summed = self._sum(self.spread([values, *zeros]))
        return dict(zip(numbers, summed.numpy().tolist(), strict=True))

    def barrier(self) -> None:
        """Wait for all processes."""
        self.add_up({"": 0.0})

    def close(self) -> None:
        """Part from the others, when all are done."""
        self.barrier()

    def is_lost(self, error: Exception) -> bool:
        """Say whether an error is what comes if another process does not answer.

        Args:
            error: that was raised.

        Returns:
            No if there is no other process.
        """
        return self.world > 1 and isinstance(error, tf.errors.OpError)

    def compiled(self, function: Callable[..., Any]) -> Callable[..., Any]:
        """Compile what each replica does with its slice, and add up what they give.

        Args:
            function: of tensors, the first ones of `spread`; gives tensors.

        Returns:
            The same function of all replicas' slices.
        """
        if self.strategy is None:
            return tf.function(function, autograph=False)

        def on_all(*given: Any) -> Any:
            found = self.strategy.run(function, given)
            return tf.nest.map_structure(self._summed, found)

        return tf.function(on_all, autograph=False)

    def spread(self, slices: Sequence[Any]) -> Any:
        """Hand out values, one for each replica of this process.

        Args:
            slices: tensors, or structures of them.

        Returns:
            What `compiled` takes.
        """
        if self.strategy is None:
            return slices[0]
        rest = iter(slices)
        return self.strategy.experimental_distribute_values_from_function(
            lambda _: next(rest)
        )

    def _summed(self, value: Any) -> tf.Tensor:
        return self.strategy.reduce(tf.distribute.ReduceOp.SUM, value, axis=None)

    def _join(self, name: str) -> None:
        self.strategy = _STRATEGIES[name]()
        self.device = None
        self.slices = self.strategy.num_replicas_in_sync
        resolver = self.strategy.cluster_resolver
        if name == "multi-worker":
            if resolver is None or resolver.task_type is None:
                raise ValueError(
                    "strategy 'multi-worker' needs the environment variable TF_CONFIG, "
                    "which says which processes there are."
                )
            self.rank = resolver.task_id
            self.world = len(resolver.cluster_spec().as_dict()["worker"])
        self.part, self.replicas = (self.rank, self.world), self.slices // self.world
        self._sum = tf.function(self._summed, autograph=False)


def _tpu() -> Any:
    resolver = tf.distribute.cluster_resolver.TPUClusterResolver()
    tf.config.experimental_connect_to_cluster(resolver)
    tf.tpu.experimental.initialize_tpu_system(resolver)
    return tf.distribute.TPUStrategy(resolver)


_STRATEGIES: dict[str, Callable[[], Any]] = {
    "mirrored": tf.distribute.MirroredStrategy,
    "multi-worker": tf.distribute.MultiWorkerMirroredStrategy,
    "tpu": _tpu,
}
