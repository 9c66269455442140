"""Masked words of plain text, masked anew in each epoch.

Letters: S sequence, M places that are masked.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from albert.common.config import AlbertConfig
from albert.common.data.cutting import Cutter
from albert.common.data.masking import Masking, draw_positions, replace
from albert.common.data.randomness import HELD_OUT, MASKS, stream
from albert.common.inputs import IGNORE_INDEX
from albert.common.tasks.encoding import limit
from albert.common.tasks.fill_mask import FillMask
from albert.common.tasks.task import Encoded, Outputs, Row
from albert.common.tasks.windows import make_row
from albert.common.tokenization.truncation import windows
from albert.common.tuning.kind import (
    Example,
    Feature,
    Kind,
    Scored,
    TaskSettings,
    log_likelihood,
    text_in,
)

_NGRAM = 3


class MaskKind(Kind):
    """Fill masks: pre-training's masked words without its pairs.

    Args:
        tokenizer: of the model.
        config: of the model.
        settings: what the caller chose.
    """

    name = "fill-mask"
    roles = {"text": ("text",)}  # noqa: RUF012
    main = "accuracy"

    def __init__(
        self, tokenizer: Any, config: AlbertConfig, settings: TaskSettings
    ) -> None:
        super().__init__(tokenizer, config, settings)
        self.task = FillMask(tokenizer, config)
        self._cutter = Cutter(tokenizer)
        identity = self._cutter.identity
        self._kinds = self._cutter.kinds()
        every = np.arange(identity.vocab_size, dtype=np.int32)
        self._ordinary = np.setdiff1d(every, identity.never_masked)
        self._mask = identity.special["mask"]
        self._length = limit(tokenizer, config, settings.max_length)
        most = max(1, round(settings.mask_probability * self._length))
        self._masking = Masking(settings.mask_probability, most, _NGRAM)

    @classmethod
    def example(cls, place: str, row: Mapping[str, Any]) -> Example:
        """Make an example of a row; see `Kind`."""
        return Example(place, text_in(place, "text", row["text"]))

    def features(self, example: Example) -> list[Feature]:
        """Cut a text into rows; see `Kind`. What is masked comes with the batch."""
        ids = np.asarray(self._cutter.cut([example.given])[0], np.int32)
        room = self._length - self.tokenizer.num_special_tokens_to_add()
        found = windows(len(ids), room, 0, "right")
        rows = [make_row(self.tokenizer, ids[start:end]) for start, end in found]
        return [Feature([row], {}) for row in rows if len(row.input_ids) > 2]

    def encode(self, example: Example) -> Encoded:
        """Cut a text into rows, masked the same each time; see `Kind`."""
        rows: list[Row] = []
        rights: list[np.ndarray] = []
        for number, feature in enumerate(self.features(example)):
            row = feature.rows[0]
            # Of the row's own ids, so that neither its place nor its file matters.
            key = int(row.input_ids.astype(np.int64).sum()) + number
            generator = stream(0, HELD_OUT, key)
            ids, places = self._masked(row.input_ids, generator)
            if len(places):
                rights.append(row.input_ids[places])
                rows.append(row._replace(input_ids=ids, at=places))
        return Encoded(rows, rights)

    def score(
        self,
        examples: Sequence[Example],
        encoded: Sequence[Encoded],
        outputs: Sequence[Sequence[Outputs]],
    ) -> Scored:
        """Compare answers with what is right; see `Kind`."""
        chances: list[float] = []
        founds: list[int] = []
        right: list[int] = []
        predictions: list[dict[str, Any]] = []
        for example, one, given in zip(examples, encoded, outputs, strict=True):
            words: list[dict[str, Any]] = []
            for rights, output in zip(one.state, given, strict=True):
                best = output["logits"].argmax(-1).tolist()
                pairs = list(zip(output["logits"], rights.tolist(), strict=True))
                chances += [log_likelihood(*pair) for pair in pairs]
                founds += best
                right += rights.tolist()
                words += self._named(best, rights.tolist())
            predictions.append({"text": example.given, "masked": words})
        if not right:
            raise ValueError("the evaluation data hold no word that can be masked.")
        same = len(set(founds)) == 1 and len(set(right)) > 1
        figures = {
            "task_loss": -float(np.mean(chances)),
            "accuracy": float((np.array(founds) == np.array(right)).mean()),
        }
        said = f"the piece {self._named(founds[:1], right[:1])[0]['found']!r}"
        return Scored(figures, predictions, said if same else None)

    def vary(
        self,
        batch: dict[str, np.ndarray],
        seed: int,
        epochs: Sequence[int],
        numbers: Sequence[int],
    ) -> dict[str, np.ndarray]:
        """Mask each row for its epoch; see `Kind`."""
        most = self._masking.max_predictions
        size = len(batch["input_ids"])
        found = {
            **batch,
            "input_ids": batch["input_ids"].copy(),
            "masked_lm_positions": np.zeros((size, most), np.int32),
            "labels": np.full((size, most), IGNORE_INDEX, np.int32),
        }
        for at, (epoch, number) in enumerate(zip(epochs, numbers, strict=True)):
            ids = batch["input_ids"][at, : int(batch["attention_mask"][at].sum())]
            masked, places = self._masked(ids, stream(seed, MASKS, number, epoch))
            found["input_ids"][at, : len(ids)] = masked
            found["masked_lm_positions"][at, : len(places)] = places
            found["labels"][at, : len(places)] = ids[places]
        return found

    def _masked(
        self, ids: np.ndarray, generator: np.random.Generator
    ) -> tuple[np.ndarray, np.ndarray]:
        """Mask a row, and tell where."""
        places = draw_positions(self._kinds[ids], self._masking, generator)
        masked = ids.copy()
        masked[places] = replace(ids[places], self._mask, self._ordinary, generator)
        return masked, places

    def _named(self, found: list[int], right: list[int]) -> list[dict[str, Any]]:
        name = self.tokenizer.convert_ids_to_tokens
        pairs = zip(name(found), name(right), strict=True)
        return [{"found": one, "expected": other} for one, other in pairs]
