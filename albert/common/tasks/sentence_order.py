"""Whether two segments stand in their order: what ALBERT was pretrained on."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from albert.common.tasks.encoding import Cutting, encode_text
from albert.common.tasks.inputs import PAIR, read_pair
from albert.common.tasks.scores import softmax
from albert.common.tasks.task import Encoded, Outputs, Task

LABELS = ("in_order", "swapped")
"""What the model's two logits are for."""


class SentenceOrder(Task[Cutting]):
    """Tell whether the second text follows the first."""

    name = "sentence-order"
    model_class = "AlbertForPreTraining"
    fields = ("sop_logits",)
    per_token = False
    keys = PAIR
    options_class = Cutting

    def arrange(self, *inputs: Any, **options: Any) -> tuple[Any, dict[str, Any]]:
        """Sort the arguments of a call.

        Args:
            *inputs: one input, several in a list, or two texts.
            **options: as given by name.

        Returns:
            The inputs and the options.

        Raises:
            TypeError: there are no inputs, or too many.
        """
        if len(inputs) == 2:
            inputs = (dict(zip(PAIR, inputs, strict=True)),)
        return super().arrange(*inputs, **options)

    def encode(self, given: Any, options: Cutting) -> Encoded:
        """Turn a pair into a row.

        Args:
            given: `{"text": ..., "text_pair": ...}`.
            options: what the caller chose.

        Returns:
            The row.

        Raises:
            TypeError: an input or a part of it is of the wrong kind.
            ValueError: a part is missing, or it is too long and must not be cut.
        """
        text, pair = read_pair(given)
        if pair is None:
            raise ValueError(
                'sentence-order needs two texts: {"text": ..., "text_pair": ...}.'
            )
        row, cut = encode_text(self.tokenizer, self.config, text, pair, options)
        return Encoded([row], cut=cut)

    def decode(
        self, encoded: Encoded, outputs: Sequence[Outputs], options: Cutting
    ) -> Any:
        """Give the probability.

        Args:
            encoded: of `encode`.
            outputs: `sop_logits`, float [2]; 0 = in order, 1 = swapped.
            options: what the caller chose.

        Returns:
            A dictionary with `label`, "in_order" or "swapped", whichever is more
                probable; and `score`, the probability that the texts are in order, 0
                to 1, whatever the label.
        """
        scores = softmax(outputs[0]["sop_logits"])
        return {"label": LABELS[int(scores.argmax())], "score": float(scores[0])}
