import jax.numpy as jnp
import numpy as np
import pytest

from albert.common.activations import ACTIVATIONS
from albert.flax.activations import activation


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_equals_its_definition(name):
    x = np.linspace(-9, 9, 721)
    found = activation(name)(jnp.asarray(x, jnp.float32))
    np.testing.assert_allclose(found, ACTIVATIONS[name](x), rtol=0, atol=2e-6)
