"""The best of several continuations or answers.

Letters: C choices.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, cast

import numpy as np

from albert.common.tasks.checks import check_count, mapping_of, text_of
from albert.common.tasks.encoding import CuttingFirst, encode_behind
from albert.common.tasks.inputs import held_text
from albert.common.tasks.scores import best, softmax
from albert.common.tasks.task import Encoded, Outputs, Task


@dataclass(frozen=True, kw_only=True)
class MultipleChoiceOptions(CuttingFirst):
    """What the caller may choose, besides how texts are cut.

    Args:
        top_k: how many choices to give; None for all.
    """

    top_k: int | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.top_k is not None:
            check_count("top_k", self.top_k)


class _Problem(NamedTuple):
    """One input.

    Fields:
        question: None if there is none.
        context: None if there is none.
        choices: at least one.
    """

    question: str | None
    context: str | None
    choices: list[str]

    def pairs(self) -> list[tuple[str, str]]:
        """Give the two texts of each choice."""
        if self.context is None or self.question is None:
            first = cast(str, self.question if self.context is None else self.context)
            return [(first, choice) for choice in self.choices]
        if "_" in self.question:
            return [
                (self.context, self.question.replace("_", choice))
                for choice in self.choices
            ]
        return [(self.context, f"{self.question} {choice}") for choice in self.choices]


class MultipleChoice(Task[MultipleChoiceOptions]):
    """Score the choices for a question, a context or both.

    With only one of them, the model reads it as the first text and the choice as the
    second. With both, the context is the first text, and the second is the question
    with the choice behind it, or in the place of "_" if the question has it.

    Source: google-research/albert race_utils.py, `read_examples`.
    """

    name = "multiple-choice"
    model_class = "AlbertForMultipleChoice"
    fields = ("logits",)
    per_token = False
    # Choices may differ in number between inputs, so each is a row by itself.
    axes = 3
    keys = ("question", "context", "choices")
    options_class = MultipleChoiceOptions

    def arrange(self, *inputs: Any, **options: Any) -> tuple[Any, dict[str, Any]]:
        """Sort the arguments of a call.

        Args:
            *inputs: one input, or several in a list; none if it is given by name.
            **options: as given by name, `question`, `context` and `choices` included.

        Returns:
            The inputs and the options.

        Raises:
            TypeError: there are no inputs, too many, or one in both ways.
        """
        named = {key: options.pop(key) for key in self.keys if key in options}
        if not named:
            return super().arrange(*inputs, **options)
        if inputs:
            raise TypeError(
                f"multiple-choice takes an input by position or by name, but was "
                f"given {', '.join(named)} and something by position, too."
            )
        return named, options

    def encode(self, given: Any, options: MultipleChoiceOptions) -> Encoded:
        """Turn a question, a context or both into a row for each choice.

        Args:
            given: `{"question": ..., "context": ..., "choices": [...]}`, of which one
                of the first two may be missing.
            options: what the caller chose.

        Returns:
            The rows. Only their first texts are cut.

        Raises:
            TypeError: the input or a part of it is of the wrong kind.
            ValueError: a part is missing, or too long.
        """
        problem = self._read(given)
        found = [
            encode_behind(self.tokenizer, self.config, text, pair, options)
            for text, pair in problem.pairs()
        ]
        rows = [row for row, _ in found]
        return Encoded(rows, problem.choices, any(cut for _, cut in found))

    def decode(
        self,
        encoded: Encoded,
        outputs: Sequence[Outputs],
        options: MultipleChoiceOptions,
    ) -> Any:
        """Order the choices.

        Args:
            encoded: of `encode`.
            outputs: of each choice, `logits`, float [1].
            options: what the caller chose.

        Returns:
            A list of dictionaries, the most probable choice first: `choice`, its text;
                `index`, its place among the choices, from 0; and `score`, its
                probability, 0 to 1. The scores of all choices sum to 1.
        """
        logits = np.concatenate([output["logits"] for output in outputs])
        scores = softmax(logits)
        return [
            {
                "choice": encoded.state[index],
                "index": int(index),
                "score": float(scores[index]),
            }
            for index in best(scores, options.top_k)
        ]

    def _read(self, given: Any) -> _Problem:
        held = mapping_of(given, self.keys)
        if held is None:
            raise TypeError(
                f"the input must be a dictionary with question or context, and "
                f"choices, but is of type {type(given).__name__}."
            )
        texts = {
            key: held_text(held, key)
            for key in ("question", "context")
            if held.get(key) is not None
        }
        if not texts:
            raise ValueError("an input must hold 'question', 'context' or both.")
        return _Problem(texts.get("question"), texts.get("context"), _choices_of(held))


def _choices_of(held: Mapping[str, Any]) -> list[str]:
    choices: Any = held.get("choices")
    if isinstance(choices, (str, Mapping)) or not isinstance(choices, Iterable):
        kind = type(cast(Any, choices)).__name__
        raise TypeError(f"choices must be a list of texts, but is of type {kind}.")
    found = [
        text_of(choice, "each of choices") for choice in cast(Iterable[Any], choices)
    ]
    if not found:
        raise ValueError("choices must hold at least one text.")
    return found
