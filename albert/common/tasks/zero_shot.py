"""Labels that the model was not trained for, by what follows from a text.

Letters: L the model's labels, K candidate labels.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

import numpy as np

from albert.common.config import AlbertConfig
from albert.common.tasks.checks import check_flag, text_of
from albert.common.tasks.encoding import CuttingFirst, encode_behind
from albert.common.tasks.inputs import read_text
from albert.common.tasks.notices import notify
from albert.common.tasks.scores import softmax
from albert.common.tasks.task import Encoded, Outputs, Task


@dataclass(frozen=True, kw_only=True)
class ZeroShotOptions(CuttingFirst):
    """What the caller may choose, besides how texts are cut.

    Args:
        candidate_labels: the labels, in a list or in one text with commas.
        hypothesis_template: a sentence with {} in the label's place.
        multi_label: whether each label has a probability of its own; else all
            together have 1.
        multi_class: the older name of it.
    """

    candidate_labels: str | Sequence[str] | None = None
    hypothesis_template: str = "This example is {}."
    multi_label: bool = False
    multi_class: bool | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.multi_class is not None:
            check_flag("multi_class", self.multi_class)
            object.__setattr__(self, "multi_label", self.multi_class)
            # Said once: a later choice of multi_label counts.
            object.__setattr__(self, "multi_class", None)
        check_flag("multi_label", self.multi_label)
        _check_template(self.hypothesis_template)
        if self.candidate_labels is not None:
            # A list, whatever can be iterated was given.
            object.__setattr__(self, "candidate_labels", _listed(self.candidate_labels))
            if not self.labels:
                raise ValueError("candidate_labels must hold at least one label.")
            for label in self.labels:
                text_of(label, "each of candidate_labels")

    @property
    def labels(self) -> list[str]:
        """The labels as a list."""
        return list(self.candidate_labels or ())


class ZeroShotClassification(Task[ZeroShotOptions]):
    """Choose among labels with a model of natural language inference.

    Args:
        tokenizer: an `AlbertTokenizer` or `AlbertTokenizerFast`.
        config: of the model. Entailment is the first label whose name begins with
            "entail", in any case, and contradiction likewise with "contra". Without a
            name for it, contradiction is the first label, or the last if entailment
            is the first.

    Raises:
        ValueError: the model has fewer than two labels.

    Warns:
        UserWarning: no label is entailment by name, so the last one is taken.
    """

    name = "zero-shot-classification"
    model_class = "AlbertForSequenceClassification"
    fields = ("logits",)
    per_token = False
    keys = ("sequence",)
    options_class = ZeroShotOptions

    def __init__(self, tokenizer: Any, config: AlbertConfig) -> None:
        super().__init__(tokenizer, config)
        last = config.num_labels - 1
        if last < 1:
            raise ValueError(
                "zero-shot-classification needs a model that tells entailment from "
                "contradiction, but this one has a single label."
            )
        entailment = _id_of(config, "entail")
        if entailment is None:
            notify(
                f"zero-shot-classification needs a model of natural language "
                f"inference, but none of its labels begins with 'entail': the last, "
                f"{config.id2label[last]!r}, is taken for it."
            )
            entailment = last
        contradiction = _id_of(config, "contra")
        if contradiction is None:
            contradiction = 0 if entailment else last
        self._ids = [contradiction, entailment]

    def arrange(self, *inputs: Any, **options: Any) -> tuple[Any, dict[str, Any]]:
        """Sort the arguments of a call.

        Args:
            *inputs: the texts, and perhaps the candidate labels.
            **options: as given by name; `sequences` are the texts.

        Returns:
            The texts and the options.

        Raises:
            TypeError: there are no texts, or too many arguments.
        """
        if "sequences" in options:
            inputs = (options.pop("sequences"), *inputs)
        if len(inputs) == 2 and "candidate_labels" not in options:
            options["candidate_labels"] = inputs[1]
            inputs = inputs[:1]
        return super().arrange(*inputs, **options)

    def encode(self, given: Any, options: ZeroShotOptions) -> Encoded:
        """Turn a text into a row for each label.

        Args:
            given: the text, or `{"sequence": ...}`.
            options: what the caller chose.

        Returns:
            The rows, each with the label's hypothesis behind the text.

        Raises:
            TypeError: the input is no text.
            ValueError: there are no labels, the text is empty, or it is too long and
                must not be cut.
        """
        text = read_text(given, self.keys)
        if options.candidate_labels is None:
            raise ValueError(
                "candidate_labels must be given: the labels to choose from."
            )
        if not text:
            raise ValueError("the text must not be empty.")
        hypotheses = [
            options.hypothesis_template.format(label) for label in options.labels
        ]
        found = [
            encode_behind(self.tokenizer, self.config, text, hypothesis, options)
            for hypothesis in hypotheses
        ]
        return Encoded([row for row, _ in found], text, any(cut for _, cut in found))

    def decode(
        self, encoded: Encoded, outputs: Sequence[Outputs], options: ZeroShotOptions
    ) -> Any:
        """Order the labels.

        Args:
            encoded: of `encode`.
            outputs: of each label, `logits`, float [L].
            options: what the caller chose.

        Returns:
            A dictionary with `sequence`, the text; `labels`, the most probable first;
                and `scores`, their probabilities in the same order. With several
                labels these sum to 1, unless `multi_label` is True; else each is the
                probability of entailment against contradiction.
        """
        logits = np.stack([output["logits"] for output in outputs])[:, self._ids]
        if options.multi_label or len(logits) == 1:
            scores = softmax(logits)[:, 1]
        else:
            scores = softmax(logits[:, 1])
        # Of equal ones, transformers has the last first.
        order: list[int] = np.argsort(scores, kind="stable")[::-1].tolist()
        return {
            "sequence": encoded.state,
            "labels": [options.labels[index] for index in order],
            "scores": [float(scores[index]) for index in order],
        }


def _listed(labels: Any) -> list[Any]:
    if isinstance(labels, str):
        return [label.strip() for label in labels.split(",") if label.strip()]
    if isinstance(labels, (bytes, Mapping)) or not isinstance(labels, Iterable):
        raise TypeError(
            f"candidate_labels must be a list of texts, or one text with commas, but "
            f"is of type {type(cast(Any, labels)).__name__}."
        )
    return list(cast(Iterable[Any], labels))


def _check_template(template: Any) -> None:
    text_of(template, "hypothesis_template")
    try:
        filled = [template.format(label) for label in ("one", "two")]
    except (LookupError, ValueError, AttributeError) as error:
        raise ValueError(
            f"hypothesis_template must be a sentence with {{}} in the label's place, "
            f"but {template!r} cannot be filled: {error}."
        ) from None
    if filled[0] == filled[1]:
        raise ValueError(
            f"hypothesis_template must hold {{}} in the label's place, but is "
            f"{template!r}."
        )


def _id_of(config: AlbertConfig, beginning: str) -> int | None:
    for name, index in config.label2id.items():
        if name.lower().startswith(beginning):
            return index
    return None
