"""The heads of pre-training against the oracle."""

import numpy as np
import pytest
import torch

from conformance import oracle

B, S, H, V = 3, 7, 24, 101


def normal(*shape, dtype=torch.float64):
    return torch.tensor(np.random.default_rng(2).normal(size=shape), dtype=dtype)


def double_weights(lab):
    weights = lab.weights(lab.config(), "AlbertForPreTraining")
    return {name: array.astype(np.float64) for name, array in weights.items()}


TYPES = pytest.mark.parametrize(
    ("dtype", "tolerance"), [(torch.float64, 1e-12), (torch.float32, 2e-5)]
)


@TYPES
@pytest.mark.parametrize("hidden_act", ["gelu", "gelu_new", "relu"])
def test_masked_words(lab, hidden_act, dtype, tolerance):
    head = lab.model("AlbertForPreTraining", dtype, hidden_act=hidden_act).predictions
    found = head(normal(B, S, H, dtype=dtype))
    assert (found.shape, found.dtype) == ((B, S, V), dtype)
    expected = oracle.score_pieces(
        lab.config(hidden_act=hidden_act), double_weights(lab), normal(B, S, H).numpy()
    )
    np.testing.assert_allclose(
        found.detach().double().numpy(), expected, rtol=0, atol=tolerance
    )


@TYPES
def test_sentence_order(lab, dtype, tolerance):
    head = lab.model("AlbertForPreTraining", dtype).sop_classifier
    found = head(normal(B, H, dtype=dtype))
    assert (found.shape, found.dtype) == ((B, 2), dtype)
    expected = oracle.linear(
        double_weights(lab), "sop_classifier.classifier", normal(B, H).numpy()
    )
    np.testing.assert_allclose(
        found.detach().double().numpy(), expected, rtol=0, atol=tolerance
    )


def test_bias_is_added_once(lab):
    head = lab.model("AlbertForMaskedLM").predictions
    before = head(normal(B, S, H, dtype=torch.float32))
    with torch.no_grad():
        head.bias += 2.0
    after = head(normal(B, S, H, dtype=torch.float32))
    torch.testing.assert_close(after, before + 2.0)


def test_no_head_has_dropout(lab):
    model = lab.model("AlbertForPreTraining")
    for head in (model.predictions, model.sop_classifier):
        assert not [m for m in head.modules() if isinstance(m, torch.nn.Dropout)]
