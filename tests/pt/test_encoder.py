"""Blocks, groups and the stack against the oracle."""

import numpy as np
import pytest
import torch

from albert.pt.attention import visible_keys
from albert.pt.outputs import BaseModelOutput
from conformance import oracle

B, S, E, H, N = 3, 7, 5, 24, 4
MASK = np.array([[1] * 7, [1] * 4 + [0] * 3, [0] * 2 + [1] * 5])


def double_weights(lab, **changes):
    config = lab.config(**changes)
    return {
        name: array.astype(np.float64)
        for name, array in lab.weights(config, "AlbertModel").items()
    }


def normal(width, dtype=torch.float64):
    return torch.tensor(
        np.random.default_rng(2).normal(size=(B, S, width)), dtype=dtype
    )


def assert_near(found, expected, tolerance=1e-12):
    np.testing.assert_allclose(
        found.detach().double().numpy(), expected, rtol=0, atol=tolerance
    )


@pytest.mark.parametrize(
    ("dtype", "tolerance"), [(torch.float64, 1e-12), (torch.float32, 2e-5)]
)
@pytest.mark.parametrize("hidden_act", ["gelu", "gelu_new", "relu"])
@pytest.mark.parametrize(("group", "inner"), [(0, 0), (0, 1), (1, 0), (1, 1)])
def test_block(lab, group, inner, hidden_act, dtype, tolerance):
    model = lab.model("AlbertModel", dtype, hidden_act=hidden_act)
    layer = model.encoder.albert_layer_groups[group].albert_layers[inner]
    name = f"albert.encoder.albert_layer_groups.{group}.albert_layers.{inner}"
    output, probabilities = oracle.apply_block(
        lab.config(hidden_act=hidden_act),
        double_weights(lab),
        name,
        normal(H).numpy(),
        oracle.visible_keys(MASK, B, S),
    )
    visible = visible_keys(torch.tensor(MASK))
    found = layer(normal(H, dtype), visible, True)
    assert_near(found[0], output, tolerance)
    assert_near(found[1], probabilities, tolerance)
    without = layer(normal(H, dtype), visible)
    assert without[1] is None
    assert_near(without[0], output, tolerance)


@pytest.mark.parametrize("inner", [1, 2, 3])
def test_group_applies_its_blocks_in_turn(lab, inner):
    model = lab.model("AlbertModel", torch.float64, inner_group_num=inner)
    group = model.encoder.albert_layer_groups[0]
    config, weights = lab.config(), double_weights(lab, inner_group_num=inner)
    x, visible = normal(H).numpy(), oracle.visible_keys(MASK, B, S)
    attentions = []
    for index in range(inner):
        name = f"albert.encoder.albert_layer_groups.0.albert_layers.{index}"
        x, probabilities = oracle.apply_block(config, weights, name, x, visible)
        attentions.append(probabilities)
    found, given = group(normal(H), visible_keys(torch.tensor(MASK)), True)
    assert_near(found, x)
    assert len(given) == inner
    for one, other in zip(given, attentions, strict=True):
        assert_near(one, other)
    assert group(normal(H))[1] == ()


@pytest.mark.parametrize(("layers", "groups"), [(1, 1), (3, 1), (3, 2), (5, 3), (4, 4)])
def test_stack_applies_the_group_of_each_layer(lab, layers, groups):
    sizes = {"num_hidden_layers": layers, "num_hidden_groups": groups}
    encoder = lab.model("AlbertModel", torch.float64, **sizes).encoder
    calls = []
    for index, group in enumerate(encoder.albert_layer_groups):
        group.register_forward_hook(lambda *_, index=index: calls.append(index))
    output = encoder(normal(E), torch.tensor(MASK), True, True)
    assert calls == [int(layer / layers * groups) for layer in range(layers)]
    assert isinstance(output, BaseModelOutput)
    assert len(output.hidden_states) == layers + 1
    assert len(output.attentions) == 2 * layers
    assert output.last_hidden_state is output.hidden_states[-1]
    mapping = "albert.encoder.embedding_hidden_mapping_in"
    weights = double_weights(lab, **sizes)
    assert_near(
        output.hidden_states[0], oracle.linear(weights, mapping, normal(E).numpy())
    )


def test_group_that_rounding_skips_is_never_applied(lab):
    sizes = {"num_hidden_layers": 22, "num_hidden_groups": 22, "inner_group_num": 1}
    encoder = lab.model("AlbertModel", **sizes).encoder
    calls = []
    for index, group in enumerate(encoder.albert_layer_groups):
        group.register_forward_hook(lambda *_, index=index: calls.append(index))
    encoder(normal(E, torch.float32))
    assert calls == [*range(15), 14, *range(16, 22)]


@pytest.mark.parametrize(
    ("attentions", "hidden_states", "fields"),
    [
        (False, False, ["last_hidden_state"]),
        (True, False, ["last_hidden_state", "attentions"]),
        (False, True, ["last_hidden_state", "hidden_states"]),
        (True, True, ["last_hidden_state", "hidden_states", "attentions"]),
    ],
)
def test_only_what_is_asked_for_is_given(lab, attentions, hidden_states, fields):
    encoder = lab.model("AlbertModel").encoder
    output = encoder(normal(E, torch.float32), None, attentions, hidden_states)
    assert list(output) == fields


def test_mapping_is_there_even_if_the_widths_are_equal(lab):
    encoder = lab.model("AlbertModel", embedding_size=24).encoder
    assert encoder.embedding_hidden_mapping_in.weight.shape == (H, H)


def test_dropped_branches_leave_the_residuals(lab, monkeypatch):
    """Dropout comes before each residual sum, and the norm after it."""
    layer = lab.model("AlbertModel", hidden_dropout_prob=0.5).encoder
    layer = layer.albert_layer_groups[0].albert_layers[0].train()

    def drop_all(x, p=0.5, training=True, inplace=False):
        return torch.zeros_like(x) if training and p == 0.5 else x

    monkeypatch.setattr(torch.nn.functional, "dropout", drop_all)
    x = normal(H, torch.float32)
    expected = layer.full_layer_layer_norm(layer.attention.LayerNorm(x))
    torch.testing.assert_close(layer(x)[0], expected, rtol=0, atol=0)
