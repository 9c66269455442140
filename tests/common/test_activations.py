"""The definitions of the activation functions."""

import math

import numpy as np
import pytest

from albert.common.activations import ACTIVATIONS, KINDS

X = np.array([-30.0, -3.0, -1.0, -0.5, 0.0, 0.5, 1.0, 3.0, 30.0])


def erf_gelu(x):
    return x * (1 + math.erf(x / math.sqrt(2))) / 2


def tanh_gelu(x):
    return x / 2 * (1 + math.tanh(math.sqrt(2 / math.pi) * (x + 0.044715 * x**3)))


def quick_gelu(x):
    return x / (1 + math.exp(-1.702 * x))


def silu(x):
    return x / (1 + math.exp(-x))


FORMULAS = {
    "gelu": erf_gelu,
    "gelu_python": erf_gelu,
    "gelu_new": tanh_gelu,
    "gelu_pytorch_tanh": tanh_gelu,
    "gelu_fast": tanh_gelu,
    "quick_gelu": quick_gelu,
    "relu": lambda x: max(x, 0.0),
    "silu": silu,
    "swish": silu,
    "tanh": math.tanh,
    "linear": lambda x: x,
}


def test_names():
    assert list(ACTIVATIONS) == list(FORMULAS)
    assert list(KINDS) == list(FORMULAS)


@pytest.mark.parametrize("name", FORMULAS)
def test_formula(name):
    expected = np.array([FORMULAS[name](float(x)) for x in X])
    np.testing.assert_allclose(ACTIVATIONS[name](X), expected, rtol=1e-13, atol=1e-13)


@pytest.mark.parametrize(
    ("name", "at_one"),
    [
        ("gelu", 0.8413447460685429),
        ("gelu_new", 0.8411919906082768),
        ("quick_gelu", 0.8457957659328212),
        ("silu", 0.7310585786300049),
        ("tanh", 0.7615941559557649),
    ],
)
def test_known_value(name, at_one):
    assert float(ACTIVATIONS[name](np.array(1.0))) == pytest.approx(at_one, abs=1e-15)


@pytest.mark.parametrize("name", ["quick_gelu", "silu", "gelu_new", "gelu"])
def test_large_inputs_do_not_overflow(name):
    with np.errstate(all="raise", under="ignore"):
        values = ACTIVATIONS[name](np.array([-1e4, 1e4]))
    np.testing.assert_array_equal(values, [0.0, 1e4])


def test_kinds_are_the_functions():
    pairs = [(KINDS[name], ACTIVATIONS[name]) for name in ACTIVATIONS]
    assert len(set(KINDS.values())) == len(set(ACTIVATIONS.values())) == 7
    assert len(set(pairs)) == 7
