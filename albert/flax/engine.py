"""The processes and devices that train one model together: a mesh of two axes.

Rows are cut over the axis `data`. Attention's heads and the feed-forward step's width
are cut over `model`; each weight's sharding says how, and XLA adds the messages.
"""

import os
import re
from collections.abc import Mapping
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import jax
import numpy as np
from jax.experimental import multihost_utils
from jax.sharding import Mesh, NamedSharding, PartitionSpec

from albert.common.training.engines import EngineSettings, parse_mesh

_OUT, _IN = PartitionSpec(None, "model"), PartitionSpec("model", None)
_WIDTH = PartitionSpec("model")
_RULES = {
    **{("attention", name, "kernel"): _OUT for name in ("query", "key", "value")},
    **{("attention", name, "bias"): _WIDTH for name in ("query", "key", "value")},
    ("attention", "dense", "kernel"): _IN,
    ("ffn", "kernel"): _OUT,
    ("ffn", "bias"): _WIDTH,
    ("ffn_output", "kernel"): _IN,
}
"""End of a weight's path -> how it is cut; every other one is whole everywhere."""

_STATUS = re.compile(
    "(ABORTED|CANCELLED|DEADLINE_EXCEEDED|INTERNAL|UNAVAILABLE|UNKNOWN): "
)
"""How XLA's words on a message that did not come begin."""

_PATIENCE = 10
"""Seconds that a process waits for the others at its end, when one may be gone."""


