"""LAMB and AdamW as ALBERT's original has them, and its clipping.

The plain rules, for `settings.bias_correction` False: with g the clipped gradient,
m = beta_1 m + (1 - beta_1) g, v = beta_2 v + (1 - beta_2) g^2,
u = m / (sqrt(v) + epsilon) + weight_decay w, w = w - learning_rate r u, where r is 1 in
AdamW and |w| / |u| in LAMB. Weights that are left out have r = 1 and no decay.
"""

import math
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import torch
from torch import nn

from albert.common.training.rules import (
    OptimizerSettings,
    check_max_norm,
    corrections,
    left_out,
)

# What PyTorch's own optimizers are made of; no public name gives it.
_many: Any = torch


def clip_by_global_norm(
    gradients: Sequence[torch.Tensor], max_norm: float
) -> tuple[Sequence[torch.Tensor], torch.Tensor]:
    """Scale gradients down, together, to a norm that they must not be above.

    Args:
        gradients: float tensors, such as every `parameter.grad`; they are changed in
            place.
        max_norm: the norm.

    Returns:
        The gradients, and their norm before: float []. Where that is not finite,
        every gradient is NaN: leave the step out.

    Raises:
        ValueError: `max_norm` is not above 0, or there is no gradient.

    Source: google-research/albert optimization.py, which has no epsilon here.
    """
    check_max_norm("max_norm", max_norm)
    gradients = list(gradients)
    if not gradients:
        raise ValueError("gradients must not be empty: has backward() been called?")
    with torch.no_grad():
        norm = torch.linalg.vector_norm(torch.stack(_norms(gradients)))
        factor = max_norm / norm.clamp(min=max_norm)
        factor = torch.where(torch.isfinite(norm), factor, torch.nan)
        _many._foreach_mul_(gradients, factor)
    return gradients, norm


def make_optimizer(
    params: nn.Module | Iterable[Any], settings: OptimizerSettings, learning_rate: Any
) -> torch.optim.Optimizer:
    """Make the optimizer of the settings; clipping is `clip_by_global_norm`'s.

    Args:
        params: a model, whose `parameter_groups` are taken, or parameters or groups.
        settings: which one, and its numbers.
        learning_rate: a number, or a function from the step to one.

    Returns:
        `Lamb` or `AdamW`.
    """
    kind = {"lamb": Lamb, "adamw": AdamW}[settings.name]
    if isinstance(params, nn.Module):
        params = parameter_groups(params)
    return kind(params, learning_rate, **settings.arguments())


def parameter_groups(model: nn.Module) -> list[dict[str, Any]]:
    """Give a model's trainable parameters in the two groups that the rules know.

    The optimizers treat plain `model.parameters()` alike, by the number of axes; groups
    do so by kind, and also where an engine flattens the parameters.

    Args:
        model: of this package, or any other.

    Returns:
        Groups for an optimizer: those that get decay and a trust ratio, then those
        with `left_out` True, which get neither; none is empty.
    """
    groups: list[dict[str, Any]] = []
    named = [one for one in model.named_parameters() if one[1].requires_grad]
    for out in (False, True):
        held = [
            parameter
            for name, parameter in named
            if left_out("pt", name.rpartition(".")[2], parameter.ndim) is out
        ]
        if held:
            groups.append({"params": held, "left_out": out})
    return groups


class _ByMoments(torch.optim.Optimizer):
    """What both have: the moments, their quotient and the decay."""

    def __init__(
        self, params: Iterable[Any], learning_rate: Any, settings: OptimizerSettings
    ) -> None:
        self.learning_rate = learning_rate if callable(learning_rate) else None
        rate = learning_rate(0) if callable(learning_rate) else learning_rate
        _check_rate(rate)
        # "lr" is where PyTorch's schedulers and logs look.
        defaults = {
            "lr": rate,
            **settings.arguments(),
            "left_out": None,
            "steps": 0,
        }
        super().__init__(params, defaults)

    def __getstate__(self) -> dict[str, Any]:
        return {**super().__getstate__(), "learning_rate": self.learning_rate}

    @torch.no_grad()
    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """Update the parameters that have a gradient.

        Args:
            closure: computes the loss and the gradients again; None if they are there.

        Returns:
            What `closure` gives, or None.
        """
        loss = None
        if closure is not None:
            with torch.enable_grad():
                loss = closure()
        for group in self.param_groups:
            if self.learning_rate is not None:
                group["lr"] = self.learning_rate(group["steps"])
            group["steps"] += 1
            for out, parameters in _parted(group):
                self._update(group, parameters, out)
        return loss

    def _update(
        self, group: dict[str, Any], parameters: list[torch.Tensor], out: bool
    ) -> None:
        gradients: Any = [parameter.grad for parameter in parameters]
        first, second = self._moments(parameters)
        # moments
        beta_1, beta_2 = group["betas"]
        _many._foreach_lerp_(first, gradients, 1 - beta_1)
        _many._foreach_mul_(second, beta_2)
        _many._foreach_addcmul_(second, gradients, gradients, value=1 - beta_2)
        # their quotient
        updates, divisor = first, _many._foreach_sqrt(second)
        if group["bias_correction"]:
            parts = corrections(group["betas"], group["steps"])
            updates = _many._foreach_div(first, parts.first)
            _many._foreach_div_(divisor, math.sqrt(parts.second))
        _many._foreach_add_(divisor, group["epsilon"])
        updates = _many._foreach_div(updates, divisor)
        # decay and trust ratio
        if not out:
            _many._foreach_add_(updates, parameters, alpha=group["weight_decay"])
            self._scale(updates, parameters)
        _many._foreach_add_(parameters, updates, alpha=-group["lr"])

    def _moments(
        self, parameters: list[torch.Tensor]
    ) -> tuple[list[torch.Tensor], list[torch.Tensor]]:
        for parameter in parameters:
            state = self.state[parameter]
            if not state:
                for name in ("exp_avg", "exp_avg_sq"):
                    state[name] = torch.zeros_like(
                        parameter, memory_format=torch.preserve_format
                    )
        states = [self.state[parameter] for parameter in parameters]
        return (
            [state["exp_avg"] for state in states],
            [state["exp_avg_sq"] for state in states],
        )

    def _scale(
        self, updates: Sequence[torch.Tensor], parameters: list[torch.Tensor]
    ) -> None:
        """Multiply updates by what depends on the weights."""


