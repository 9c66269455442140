"""The activations against their definitions."""

from typing import Any

import numpy as np
import pytest
import tensorflow as tf
from tensorflow.python.eager import context
from tensorflow.python.framework import test_util

from albert.common.activations import ACTIVATIONS
from albert.common.config import AlbertConfig
from albert.tf.activations import activation
from albert.tf.encoder import TFAlbertLayer


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_activation_is_as_defined(name: str) -> None:
    x = np.linspace(-12, 12, 241)
    found = activation(name)(tf.constant(x, tf.float32)).numpy()
    expected = ACTIVATIONS[name](x.astype(np.float32).astype(np.float64))
    np.testing.assert_allclose(found, expected, rtol=0, atol=2e-6)


@pytest.mark.skipif(
    not test_util.IsMklEnabled(), reason="only with oneDNN are they fused"
)
@pytest.mark.parametrize(
    ("name", "fused"), [("gelu_new", b"GeluApproximate"), ("gelu", b"GeluExact")]
)
def test_gelu_is_fused_into_the_product(
    name: str, fused: bytes, flat: AlbertConfig
) -> None:
    """As it is in the model: what is fused depends on the names of the steps."""
    layer = TFAlbertLayer(flat.replace(hidden_act=name))
    layer.build()
    shape = [None, None, flat.hidden_size]
    graph: Any = tf.function(
        lambda states: layer(states)[0], input_signature=[tf.TensorSpec(shape)]
    )
    assert [b"BiasAdd", fused] in _fused_steps(graph, tf.ones((1, 2, shape[2])))


def _fused_steps(graph: Any, states: tf.Tensor) -> list[list[bytes]]:
    """Give what is fused in the graph as TensorFlow runs it."""
    context.enable_run_metadata()
    try:
        graph(states)
        run = context.export_run_metadata()
    finally:
        context.disable_run_metadata()
    return [
        list(node.attr["fused_ops"].list.s)
        for function in run.function_graphs
        for part in function.partition_graphs
        for node in part.node
    ]
