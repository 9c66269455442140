"""The embeddings against the oracle."""

from typing import Any

import numpy as np
import pytest
import tensorflow as tf

from conformance import oracle


@pytest.mark.parametrize(
    "chosen",
    [
        ("input_ids",),
        ("input_ids", "token_type_ids"),
        ("input_ids", "position_ids"),
        ("input_ids", "shared_row"),
        ("inputs_embeds", "token_type_ids", "position_ids"),
    ],
)
def test_embeddings(
    chosen: Any, flat: Any, make: Any, weights_of: Any, inputs_of: Any
) -> None:
    model = make("AlbertModel", flat)
    held = inputs_of("AlbertModel")
    held["inputs_embeds"] = np.random.default_rng(2).normal(size=(3, 7, 5))
    held["shared_row"] = held["position_ids"][:1]
    inputs = {name.replace("shared_row", "position_ids"): held[name] for name in chosen}
    found = model.embeddings(**{k: tf.constant(v) for k, v in inputs.items()})
    expected = oracle.embed(flat, weights_of(model), inputs)
    np.testing.assert_allclose(found, expected, rtol=0, atol=2e-6)


def test_large_offsets_do_not_cancel(flat: Any, make: Any, weights_of: Any) -> None:
    """The variance is that of the centred values, not a difference of squares."""
    model = make("AlbertModel", flat)
    embeds = 100 + np.random.default_rng(2).normal(size=(3, 7, 5)).astype(np.float32)
    found = model.embeddings(inputs_embeds=tf.constant(embeds))
    inputs = {"inputs_embeds": embeds}
    expected = oracle.embed(flat, weights_of(model), inputs)
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-4)
