"""Fused products against the plain steps, in float64."""

import pytest
import torch
from torch.nn import functional

from albert.pt import fast
from albert.pt.activations import activation
from albert.pt.fast.products import Product, has_onednn, products

T, INNER, OUTER = 7, 5, 11


def draw(*shape, dtype=torch.float32):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(1)).to(dtype)


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize(
    "name",
    [None, "gelu", "gelu_new", "quick_gelu", "relu", "silu", "tanh", "linear"],
)
def test_product(name, dtype):
    tokens, matrix, bias = (
        draw(T, INNER, dtype=dtype),
        draw(OUTER, INNER, dtype=dtype),
        draw(OUTER),
    )
    activate = None if name is None else activation(name)
    found = Product(matrix, bias.to(dtype))(tokens, activate)
    right = functional.linear(tokens.double(), matrix.double(), bias.to(dtype).double())
    right = right if activate is None else activate(right)
    # Relative to values up to about 10: a few roundings of the type.
    tolerance = 5e-6 if dtype == torch.float32 else 6e-2
    assert found.dtype == dtype
    torch.testing.assert_close(found.double(), right, rtol=0, atol=tolerance)


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_plus(dtype):
    tokens, matrix = draw(T, INNER, dtype=dtype), draw(OUTER, INNER, dtype=dtype)
    bias, other = draw(OUTER, dtype=dtype), draw(T, OUTER, dtype=dtype)
    before = other.clone()
    found = Product(matrix, bias).plus(tokens, other)
    right = functional.linear(tokens.double(), matrix.double(), bias.double())
    tolerance = 5e-6 if dtype == torch.float32 else 6e-2
    torch.testing.assert_close(
        found.double(), right + other.double(), rtol=0, atol=tolerance
    )
    torch.testing.assert_close(other, before, rtol=0, atol=0)


@pytest.mark.parametrize("packed", [True, False])
def test_products_of_a_block(lab, packed):
    layer = lab.model("AlbertModel").encoder.albert_layer_groups[1].albert_layers[0]
    attention, states = layer.attention, draw(T, 24)
    with torch.no_grad(), fast.using(packed=packed):
        by = products(layer)
        sides = (attention.query, attention.key, attention.value)
        pairs = [
            (by.gather(states), torch.cat([side(states) for side in sides], -1)),
            (by.merge(states), attention.dense(states)),
            (by.widen(states), layer.ffn(states)),
            (by.narrow(layer.ffn(states)), layer.ffn_output(layer.ffn(states))),
        ]
    for found, right in pairs:
        torch.testing.assert_close(found, right, rtol=0, atol=1e-5)


@pytest.mark.filterwarnings("ignore:TF32:UserWarning")
def test_where_onednn_is():
    tensor = draw(T, INNER)
    assert has_onednn(tensor)
    assert has_onednn(tensor.bfloat16())
    assert not has_onednn(tensor.double())
    assert not has_onednn(tensor.half())
    assert not has_onednn(tensor.to("meta"))
    with fast.using(onednn=False):
        assert not has_onednn(tensor)
    with torch.backends.mkldnn.flags(enabled=False):
        assert not has_onednn(tensor)


def test_builds_without_onednn(monkeypatch):
    monkeypatch.setattr(torch.backends.mkldnn, "is_available", lambda: False)
    assert not has_onednn(draw(T, INNER))
