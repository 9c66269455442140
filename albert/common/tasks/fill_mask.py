"""The most probable words for the masks of a text.

Letters: S sequence, M masks, V vocabulary.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

import numpy as np

from albert.common.tasks.checks import check_count, text_of
from albert.common.tasks.encoding import Cutting, encode_text
from albert.common.tasks.inputs import read_text, short
from albert.common.tasks.notices import notify
from albert.common.tasks.scores import best, softmax
from albert.common.tasks.task import Encoded, Outputs, Task, changed


@dataclass(frozen=True, kw_only=True)
class FillMaskOptions:
    """What the caller may choose.

    Args:
        top_k: how many words for each mask.
        targets: the only words to score, one or several; None for the whole
            vocabulary.
        tokenizer_kwargs: `truncation`, `max_length` and `padding`; see `Cutting`.
    """

    top_k: int = 5
    targets: str | Sequence[str] | None = None
    tokenizer_kwargs: Mapping[str, Any] | None = None

    def __post_init__(self) -> None:
        check_count("top_k", self.top_k)
        _ = self.cutting
        if self.targets is not None:
            if not self.targets:
                raise ValueError("targets must be a word, or a list of at least one.")
            for target in self.words:
                text_of(target, "each of targets")

    @property
    def words(self) -> list[str]:
        """The targets as a list."""
        targets = self.targets or ()
        return [targets] if isinstance(targets, str) else list(targets)

    @property
    def cutting(self) -> Cutting:
        """How texts are cut."""
        return changed("tokenizer_kwargs", Cutting(), self.tokenizer_kwargs or {})


class FillMask(Task[FillMaskOptions]):
    """Fill the masks of a text."""

    name = "fill-mask"
    model_class = "AlbertForMaskedLM"
    fields = ("logits",)
    per_token = True
    keys = ("text",)
    options_class = FillMaskOptions

    def encode(self, given: Any, options: FillMaskOptions) -> Encoded:
        """Turn a text with masks into a row.

        Args:
            given: the text, or `{"text": ...}`.
            options: what the caller chose.

        Returns:
            The row, which asks for the logits at the masks only.

        Raises:
            TypeError: the input is no text.
            ValueError: there is no mask in it, or a mask is cut off.
        """
        text = read_text(given)
        row, cut = encode_text(
            self.tokenizer, self.config, text, cutting=options.cutting
        )
        at = np.flatnonzero(row.input_ids == self.tokenizer.mask_token_id)
        if not len(at):
            mask = self.tokenizer.mask_token
            found = "its masks are cut off" if mask in text else f"is {short(text)!r}"
            raise ValueError(
                f"the text must hold {mask} where a word is to be found, but {found}."
            )
        row = row._replace(at=at.astype(np.int32))
        return Encoded([row], self._target_ids(options), cut)

    def decode(
        self, encoded: Encoded, outputs: Sequence[Outputs], options: FillMaskOptions
    ) -> Any:
        """Rank the words for each mask.

        Args:
            encoded: of `encode`.
            outputs: `logits`, float [M, V].
            options: what the caller chose.

        Returns:
            For one mask, a list of dictionaries, the most probable word first: `score`,
                the probability, 0 to 1; `token`, its id; `token_str`; and `sequence`,
                the text with it. For several masks, a list of such lists.
        """
        (row,) = encoded.rows
        masks = cast(np.ndarray, row.at)
        allowed: np.ndarray | None = encoded.state
        found: list[list[dict[str, Any]]] = []
        for place, scores in zip(masks, softmax(outputs[0]["logits"]), strict=True):
            ids = np.arange(len(scores)) if allowed is None else allowed
            order = ids[best(scores[ids], options.top_k)]
            found.append(
                [
                    self._filling(row.input_ids, int(place), int(token), scores, masks)
                    for token in order
                ]
            )
        return found[0] if len(masks) == 1 else found

    def present(
        self, answers: list[Any], alone: bool, chosen: Mapping[str, Any]
    ) -> Any:
        """Give the only answer of a list of one by itself, as transformers does."""
        return answers[0] if len(answers) == 1 else answers

    def _filling(
        self,
        input_ids: np.ndarray,
        place: int,
        token: int,
        scores: np.ndarray,
        masks: np.ndarray,
    ) -> dict[str, Any]:
        filled = input_ids.copy()
        filled[place] = token
        decode = self.tokenizer.decode
        return {
            "score": float(scores[token]),
            "token": token,
            "token_str": decode([token]),
            # With another mask left, it must stay to be seen.
            "sequence": decode(filled.tolist(), skip_special_tokens=len(masks) == 1),
        }

    def _target_ids(self, options: FillMaskOptions) -> np.ndarray | None:
        """Give the targets' ids, each once, in ascending order."""
        if options.targets is None:
            return None
        ids = {self._target_id(word) for word in options.words}
        return np.array(sorted(ids), np.int64)

    def _target_id(self, word: str) -> int:
        known = self.tokenizer.convert_tokens_to_ids(word)
        if known != self.tokenizer.unk_token_id or word == self.tokenizer.unk_token:
            return known
        pieces = self.tokenizer(word, add_special_tokens=False)["input_ids"]
        if not pieces:
            raise ValueError(f"targets holds {word!r}, which has no piece to score.")
        if len(pieces) > 1:
            used = self.tokenizer.convert_ids_to_tokens(pieces[0])
            notify(
                f"the target {word!r} is not one piece of the vocabulary; its first, "
                f"{used!r}, is scored instead."
            )
        return pieces[0]
