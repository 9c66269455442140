"""What the command's arguments ask for, leg by leg."""

from __future__ import annotations

import argparse

from conformance import pretrained
from conformance.backends import PREFIXES
from conformance.subjects import DEVICES, Subject
from conformance.walking import Order

ALL = "all"


def orders(chosen: argparse.Namespace) -> list[Order]:
    """Make an order for each implementation and device.

    Args:
        chosen: the command's arguments, as parsed.

    Returns:
        The orders. A device is demanded unless it is one of `--device all`.
    """
    given = chosen.device or ["cpu"]
    devices = DEVICES if ALL in given else tuple(dict.fromkeys(given))
    return [
        Order(
            Subject(
                one,
                device,
                level=chosen.level,
                checkpoint=str(chosen.checkpoint or ""),
                published=_published(chosen.pretrained),
                only=tuple(chosen.case or ()),
            ),
            tuple(dict.fromkeys(chosen.dtype or ())),
            device in given,
            chosen.family or "",
        )
        for one in _implementations(chosen)
        for device in devices
    ]


def _published(names: list[str] | None) -> tuple[str, ...]:
    return () if names is None else tuple(names or pretrained.MODELS)


def _implementations(chosen: argparse.Namespace) -> list[str]:
    named = [*(chosen.framework or ()), *(chosen.implementation or ())]
    return list(dict.fromkeys(named)) or list(PREFIXES)
