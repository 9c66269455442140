"""Arrays that are read when asked for, and the widening of bfloat16."""

import numpy as np
import pytest

from albert.common.checkpoint import lazy as lazy_module
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


def lazy_of(array, dtype=None, calls=None):
    def rows(start, stop):
        if calls is not None:
            calls.append((start, stop))
        return (array if array.ndim else array[None])[start:stop]

    return LazyArray(array.shape, dtype or array.dtype.name, rows)


def test_lazy_array_reads_when_asked():
    calls = []
    lazy = lazy_of(np.ones((2, 3), np.float32), calls=calls)
    assert (lazy.shape, lazy.dtype, calls) == ((2, 3), "float32", [])
    np.testing.assert_array_equal(lazy.read(), np.ones((2, 3)))
    assert calls == [(0, 2)]


@pytest.mark.parametrize("dtype", ["float64", "float32", "float16"])
@pytest.mark.parametrize("shape", [(), (5,), (5, 7), (7, 3, 2), (0, 3), (3, 0)])
def test_read(monkeypatch, shape, dtype):
    array = np.random.default_rng(0).normal(size=shape).astype(dtype)
    monkeypatch.setattr(lazy_module, "BLOCK_BYTES", 60)
    found = lazy_of(array).read()
    assert (found.dtype, found.shape) == (array.dtype, array.shape)
    np.testing.assert_array_equal(found, array)
    assert found.flags.c_contiguous
    assert found.size == 0 or found.ctypes.data % 64 == 0
    assert not np.shares_memory(found, array)


def test_transposed(monkeypatch):
    array = np.random.default_rng(0).normal(size=(7, 5)).astype("float32")
    monkeypatch.setattr(lazy_module, "BLOCK_BYTES", 60)
    found = lazy_of(array).read(transpose=True)
    np.testing.assert_array_equal(found, array.T)
    assert found.flags.c_contiguous


def test_bfloat16_is_read_as_float32():
    found = lazy_of(np.ones((2, 3), np.float32), "bfloat16").read()
    assert found.dtype == np.float32


def test_blocks_cover_every_row_once(monkeypatch):
    monkeypatch.setattr(lazy_module, "BLOCK_BYTES", 60)
    array = np.arange(35, dtype="float32").reshape(7, 5)
    blocks = list(lazy_of(array).blocks())
    assert [block[:2] for block in blocks] == [(0, 3), (3, 6), (6, 7)]
    for start, stop, block in blocks:
        np.testing.assert_array_equal(block, array[start:stop])


@pytest.mark.parametrize("dtype", ["int64", "bool"])
def test_other_types_are_no_weights(dtype):
    with pytest.raises(ValueError) as caught:
        lazy_of(np.ones(2, dtype)).read()
    assert str(caught.value) == (
        f"this array is of type {dtype}, but weights are of float64, float32, "
        f"float16, bfloat16."
    )
