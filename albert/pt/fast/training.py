"""Products by oneDNN in training, forward and backward.

Letters: I inputs, O outputs.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import nn

from albert.pt.fast.ordinary import are_ordinary, is_ordinary_call
from albert.pt.fast.products import has_onednn


def project(linear: nn.Module, inputs: torch.Tensor) -> torch.Tensor:
    """Apply a linear layer, by oneDNN where gradients of float32 are wanted on the CPU.

    In bfloat16 PyTorch's own goes to oneDNN already.

    Args:
        linear: a layer.
        inputs: float [..., I].

    Returns:
        float [..., O].
    """
    if (
        torch.is_grad_enabled()
        and inputs.dtype == torch.float32
        and type(linear) is nn.Linear
        and is_ordinary_call(inputs)
        and has_onednn(inputs)
        and are_ordinary((linear,), inputs)
        and linear.bias is not None
    ):
        return _Linear.apply(inputs, linear.weight, linear.bias)
    return linear(inputs)


class _Linear(torch.autograd.Function):
    """`torch.nn.functional.linear`."""

    @staticmethod
    def forward(
        ctx: Any, inputs: torch.Tensor, weight: torch.Tensor, bias: torch.Tensor
    ) -> torch.Tensor:
        ctx.save_for_backward(inputs, weight)
        return _multiply(inputs, weight, bias)

    @staticmethod
    def backward(ctx: Any, grad: torch.Tensor) -> Any:  # pyright: ignore
        inputs, weight = ctx.saved_tensors
        # Where a gradient of this gradient is wanted, or many at once, only PyTorch's
        # own product will do.
        plain = torch.is_grad_enabled() or not is_ordinary_call(grad)
        multiply = torch.nn.functional.linear if plain else _multiply
        rows = inputs.reshape(-1, inputs.shape[-1])
        grads = grad.reshape(-1, grad.shape[-1])
        wanted = ctx.needs_input_grad
        return (
            multiply(grad, weight.t()) if wanted[0] else None,
            multiply(grads.t(), rows.t()) if wanted[1] else None,
            grads.sum(0) if wanted[2] else None,
        )


def _multiply(
    inputs: torch.Tensor, weight: torch.Tensor, bias: torch.Tensor | None = None
) -> torch.Tensor:
    return torch.ops.mkldnn._linear_pointwise(inputs, weight, bias, "none", [], "")
