"""A label for each word of a text.

Letters: S sequence, L labels, W words.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from albert.common.config import AlbertConfig
from albert.common.inputs import IGNORE_INDEX
from albert.common.tasks.encoding import limit
from albert.common.tasks.task import Encoded, Outputs, Row
from albert.common.tasks.token_classification import TokenClassification
from albert.common.tasks.windows import make_row, pieces_of_words
from albert.common.tokenization.truncation import windows
from albert.common.tuning import metrics
from albert.common.tuning.kind import (
    Example,
    Feature,
    Kind,
    Scored,
    TaskSettings,
    log_likelihood,
)
from albert.common.tuning.labels import label_changes, label_number
from albert.common.tuning.sources import as_list

_SPAN = re.compile(r"O|[BI]-.+")


class TokenKind(Kind):
    """Label the words of a text.

    The first piece of each word has its label, the others none, as in BERT's paper,
    section 5.3.
    """

    name = "token-classification"
    roles = {  # noqa: RUF012
        "tokens": ("tokens", "words", "form"),
        "tags": ("tags", "ner_tags", "pos_tags", "upos", "labels"),
    }

    def __init__(
        self, tokenizer: Any, config: AlbertConfig, settings: TaskSettings
    ) -> None:
        super().__init__(tokenizer, config, settings)
        self.task = TokenClassification(tokenizer, config)
        names = list(config.id2label.values())
        self._spans = all(map(_SPAN.fullmatch, names)) and names != ["O"]
        self.main = "f1" if self._spans else "accuracy"
        most = limit(tokenizer, config, settings.max_length)
        self._room = most - tokenizer.num_special_tokens_to_add()

    @classmethod
    def example(cls, place: str, row: Mapping[str, Any]) -> Example:
        """Make an example of a row; see `Kind`."""
        tokens, tags = (_words(place, role, row[role]) for role in cls.roles)
        if len(tokens) != len(tags):
            raise ValueError(
                f"{place}: has {len(tokens)} tokens, but {len(tags)} tags."
            )
        return Example(place, [str(token) for token in tokens], tags)

    @classmethod
    def changes(
        cls, examples: Sequence[Example], config: AlbertConfig, settings: TaskSettings
    ) -> dict[str, Any]:
        """Give the labels; see `Kind`."""
        labels = [(one.place, tag) for one in examples for tag in one.target]
        kind = TokenClassification.model_class
        return label_changes(labels, config, kind, settings.new_labels)

    def features(self, example: Example) -> list[Feature]:
        """Cut an example into rows to train on; see `Kind`."""
        encoded, numbers = self._encoded(example), self._numbers(example)
        found: list[Feature] = []
        for row, words in zip(encoded.rows, encoded.state, strict=True):
            labels = np.full(len(row.input_ids), IGNORE_INDEX, np.int32)
            labels[row.at] = numbers[words]
            if len(words):
                found.append(Feature([row], {"labels": labels}))
        return found

    def encode(self, example: Example) -> Encoded:
        """Cut an example into rows; see `Kind`. Its state is the words of each row."""
        return self._encoded(example)

    def score(
        self,
        examples: Sequence[Example],
        encoded: Sequence[Encoded],
        outputs: Sequence[Sequence[Outputs]],
    ) -> Scored:
        """Compare answers with what is right; see `Kind`."""
        names = self.config.id2label
        chances: list[float] = []
        rights: list[np.ndarray] = []
        founds: list[np.ndarray] = []
        for example, one, given in zip(examples, encoded, outputs, strict=True):
            right = self._numbers(example)
            # A word without a piece, such as a control character, has no scores.
            found = np.full(len(right), self.config.label2id.get("O", 0))
            for words, output in zip(one.state, given, strict=True):
                logits = output["logits"][: len(words)]
                found[words] = logits.argmax(-1)
                pairs = zip(logits, right[words], strict=True)
                chances += [log_likelihood(row, int(is_)) for row, is_ in pairs]
            rights.append(right)
            founds.append(found)
        every, all_right = np.concatenate(founds), np.concatenate(rights)
        tagged = [[names[int(at)] for at in row] for row in founds]
        expected = [[names[int(at)] for at in row] for row in rights]
        figures = {"task_loss": -float(np.mean(chances)) if chances else 0.0}
        figures |= metrics.classification(all_right, every)
        if self._spans:
            figures |= metrics.spans(expected, tagged)
        predictions = [
            {"tokens": one.given, "tags": tags, "expected": is_}
            for one, tags, is_ in zip(examples, tagged, expected, strict=True)
        ]
        said = metrics.constant(every, all_right)
        return Scored(
            figures, predictions, f"the tag {names[int(every[0])]!r}" if said else None
        )

    def _numbers(self, example: Example) -> np.ndarray:
        numbers = self.config.label2id
        return np.array(
            [label_number(example.place, tag, numbers) for tag in example.target],
            np.int32,
        )

    def _encoded(self, example: Example) -> Encoded:
        pieces = pieces_of_words(self.tokenizer, example.given, " ")
        if pieces.places is None:
            raise ValueError(
                "token-classification needs to know where in the text a piece is, and "
                "that is known to AlbertTokenizerFast only: use it, it gives the same "
                "ids."
            )
        if not len(pieces.ids):
            return Encoded([], [])
        firsts = _first_pieces(example.given, pieces.places.ends)
        rows: list[Row] = []
        words: list[np.ndarray] = []
        for start, end in windows(len(pieces.ids), self._room, 0, "right"):
            inside = np.flatnonzero((firsts >= start) & (firsts < end))
            row = make_row(self.tokenizer, pieces.ids[start:end])
            # Behind [CLS].
            rows.append(row._replace(at=firsts[inside] - start + 1))
            words.append(inside)
        return Encoded(rows, words)


def _first_pieces(words: Sequence[str], ends: np.ndarray) -> np.ndarray:
    """Give the first piece of each word, -1 where it has none.

    Args:
        words: with a blank between them in the text.
        ends: int [P], of the pieces, in characters of that text.

    Returns:
        int [W].
    """
    lengths = np.array([len(word) for word in words])
    starts = np.concatenate([[0], np.cumsum(lengths + 1)[:-1]])
    firsts = np.searchsorted(ends, starts, "right")
    held = ends[np.minimum(firsts, len(ends) - 1)] <= starts + lengths
    return np.where((firsts < len(ends)) & held, firsts, -1)


def _words(place: str, role: str, value: Any) -> list[Any]:
    found = value.split() if isinstance(value, str) else as_list(value)
    if not found:
        raise ValueError(
            f"{place}: {role} must be a list, or a text with blanks between, that is "
            f"not empty, but is {value!r}."
        )
    return found
