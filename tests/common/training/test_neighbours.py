import re

import numpy as np
import pytest

from albert.common.config import AlbertConfig
from albert.common.training.initial import initial_weights
from conformance import oracle

CLASS = "AlbertForPreTraining"
SIZES = {
    "vocab_size": 211,
    "embedding_size": 64,
    "hidden_size": 128,
    "num_attention_heads": 4,
    "intermediate_size": 37,
    "num_hidden_layers": 3,
    "max_position_embeddings": 53,
}


def test_every_head_looks_at_its_neighbour_in_every_layer():
    config = AlbertConfig(**SIZES, num_hidden_groups=2)
    weights = initial_weights(config, CLASS, 3, "neighbours")
    ids = np.random.default_rng(5).integers(5, 211, (7, 31))
    model = oracle.MODELS[CLASS]
    doubles = {name: array.astype(np.float64) for name, array in weights.items()}
    outputs = model(config, doubles, {"input_ids": ids})
    for layer in outputs["attentions"]:
        for head, offset in enumerate((-1, 1, -2, 2)):
            shares = {
                far: np.diagonal(layer[:, head], far, 1, 2).mean()
                for far in range(-6, 7)
            }
            assert max(shares, key=lambda far: shares[far]) == offset
            assert shares[offset] > 0.2  # all alike would be 1 / 31


def test_the_others_are_the_usual_ones_and_positions_as_large_as_words():
    config = AlbertConfig(**SIZES, initializer_range=0.05)
    usual = initial_weights(config, CLASS, 3)
    weights = initial_weights(config, CLASS, 3, "neighbours")
    changed = {name for name in usual if (usual[name] != weights[name]).any()}
    block = "albert.encoder.albert_layer_groups.0.albert_layers.0.attention"
    assert changed == {
        "albert.embeddings.position_embeddings.weight",
        "albert.encoder.embedding_hidden_mapping_in.weight",
        f"{block}.query.weight",
        f"{block}.key.weight",
    }
    for name, array in weights.items():
        assert array.dtype == np.float32
        assert array.shape == usual[name].shape
    table = weights["albert.embeddings.position_embeddings.weight"]
    np.testing.assert_allclose((table**2).mean(1) ** 0.5, 0.05, rtol=1e-6)
    mapping = weights["albert.encoder.embedding_hidden_mapping_in.weight"]
    np.testing.assert_allclose(mapping.T @ mapping, np.eye(64), atol=1e-6)


@pytest.mark.parametrize(
    ("sizes", "head"), [({"embedding_size": 129}, 32), ({"embedding_size": 31}, 32)]
)
def test_sizes_that_cannot_be_are_named(sizes, head):
    text = (
        "The first weights 'neighbours' need an embedding_size from that of a head to "
        f"hidden_size, {head} to 128, but it is {sizes['embedding_size']}."
    )
    with pytest.raises(ValueError, match=f"^{re.escape(text)}$"):
        initial_weights(AlbertConfig(**{**SIZES, **sizes}), CLASS, 3, "neighbours")
