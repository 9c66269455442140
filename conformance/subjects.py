"""What one run holds to the oracle: one implementation, on one device, in one type."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from conformance.backends import PREFIXES, Build, Load, implementation, loader
from conformance.implementations import given, loading_with

QUICK, FULL = "quick", "full"
LEVELS = (QUICK, FULL)
DEVICES = ("cpu", "gpu", "tpu")
DTYPES = ("float32", "bfloat16", "float16", "float64", "tf32")


@dataclass(frozen=True)
class Subject:
    """An implementation and where and how far it is looked at.

    Attributes:
        framework: "pt", "tf" or "flax", or "module:callable" of a `Build`.
        device: "cpu", "gpu" or "tpu".
        dtype: one of `DTYPES`.
        level: "quick" or "full".
        checkpoint: folder of a user's own checkpoint; "" for the suite's cases.
        published: names of published models, if they are looked at instead.
        only: ids of the cases that are wanted; none means all.
    """

    framework: str
    device: str = "cpu"
    dtype: str = "float32"
    level: str = FULL
    checkpoint: str = ""
    published: tuple[str, ...] = ()
    only: tuple[str, ...] = ()

    @property
    def ours(self) -> bool:
        """Whether it is one of this package's frameworks."""
        return self.framework in PREFIXES

    @property
    def quick(self) -> bool:
        """Whether to be done soon."""
        return self.level == QUICK

    def wants(self, case_id: str) -> bool:
        """Whether a case was asked for."""
        return not self.only or case_id in self.only

    def chosen(self, cases: Iterable[Any]) -> list[Any]:
        """Leave out cases, which have an `id`, that were not asked for."""
        return [case for case in cases if self.wants(case.id)]

    def build(self) -> Build:
        """Give the function that makes a model of weights.

        Returns:
            The framework's, or the callable that `framework` names.

        Raises:
            ImportError: it cannot be imported.
        """
        return implementation(self.framework) if self.ours else given(self.framework)

    def load(self) -> Load:
        """Give the function that loads a checkpoint; errors as `build`'s."""
        return loader(self.framework) if self.ours else loading_with(self.build())
