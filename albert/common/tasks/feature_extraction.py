"""The encoder's vectors, one for each token.

Letters: S sequence, H hidden.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from albert.common.tasks.checks import check_choice
from albert.common.tasks.encoding import Cutting, encode_text
from albert.common.tasks.inputs import read_text
from albert.common.tasks.task import Encoded, Outputs, Task, changed
from albert.common.tokenization.tensors import convert

_KINDS = (True, False, None, "np", "pt", "tf", "jax")
_OWN = {None: "np", "pt": "pt", "tf": "tf", "flax": "jax"}
"""Framework -> its tensors."""


@dataclass(frozen=True, kw_only=True)
class FeatureExtractionOptions(Cutting):
    """What the caller may choose, besides how texts are cut.

    Args:
        tokenize_kwargs: `truncation`, `max_length` and `padding` once more; what
            stands here goes before what stands beside it.
        return_tensors: "pt", "tf" or "jax" for tensors of a framework, on the CPU, and
            True for those of the model's; "np" for NumPy arrays; False or None for
            lists of floats.
    """

    tokenize_kwargs: Mapping[str, Any] | None = None
    return_tensors: bool | str | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        check_choice("return_tensors", self.return_tensors, _KINDS)
        _ = self.cutting

    @property
    def cutting(self) -> Cutting:
        """How texts are cut."""
        beside = Cutting(truncation=self.truncation, max_length=self.max_length)
        return changed("tokenize_kwargs", beside, self.tokenize_kwargs or {})


class FeatureExtraction(Task[FeatureExtractionOptions]):
    """Give the encoder's vectors."""

    name = "feature-extraction"
    model_class = "AlbertModel"
    fields = ("last_hidden_state",)
    per_token = True
    keys = ("text",)
    options_class = FeatureExtractionOptions

    def encode(self, given: Any, options: FeatureExtractionOptions) -> Encoded:
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
            self.tokenizer, self.config, read_text(given), cutting=options.cutting
        )
        return Encoded([row], cut=cut)

    def decode(
        self,
        encoded: Encoded,
        outputs: Sequence[Outputs],
        options: FeatureExtractionOptions,
    ) -> Any:
        """Give the vectors in the form that is wanted.

        Args:
            encoded: of `encode`.
            outputs: `last_hidden_state`, float [S, H].
            options: what the caller chose.

        Returns:
            Float [1, S, H], [CLS] and [SEP] included and padding left out: nested
                lists, or an array that shares no memory with another.

        Raises:
            ImportError: the framework of the array is not installed.
        """
        features = outputs[0]["last_hidden_state"][None]
        if not options.return_tensors:
            return features.tolist()
        kind = options.return_tensors
        return convert(features, _OWN[self.framework] if kind is True else kind)