class Engine:
    """The processes, as one of them sees them, and the mesh of all devices.

    Args:
        settings: how the run is spread.
        devices: of the mesh; None for all that there are.

    Raises:
        ValueError: the mesh does not have as many devices as there are.

    Fields, beside those of `albert.common.training.engines.Engine`:
        device: where the model goes first, as `from_pretrained(device_map=)` takes it.
        mesh: None for one device.
    """

    def __init__(
        self, settings: EngineSettings | None = None, devices: Any = None
    ) -> None:
        self.settings = settings or EngineSettings()
        self.rank, self.world, self.part, self.slices = 0, 1, (0, 1), 1
        self.device: Any = "auto"
        self.mesh: Mesh | None = None
        if self.settings.mesh is not None:
            self._join(*parse_mesh(self.settings.mesh), devices)

    def scope(self) -> AbstractContextManager[Any]:
        """Give the context in which model and optimizer are made."""
        return nullcontext()

    def place(self, tree: Any) -> Any:
        """Spread weights, or an optimizer's state, over the mesh.

        Args:
            tree: of arrays that are whole in each process.

        Returns:
            The same tree.
        """
        if self.mesh is None:
            return tree

        def placed(leaf: Any, sharding: NamedSharding) -> jax.Array:
            array = np.asarray(leaf)
            return jax.make_array_from_callback(
                array.shape, sharding, lambda place: array[place]
            )

        return jax.tree.map(placed, tree, self.shardings(tree))

    def add_up(self, numbers: Mapping[str, float]) -> dict[str, float]:
        """Add up numbers over the slices that processes read.

        Args:
            numbers: by name, the same names in each process.

        Returns:
            The sums.
        """
        if self.world == 1:
            return dict(numbers)
        # 32 bits are what JAX sends: whole numbers below 2**24 stay what they are.
        held = np.array(list(numbers.values()), np.float32)
        all_of_them = multihost_utils.process_allgather(held)
        # Processes that share a slice have the same numbers.
        sums = all_of_them[:: self.world // self.part[1]].sum(0)
        return {name: float(one) for name, one in zip(numbers, sums, strict=True)}

    def barrier(self) -> None:
        """Wait for all processes."""
        self.add_up({"": 0.0})

    def close(self) -> None:
        """Part from the others, when all are done."""
        if self.world > 1:
            self.barrier()
            jax.distributed.shutdown()

    def is_lost(self, error: Exception) -> bool:
        """Say whether an error is what comes if another process does not answer.

        Args:
            error: that was raised.

        Returns:
            No if there is no other process.
        """
        # Where an array is read, what XLA says comes as a ValueError.
        found = isinstance(error, jax.errors.JaxRuntimeError) or (
            isinstance(error, ValueError) and _STATUS.match(str(error)) is not None
        )
        return self.world > 1 and found

    def shardings(self, tree: Any) -> Any:
        """Say how the arrays of a tree are cut.

        Args:
            tree: of weights by path, or of what an optimizer has for each of them.

        Returns:
            The same tree of shardings.
        """

        def of(path: Any, _: Any) -> NamedSharding:
            names = tuple(str(key.key) for key in path if hasattr(key, "key"))
            spec = next(
                (spec for end, spec in _RULES.items() if names[-len(end) :] == end),
                PartitionSpec(),
            )
            assert self.mesh is not None
            return NamedSharding(self.mesh, spec)

        return jax.tree.map_with_path(of, tree)

    def keep(self, tree: Any) -> Any:
        """Have a compiled program cut its arrays as `shardings` says.

        Args:
            tree: of weights, gradients or an optimizer's state.

        Returns:
            The same tree.
        """
        if self.mesh is None:
            return tree
        return jax.lax.with_sharding_constraint(tree, self.shardings(tree))

    def spread(self, batch: Mapping[str, np.ndarray]) -> dict[str, Any]:
        """Cut rows over the mesh.

        Args:
            batch: this process' slice, arrays [B / slices of processes, ...].

        Returns:
            The batch of all processes, arrays [B, ...].
        """
        if self.mesh is None:
            return dict(batch)
        sharding = NamedSharding(self.mesh, PartitionSpec("data"))
        return {
            name: jax.make_array_from_process_local_data(
                sharding, array, (len(array) * self.part[1], *array.shape[1:])
            )
            for name, array in batch.items()
        }

    def whole(self, tree: Any) -> Any:
        """Give all of arrays of which each device may hold a slice.

        Args:
            tree: of weights or moments.

        Returns:
            The same tree, readable in each process.
        """
        if self.mesh is None:
            return tree
        everywhere = NamedSharding(self.mesh, PartitionSpec())
        return jax.jit(lambda held: held, out_shardings=everywhere)(tree)

    def check(self, config: Any) -> None:
        """Refuse a model that cannot be cut so.

        Args:
            config: of the model.

        Raises:
            ValueError: heads or width are no multiple of the axis `model`.
        """
        size = 1 if self.mesh is None else self.mesh.shape["model"]
        for name in ("num_attention_heads", "intermediate_size"):
            if getattr(config, name) % size:
                raise ValueError(
                    f"mesh has model={size}, and the model's {name}, "
                    f"{getattr(config, name)}, is no multiple of it."
                )

    def _join(self, data: int, model: int, devices: Any) -> None:
        if devices is None:
            _join_processes()
            devices = jax.devices()
            self.rank, self.world = jax.process_index(), jax.process_count()
        if len(devices) != data * model:
            raise ValueError(
                f"mesh must have as many devices as there are, {len(devices)}, but "
                f"data={data},model={model} has {data * model}."
            )
        self.mesh = Mesh(np.array(devices).reshape(data, model), ("data", "model"))
        self.slices = data
        # Several processes read the same rows if a model is cut over more devices
        # than one of them has.
        sharing = max(1, model * self.world // len(devices))
        self.part = self.rank // sharing, self.world // sharing


def _join_processes() -> None:
    """Find the other processes: as the environment says, or TPU, Slurm or MPI."""
    number: Any = {
        name: int(os.environ[variable])
        for name, variable in (
            ("num_processes", "JAX_NUM_PROCESSES"),
            ("process_id", "JAX_PROCESS_ID"),
        )
        if variable in os.environ
    }
    if jax.distributed.is_initialized():
        return
    try:
        jax.distributed.initialize(**number, shutdown_timeout_seconds=_PATIENCE)
    except ValueError:
        # No such environment is one process, unless one was described by hand.
        if number or "JAX_COORDINATOR_ADDRESS" in os.environ:
            raise
