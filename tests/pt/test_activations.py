"""PyTorch's activation functions against their definitions."""

import numpy as np
import pytest
import torch

from albert.common.activations import ACTIVATIONS
from albert.pt.activations import activation

X = np.concatenate([np.linspace(-9, 9, 181), [-40.0, 40.0]])


@pytest.mark.parametrize(
    ("dtype", "tolerance"), [(torch.float64, 1e-14), (torch.float32, 2e-6)]
)
@pytest.mark.parametrize("name", ACTIVATIONS)
def test_definition(name, dtype, tolerance):
    found = activation(name)(torch.tensor(X, dtype=dtype))
    assert found.dtype == dtype
    expected = ACTIVATIONS[name](X)
    np.testing.assert_allclose(found.double().numpy(), expected, rtol=0, atol=tolerance)


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_gradient(name):
    x = torch.tensor(X[X != 0], dtype=torch.float64, requires_grad=True)
    (found,) = torch.autograd.grad(activation(name)(x).sum(), x)
    points, step = X[X != 0], 1e-6
    function = ACTIVATIONS[name]
    slope = (function(points + step) - function(points - step)) / (2 * step)
    np.testing.assert_allclose(found.numpy(), slope, rtol=0, atol=1e-7)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
@pytest.mark.parametrize("name", ACTIVATIONS)
def test_half_precision_is_kept_and_finite(name, dtype):
    found = activation(name)(torch.tensor(X, dtype=dtype))
    assert found.dtype == dtype
    assert torch.isfinite(found).all()


def test_unknown_name():
    with pytest.raises(KeyError, match=r"^'mish'$"):
        activation("mish")
