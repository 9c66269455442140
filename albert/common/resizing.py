"""How the word embedding table grows and shrinks, whatever holds it.

Letters: A added tokens, V vocabulary, E embedding.
"""

from __future__ import annotations

from numbers import Integral
from typing import Any

import numpy as np

from albert.common.config import AlbertConfig

_TOKEN_IDS = ("pad_token_id", "bos_token_id", "eos_token_id")
# As transformers has it: new rows that are told apart, but not more.
_VARIANCE = 1e-9


def new_size(
    config: AlbertConfig, new_num_tokens: int | None, pad_to_multiple_of: int | None
) -> int:
    """Give the number of tokens that is asked for.

    Args:
        config: gives the present number, and the ids that must stay.
        new_num_tokens: the number; None for the present one.
        pad_to_multiple_of: round up to a multiple of this.

    Returns:
        The number.

    Raises:
        ValueError: a number is no whole one above 0, or the padding's, the first or
            the last token would be cut off.
    """
    given = {
        "new_num_tokens": config.vocab_size
        if new_num_tokens is None
        else new_num_tokens,
        "pad_to_multiple_of": 1 if pad_to_multiple_of is None else pad_to_multiple_of,
    }
    for name, value in given.items():
        _check_whole(name, value)
    number, multiple = given.values()
    number = int(-(-number // multiple) * multiple)
    for name in _TOKEN_IDS:
        index = getattr(config, name)
        if index is not None and number <= index < config.vocab_size:
            raise ValueError(
                f"new_num_tokens must be above {name}, which is {index}, but is "
                f"{number}."
            )
    return number


def rows_around_mean(table: np.ndarray, noise: np.ndarray) -> np.ndarray:
    """Draw rows around the mean of the old ones, so that each scores like an average.

    Args:
        table: float64 [V, E], the old rows.
        noise: float64 [A, E], drawn from a normal distribution of deviation 1.

    Returns:
        float64 [A, E]: normal, with the old rows' mean and 1e-9 of their covariance.
    """
    mean = table.mean(axis=0)
    centred = table - mean
    values, vectors = np.linalg.eigh(centred.T @ centred / len(table))
    deviations = np.sqrt(_VARIANCE * np.maximum(values, 0))
    return mean + (noise * deviations) @ vectors.T


def new_bias(bias: np.ndarray) -> float:
    """Give the bias of a new token: the mean of the old ones.

    0 would be above all of a model that has learnt to lower rare tokens.

    Args:
        bias: float64 [V].

    Returns:
        The mean.
    """
    return float(bias.mean())


def _check_whole(name: str, value: Any) -> None:
    if isinstance(value, bool) or not isinstance(value, Integral) or value < 1:
        raise ValueError(f"{name} must be a whole number above 0, but is {value!r}.")
