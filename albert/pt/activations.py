"""The activation functions; `albert.common.activations` defines what they are."""

from collections.abc import Callable
from functools import partial

import torch
from torch.nn import functional

from albert.common.activations import KINDS


def _quick_gelu(x: torch.Tensor) -> torch.Tensor:
    return x * torch.sigmoid(1.702 * x)


def _linear(x: torch.Tensor) -> torch.Tensor:
    return x


_FUNCTIONS: dict[str, Callable[[torch.Tensor], torch.Tensor]] = {
    "gelu_erf": functional.gelu,
    "gelu_tanh": partial(functional.gelu, approximate="tanh"),
    "quick_gelu": _quick_gelu,
    "relu": functional.relu,
    "silu": functional.silu,
    "tanh": torch.tanh,
    "linear": _linear,
}


def activation(name: str) -> Callable[[torch.Tensor], torch.Tensor]:
    """Give the function that a configuration's `hidden_act` names."""
    return _FUNCTIONS[KINDS[name]]
