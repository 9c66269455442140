"""The stretch of a context that answers a question, or none.

Letters: P pieces of the context.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, cast

import numpy as np

from albert.common.config import AlbertConfig
from albert.common.tasks.question_answering import (
    QuestionAnswering,
    QuestionAnsweringOptions,
)
from albert.common.tasks.task import Encoded, Outputs
from albert.common.tuning.kind import (
    Example,
    Feature,
    Kind,
    Scored,
    TaskSettings,
    text_in,
    whole,
)
from albert.common.tuning.sources import as_list
from albert.common.tuning.squad import squad_scores

Answer = tuple[str, int]
"""Text of an answer, and the character at which it begins."""


class QuestionKind(Kind):
    """Find answers.

    Each window of a context is a row; one that does not hold the answer, as all of a
    question without one, has [CLS] for its start and end. Source: BERT's run_squad.py,
    whose rule google-research/albert kept.
    """

    name = "question-answering"
    roles = {  # noqa: RUF012
        "question": ("question",),
        "context": ("context",),
        "answers": ("answers", "answer"),
        "id": ("id",),
    }
    optional = ("id",)
    counted = "start_positions"
    main = "f1"

    def __init__(
        self, tokenizer: Any, config: AlbertConfig, settings: TaskSettings
    ) -> None:
        super().__init__(tokenizer, config, settings)
        self.task = QuestionAnswering(tokenizer, config)
        self._options = QuestionAnsweringOptions(
            max_seq_len=settings.max_length,
            doc_stride=settings.stride,
            max_answer_len=30,
            # What is scored is what was learned, without a comma behind.
            align_to_words=False,
        )

    @classmethod
    def example(cls, place: str, row: Mapping[str, Any]) -> Example:
        """Make an example of a row; see `Kind`."""
        texts = ("question", "context")
        given = {role: text_in(place, role, row[role]) for role in texts}
        answers = _answers(place, row["answers"], given["context"])
        return Example(place, given, answers, row.get("id"))

    def features(self, example: Example) -> list[Feature]:
        """Cut an example into rows to train on; see `Kind`."""
        encoded = self.encode(example)
        context, offset, windows = encoded.state
        first, last = -1, -1
        if example.target:
            first, last = _pieces_of(example.target[0], context.places)
        found: list[Feature] = []
        for row, (start, end) in zip(encoded.rows, windows, strict=True):
            inside = start <= first and last < end
            labels = {
                "start_positions": np.int32(offset + first - start if inside else 0),
                "end_positions": np.int32(offset + last - start if inside else 0),
            }
            found.append(Feature([row], labels))
        return found

    def encode(self, example: Example) -> Encoded:
        """Cut an example into rows; see `Kind`."""
        return self.task.encode(example.given, self._options)

    def score(
        self,
        examples: Sequence[Example],
        encoded: Sequence[Encoded],
        outputs: Sequence[Sequence[Outputs]],
    ) -> Scored:
        """Compare answers with what is right; see `Kind`."""
        # Windows without the answer teach "no answer" in SQuAD 1.1, too.
        may_lack = any(not one.target for one in examples)
        options = replace(self._options, handle_impossible_answer=may_lack)
        asked = zip(encoded, outputs, strict=True)
        answers = [self.task.decode(*one, options) for one in asked]
        texts = [answer["answer"] for answer in answers]
        right = [[text for text, _ in one.target] for one in examples]
        predictions = [
            {
                **({} if one.name is None else {"id": one.name}),
                "question": one.given["question"],
                **answer,
                "expected": expected,
            }
            for one, answer, expected in zip(examples, answers, right, strict=True)
        ]
        same = len(set(texts)) == 1 and len({tuple(one) for one in right}) > 1
        return Scored(
            squad_scores(texts, right),
            predictions,
            f"the answer {texts[0]!r}" if same else None,
        )


def _pieces_of(answer: Answer, places: Any) -> tuple[int, int]:
    """Give the first and the last piece that an answer touches."""
    text, start = answer
    first = int(np.searchsorted(places.ends, start, "right"))
    last = int(np.searchsorted(places.begins, start + len(text), "left")) - 1
    return (first, last) if first <= last else (-1, -1)


def _answers(place: str, value: Any, context: str) -> list[Answer]:
    """Read answers as SQuAD has them, or as `datasets` turns them: lists by name."""
    if isinstance(value, Mapping):
        held = cast("Mapping[str, Any]", value)
        columns = [as_list(held.get(name)) for name in ("text", "answer_start")]
        if None in columns or len({len(one or ()) for one in columns}) != 1:
            raise _no_answers(place, value)
        pairs = zip(*cast("list[list[Any]]", columns), strict=True)
    else:
        rows = as_list(value)
        if rows is None or not all(
            isinstance(one, Mapping) and {"text", "answer_start"} <= one.keys()
            for one in rows
        ):
            raise _no_answers(place, value)
        pairs = ((one["text"], one["answer_start"]) for one in rows)
    return [_answer(place, text, start, context) for text, start in pairs]


def _answer(place: str, text: Any, start: Any, context: str) -> Answer:
    number = whole(start)
    if not isinstance(text, str) or not text.strip() or number is None:
        raise _no_answers(place, {"text": text, "answer_start": start})
    if number < 0 or context[number : number + len(text)] != text:
        raise ValueError(
            f"{place}: the answer {text!r} does not begin at character {number} of the "
            f"context, where {context[max(number, 0) :][: len(text)]!r} stands."
        )
    # White space around it belongs to no piece of the answer.
    left = len(text) - len(text.lstrip())
    return text.strip(), number + left


def _no_answers(place: str, value: Any) -> ValueError:
    return ValueError(
        f"{place}: answers must be a list of answers with text and answer_start, empty "
        f"for none, but is {value!r}."
    )
