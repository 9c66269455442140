"""Inputs that show a difference between two models: what conformance calls with."""

from __future__ import annotations

import numpy as np

from albert.common.config import AlbertConfig

BATCH, CHOICES, LENGTH = 3, 9, 7


def make_inputs(
    config: AlbertConfig,
    class_name: str,
    seed: int,
    length: int = LENGTH,
    batch: int = BATCH,
) -> dict[str, np.ndarray]:
    """Make ids, segments and a mask for a class.

    Args:
        config: gives the number of word pieces and of segments.
        class_name: PyTorch's name of the class.
        seed: of the ids and of the place where the second segment starts.
        length: S.
        batch: B.

    Returns:
        int32 [B, S], or [B, C, S] for multiple choice; rows of unlike length.
    """
    random = np.random.default_rng(seed)
    choices = (CHOICES,) if class_name == "AlbertForMultipleChoice" else ()
    shape = (batch, *choices, length)
    second = random.integers(1, length + 1, (*shape[:-1], 1))
    segments = (np.arange(length) >= second) * (config.type_vocab_size - 1)
    return {
        "input_ids": random.integers(0, config.vocab_size, shape).astype(np.int32),
        "attention_mask": right_padding(shape),
        "token_type_ids": segments.astype(np.int32),
    }


def right_padding(shape: tuple[int, ...]) -> np.ndarray:
    """Make a mask, int32, whose rows keep S, S - 2, S - 4 ... tokens, never none."""
    rows = int(np.prod(shape[:-1]))
    kept = np.maximum(shape[-1] - 2 * (np.arange(rows) % 4), 1)
    mask = np.arange(shape[-1])[None] < kept[:, None]
    return mask.astype(np.int32).reshape(shape)
