"""The blocks, the groups and the stack."""

from typing import Any

import numpy as np
import pytest
import tensorflow as tf

from conformance import oracle


@pytest.mark.parametrize("act", ["gelu", "gelu_new", "relu"])
def test_layer(act: str, flat: Any, make: Any, weights_of: Any) -> None:
    config = flat.replace(hidden_act=act)
    model = make("AlbertModel", config)
    x = np.random.default_rng(4).normal(size=(3, 7, 24)).astype(np.float32)
    block = "albert.encoder.albert_layer_groups.0.albert_layers.0"
    visible = np.ones((3, 1, 1, 7), bool)
    layer = model.encoder.albert_layer_groups[0].albert_layers[0]
    found = layer(tf.constant(x), output_attentions=True)
    expected = oracle.apply_block(config, weights_of(model), block, x, visible)
    for tensor, array in zip(found, expected, strict=True):
        np.testing.assert_allclose(tensor, array, rtol=0, atol=5e-6)


@pytest.mark.parametrize(
    ("layers", "groups", "inner"), [(1, 1, 1), (3, 1, 2), (3, 3, 1), (5, 2, 3)]
)
def test_transformer_applies_each_layer_s_group(
    layers: int,
    groups: int,
    inner: int,
    config: Any,
    make: Any,
    weights_of: Any,
    inputs_of: Any,
    assert_close: Any,
) -> None:
    sizes = {"num_hidden_groups": groups, "inner_group_num": inner}
    config = config.replace(num_hidden_layers=layers, **sizes)
    model = make("AlbertModel", config)
    inputs = inputs_of("AlbertModel")
    output = model(inputs, output_attentions=True, output_hidden_states=True)
    assert len(output.hidden_states) == layers + 1
    assert len(output.attentions) == layers * inner
    assert_close(output, oracle.encode(config, weights_of(model), inputs))


def test_equal_widths_have_a_mapping_too(flat: Any, make: Any) -> None:
    model = make("AlbertModel", flat.replace(embedding_size=24))
    assert model.encoder.embedding_hidden_mapping_in.kernel.shape == (24, 24)
