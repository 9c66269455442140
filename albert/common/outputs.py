"""The output classes' fields and their order; each backend registers its own subclass.

An output is a dictionary that can also be read by attribute and by position, as
users of transformers know it. Fields that are None take no position.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, MutableMapping
from typing import Any, ClassVar


class ModelOutput(dict[str, Any]):
    """Named results of a model: `output.logits`, `output["logits"]` or `output[0]`.

    Args:
        values: mapping or pairs of field name and value, or nothing.
        **fields: values by field name; a field that is not given is None.

    Raises:
        KeyError: a name is not a field of the class.
    """

    fields: ClassVar[tuple[str, ...]] = ()

    def __init__(
        self,
        values: Mapping[str, Any] | Iterable[tuple[str, Any]] = (),
        /,
        **fields: Any,
    ) -> None:
        super().__init__()
        given = {**dict(values), **fields}
        # The class's order, not the caller's: positions must mean the same always.
        for name in (*self.fields, *given):
            if name in given:
                self[name] = given[name]

    def __setitem__(self, key: str, value: Any) -> None:
        if key not in self.fields:
            raise KeyError(
                f"{type(self).__name__} has the fields {', '.join(self.fields)}, "
                f"not {key!r}"
            )
        if value is None:
            self.pop(key, None)
        else:
            super().__setitem__(key, value)

    # The dictionary's own would pass by the check above.
    update: Any = MutableMapping.update  # pyright: ignore[reportUnknownVariableType, reportUnknownMemberType]
    setdefault: Any = MutableMapping.setdefault  # pyright: ignore[reportUnknownVariableType, reportUnknownMemberType]

    def __ior__(self, other: Any) -> ModelOutput:  # pyright: ignore
        self.update(other)
        return self

    def __getitem__(self, key: Any) -> Any:
        if isinstance(key, str):
            return super().__getitem__(key)
        return self.to_tuple()[key]

    def __getattr__(self, name: str) -> Any:
        if name in type(self).fields:
            return self.get(name)
        raise AttributeError(f"{type(self).__name__!r} has no attribute {name!r}")

    def __setattr__(self, name: str, value: Any) -> None:
        self[name] = value

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (dict(self),)

    def to_tuple(self) -> tuple[Any, ...]:
        """Give the values that are not None, in the order of the fields."""
        return tuple(self[name] for name in self.fields if name in self)


class BaseModelOutput(ModelOutput):
    """What the encoder gives.

    Fields:
        last_hidden_state: float [B, S, H].
        hidden_states: tuple of float [B, S, H]: the mapped embeddings, then one for
            each layer; None unless asked for.
        attentions: tuple of float [B, N, S, S], probabilities, one for each block
            (`num_hidden_layers * inner_group_num`); None unless asked for.
    """

    fields = ("last_hidden_state", "hidden_states", "attentions")


class BaseModelOutputWithPooling(ModelOutput):
    """What `AlbertModel` gives.

    Fields:
        last_hidden_state, hidden_states, attentions: as in `BaseModelOutput`.
        pooler_output: float [B, H], tanh of a linear map of the first token; None
            without a pooling layer.
    """

    fields = ("last_hidden_state", "pooler_output", "hidden_states", "attentions")


class AlbertForPreTrainingOutput(ModelOutput):
    """What `AlbertForPreTraining` gives.

    Fields:
        loss: float [], sum of the masked-LM and the sentence-order loss, of those
            whose labels were given; None without any.
        prediction_logits: float [B, S, V], or [B, P, V] at P positions; None if not
            asked for.
        sop_logits: float [B, 2]; 0 = in order, 1 = swapped.
        hidden_states, attentions: as in `BaseModelOutput`.
    """

    fields = ("loss", "prediction_logits", "sop_logits", "hidden_states", "attentions")


class MaskedLMOutput(ModelOutput):
    """What `AlbertForMaskedLM` gives.

    Fields:
        loss: float []; None without labels.
        logits: float [B, S, V], or [B, P, V] at P positions; None if not asked for.
        hidden_states, attentions: as in `BaseModelOutput`.
    """

    fields = ("loss", "logits", "hidden_states", "attentions")


class SequenceClassifierOutput(ModelOutput):
    """What `AlbertForSequenceClassification` gives.

    Fields:
        loss: float []; None without labels.
        logits: float [B, num_labels].
        hidden_states, attentions: as in `BaseModelOutput`.
    """

    fields = ("loss", "logits", "hidden_states", "attentions")


class MultipleChoiceModelOutput(ModelOutput):
    """What `AlbertForMultipleChoice` gives.

    Fields:
        loss: float []; None without labels.
        logits: float [B, C], one for each choice.
        hidden_states, attentions: as in `BaseModelOutput`, with B * C rows.
    """

    fields = ("loss", "logits", "hidden_states", "attentions")


class TokenClassifierOutput(ModelOutput):
    """What `AlbertForTokenClassification` gives.

    Fields:
        loss: float []; None without labels.
        logits: float [B, S, num_labels].
        hidden_states, attentions: as in `BaseModelOutput`.
    """

    fields = ("loss", "logits", "hidden_states", "attentions")


class QuestionAnsweringModelOutput(ModelOutput):
    """What `AlbertForQuestionAnswering` gives.

    Fields:
        loss: float [], mean of the two positions' losses; None without both.
        start_logits: float [B, S].
        end_logits: float [B, S].
        hidden_states, attentions: as in `BaseModelOutput`.
    """

    fields = ("loss", "start_logits", "end_logits", "hidden_states", "attentions")
