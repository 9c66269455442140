"""Which quick ways may be taken."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass


@dataclass
class Switches:
    """Which quick ways may be taken; each gives the plain way's answers.

    Attributes:
        onednn: oneDNN's matrix products on the CPU, in inference and in training.
        packed: in inference, a copy of the layers' matrices in oneDNN's own order, kept
            from call to call: as many bytes as the layers' matrices have.
        unpadded: leaving out padding where nobody reads what is computed there.
    """

    onednn: bool = True
    packed: bool = True
    unpadded: bool = True


_ON = os.environ.get("ALBERT_FAST", "1") != "0"
switches = Switches(onednn=_ON, packed=_ON, unpadded=_ON)
"""What is on now, in every thread. ALBERT_FAST=0 in the environment starts all off."""


@contextmanager
def using(**fields: bool) -> Iterator[None]:
    """Switch some ways on or off for a while.

    Args:
        **fields: of `Switches`.

    Raises:
        TypeError: there is no such switch.
    """
    before = asdict(switches)
    unknown = sorted(fields.keys() - before.keys())
    if unknown:
        raise TypeError(
            f"using() takes {', '.join(before)}, but was given {', '.join(unknown)}."
        )
    try:
        for name, value in fields.items():
            setattr(switches, name, value)
        yield
    finally:
        for name in fields:
            setattr(switches, name, before[name])
