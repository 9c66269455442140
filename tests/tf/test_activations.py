"""The activations against their definitions."""

import numpy as np
import pytest
import tensorflow as tf

from albert.common.activations import ACTIVATIONS
from albert.tf.activations import activation


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_activation_is_as_defined(name: str) -> None:
    x = np.linspace(-12, 12, 241)
    found = activation(name)(tf.constant(x, tf.float32)).numpy()
    expected = ACTIVATIONS[name](x.astype(np.float32).astype(np.float64))
    np.testing.assert_allclose(found, expected, rtol=0, atol=2e-6)
