"""Arrays that are read when asked for, and the widening of bfloat16."""

import numpy as np
import pytest

from albert.common.checkpoint.lazy import LazyArray, widen_bfloat16


@pytest.mark.parametrize(
    ("bits", "value"),
    [
        (0x0000, 0.0),
        (0x3F80, 1.0),
        (0xBF80, -1.0),
        (0x4049, 3.140625),
        (0x3DCD, 0.10009765625),
        (0x0001, 2.0**-133),
        (0x7F7F, 3.3895313892515355e38),
        (0x7F80, np.inf),
        (0xFF80, -np.inf),
    ],
)
def test_bfloat16_value(bits, value):
    found = widen_bfloat16(np.array([bits], np.uint16))
    assert found.dtype == np.float32
    assert found[0] == np.float32(value)


def test_every_bfloat16_is_kept():
    bits = np.arange(2**16, dtype=np.uint16).reshape(4, 64, -1)
    wide = widen_bfloat16(bits)
    assert wide.shape == bits.shape
    np.testing.assert_array_equal(wide.view(np.uint32) >> 16, bits)
    np.testing.assert_array_equal(wide.view(np.uint32) & 0xFFFF, 0)
    nan = ((bits & 0x7F80) == 0x7F80) & ((bits & 0x7F) != 0)
    np.testing.assert_array_equal(np.isnan(wide), nan)


def test_sign_of_zero_is_kept():
    assert np.signbit(widen_bfloat16(np.array([0x8000], np.uint16)))[0]


def test_lazy_array_reads_when_asked():
    reads = []

    def read():
        reads.append(1)
        return np.ones((2, 3), np.float32)

    lazy = LazyArray((2, 3), "float32", read)
    assert (lazy.shape, lazy.dtype, reads) == ((2, 3), "float32", [])
    assert lazy.read().shape == lazy.shape
    assert reads == [1]
