"""The loss scale of float16, whose gradients would be rounded to 0 without one."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass
class LossScale:
    """A power of two that grows while gradients are finite and halves when not.

    The same rule in all frameworks, kept by the loop: a step is told the scale and
    tells whether its gradients were finite; if not, it changed nothing.

    Fields:
        value: what the loss is multiplied by, and the gradients divided by.
        good: finite steps since it changed.
        patience: finite steps after which it doubles; 0 keeps it as it is.

    Source: Micikevicius et al., Mixed Precision Training (2018), section 3.2.
    """

    value: float = 1.0
    good: int = 0
    patience: int = 0

    SMALLEST = 2.0**-14

    @classmethod
    def of(cls, precision: str) -> LossScale:
        """Give the scale that a precision starts with; 1, for ever, but for float16."""
        return cls(2.0**15, patience=2000) if precision == "float16" else cls()

    @property
    def may_skip(self) -> bool:
        """Whether gradients that are not finite only call for a smaller scale."""
        return self.patience > 0 and self.value > self.SMALLEST

    def update(self, finite: bool) -> None:
        """Learn how a step went.

        Args:
            finite: whether its gradients were.
        """
        if not self.patience:
            return
        self.good = self.good + 1 if finite else 0
        if not finite:
            self.value /= 2
        elif self.good == self.patience:
            self.value, self.good = self.value * 2, 0
