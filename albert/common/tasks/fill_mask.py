"""Fill the masks of a text: the halves before and after the model.

Letters: B batch, S sequence, V vocabulary.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np


class Filling(NamedTuple):
    """One candidate for one mask.

    Fields:
        token: the word piece, as text.
        score: its probability, 0 to 1.
    """

    token: str
    score: float


def prepare(tokenizer: Any, text: str) -> dict[str, np.ndarray]:
    """Turn a text into a batch of one.

    Args:
        tokenizer: an `AlbertTokenizer` or `AlbertTokenizerFast`.
        text: with at least one mask token.

    Returns:
        `input_ids`, `attention_mask` and `token_type_ids`, int [1, S].

    Raises:
        ValueError: the text has no mask token.
    """
    batch = tokenizer(text, return_tensors="np", truncation=True)
    inputs = {name: np.asarray(array) for name, array in batch.items()}
    if not (inputs["input_ids"] == tokenizer.mask_token_id).any():
        raise ValueError(
            f"text must hold {tokenizer.mask_token} where a word is to be found, but "
            f"is {text!r}."
        )
    return inputs


def candidates(
    tokenizer: Any, input_ids: np.ndarray, logits: np.ndarray, top_k: int
) -> list[list[Filling]]:
    """Give the most probable pieces at every mask.

    Args:
        tokenizer: as in `prepare`.
        input_ids: int [1, S].
        logits: float [1, S, V].
        top_k: how many for each mask.

    Returns:
        For each mask, from left to right, the candidates, most probable first.
    """
    at_masks = logits[input_ids == tokenizer.mask_token_id].astype(np.float64)
    raised = np.exp(at_masks - at_masks.max(-1, keepdims=True))
    probabilities = raised / raised.sum(-1, keepdims=True)
    best = np.argsort(-probabilities, axis=-1, kind="stable")[:, :top_k]
    return [
        [Filling(tokenizer.decode([int(i)]), float(row[i])) for i in order]
        for row, order in zip(probabilities, best, strict=True)
    ]
