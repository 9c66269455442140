"""Self-attention against the oracle, in both implementations and every type."""

import numpy as np
import pytest
import torch

from albert.pt.attention import visible_keys
from conformance import oracle

B, S, H, N = 3, 7, 24, 4
PATH = "albert.encoder.albert_layer_groups.1.albert_layers.0"

MASKS = {
    "none": None,
    "right": [[1] * 7, [1] * 5 + [0] * 2, [1] + [0] * 6],
    "left": [[1] * 7, [0] * 2 + [1] * 5, [0] * 6 + [1]],
    "holes": [[1, 0, 1, 0, 1, 0, 1], [0, 1, 1, 0, 0, 1, 1], [1, 1, 0, 1, 1, 1, 0]],
    "a row all hidden": [[1] * 7, [0] * 7, [1, 0, 0, 1, 1, 1, 1]],
}

every_mask = pytest.mark.parametrize("mask", MASKS)
both = pytest.mark.parametrize("implementation", ["sdpa", "eager"])


def layer_of(lab, implementation="sdpa", dtype=torch.float32, **changes):
    model = lab.model(
        "AlbertModel", dtype, attn_implementation=implementation, **changes
    )
    return model.encoder.albert_layer_groups[1].albert_layers[0].attention


def hidden(dtype=torch.float32):
    return torch.tensor(np.random.default_rng(2).normal(size=(B, S, H)), dtype=dtype)


def mask_of(name):
    return None if MASKS[name] is None else np.array(MASKS[name])


def expected(lab, mask):
    weights = {
        name: array.astype(np.float64)
        for name, array in lab.weights(lab.config(), "AlbertModel").items()
    }
    visible = oracle.visible_keys(mask, B, S)
    x = hidden(torch.float64).numpy()
    return oracle.attend(lab.config(), weights, PATH, x, visible)


# Masks


def test_no_mask_hides_nothing():
    assert visible_keys(None) is None


@pytest.mark.parametrize("dtype", [torch.long, torch.int32, torch.bool, torch.float32])
@pytest.mark.parametrize("mask", [name for name in MASKS if name != "none"])
def test_visible_keys(mask, dtype):
    found = visible_keys(torch.tensor(MASKS[mask]).to(dtype))
    assert found.dtype == torch.bool
    np.testing.assert_array_equal(
        found.numpy(), oracle.visible_keys(mask_of(mask), B, S)
    )


def test_any_other_number_than_zero_is_visible():
    found = visible_keys(torch.tensor([[0.0, 0.5, -1.0, 2.0]]))
    assert found.tolist() == [[[[False, True, True, True]]]]


# Values


@pytest.mark.parametrize(
    ("dtype", "tolerance"), [(torch.float64, 1e-12), (torch.float32, 2e-5)]
)
@both
@every_mask
def test_oracle(lab, mask, implementation, dtype, tolerance):
    layer = layer_of(lab, implementation, dtype)
    tensor = None if MASKS[mask] is None else torch.tensor(MASKS[mask])
    output, right_probabilities = expected(lab, mask_of(mask))
    for wanted in (False, True):
        found, probabilities = layer(hidden(dtype), visible_keys(tensor), wanted)
        assert found.dtype == dtype
        np.testing.assert_allclose(
            found.detach().double().numpy(), output, rtol=0, atol=tolerance
        )
        if not wanted:
            assert probabilities is None
            continue
        assert (probabilities.shape, probabilities.dtype) == ((B, N, S, S), dtype)
        np.testing.assert_allclose(
            probabilities.detach().double().numpy(),
            right_probabilities,
            rtol=0,
            atol=tolerance,
        )


@both
@every_mask
def test_probabilities(lab, mask, implementation):
    layer = layer_of(lab, implementation)
    tensor = None if MASKS[mask] is None else torch.tensor(MASKS[mask])
    visible = visible_keys(tensor)
    _, probabilities = layer(hidden(), visible, True)
    torch.testing.assert_close(probabilities.sum(-1), torch.ones(B, N, S))
    assert (probabilities >= 0).all()
    if visible is not None:
        assert (probabilities.masked_select(~visible) == 0).all()
        assert (probabilities.masked_select(visible) > 0).all()


