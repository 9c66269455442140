"""Which device a user means, as JAX names it."""

from contextlib import AbstractContextManager
from typing import Any

import jax

from albert.common.devices import CPU, choose_device


def find_device(device: Any = None, argument: str = "device") -> Any:
    """Find the one device that is meant.

    Args:
        device: None or "auto" for the first accelerator, or else the CPU; -1 for the
            CPU, n of at least 0 for the n-th accelerator; a name such as "cpu",
            "cuda:1", "gpu" or "tpu"; a `jax.Device`; `{"": device}`.
        argument: what the user's argument is called, for the error.

    Returns:
        The device.

    Raises:
        ValueError: it is no single device, or one that is not there.

    Warns:
        UserWarning: 0 was given, and there is no accelerator.
    """
    if isinstance(device, jax.Device):
        return device
    there: dict[str, list[Any]] = {}
    for one in jax.local_devices():
        there.setdefault(one.platform, []).append(one)
    if CPU not in there:
        there[CPU] = _cpus()
    return choose_device(device, there, argument)


def on_cpu() -> AbstractContextManager[Any]:
    """Keep an accelerator, which rounds products otherwise, from a comparison."""
    return jax.default_device(jax.devices("cpu")[0])


def move(model: Any, device: Any) -> None:
    """Put a model on a device.

    Args:
        model: of this package.
        device: of `find_device`.
    """
    model.params = jax.device_put(model.params, device)


def _cpus() -> list[Any]:
    """List the CPUs, which a setting of JAX's may have left out."""
    try:
        return jax.local_devices(backend=CPU)
    except RuntimeError:
        return []
