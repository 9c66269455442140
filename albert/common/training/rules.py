"""The settings of the two optimizers, and which weights they treat otherwise."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, cast

import numpy as np

from albert.common.names import BIAS, KERNEL, SCALE, SHIFT, TABLE

NAMES = ("lamb", "adamw")
"""The optimizers that there are."""

_KINDS = (TABLE, KERNEL, BIAS, SCALE, SHIFT)
_LEFT_OUT = (BIAS, SCALE, SHIFT)


@dataclass(frozen=True)
class OptimizerSettings:
    """What an optimizer does beside the learning rate; the defaults are the original's.

    Attributes:
        name: "lamb" or "adamw".
        betas: how much of the moments of the gradient and of its square is kept.
        epsilon: added to the root of the second moment.
        weight_decay: how much of a weight is added to its update; multiplied with the
            learning rate and, in LAMB, with the trust ratio.
        max_grad_norm: global norm to which gradients are clipped before all else; None
            for no clipping.
        bias_correction: whether moments are divided by 1 - beta ** step, as AdamW and
            LAMB were published; the original does not.

    Raises:
        ValueError: a value is out of range.

    Source: google-research/albert optimization.py and lamb_optimizer.py.
    """

    name: str = "lamb"
    betas: tuple[float, float] = (0.9, 0.999)
    epsilon: float = 1e-6
    weight_decay: float = 0.01
    max_grad_norm: float | None = 1.0
    bias_correction: bool = False

    def __post_init__(self) -> None:
        if self.name not in NAMES:
            raise ValueError(f"name must be 'lamb' or 'adamw', but is {self.name!r}.")
        check_betas(self.betas)
        # A JSON file has a list.
        object.__setattr__(self, "betas", tuple(self.betas))
        for name in ("epsilon", "weight_decay"):
            value = getattr(self, name)
            if not 0 <= value < math.inf:
                raise ValueError(
                    f"{name} must be 0 or more and finite, but is {value!r}."
                )
        if self.max_grad_norm is not None:
            check_max_norm("max_grad_norm", self.max_grad_norm)

    @property
    def limit(self) -> float:
        """The norm to clip to; float32's largest if there is no clipping."""
        largest = float(np.finfo(np.float32).max)
        return largest if self.max_grad_norm is None else self.max_grad_norm

    def arguments(self) -> dict[str, Any]:
        """Give what the optimizers' constructors take."""
        return {
            "betas": self.betas,
            "epsilon": self.epsilon,
            "weight_decay": self.weight_decay,
            "bias_correction": self.bias_correction,
        }


class Corrections(NamedTuple):
    """What the moments are divided by."""

    first: Any
    second: Any


def corrections(betas: Sequence[float], steps: Any) -> Corrections:
    """Give what takes the moments' start at 0 out of them.

    Args:
        betas: of the two moments.
        steps: number of updates, this one included; a number or an array.

    Returns:
        1 - beta ** steps of each.
    """
    return Corrections(1.0 - betas[0] ** steps, 1.0 - betas[1] ** steps)


def left_out(framework: str, name: str, axes: int) -> bool:
    """Say whether a weight gets neither decay nor a trust ratio.

    The kind of a weight decides: biases and the scales and shifts of norms are left
    out; tables and matrices are not. The kind is known by the weight's own name, the
    last step of its path, as the weight-name table has it. Layers of the user's own
    count likewise; a name that the table does not have, or has for both (PyTorch's
    "weight"), is decided by the number of axes: fewer than two are left out.

    Args:
        framework: "pt", "tf" or "flax".
        name: the weight's own name, such as "kernel"; "" if it is not known.
        axes: number of axes.

    Returns:
        Whether it is left out.

    Source: google-research/albert optimization.py, `exclude_from_weight_decay`.
    """
    found = {kind in _LEFT_OUT for kind in _KINDS if getattr(kind, framework) == name}
    return found.pop() if len(found) == 1 else axes < 2


def check_max_norm(name: str, value: float) -> None:
    """Refuse a norm to clip to that is not above 0.

    Args:
        name: of the argument, for the error text.
        value: the norm.

    Raises:
        ValueError: it is not above 0, or not finite.
    """
    if not 0 < value < math.inf:
        raise ValueError(f"{name} must be above 0 and finite, but is {value!r}.")


def check_betas(betas: Any) -> None:
    """Refuse what is not two numbers of which 0 <= beta < 1.

    Args:
        betas: the argument.

    Raises:
        ValueError: it is something else.
    """
    given = cast("Sequence[Any]", betas) if isinstance(betas, list | tuple) else ()
    if len(given) != 2 or not all(0 <= beta < 1 for beta in given):
        raise ValueError(
            f"betas must be two numbers from 0 to below 1, but is {betas!r}."
        )