@both
@pytest.mark.parametrize("dtype", [torch.float32, torch.float16, torch.bfloat16])
def test_row_all_hidden_is_the_row_unmasked(lab, implementation, dtype):
    layer = layer_of(lab, implementation, dtype)
    mask = torch.tensor(MASKS["a row all hidden"])
    for wanted in (False, True):
        masked, _ = layer(hidden(dtype), visible_keys(mask), wanted)
        plain, _ = layer(hidden(dtype), None, wanted)
        assert torch.isfinite(masked).all()
        tolerance = 1e-6 if dtype == torch.float32 else 2e-2
        torch.testing.assert_close(masked[1], plain[1], rtol=0, atol=tolerance)
        assert (masked[2] - plain[2]).abs().max() > 0.1


@both
@pytest.mark.parametrize(
    ("dtype", "tolerance"), [(torch.float16, 1e-2), (torch.bfloat16, 6e-2)]
)
@every_mask
def test_half_precision_is_near(lab, mask, implementation, dtype, tolerance):
    layer = layer_of(lab, implementation, dtype)
    tensor = None if MASKS[mask] is None else torch.tensor(MASKS[mask])
    output, _ = expected(lab, mask_of(mask))
    found, _ = layer(hidden(dtype), visible_keys(tensor))
    assert found.dtype == dtype
    np.testing.assert_allclose(
        found.detach().double().numpy(), output, rtol=0, atol=tolerance
    )


@both
def test_scores_are_scaled_before_they_overflow_half_precision(lab, implementation):
    layer = layer_of(lab, implementation, torch.float16)
    heads = hidden().unflatten(-1, (N, -1)).transpose(1, 2)
    largest = (heads @ heads.transpose(-1, -2)).max()
    # Products of 110,000 are infinite in float16, divided by the root of D not.
    factor = float((110_000 / largest) ** 0.5)
    with torch.no_grad():
        for projection in (layer.query, layer.key):
            projection.weight.copy_(factor * torch.eye(H))
    for wanted in (False, True):
        found, probabilities = layer(hidden(torch.float16), None, wanted)
        assert torch.isfinite(found).all()
    sums = probabilities.float().sum(-1)
    torch.testing.assert_close(sums, torch.ones(B, N, S), rtol=0, atol=2e-3)


@pytest.mark.parametrize(
    ("implementation", "wanted", "calls"),
    [("sdpa", False, 1), ("sdpa", True, 0), ("eager", False, 0), ("eager", True, 0)],
)
def test_which_implementation_runs(lab, monkeypatch, implementation, wanted, calls):
    layer = layer_of(lab, implementation)
    made = []
    plain = torch.nn.functional.scaled_dot_product_attention

    def record(*args, **kwargs):
        made.append(1)
        return plain(*args, **kwargs)

    monkeypatch.setattr(torch.nn.functional, "scaled_dot_product_attention", record)
    layer(hidden(), None, wanted)
    assert len(made) == calls


# Dropout


@pytest.mark.parametrize("training", [True, False])
def test_sdpa_gets_the_rate_of_the_probabilities(lab, monkeypatch, training):
    layer = layer_of(lab, attention_probs_dropout_prob=0.25, hidden_dropout_prob=0.125)
    rates = []
    plain = torch.nn.functional.scaled_dot_product_attention

    def record(*args, dropout_p=0.0, **kwargs):
        rates.append(dropout_p)
        return plain(*args, dropout_p=dropout_p, **kwargs)

    monkeypatch.setattr(torch.nn.functional, "scaled_dot_product_attention", record)
    layer.train(training)(hidden())
    assert rates == [0.25 if training else 0.0]


@both
def test_probabilities_are_given_after_dropout(lab, implementation):
    layer = layer_of(lab, implementation, attention_probs_dropout_prob=0.5)
    layer.train()
    _, dropped = layer(hidden(), None, True)
    _, whole = layer.eval()(hidden(), None, True)
    kept = dropped != 0
    assert 0.3 < kept.float().mean() < 0.7
    torch.testing.assert_close(dropped[kept], 2 * whole[kept])


@both
def test_training_without_dropout_is_inference(lab, implementation):
    layer = layer_of(lab, implementation)
    plain, _ = layer(hidden())
    torch.testing.assert_close(layer.train()(hidden())[0], plain, rtol=0, atol=0)
