"""One vector for a text.

Letters: N texts, S sequence, H hidden.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from albert.common.tasks.checks import check_flag
from albert.common.tasks.encoding import Cutting, encode_text
from albert.common.tasks.inputs import read_text
from albert.common.tasks.task import Encoded, Outputs, Task


@dataclass(frozen=True, kw_only=True)
class SentenceEmbeddingOptions(Cutting):
    """What the caller may choose, besides how texts are cut.

    Args:
        normalize: whether vectors get the length 1, so that the cosine of two is
            their product.
    """

    normalize: bool = True

    def __post_init__(self) -> None:
        super().__post_init__()
        check_flag("normalize", self.normalize)


class SentenceEmbedding(Task[SentenceEmbeddingOptions]):
    """Average the encoder's vectors over the tokens of a text.

    [CLS] and [SEP] count and padding does not, as in the mean pooling of
    sentence-transformers, which takes what the attention mask has.
    """

    name = "sentence-embedding"
    model_class = "AlbertModel"
    fields = ("last_hidden_state",)
    per_token = True
    keys = ("text",)
    options_class = SentenceEmbeddingOptions

    def encode(self, given: Any, options: SentenceEmbeddingOptions) -> Encoded:
        """Turn a text into a row.

        Args:
            given: the text, or `{"text": ...}`.
            options: what the caller chose.

        Returns:
            The row.

        Raises:
            TypeError: the input is no text.
            ValueError: it is too long and must not be cut.
        """
        row, cut = encode_text(
            self.tokenizer, self.config, read_text(given), cutting=options
        )
        return Encoded([row], cut=cut)

    def decode(
        self,
        encoded: Encoded,
        outputs: Sequence[Outputs],
        options: SentenceEmbeddingOptions,
    ) -> Any:
        """Average.

        Args:
            encoded: of `encode`.
            outputs: `last_hidden_state`, float [S, H].
            options: what the caller chose.

        Returns:
            float32 [H].
        """
        mean = outputs[0]["last_hidden_state"].mean(0, dtype=np.float64)
        length = np.linalg.norm(mean)
        if options.normalize and length > 0:
            mean = mean / length
        return mean.astype(np.float32)

    def present(
        self, answers: list[Any], alone: bool, chosen: Mapping[str, Any]
    ) -> Any:
        """Give the vectors of a list as one array.

        Args:
            answers: to one input, or to a list.
            alone: whether the input was not in a list.
            chosen: the options that the call named.

        Returns:
            float32 [H] for an input alone, float32 [N, H] for a list; a list of
                vectors and errors if there are errors among them.
        """
        if alone:
            return answers[0]
        if all(isinstance(answer, np.ndarray) for answer in answers):
            width = self.config.hidden_size
            return np.array(answers, np.float32).reshape(len(answers), width)
        return answers
