"""The label of a text or a pair, or a number for it.

Letters: L labels.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from albert.common.config import AlbertConfig
from albert.common.tasks.checks import check_choice, check_count, check_flag
from albert.common.tasks.encoding import Cutting, encode_text
from albert.common.tasks.inputs import PAIR, read_pair
from albert.common.tasks.scores import best, sigmoid, softmax
from albert.common.tasks.task import Encoded, Outputs, Task

_FUNCTIONS: Mapping[str, Callable[[np.ndarray], np.ndarray]] = {
    "sigmoid": sigmoid,
    "softmax": softmax,
    "none": np.asarray,
}


@dataclass(frozen=True, kw_only=True)
class TextClassificationOptions(Cutting):
    """What the caller may choose, besides how texts are cut.

    Args:
        top_k: how many labels, in a list with the highest score first; None for all.
            "" gives the best label by itself.
        function_to_apply: "softmax", "sigmoid" (each label by itself) or "none" (the
            logits); None for the one that the configuration implies: "none" for
            regression, "sigmoid" for several labels at once or a single label, else
            "softmax".
        return_all_scores: the older way to ask for all labels, in the order of their
            ids; without effect if `top_k` is given.
    """

    top_k: int | str | None = ""
    function_to_apply: str | None = None
    return_all_scores: bool | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.top_k not in ("", None):
            check_count("top_k", self.top_k)
        if self.function_to_apply is not None:
            name = self.function_to_apply
            lowered = name.lower() if isinstance(name, str) else name  # pyright: ignore
            check_choice("function_to_apply", lowered, tuple(_FUNCTIONS))
        if self.return_all_scores is not None:
            check_flag("return_all_scores", self.return_all_scores)


class TextClassification(Task[TextClassificationOptions]):
    """Classify texts."""

    name = "text-classification"
    model_class = "AlbertForSequenceClassification"
    fields = ("logits",)
    per_token = False
    keys = PAIR
    options_class = TextClassificationOptions

    def arrange(self, *inputs: Any, **options: Any) -> tuple[Any, dict[str, Any]]:
        """Sort the arguments of a call.

        Args:
            *inputs: one input, or several in a list.
            **options: as given by name.

        Returns:
            The inputs and the options. As in transformers, the answer to a text alone
                stands in a list, unless the call names `top_k`.

        Raises:
            TypeError: there are no inputs, or too many.
        """
        given, options = super().arrange(*inputs, **options)
        if isinstance(given, str) and "top_k" not in options:
            return [given], options
        return given, options

    def encode(self, given: Any, options: TextClassificationOptions) -> Encoded:
        """Turn a text or a pair into a row.

        Args:
            given: the text, or `{"text": ..., "text_pair": ...}`.
            options: what the caller chose.

        Returns:
            The row.

        Raises:
            TypeError: the input is no text.
            ValueError: it is too long and must not be cut.
        """
        if isinstance(given, (list, tuple)):
            raise TypeError(
                'a pair of texts must be given as {"text": ..., "text_pair": ...}, but '
                f"is of type {type(given).__name__}."  # pyright: ignore
            )
        text, pair = read_pair(given)
        row, cut = encode_text(self.tokenizer, self.config, text, pair, options)
        return Encoded([row], cut=cut)

    def decode(
        self,
        encoded: Encoded,
        outputs: Sequence[Outputs],
        options: TextClassificationOptions,
    ) -> Any:
        """Name the labels.

        Args:
            encoded: of `encode`.
            outputs: `logits`, float [L].
            options: what the caller chose.

        Returns:
            A dictionary with `label`, as the configuration names it, and `score`: a
                probability, 0 to 1, or a logit with the function "none". With `top_k`
                or `return_all_scores`, a list of such dictionaries.
        """
        chosen = options.function_to_apply or function_of(self.config)
        scores = _FUNCTIONS[chosen.lower()](outputs[0]["logits"])
        if isinstance(options.top_k, str):
            if _wants_all(self.config, options):
                return [self._labelled(index, scores) for index in range(len(scores))]
            return self._labelled(int(scores.argmax()), scores)
        order = best(scores, options.top_k)
        return [self._labelled(int(index), scores) for index in order]

    def _labelled(self, index: int, scores: np.ndarray) -> dict[str, Any]:
        return {"label": self.config.id2label[index], "score": float(scores[index])}


def function_of(config: AlbertConfig) -> str:
    """Tell what makes scores of a model's logits.

    Args:
        config: its `problem_type` counts, and else its number of labels.

    Returns:
        "none", "sigmoid" or "softmax".

    Source: transformers 4.57.6, the text-classification pipeline.
    """
    if config.problem_type == "regression":
        return "none"
    if config.problem_type == "multi_label_classification" or config.num_labels == 1:
        return "sigmoid"
    return "softmax"


def _wants_all(config: AlbertConfig, options: TextClassificationOptions) -> bool:
    """Tell whether all labels are wanted, by the call or by an old configuration."""
    if options.return_all_scores is None:
        return bool(getattr(config, "return_all_scores", False))
    return options.return_all_scores
