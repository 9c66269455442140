"""Which device a user means, as TensorFlow names it."""

from contextlib import AbstractContextManager
from typing import Any

import tensorflow as tf

from albert.common.devices import CPU, choose_device


def find_device(device: Any = None, argument: str = "device") -> str:
    """Find the one device that is meant.

    Args:
        device: None or "auto" for the first accelerator, or else the CPU; -1 for the
            CPU, n of at least 0 for the n-th accelerator; a name such as "cpu",
            "cuda:1", "gpu", "tpu" or "/device:GPU:0"; a `tf.config.LogicalDevice`;
            `{"": device}`.
        argument: what the user's argument is called, for the error.

    Returns:
        The device's name, such as "/device:GPU:0", for `tf.device`.

    Raises:
        ValueError: it is no single device, or one that is not there.

    Warns:
        UserWarning: 0 was given, and there is no accelerator.
    """
    there = {
        kind: [one.name for one in tf.config.list_logical_devices(kind.upper())]
        for kind in ("gpu", "tpu", CPU)
    }
    named = device.name if isinstance(device, tf.config.LogicalDevice) else device
    if isinstance(named, str):
        # "/job:localhost/replica:0/task:0/device:GPU:0", "/GPU:0"
        named = named.rsplit("/", 1)[-1].removeprefix("device:")
    return choose_device(named, there, argument)


def on_cpu() -> AbstractContextManager[Any]:
    """Keep an accelerator, which rounds products otherwise, from a comparison."""
    return tf.device("CPU:0")


def move(model: Any, device: str) -> None:
    """Put a model on a device.

    Args:
        model: of this package.
        device: of `find_device`.

    Raises:
        ValueError: it is on another one, as Keras does not move models.
    """
    there, wanted = (name.rsplit("/", 1)[-1] for name in (model.device, device))
    if there != wanted:
        raise ValueError(
            f"the model is on {there!r}, and Keras does not move models to another "
            f"device, as {wanted!r}: load it there, with device_map."
        )
