"""Random numbers that depend on what they are for, and on nothing drawn before."""

from __future__ import annotations

import numpy as np

PAIRS, MASKS, HELD_OUT, GROUPS, ROWS = range(1, 6)
"""What numbers are drawn for; each has its own."""

SEEDS = 1 << 63
"""Seeds are below this."""


def stream(
    seed: int, purpose: int, number: int, round_: int = 0
) -> np.random.Generator:
    """Give a generator for one thing, such as the masks of one row in one epoch.

    Args:
        seed: 0 to `SEEDS` - 1.
        purpose: one of the constants above.
        number: of the row, the document or the window.
        round_: of the epoch, or of the visit to a document.

    Returns:
        A generator whose numbers differ from those of all other arguments: seed and
        number are the key of a counter-based generator (Philox), and the rest stands
        where its counter never gets to.
    """
    key = np.array([seed, number], np.uint64)
    counter = np.array([0, 0, round_, purpose], np.uint64)
    return np.random.Generator(np.random.Philox(key=key, counter=counter))


def check_seed(seed: int) -> None:
    """Check a seed.

    Args:
        seed: as given.

    Raises:
        ValueError: it is negative or does not fit.
    """
    if not 0 <= seed < SEEDS:
        raise ValueError(f"seed must be 0 to {SEEDS - 1}, but is {seed}.")
