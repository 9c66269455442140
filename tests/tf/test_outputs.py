"""The outputs as nodes of Keras' and TensorFlow's trees."""

import inspect
import pickle
from typing import Any

import keras
import pytest
import tensorflow as tf

from albert.common import outputs as common
from albert.tf import outputs

CLASSES: list[Any] = [
    member
    for name, member in inspect.getmembers(outputs, inspect.isclass)
    if name.startswith("TF")
]


@pytest.mark.parametrize("output_class", CLASSES)
def test_keras_trees_rebuild_an_output(output_class: Any) -> None:
    output = output_class({name: i for i, name in enumerate(output_class.fields)})
    doubled: Any = keras.tree.map_structure(lambda value: 2 * value, output)
    assert type(doubled) is output_class
    assert doubled.to_tuple() == tuple(2 * i for i in range(len(output_class.fields)))


@pytest.mark.parametrize("output_class", CLASSES)
def test_tensorflow_nests_rebuild_an_output(output_class: Any) -> None:
    output = output_class({name: i for i, name in enumerate(output_class.fields)})
    doubled: Any = tf.nest.map_structure(lambda value: 2 * value, output)
    assert type(doubled) is output_class
    assert doubled.to_tuple() == tuple(2 * i for i in range(len(output_class.fields)))


def test_tf_function_returns_the_class_in_the_fields_order() -> None:
    @tf.function
    def give(x: tf.Tensor) -> outputs.TFMaskedLMOutput:
        return outputs.TFMaskedLMOutput(logits=x, attentions=(x, x + 1), loss=-x)

    output = give(tf.constant(2.0))
    assert type(output) is outputs.TFMaskedLMOutput
    assert list(output) == ["loss", "logits", "attentions"]
    assert float(output[0]) == -2.0
    assert float(output.attentions[1]) == 3.0
    assert output.hidden_states is None


def test_every_class_has_its_common_fields() -> None:
    assert len(CLASSES) == 8
    for output_class in CLASSES:
        parent = getattr(common, output_class.__name__.removeprefix("TF"))
        assert output_class.fields == parent.fields


def test_an_output_can_be_pickled() -> None:
    output = outputs.TFMaskedLMOutput(logits=1)
    again = pickle.loads(pickle.dumps(output))
    assert (type(again), again) == (outputs.TFMaskedLMOutput, output)
