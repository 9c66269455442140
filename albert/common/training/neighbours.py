"""First weights by which every head looks at one neighbour: for little compute.

From the usual ones a small model reads nothing but word counts for its first ten
million words: only when attention tells positions apart does context help, and nothing
else teaches it to. Here it does from the first step.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count, islice

import numpy as np

from albert.common.config import AlbertConfig

_FASTEST = 2.0
"""Radians from a position to the next, of the fastest wave. The slowest that a head
reads has a fifth of it, since slower ones cannot tell neighbours apart; the slowest of
all, a thousandth."""
_SCORE = 6.0
"""Attention score of the neighbour before training, about; that of others is near 0."""

_ATTENTION = (
    "albert.encoder.albert_layer_groups.{}.albert_layers.{}.attention.{}.weight"
)
_POSITIONS = "albert.embeddings.position_embeddings.weight"
_MAPPING = "albert.encoder.embedding_hidden_mapping_in.weight"


def look_at_neighbours(
    weights: dict[str, np.ndarray], config: AlbertConfig
) -> dict[str, np.ndarray]:
    """Give first weights whose heads look 1 back, 1 ahead, 2 back, 2 ahead and so on.

    Positions become sines and cosines (Vaswani et al. 2017, section 3.5) as large as
    the words' embeddings; the mapping becomes orthogonal; queries turn each wave by
    the angle of their head's distance, and keys do not.

    Args:
        weights: as `initial_weights` gives them, by canonical name.
        config: of the model.

    Returns:
        New arrays for the tables and matrices named above, the others as they are.

    Raises:
        ValueError: `hidden_size` is below `embedding_size`, or a head is wider.
    """
    heads, width = config.num_attention_heads, config.embedding_size
    head = config.hidden_size // heads
    if not head <= width <= config.hidden_size:
        raise ValueError(
            "The first weights 'neighbours' need an embedding_size from that of a head "
            f"to hidden_size, {head} to {config.hidden_size}, but it is {width}."
        )
    near, rest = head // 2, width // 2 - head // 2
    waves = _FASTEST * np.append(
        np.geomspace(1, 1 / 5, near), np.geomspace(1 / 5, 1e-3, rest + 1)[1:]
    )
    mapping = np.linalg.qr(weights[_MAPPING].astype(np.float64))[0]
    turned = [_turned(mapping, waves[:near], o) for o in islice(_offsets(), heads)]
    plain = _turned(mapping, waves[:near], 0)
    scale = np.sqrt(_SCORE * np.sqrt(head) / near)
    made = {
        **weights,
        _POSITIONS: config.initializer_range
        * _table(waves, config.max_position_embeddings, width),
        _MAPPING: mapping,
    }
    for group in range(config.num_hidden_groups):
        for inner in range(config.inner_group_num):
            for name, parts in (("query", turned), ("key", [plain] * heads)):
                key = _ATTENTION.format(group, inner, name)
                made[key] = weights[key] + _rows(parts, head, scale)
    return {name: array.astype(np.float32) for name, array in made.items()}


def _offsets() -> Iterator[int]:
    """Give -1, 1, -2, 2 and so on."""
    for distance in count(1):
        yield from (-distance, distance)


def _table(waves: np.ndarray, positions: int, width: int) -> np.ndarray:
    """Give waves at every position, [P, E], of mean square 1: sines, then cosines."""
    angles = np.arange(positions)[:, None] * waves
    table = np.zeros((positions, width))
    table[:, 0 : 2 * len(waves) : 2] = np.sqrt(2) * np.sin(angles)
    table[:, 1 : 2 * len(waves) : 2] = np.sqrt(2) * np.cos(angles)
    return table


def _turned(mapping: np.ndarray, waves: np.ndarray, offset: int) -> np.ndarray:
    """Give the rows that read the waves of the position `offset` ahead, [2 W, H]."""
    pairs = mapping.T[: 2 * len(waves)].reshape(len(waves), 2, -1)
    cosine, sine = np.cos(waves * offset), np.sin(waves * offset)
    turns = np.stack([np.stack([cosine, sine], 1), np.stack([-sine, cosine], 1)], 1)
    # [W, 2, 2] times [W, 2, H]
    return (turns @ pairs).reshape(2 * len(waves), -1)


def _rows(parts: list[np.ndarray], head: int, scale: float) -> np.ndarray:
    """Put the heads' rows below each other, [H, H]."""
    rows = np.zeros((len(parts), head, parts[0].shape[1]))
    for number, part in enumerate(parts):
        rows[number, : len(part)] = scale * part
    return rows.reshape(len(parts) * head, -1)
