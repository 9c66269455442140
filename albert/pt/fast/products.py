"""Tokens times the matrices of a block, by oneDNN.

PyTorch's float32 `linear` goes to MKL, which reaches about half of oneDNN's speed on
processors that are not Intel's. The operators used here are those that PyTorch's own
compiler calls.

Letters: T tokens, I inputs, O outputs.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch

from albert.pt.activations import activation
from albert.pt.fast.packing import packed
from albert.pt.fast.switches import switches

Activation = Callable[[torch.Tensor], torch.Tensor]

_NONE = ("none", "")
_FUSED: dict[Activation, tuple[str, str]] = {
    activation("gelu"): ("gelu", "none"),
    activation("gelu_new"): ("gelu", "tanh"),
    activation("relu"): ("relu", ""),
    activation("silu"): ("swish", ""),
    activation("tanh"): ("tanh", ""),
}
"""Function -> oneDNN's name of it and of its form."""


def has_onednn(tensor: torch.Tensor) -> bool:
    """Whether oneDNN multiplies such tensors here, and is not switched off.

    Args:
        tensor: of any shape.

    Returns:
        True for float32 and bfloat16 on a CPU, where PyTorch was built with it; but
        `torch.backends.mkldnn.flags(enabled=False)`, PyTorch's own switch, counts, too.
    """
    if not switches.onednn or tensor.device.type != "cpu":
        return False
    if not (torch.backends.mkldnn.is_available() and torch._C._get_mkldnn_enabled()):
        return False
    if not hasattr(torch.ops.mkldnn, "_linear_pointwise"):
        return False
    if tensor.dtype == torch.bfloat16:
        return torch.ops.mkldnn._is_mkldnn_bf16_supported()
    return tensor.dtype == torch.float32


@dataclass(frozen=True)
class Product:
    """One product with a matrix, and a bias on top.

    Attributes:
        matrix: float [O, I], or what oneDNN has made of it.
        bias: float [O].
    """

    matrix: torch.Tensor
    bias: torch.Tensor

    def __call__(
        self, tokens: torch.Tensor, activate: Activation | None = None
    ) -> torch.Tensor:
        """Multiply, add the bias and activate.

        Args:
            tokens: float [T, I].
            activate: a function of each value; None for none.

        Returns:
            float [T, O].
        """
        kind, form = _NONE if activate is None else _FUSED.get(activate, _NONE)
        multiplied = torch.ops.mkldnn._linear_pointwise(
            tokens, self.matrix, self.bias, kind, [], form
        )
        if activate is None or activate in _FUSED:
            return multiplied
        return activate(multiplied)

    def plus(self, tokens: torch.Tensor, other: torch.Tensor) -> torch.Tensor:
        """Multiply, add the bias and another tensor.

        Args:
            tokens: float [T, I].
            other: float [T, O].

        Returns:
            float [T, O].
        """
        return torch.ops.mkldnn._linear_pointwise.binary(
            tokens, other, self.matrix, self.bias, "add"
        )


@dataclass(frozen=True)
class Products:
    """The four products of a block, in the order of their use.

    Attributes:
        gather: to queries, keys and values, side by side.
        merge: of what the heads gathered.
        widen: of the feed-forward step.
        narrow: likewise, back to H.
    """

    gather: Product
    merge: Product
    widen: Product
    narrow: Product


def products(albert_layer: Any) -> Products:
    """Give the products of an `AlbertLayer`."""
    attention = albert_layer.attention
    sides = (attention.query, attention.key, attention.value)
    others = (attention.dense, albert_layer.ffn, albert_layer.ffn_output)
    matrices = [[side.weight for side in sides], *([one.weight] for one in others)]
    biases = [torch.cat([side.bias for side in sides]), *(one.bias for one in others)]
    if switches.packed:
        ready = packed(albert_layer, matrices)
    else:
        ready = [one[0] if len(one) == 1 else torch.cat(one) for one in matrices]
    return Products(*map(Product, ready, biases))
