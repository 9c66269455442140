"""The output classes, registered so that JAX can take them apart and rebuild them.

Fields and their order stand in `albert.common.outputs`.
"""

from typing import Any

import jax

from albert.common import outputs


class FlaxBaseModelOutput(outputs.BaseModelOutput):
    """Node of JAX trees; see `albert.common.outputs`."""


class FlaxBaseModelOutputWithPooling(outputs.BaseModelOutputWithPooling):
    """Node of JAX trees; see `albert.common.outputs`."""


class FlaxAlbertForPreTrainingOutput(outputs.AlbertForPreTrainingOutput):
    """Node of JAX trees; see `albert.common.outputs`."""


class FlaxMaskedLMOutput(outputs.MaskedLMOutput):
    """Node of JAX trees; see `albert.common.outputs`."""


class FlaxSequenceClassifierOutput(outputs.SequenceClassifierOutput):
    """Node of JAX trees; see `albert.common.outputs`."""


class FlaxMultipleChoiceModelOutput(outputs.MultipleChoiceModelOutput):
    """Node of JAX trees; see `albert.common.outputs`."""


class FlaxTokenClassifierOutput(outputs.TokenClassifierOutput):
    """Node of JAX trees; see `albert.common.outputs`."""


class FlaxQuestionAnsweringModelOutput(outputs.QuestionAnsweringModelOutput):
    """Node of JAX trees; see `albert.common.outputs`."""


def _register(output_class: type[outputs.ModelOutput]) -> None:
    def take_apart(output: outputs.ModelOutput) -> tuple[Any, Any]:
        children = [(jax.tree_util.DictKey(key), output[key]) for key in output]
        return children, tuple(output)

    def rebuild(keys: Any, values: Any) -> outputs.ModelOutput:
        return output_class(zip(keys, values, strict=True))

    jax.tree_util.register_pytree_with_keys(output_class, take_apart, rebuild)


for _output_class in (
    FlaxBaseModelOutput,
    FlaxBaseModelOutputWithPooling,
    FlaxAlbertForPreTrainingOutput,
    FlaxMaskedLMOutput,
    FlaxSequenceClassifierOutput,
    FlaxMultipleChoiceModelOutput,
    FlaxTokenClassifierOutput,
    FlaxQuestionAnsweringModelOutput,
):
    _register(_output_class)
