"""Which device a user means, as PyTorch names it."""

from contextlib import AbstractContextManager, nullcontext
from typing import Any

import torch

from albert.common.devices import CPU, choose_device


def find_device(device: Any = None, argument: str = "device") -> torch.device:
    """Find the one device that is meant.

    Args:
        device: None or "auto" for the first accelerator, or else the CPU; -1 for the
            CPU, n of at least 0 for the n-th accelerator; a name such as "cpu",
            "cuda:1", "gpu" or "mps"; a `torch.device`; `{"": device}`.
        argument: what the user's argument is called, for the error.

    Returns:
        The device.

    Raises:
        ValueError: it is no single device, or one that is not there.

    Warns:
        UserWarning: 0 was given, and there is no accelerator.
    """
    there: dict[str, list[torch.device]] = {}
    if torch.accelerator.is_available():
        kind = str(getattr(torch.accelerator.current_accelerator(), "type", ""))
        there["gpu" if kind == "cuda" else kind] = [
            torch.device(kind, index)
            for index in range(torch.accelerator.device_count())
        ]
    there[CPU] = [torch.device("cpu")]
    named = str(device) if isinstance(device, torch.device) else device
    return choose_device(named, there, argument)


def on_cpu() -> AbstractContextManager[Any]:
    """Keep an accelerator, which rounds products otherwise, from a comparison."""
    return nullcontext()


def move(model: Any, device: torch.device) -> None:
    """Put a model on a device.

    Args:
        model: of this package.
        device: of `find_device`.
    """
    model.to(device)
