"""A block's matrices in the order in which oneDNN reads them, kept between calls.

Kept beside the model, not in it, so that nothing of it is saved, copied or compiled.

Letters: I inputs, O outputs.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from weakref import WeakKeyDictionary

import torch
from torch import nn

# How many rows the order is best for; other numbers of rows go as well.
_ROWS = 1024
_FOLD = 16381
_INTEGERS = {2: torch.int16, 4: torch.int32, 8: torch.int64}


@dataclass(frozen=True)
class _Kept:
    prints: list[torch.Tensor]
    matrices: list[torch.Tensor]


_KEPT: WeakKeyDictionary[nn.Module, _Kept] = WeakKeyDictionary()


def packed(
    owner: nn.Module, matrices: Sequence[Sequence[torch.Tensor]]
) -> list[torch.Tensor]:
    """Give matrices in oneDNN's order, made anew if one has changed.

    Changes are seen by their values. PyTorch's counter of versions misses those that
    go through `.data` or NumPy, and a matrix packed before such a change would be a
    wrong answer.

    Args:
        owner: whose they are; they are kept as long as it lives.
        matrices: float [O, I] each; those of one group are put side by side.

    Returns:
        One opaque tensor for each group.
    """
    prints = [mark for group in matrices for one in group for mark in _prints(one)]
    kept = _KEPT.get(owner)
    if kept is None or not _equal(kept.prints, prints):
        # The old ones go first: there is never more than one copy.
        _KEPT.pop(owner, None)
        del kept
        kept = _Kept(prints, [_pack(group) for group in matrices])
        _KEPT[owner] = kept
    return kept.matrices


def forget(owner: nn.Module) -> None:
    """Give the memory back of what is kept for a module and for those within it."""
    if _KEPT:
        for module in owner.modules():
            _KEPT.pop(module, None)


def kept_bytes(owner: nn.Module) -> int:
    """Count the bytes kept for a module and for those within it."""
    kept = (_KEPT[module] for module in owner.modules() if module in _KEPT)
    return sum(
        matrix.numel() * matrix.element_size()
        for one in kept
        for matrix in one.matrices
    )


def _pack(group: Sequence[torch.Tensor]) -> torch.Tensor:
    whole = group[0] if len(group) == 1 else torch.cat(list(group))
    return torch.ops.mkldnn._reorder_linear_weight(whole.detach(), _ROWS)


def _prints(matrix: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Add up the bits in one pass, so that each value and each place counts.

    Folding by a prime number puts what is in another row or column elsewhere.
    """
    flat = matrix.detach().contiguous().view(-1)
    first, size = flat.storage_offset() * flat.itemsize, flat.itemsize
    while size < 8 and not (first | flat.nbytes) % (2 * size):
        size *= 2
    bits = flat.view(_INTEGERS[size])
    end = len(bits) - len(bits) % _FOLD
    return bits[:end].view(-1, _FOLD).sum(0), bits[end:].clone()


def _equal(one: list[torch.Tensor], other: list[torch.Tensor]) -> bool:
    return len(one) == len(other) and all(map(torch.equal, one, other))
