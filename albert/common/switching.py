"""Switches of each backend's quick ways, one dataclass of booleans a backend."""

from __future__ import annotations

import os
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import asdict
from typing import Any

ON = os.environ.get("ALBERT_FAST", "1") != "0"
"""What switches start as: ALBERT_FAST=0 in the environment starts all of them off."""


@contextmanager
def switched(switches: Any, **fields: bool) -> Generator[None]:
    """Set some switches for a while, in every thread.

    Args:
        switches: instance of a dataclass whose fields are booleans; changed in place.
        **fields: of it.

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
