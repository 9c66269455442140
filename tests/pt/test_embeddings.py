"""The embeddings against the oracle."""

import numpy as np
import pytest
import torch

from conformance import oracle

B, S, E, P = 3, 7, 5, 19

POSITIONS = np.random.default_rng(1).integers(0, P, (B, S))


def embeds():
    return np.random.default_rng(2).normal(size=(B, S, E))


def kinds(lab):
    full = lab.inputs("AlbertModel")
    ids = {"input_ids": full["input_ids"]}
    segments = {"token_type_ids": full["token_type_ids"]}
    return {
        "ids": ids,
        "segments": {**ids, **segments},
        "positions": {**ids, **segments, "position_ids": POSITIONS},
        "shared positions": {**ids, "position_ids": POSITIONS[1:2]},
        "embeds": {"inputs_embeds": embeds()},
        "embeds and all": {
            "inputs_embeds": embeds(),
            **segments,
            "position_ids": POSITIONS,
        },
    }


@pytest.mark.parametrize(
    ("dtype", "tolerance"), [(torch.float64, 1e-12), (torch.float32, 2e-5)]
)
@pytest.mark.parametrize(
    "kind",
    ["ids", "segments", "positions", "shared positions", "embeds", "embeds and all"],
)
def test_oracle(lab, kind, dtype, tolerance):
    layer = lab.model("AlbertModel", dtype).embeddings
    inputs = kinds(lab)[kind]
    tensors = lab.tensors(inputs)
    if "inputs_embeds" in tensors:
        tensors["inputs_embeds"] = tensors["inputs_embeds"].to(dtype)
    found = layer(**tensors)
    assert (found.shape, found.dtype) == ((B, S, E), dtype)
    weights = {
        name: array.astype(np.float64)
        for name, array in lab.weights(lab.config(), "AlbertModel").items()
    }
    expected = oracle.embed(lab.config(), weights, inputs)
    np.testing.assert_allclose(
        found.detach().double().numpy(), expected, rtol=0, atol=tolerance
    )


def test_padding_has_an_ordinary_vector(lab):
    """Piece 0 is trained like any other, as in the original."""
    table = lab.model("AlbertModel").embeddings.word_embeddings
    assert table.padding_idx is None
    assert table.weight[0].abs().min() > 0


def test_positions_count_padding(lab):
    layer = lab.model("AlbertModel").embeddings
    ids = lab.tensors(lab.inputs("AlbertModel"))["input_ids"]
    counted = layer(ids, position_ids=torch.arange(S).expand(B, S))
    torch.testing.assert_close(layer(ids), counted, rtol=0, atol=0)


def test_nothing_but_weights_is_saved(lab):
    layer = lab.model("AlbertModel").embeddings
    assert set(layer.state_dict()) == {
        "word_embeddings.weight",
        "position_embeddings.weight",
        "token_type_embeddings.weight",
        "LayerNorm.weight",
        "LayerNorm.bias",
    }
    assert list(layer.buffers()) == []
