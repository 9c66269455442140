"""The output classes, registered so that Keras can take them apart and rebuild them.

Fields and their order stand in `albert.common.outputs`.
"""

from typing import Any

import optree

from albert.common import outputs


class TFBaseModelOutput(outputs.BaseModelOutput):
    """Node of Keras trees; see `albert.common.outputs`."""


class TFBaseModelOutputWithPooling(outputs.BaseModelOutputWithPooling):
    """Node of Keras trees; see `albert.common.outputs`."""


class TFAlbertForPreTrainingOutput(outputs.AlbertForPreTrainingOutput):
    """Node of Keras trees; see `albert.common.outputs`."""


class TFMaskedLMOutput(outputs.MaskedLMOutput):
    """Node of Keras trees; see `albert.common.outputs`."""


class TFSequenceClassifierOutput(outputs.SequenceClassifierOutput):
    """Node of Keras trees; see `albert.common.outputs`."""


class TFMultipleChoiceModelOutput(outputs.MultipleChoiceModelOutput):
    """Node of Keras trees; see `albert.common.outputs`."""


class TFTokenClassifierOutput(outputs.TokenClassifierOutput):
    """Node of Keras trees; see `albert.common.outputs`."""


class TFQuestionAnsweringModelOutput(outputs.QuestionAnsweringModelOutput):
    """Node of Keras trees; see `albert.common.outputs`."""


def _register(output_class: type[outputs.ModelOutput]) -> None:
    def take_apart(output: Any) -> Any:
        return list(output.values()), tuple(output), tuple(output)

    def rebuild(keys: Any, values: Any) -> outputs.ModelOutput:
        return output_class(zip(keys, values, strict=True))

    optree.register_pytree_node(output_class, take_apart, rebuild, namespace="keras")


for _output_class in (
    TFBaseModelOutput,
    TFBaseModelOutputWithPooling,
    TFAlbertForPreTrainingOutput,
    TFMaskedLMOutput,
    TFSequenceClassifierOutput,
    TFMultipleChoiceModelOutput,
    TFTokenClassifierOutput,
    TFQuestionAnsweringModelOutput,
):
    _register(_output_class)
