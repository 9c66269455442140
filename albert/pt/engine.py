"""The processes that train one model together: those that `torchrun` has started.

Gradients are added up in one all-reduce after a step's last part.
`DistributedDataParallel` would give means of the processes, where labels are counted
over the whole batch, and could not send earlier either: ALBERT's layers share their
weights, whose gradient is whole only at the backward pass' end.
"""

import os
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from datetime import timedelta
from typing import Any

import torch
import torch.distributed as processes
from torch import nn

from albert.common.training.engines import EngineSettings

PATIENCE = timedelta(minutes=10)
"""How long one waits for the others, who may be writing a checkpoint."""


class Engine:
    """The processes, as one of them sees them.

    Args:
        settings: how the run is spread.

    Raises:
        ValueError: `shard` without several processes.

    Fields, beside those of `albert.common.training.engines.Engine`:
        device: where the model goes, as `from_pretrained(device_map=)` takes it.
    """

    def __init__(self, settings: EngineSettings | None = None) -> None:
        self.settings = settings or EngineSettings()
        self.world = int(os.environ.get("WORLD_SIZE", 1)) if settings else 1
        self.rank = int(os.environ.get("RANK", 0)) if self.world > 1 else 0
        self.part, self.slices = (self.rank, self.world), self.world
        self.device: Any = "auto"
        if self.world > 1:
            self._join()
        elif self.settings.shard:
            raise ValueError(
                "shard needs several processes: start the command with torchrun."
            )

    def scope(self) -> AbstractContextManager[Any]:
        """Give the context in which model and optimizer are made."""
        return nullcontext()

    def place(self, model: Any) -> Any:
        """Spread a model's weights over the processes, if that was asked for.

        Args:
            model: with all its weights; it is changed.

        Returns:
            The model.
        """
        if self.settings.shard:
            from torch.distributed.fsdp import fully_shard

            # All at once: one block's weights are nearly all that ALBERT has.
            fully_shard(model)
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
        held = torch.tensor(list(numbers.values()), dtype=torch.float64)
        processes.all_reduce(held)
        return dict(zip(numbers, held.tolist(), strict=True))

    def barrier(self) -> None:
        """Wait for all processes."""
        self.add_up({"": 0.0})

    def close(self) -> None:
        """Part from the others, when all are done."""
        if self.world > 1:
            self.barrier()
            processes.destroy_process_group()

    def is_lost(self, error: Exception) -> bool:
        """Say whether an error is what comes if another process does not answer.

        Args:
            error: that was raised.

        Returns:
            No if there is no other process.
        """
        return self.world > 1 and isinstance(error, RuntimeError)

    def add_up_gradients(self, parameters: Sequence[nn.Parameter]) -> None:
        """Add up gradients over the processes, in place.

        Args:
            parameters: the same in each process. Where some processes have no
                gradient, it counts as 0.
        """
        if self.world == 1:
            return
        if self.settings.shard:
            # FSDP has given means.
            for parameter in parameters:
                if parameter.grad is not None:
                    parameter.grad.mul_(self.world)
            return
        there = [parameter.grad is not None for parameter in parameters]
        for parameter in parameters:
            if parameter.grad is None:
                parameter.grad = torch.zeros_like(parameter)
        gradients: list[Any] = [parameter.grad for parameter in parameters]
        marks = torch.tensor(there, dtype=torch.float32, device=gradients[0].device)
        flat = torch.cat([marks, *(one.flatten() for one in gradients)])
        processes.all_reduce(flat)
        marks, *sums = flat.split([len(marks), *(one.numel() for one in gradients)])
        for parameter, some, summed in zip(parameters, marks, sums, strict=True):
            parameter.grad = summed.view_as(parameter) if some else None

    def whole(self, tensor: torch.Tensor) -> torch.Tensor:
        """Give all of a tensor of which each process may hold a slice.

        Args:
            tensor: a weight or a moment.

        Returns:
            The same values in each process.
        """
        return tensor.full_tensor() if self.settings.shard else tensor  # pyright: ignore

    def release(self, model: Any) -> None:
        """Let go of other processes' slices, which a call without gradients keeps.

        Args:
            model: of `place`.
        """
        if self.settings.shard:
            model.reshard()

    def gathered(self, model: Any) -> Any:
        """Give a model that holds all of its weights.

        Args:
            model: of `place`.

        Returns:
            The model, or a copy of its weights if it holds slices.
        """
        if not self.settings.shard:
            return model
        with torch.device("meta"):
            copy = type(model)(model.config)
        for row in model.weight_rows():
            copy._set_weight(row, self.whole(model._get_weight(row)).detach())
        copy.tie_weights()
        return copy

    def spread(self, tensor: torch.Tensor, like: torch.Tensor) -> torch.Tensor:
        """Give this process' slice of a tensor.

        Args:
            tensor: all of it.
            like: spread as it shall be.

        Returns:
            On the same device.
        """
        tensor = tensor.to(like.device)
        if not self.settings.shard:
            return tensor
        from torch.distributed.tensor import DTensor, distribute_tensor

        assert isinstance(like, DTensor)
        return distribute_tensor(tensor, like.device_mesh, like.placements)

    def _join(self) -> None:
        if torch.cuda.is_available():
            self.device = f"cuda:{os.environ.get('LOCAL_RANK', 0)}"
            torch.cuda.set_device(self.device)
            kind = "cpu:gloo,cuda:nccl"
        else:
            self.device, kind = "cpu", "gloo"
        processes.init_process_group(kind, timeout=PATIENCE)
