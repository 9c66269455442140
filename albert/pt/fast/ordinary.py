"""Whether a call is an ordinary one, whose steps another way may stand in for."""

from collections.abc import Iterable
from typing import Any

import torch
from torch import nn
from torch._C import _functorch as functorch  # pyright: ignore
from torch.autograd import forward_ad
from torch.nn.modules import module as hooks

_PARAMETERS = (nn.Parameter, torch.Tensor)
# Many gradients at once, as `is_grads_batched` asks for them.
_BATCHED: Any = torch._C._parse_dispatch_key("Batched")


def is_ordinary_call(tensor: torch.Tensor) -> bool:
    """Whether nothing watches or rewrites the operations of this call.

    Args:
        tensor: what the call computes with.

    Returns:
        False for compilers, exporters, tracers, transforms, autocast, and modes that
        see every operation, such as a counter of them: they get the plain model.
    """
    return not (
        torch.compiler.is_compiling()
        or type(tensor) not in _PARAMETERS
        or torch.jit.is_tracing()  # pyright: ignore[reportPrivateImportUsage]
        or torch.is_autocast_enabled(tensor.device.type)
        or torch._C._len_torch_dispatch_stack()
        or functorch.peek_interpreter_stack() is not None
        or torch._C._dispatch_keys(tensor).has(_BATCHED)
        or forward_ad._current_level >= 0
    )


def are_ordinary(modules: Iterable[nn.Module], like: torch.Tensor) -> bool:
    """Whether modules are as this package makes them, and nothing hangs on them.

    Args:
        modules: a module and all within it.
        like: the parameters' type and place must be this tensor's.

    Returns:
        False if one has a hook, a class of a user's, another method, or parameters that
        are missing or of a class of their own.
    """
    if hooks._global_forward_hooks or hooks._global_forward_pre_hooks:
        return False
    return all(_is_ordinary(module, like) for module in modules)


def _is_ordinary(module: nn.Module, like: torch.Tensor) -> bool:
    if not type(module).__module__.startswith(("albert.pt.", "torch.nn.modules.")):
        return False
    if module._forward_hooks or module._forward_pre_hooks:
        return False
    if "forward" in module.__dict__ or nn.utils.parametrize.is_parametrized(module):
        return False
    return all(
        parameter is not None
        and type(parameter) is nn.Parameter
        and parameter.dtype == like.dtype
        and parameter.device == like.device
        for parameter in module._parameters.values()
    )