class AdamW(_ByMoments):
    """Adam with decay beside the gradient, as ALBERT's original has it.

    Args:
        params: parameters, named ones or groups, as for any optimizer of PyTorch; a
            group may say `left_out`. See `parameter_groups`.
        learning_rate: a number, or a function from the step, 0 at first, to one, such
            as `PolynomialDecay`. A group's "lr" has the present one.
        betas: how much of the two moments is kept.
        epsilon: added to the root of the second moment.
        weight_decay: how much of a weight is added to its update.
        bias_correction: whether the moments' start at 0 is taken out of them, as
            `torch.optim.AdamW` does; the original does not.

    Raises:
        ValueError: a value is out of range.

    Source: google-research/albert optimization.py, `AdamWeightDecayOptimizer`.
    """

    def __init__(
        self,
        params: Iterable[Any],
        learning_rate: Any,
        betas: tuple[float, float] = (0.9, 0.999),
        epsilon: float = 1e-6,
        weight_decay: float = 0.01,
        bias_correction: bool = False,
    ) -> None:
        settings = OptimizerSettings(
            "adamw",
            betas,
            epsilon,
            weight_decay,
            bias_correction=bias_correction,
        )
        super().__init__(params, learning_rate, settings)


class Lamb(_ByMoments):
    """AdamW whose update of each weight is scaled to the weight's norm.

    Args:
        params: parameters, named ones or groups, as for any optimizer of PyTorch; a
            group may say `left_out`. See `parameter_groups`.
        learning_rate: a number, or a function from the step, 0 at first, to one, such
            as `PolynomialDecay`. A group's "lr" has the present one.
        betas: how much of the two moments is kept.
        epsilon: added to the root of the second moment.
        weight_decay: how much of a weight is added to its update, before its norm is
            taken.
        bias_correction: whether the moments' start at 0 is taken out of them, as in
            the paper; the original does not.

    Raises:
        ValueError: a value is out of range.

    Source: You et al. 2019 (LAMB); google-research/albert lamb_optimizer.py.
    """

    def __init__(
        self,
        params: Iterable[Any],
        learning_rate: Any,
        betas: tuple[float, float] = (0.9, 0.999),
        epsilon: float = 1e-6,
        weight_decay: float = 0.01,
        bias_correction: bool = False,
    ) -> None:
        settings = OptimizerSettings(
            "lamb",
            betas,
            epsilon,
            weight_decay,
            bias_correction=bias_correction,
        )
        super().__init__(params, learning_rate, settings)

    def _scale(
        self, updates: Sequence[torch.Tensor], parameters: list[torch.Tensor]
    ) -> None:
        ratios = [
            torch.where((weight == 0) | (update == 0), 1.0, weight / update)
            for weight, update in zip(_norms(parameters), _norms(updates), strict=True)
        ]
        _many._foreach_mul_(updates, ratios)


def _check_rate(rate: Any) -> None:
    """Refuse what is no finite number; one below 0 may be part of a schedule."""
    if not math.isfinite(rate):
        raise ValueError(f"learning_rate must be finite, but is {rate!r}.")


def _parted(group: dict[str, Any]) -> list[tuple[bool, list[torch.Tensor]]]:
    """Part a group's parameters that have a gradient by whether they are left out."""
    parts: dict[bool, list[torch.Tensor]] = {}
    names = group.get("param_names") or [""] * len(group["params"])
    for name, parameter in zip(names, group["params"], strict=True):
        if parameter.grad is None:
            continue
        out = group["left_out"]
        if out is None:
            out = left_out("pt", name.rpartition(".")[2], parameter.ndim)
        parts.setdefault(out, []).append(parameter)
    return list(parts.items())


def _norms(tensors: Sequence[torch.Tensor]) -> list[torch.Tensor]:
    """Give each tensor's norm, in float32 or wider."""
    wide = torch.promote_types(tensors[0].dtype, torch.float32)
    return list(_many._foreach_norm(tensors, 2, dtype=wide))
