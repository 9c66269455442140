"""The output classes, registered so that PyTorch can take them apart and rebuild them.

Fields and their order stand in `albert.common.outputs`.
"""

from typing import Any

from torch.utils import _pytree

from albert.common import outputs


class BaseModelOutput(outputs.BaseModelOutput):
    """Node of PyTorch trees; see `albert.common.outputs`."""


class BaseModelOutputWithPooling(outputs.BaseModelOutputWithPooling):
    """Node of PyTorch trees; see `albert.common.outputs`."""


class AlbertForPreTrainingOutput(outputs.AlbertForPreTrainingOutput):
    """Node of PyTorch trees; see `albert.common.outputs`."""


class MaskedLMOutput(outputs.MaskedLMOutput):
    """Node of PyTorch trees; see `albert.common.outputs`."""


class SequenceClassifierOutput(outputs.SequenceClassifierOutput):
    """Node of PyTorch trees; see `albert.common.outputs`."""


class MultipleChoiceModelOutput(outputs.MultipleChoiceModelOutput):
    """Node of PyTorch trees; see `albert.common.outputs`."""


class TokenClassifierOutput(outputs.TokenClassifierOutput):
    """Node of PyTorch trees; see `albert.common.outputs`."""


class QuestionAnsweringModelOutput(outputs.QuestionAnsweringModelOutput):
    """Node of PyTorch trees; see `albert.common.outputs`."""


def _register(output_class: type[outputs.ModelOutput]) -> None:
    def rebuild(values: Any, keys: Any) -> outputs.ModelOutput:
        return output_class(zip(keys, values, strict=True))

    _pytree.register_pytree_node(
        output_class,
        lambda output: (list(output.values()), list(output)),
        rebuild,
        serialized_type_name=f"{output_class.__module__}.{output_class.__name__}",
    )


for _output_class in (
    BaseModelOutput,
    BaseModelOutputWithPooling,
    AlbertForPreTrainingOutput,
    MaskedLMOutput,
    SequenceClassifierOutput,
    MultipleChoiceModelOutput,
    TokenClassifierOutput,
    QuestionAnsweringModelOutput,
):
    _register(_output_class)
