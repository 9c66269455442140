"""Examples to batches of one shape: any step at once.

Letters: B batch, C choices, S sequence.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from albert.common.data.randomness import ROWS, check_seed, stream
from albert.common.inputs import IGNORE_INDEX
from albert.common.tuning.kind import Example, Feature, Kind

_STEP = 8
"""Lengths are rounded up to multiples of this."""


class TaskData:
    """Batches to train with.

    In each epoch the rows come in another order, of (`seed`, epoch). A step takes the
    rows behind those of the step before, over the ends of epochs, so every row is seen
    as often as every other, and a batch depends on its step alone.

    Args:
        kind: the task.
        examples: to train on.
        batch_size: B.
        seed: of the order and of masks.

    Raises:
        ValueError: an example cannot be used, or there is nothing to learn from any.
    """

    def __init__(
        self, kind: Kind, examples: Sequence[Example], batch_size: int, seed: int
    ) -> None:
        check_seed(seed)
        self._kind, self._size, self._seed = kind, batch_size, seed
        self.features = features_of(kind, examples)
        most = kind.config.max_position_embeddings
        longest = max(len(row.input_ids) for one in self.features for row in one.rows)
        self.length = min(-(-longest // _STEP) * _STEP, most)
        self._epoch: tuple[int, np.ndarray] = (-1, np.zeros(0, np.int64))

    def batch(self, step: int) -> dict[str, np.ndarray]:
        """Give a batch.

        Args:
            step: its number, from 0.

        Returns:
            int32 arrays: `input_ids`, `attention_mask`, `token_type_ids` of [B, S], or
            [B, C, S] for multiple choice; and the labels that the model takes.
        """
        size = len(self.features)
        places = range(step * self._size, (step + 1) * self._size)
        epochs = [place // size for place in places]
        numbers = [int(self._order(place // size)[place % size]) for place in places]
        chosen = [self.features[number] for number in numbers]
        pad = self._kind.tokenizer.pad_token_id
        batch = padded(chosen, self.length, pad)
        return self._kind.vary(batch, self._seed, epochs, numbers)

    def _order(self, epoch: int) -> np.ndarray:
        if self._epoch[0] != epoch:
            order = stream(self._seed, ROWS, epoch).permutation(len(self.features))
            self._epoch = epoch, order
        return self._epoch[1]


def features_of(kind: Kind, examples: Sequence[Example]) -> list[Feature]:
    """Cut examples into rows to train on.

    Args:
        kind: the task.
        examples: at least one.

    Returns:
        The rows, numbered.

    Raises:
        ValueError: an example cannot be used; the text names it. Or there is no row.
    """
    found: list[Feature] = []
    for example in examples:
        try:
            rows = kind.features(example)
        except (TypeError, ValueError) as error:
            text = str(error)
            named = (
                text if text.startswith(example.place) else f"{example.place}: {text}"
            )
            raise ValueError(named) from None
        found += [row._replace(number=len(found) + at) for at, row in enumerate(rows)]
    if not found:
        raise ValueError("the training data hold nothing to learn from.")
    return found


def padded(
    features: Sequence[Feature], length: int, pad_id: int
) -> dict[str, np.ndarray]:
    """Put rows into one array each.

    Args:
        features: B of them, with C rows each.
        length: S.
        pad_id: id of the padding token.

    Returns:
        As in `TaskData.batch`.
    """
    shape = (len(features), len(features[0].rows), length)
    ids = np.full(shape, pad_id, np.int32)
    mask, types = np.zeros(shape, np.int32), np.zeros(shape, np.int32)
    for at, one in enumerate(features):
        for choice, row in enumerate(one.rows):
            size = len(row.input_ids)
            ids[at, choice, :size] = row.input_ids
            types[at, choice, :size] = row.token_type_ids
            mask[at, choice, :size] = 1
    found = {"input_ids": ids, "attention_mask": mask, "token_type_ids": types}
    if shape[1] == 1:
        found = {name: array[:, 0] for name, array in found.items()}
    for name in features[0].labels:
        found[name] = np.stack(
            [_along(np.asarray(one.labels[name]), one, length) for one in features]
        )
    return found


def _along(labels: np.ndarray, feature: Feature, length: int) -> np.ndarray:
    """Pad labels that go along the sequence."""
    if labels.ndim == 0 or labels.dtype == np.float32:
        return labels
    size = len(feature.rows[0].input_ids)
    return np.pad(labels, (0, length - size), constant_values=IGNORE_INDEX)
