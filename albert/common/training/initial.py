"""New weights, made once in NumPy, so that all frameworks start from the same."""

from __future__ import annotations

import numpy as np

from albert.common.config import AlbertConfig
from albert.common.names import KERNEL, SCALE, TABLE, weights
from albert.common.training.neighbours import look_at_neighbours
from albert.common.training.objectives import random_seed

KINDS = ("normal", "neighbours")


def initial_weights(
    config: AlbertConfig, class_name: str, seed: int, kind: str = "normal"
) -> dict[str, np.ndarray]:
    """Make the weights that training from nothing starts with.

    Matrices and tables: normal with deviation `initializer_range`, drawn again beyond
    twice that; biases 0, scales 1.

    Args:
        config: the sizes and `initializer_range`.
        class_name: PyTorch's name of the class.
        seed: each weight's values depend on it and on the weight's place alone.
        kind: "normal", or "neighbours" for what `look_at_neighbours` makes of them.

    Returns:
        float32 arrays by canonical name, in the canonical layout.

    Raises:
        ValueError: the kind does not go with the configuration.

    Source: google-research/albert modeling.py, `create_initializer`.
    """
    made: dict[str, np.ndarray] = {}
    for place, row in enumerate(weights(config, class_name)):
        shape = row.shape(config)
        if row.kind in (TABLE, KERNEL):
            rng = np.random.default_rng(random_seed(seed, place))
            array = config.initializer_range * _truncated(rng, shape)
        else:
            array = np.full(shape, 1.0 if row.kind == SCALE else 0.0)
        made[row.canonical] = array.astype(np.float32)
    return look_at_neighbours(made, config) if kind == "neighbours" else made


def _truncated(rng: np.random.Generator, shape: tuple[int, ...]) -> np.ndarray:
    """Draw from a normal distribution that is cut at two deviations."""
    drawn = rng.standard_normal(shape)
    while (outside := np.abs(drawn) > 2).any():
        drawn[outside] = rng.standard_normal(int(outside.sum()))
    return drawn
