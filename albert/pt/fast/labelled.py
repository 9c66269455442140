"""A sum over the places that have a label, a chunk of them in memory at a time.

Letters: N places, C places of a chunk, E features.
"""

from collections.abc import Callable
from typing import Any

import torch
from torch.utils.checkpoint import checkpoint

from albert.common.inputs import IGNORE_INDEX

CHUNK = 1024
"""Places of a chunk: with 30,000 words 123 MB of scores. One chunk keeps its scores for
the gradient; of several each is computed again, so smaller ones cost time."""


def sum_over_labelled(
    function: Callable[[torch.Tensor, torch.Tensor], torch.Tensor],
    rows: torch.Tensor,
    labels: torch.Tensor,
) -> torch.Tensor:
    """Sum what a function gives for chunks of the places that have a label.

    For the gradient each of several chunks is computed again. A trace, or a CUDA graph,
    cannot choose places by value: it goes through all of them, in chunks. What
    `torch.func` transforms can do neither, and takes all at once.

    Args:
        function: gives float [], a sum over rows, float [C, E], and their labels, int
            [C], to which a label of -100 adds nothing.
        rows: float [N, E].
        labels: int [N]; -100 is ignored.

    Returns:
        float [], the sum over all rows.
    """
    if torch._C._are_functorch_transforms_active():
        return function(rows, labels)
    if not _is_traced(labels):
        places = (labels != IGNORE_INDEX).nonzero().squeeze(1)
        rows, labels = rows[places], labels[places]
    parts = list(zip(rows.split(CHUNK), labels.split(CHUNK), strict=True))
    if len(parts) == 1:
        return function(*parts[0])
    again: dict[str, Any] = {"use_reentrant": False, "preserve_rng_state": False}
    sums = [checkpoint(function, *part, **again) for part in parts]
    return torch.stack(sums).sum()


def _is_traced(labels: torch.Tensor) -> bool:
    return (
        # Such as a FakeTensor, which has no values.
        type(labels) is not torch.Tensor
        or labels.is_meta
        or (labels.is_cuda and torch.cuda.is_current_stream_capturing())
        or torch.compiler.is_compiling()
        or torch.jit.is_tracing()  # pyright: ignore[reportPrivateImportUsage]
    )
