"""Attention against the oracle, in every type, with rows that hide every token."""

from typing import Any

import numpy as np
import pytest
import tensorflow as tf

from albert.tf.attention import visible_keys
from conformance import oracle

TOLERANCES = {"float64": 1e-12, "float32": 2e-6, "float16": 1e-2, "bfloat16": 6e-2}
BLOCK = "albert.encoder.albert_layer_groups.0.albert_layers.0"


@pytest.mark.parametrize("dtype", TOLERANCES)
def test_attention(dtype: str, flat: Any, make: Any, weights_of: Any) -> None:
    model = make("AlbertModel", flat, dtype=dtype)
    attention = model.encoder.albert_layer_groups[0].albert_layers[0].attention
    mask = np.ones((3, 7), int)
    mask[0], mask[1, 4:] = 0, 0
    x = tf.cast(np.random.default_rng(3).normal(size=(3, 7, 24)), dtype)
    found = attention(x, visible_keys(tf.constant(mask)), output_attentions=True)
    expected = oracle.attend(
        flat,
        weights_of(model),
        BLOCK,
        np.asarray(x, np.float64),
        oracle.visible_keys(mask, 3, 7),
    )
    for tensor, array in zip(found, expected, strict=True):
        assert tensor.dtype == dtype
        value = np.asarray(tensor, np.float64)
        np.testing.assert_allclose(value, array, rtol=0, atol=TOLERANCES[dtype])


@pytest.mark.parametrize("dtype", ["int32", "int64", "bool", "float32", "float16"])
def test_visible_keys(dtype: str) -> None:
    mask = np.array([[1, 1, 0], [0, 0, 0]])
    found = visible_keys(tf.cast(mask, dtype))
    assert found is not None
    expected = [[[[True, True, False]]], [[[True, True, True]]]]
    assert found.numpy().tolist() == expected
    assert visible_keys(None) is None


def test_a_faint_float_mask_still_shows(flat: Any, make: Any) -> None:
    """In half precision the mask is read before anything could round it to 0."""
    model = make("AlbertModel", flat, dtype="float16")
    ids = np.arange(7)[None]
    faint = np.array([[1e-9, 1e-9, 0, 0, 0, 0, 0]], np.float32)
    output = model(ids, attention_mask=faint, output_attentions=True)
    assert not np.asarray(output.attentions[0])[..., 2:].any()


def test_probabilities_only_when_asked_for(flat: Any, make: Any) -> None:
    model = make("AlbertModel", flat)
    attention = model.encoder.albert_layer_groups[0].albert_layers[0].attention
    assert attention(tf.zeros((3, 7, 24)))[1] is None
