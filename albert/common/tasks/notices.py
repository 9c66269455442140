"""Warnings that point at the line of the caller's that caused them."""

from __future__ import annotations

import sys
import warnings

_PACKAGE = __name__.partition(".")[0]


def notify(text: str) -> None:
    """Warn the user, at the innermost line that is not in this package.

    What runs between that line and this one differs: a list, a generator or a progress
    bar adds frames, so that no fixed number of them is right.

    Args:
        text: what to say.

    Warns:
        UserWarning: always.
    """
    level, frame = 1, sys._getframe()  # pyright: ignore[reportPrivateUsage]
    while frame.f_back is not None and _is_ours(frame.f_globals.get("__name__")):
        level, frame = level + 1, frame.f_back
    warnings.warn(text, stacklevel=level)


def _is_ours(module: str | None) -> bool:
    return (module or "").partition(".")[0] == _PACKAGE
