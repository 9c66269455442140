"""How many answers of a model stay the same when its numbers are rounded.

Letters: B batch, C choices, S sequence.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

Run = Callable[[Mapping[str, np.ndarray]], dict[str, np.ndarray]]

SENTENCES = (
    "The capital of France is Paris, which lies on the river Seine.",
    "The president of the United States signed the treaty in the spring.",
    "He went to the door, opened it and sat down on the steps outside.",
    "Plants create energy through a process known as photosynthesis.",
    "Albert Einstein was born in Germany and later moved to America.",
    "The nucleus of the cell contains the genetic material.",
    "She did not like the film, but the music was very good.",
    "The train from London to Edinburgh takes about five hours.",
    "Water boils at a lower temperature on a high mountain.",
    "The company sold its shares for two million dollars last year.",
)
"""Plain English sentences, of news, nature and everyday life."""

_PAIRS = ("AlbertForQuestionAnswering", "AlbertForMultipleChoice")
_MASKED = {"AlbertForPreTraining": "prediction_logits", "AlbertForMaskedLM": "logits"}


class Agreement(NamedTuple):
    """How two models' answers agree.

    Fields:
        counts: field of the output -> number of answers that are the same, and of all;
            an answer is the place of the highest score. Vectors and single numbers
            have none.
        texts: how many texts were compared.
        difference: largest difference of an output.
    """

    counts: dict[str, tuple[int, int]]
    texts: int
    difference: float

    @property
    def differing(self) -> int:
        """How many answers are not the same."""
        return sum(number - same for same, number in self.counts.values())

    def lines(self) -> list[str]:
        """Say it, a line for each field."""
        said = [
            f"{same} of {number} {field} have the same highest score "
            f"({same / number:.1%})"
            for field, (same, number) in self.counts.items()
        ]
        return [*said, f"outputs differ by up to {self.difference:.2g}"]

    def warning(self) -> str:
        """Say that answers change."""
        number = sum(number for _, number in self.counts.values())
        return (
            f"int8 changes {self.differing} of {number} answers on {self.texts} texts: "
            f"use model.onnx where that matters."
        )


def compare(
    first: Run,
    second: Run,
    class_name: str,
    tokenizer: Any,
    sentences: Sequence[str],
) -> Agreement:
    """Run two models on texts and count.

    Args:
        first: the one that is right.
        second: the other.
        class_name: PyTorch's name of their class. Masked-LM models fill each token of
            each text in turn, those of questions and choices read a text and the next
            one as a pair, or as two choices.
        tokenizer: of the models.
        sentences: texts.

    Returns:
        The counts.
    """
    counts: dict[str, tuple[int, int]] = {}
    difference = 0.0
    for inputs, places in _batches(class_name, tokenizer, sentences):
        right, found = first(inputs), second(inputs)
        for field, expected in right.items():
            apart = np.abs(expected - found[field])
            difference = float(np.max([difference, apart.max()]))
            if field in ("last_hidden_state", "pooler_output"):
                continue
            if expected.shape[-1] == 1:
                continue
            same = expected.argmax(-1) == found[field].argmax(-1)
            if field == _MASKED.get(class_name):
                same = same[np.arange(len(same)), places]
            held, number = counts.get(field, (0, 0))
            counts[field] = (held + int(same.sum()), number + same.size)
    return Agreement(counts, len(sentences), difference)


def _batches(
    class_name: str, tokenizer: Any, sentences: Sequence[str]
) -> Iterator[tuple[dict[str, np.ndarray], Any]]:
    """Give inputs without padding, and the place of the mask in each row."""
    following = [*sentences[1:], sentences[0]]
    for text, other in zip(sentences, following, strict=True):
        options: dict[str, Any] = {"truncation": True, "return_tensors": "np"}
        if class_name == _PAIRS[0]:
            batch = tokenizer(text, other, **options)
        elif class_name == _PAIRS[1]:
            batch = tokenizer([text, other], padding=True, **options)
        else:
            batch = tokenizer(text, **options)
        inputs = {
            name: np.atleast_2d(batch[name])
            for name in ("input_ids", "attention_mask", "token_type_ids")
        }
        if class_name == _PAIRS[1]:
            inputs = {name: array[None] for name, array in inputs.items()}
        length = int(inputs["input_ids"].shape[-1])
        places: Any = np.arange(1, length - 1)
        if class_name in _MASKED:
            inputs = {
                name: np.repeat(array, len(places), axis=0)
                for name, array in inputs.items()
            }
            inputs["input_ids"][np.arange(len(places)), places] = (
                tokenizer.mask_token_id
            )
        yield inputs, places
