"""Text to examples for pre-training, and examples to batches; no framework."""

from __future__ import annotations

from typing import TYPE_CHECKING

from albert.common.lazy import attribute_loader

if TYPE_CHECKING:
    from albert.common.data.preparing import PrepareSettings, prepare
    from albert.common.data.reading import HeldOutData, PretrainingData
    from albert.common.data.sources import Reading

__all__ = ["HeldOutData", "PrepareSettings", "PretrainingData", "Reading", "prepare"]

__getattr__ = attribute_loader(
    __name__,
    {
        f"{__name__}.preparing": ("PrepareSettings", "prepare"),
        f"{__name__}.reading": ("HeldOutData", "PretrainingData"),
        f"{__name__}.sources": ("Reading",),
    },
)


def __dir__() -> list[str]:
    return sorted(__all__)
