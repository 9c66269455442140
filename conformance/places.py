"""The device on which a framework is held to the oracle."""

from __future__ import annotations

import importlib
from collections.abc import Generator
from contextlib import contextmanager, nullcontext
from typing import Any

from conformance.backends import PREFIXES, on_device


def why_absent(framework: str, device: str) -> str:
    """Tell why a device cannot be used.

    Args:
        framework: "pt", "tf" or "flax", or another implementation's name.
        device: "cpu", "gpu" or "tpu".

    Returns:
        The reason; "" if it can.

    Raises:
        ImportError: the framework cannot be imported.
    """
    if framework not in PREFIXES:
        # It alone knows where it computes.
        return ""
    if device == "tpu" and framework == "pt":
        return "albert.pt knows no TPU"
    try:
        _find(framework, device)
    except ValueError as error:
        return str(error)
    return ""


@contextmanager
def placed(framework: str, device: str) -> Generator[None]:
    """Make models, and compute, on a device for a while.

    Args:
        framework: as `why_absent`'s.
        device: one that is there.

    Raises:
        ValueError: it is not there.
    """
    if framework not in PREFIXES:
        yield
        return
    found = _find(framework, device)
    if device == "cpu" and found == _find(framework, None):
        # There is nothing else: everything goes there by itself.
        yield
        return
    with _default(framework, found), on_device(found):
        yield


def _find(framework: str, device: str | None) -> Any:
    devices = importlib.import_module(f"albert.{framework}.devices")
    return devices.find_device(device, "--device")


def _default(framework: str, device: Any) -> Any:
    """Give the framework's own context for what is made without a device."""
    if framework == "flax":
        return importlib.import_module("jax").default_device(device)
    if framework == "tf":
        return importlib.import_module("tensorflow").device(device)
    return nullcontext() if device.type == "cpu" else device
