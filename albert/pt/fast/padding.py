"""Leaving out padding: the tokens of a batch in one row, sequence after sequence.

Letters: B batch, S sequence, E embedding, H hidden, T tokens that are left.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from functools import cached_property
from itertools import accumulate, groupby
from typing import Any

import torch

from albert.common.config import AlbertConfig
from albert.pt.fast.ordinary import is_ordinary_call
from albert.pt.fast.switches import switches

_UNREAD: ContextVar[bool] = ContextVar("padding_unread", default=False)
_HALF = (torch.float16, torch.bfloat16)


@contextmanager
def padding_unread() -> Iterator[None]:
    """Promise that nobody reads what the encoder gives for hidden tokens.

    It may give 0 there then, instead of what such a token gathers from the others.
    """
    if torch.compiler.is_compiling():  # it cannot follow the variable
        yield
        return
    token = _UNREAD.set(True)
    try:
        yield
    finally:
        _UNREAD.reset(token)


@dataclass(frozen=True)
class Tokens:
    """The tokens that are computed, and which of them see each other.

    Attributes:
        shape: B and S.
        lengths: number of tokens of each sequence.
        places: int [T], theirs in [B * S].
    """

    shape: tuple[int, int]
    lengths: tuple[int, ...]
    places: torch.Tensor

    def take(self, states: torch.Tensor) -> torch.Tensor:
        """Take them out of float [B, S, E]: float [1, T, E]."""
        return states.flatten(0, 1)[self.places][None]

    def put_back(self, taken: torch.Tensor) -> torch.Tensor:
        """Put float [1, T, H] back to float [B, S, H], with 0 elsewhere."""
        batch, length = self.shape
        whole = taken.new_zeros(batch * length, taken.shape[-1])
        return whole.index_copy(0, self.places, taken[0]).view(batch, length, -1)

    @property
    def runs(self) -> Iterator[tuple[int, int]]:
        """Neighbours of one length: how many sequences, and the length."""
        for length, same in groupby(self.lengths):
            yield len(list(same)), length

    @cached_property
    def bounds(self) -> torch.Tensor:
        """Where sequences begin, and the last one ends: int32 [B + 1]."""
        ends = accumulate(self.lengths, initial=0)
        return torch.tensor(list(ends), dtype=torch.int32, device=self.places.device)


def leave_out_padding(
    config: AlbertConfig, embeddings: torch.Tensor, visible: torch.Tensor | None
) -> Tokens | None:
    """Tell which tokens are to be computed, where that is not all of them.

    Args:
        config: with "eager" attention everything is done the plain way.
        embeddings: float [B, S, E].
        visible: bool [B, 1, 1, S], of `visible_keys`.

    Returns:
        The tokens that are seen; None if all are, if what the others give may be read,
        or if attention has no quick way for sequences of many lengths here.
    """
    if visible is None or not is_ordinary_call(embeddings):
        return None
    if torch.is_grad_enabled() or not (_UNREAD.get() and switches.unpadded):
        return None
    if config.attn_implementation == "eager" or not _has_kernel(config, embeddings):
        return None
    seen = visible[:, 0, 0]
    lengths = tuple(seen.sum(1).tolist())
    # The first token of each is read whatever the mask says: it is what is pooled.
    if sum(lengths) == seen.numel() or not bool(seen[:, 0].all()):
        return None
    batch, length = seen.shape
    return Tokens((batch, length), lengths, seen.flatten().nonzero().squeeze(1))


def _has_kernel(config: AlbertConfig, tensor: torch.Tensor) -> bool:
    """Whether there is something better than many small products."""
    if not tensor.is_cuda:
        return tensor.device.type == "cpu"
    return (
        config.head_size % 8 == 0
        and config.head_size <= 256
        and tensor.dtype in _HALF
        and torch.cuda.get_device_capability(tensor.device) >= (8, 0)
        and not torch.cuda.is_current_stream_capturing()
        and kernel() is not None
    )


def kernel() -> Any:
    """Give PyTorch's function for sequences of many lengths; None before 2.10.

    Imported when it is needed: it brings PyTorch's compiler along.
    """
    try:
        from torch.nn.attention.varlen import varlen_attn
    except ImportError:
        return None
    return varlen_attn
