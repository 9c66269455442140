"""Which one device a user means, whatever the framework calls it."""

from __future__ import annotations

import re
import warnings
from collections.abc import Mapping, Sequence
from typing import Any, TypeVar, cast

CPU = "cpu"
_KINDS = {"cuda": "gpu"}
_NAME = re.compile(r"(cpu|cuda|gpu|tpu|mps|xpu)(?::(\d+))?")

_Device = TypeVar("_Device")


def choose_device(
    device: Any, there: Mapping[str, Sequence[_Device]], argument: str = "device"
) -> _Device:
    """Choose among the devices that a framework sees.

    Args:
        device: None or "auto" for the first accelerator, or else the CPU; -1 for the
            CPU, n of at least 0 for the n-th accelerator; "cpu", "cuda", "cuda:1",
            "gpu", "gpu:0", "tpu", "mps" or "xpu"; `{"": device}` with one of these.
        there: kind of device -> the devices of that kind, best kind first.
        argument: what the user's argument is called.

    Returns:
        One of the devices.

    Raises:
        ValueError: it is no single device, or one that is not there.

    Warns:
        UserWarning: 0 was given, and there is no accelerator.
    """
    wanted = _alone(device)
    accelerators = [one for kind, held in there.items() if kind != CPU for one in held]
    cpus = there.get(CPU, ())
    if wanted is None or wanted == "auto":
        return [*accelerators, *cpus][0]
    if isinstance(wanted, int) and not isinstance(wanted, bool) and wanted >= -1:
        if wanted == 0 and not accelerators:
            warnings.warn(
                f"{argument} is 0, the first accelerator, but there is none: the CPU "
                f"is used.",
                stacklevel=3,
            )
            wanted = -1
        held, index = (cpus, 0) if wanted == -1 else (accelerators, wanted)
    else:
        named = _NAME.fullmatch(wanted.lower()) if isinstance(wanted, str) else None
        if named is None:
            raise ValueError(
                f"{argument} must be one device, such as 'auto', 'cpu', 'cuda', "
                f"'cuda:1', 'gpu', 'tpu', 'mps' or a number (-1 is the CPU), but is "
                f"{device!r}: ALBERT's layers share their weights, which are on one "
                f"device."
            )
        held = there.get(_KINDS.get(named[1], named[1]), ())
        index = int(named[2] or 0)
    if index >= len(held):
        found = ", ".join(
            f"{kind}:{number}" for kind in there for number in range(len(there[kind]))
        )
        raise ValueError(
            f"{argument} must be a device that is there ({found}), but is {device!r}."
        )
    return held[index]


def _alone(device: Any) -> Any:
    """Take the device out of transformers' map of a whole model to one device."""
    if isinstance(device, Mapping):
        given = dict(cast("Mapping[Any, Any]", device))
        return given[""] if list(given) == [""] else given
    return device
