"""The safetensors format, written and read, against the stock library."""

import json
import os

import numpy as np
import pytest
import safetensors
from safetensors.numpy import load_file, save_file

from albert.common.checkpoint.safetensors import (
    FILE_NAME,
    dtype_name,
    open_file,
    write_file,
)


def normal(*shape, dtype="float32"):
    return np.random.default_rng(0).normal(size=shape).astype(dtype)


def header_of(path):
    raw = path.read_bytes()
    length = int.from_bytes(raw[:8], "little")
    return json.loads(raw[8 : 8 + length])


def test_file_name():
    assert FILE_NAME == "model.safetensors"


@pytest.mark.parametrize("dtype", ["float64", "float32", "float16"])
def test_read(tmp_path, dtype):
    arrays = {"a": normal(3, 7, dtype=dtype), "b": normal(5, dtype=dtype)}
    save_file(arrays, tmp_path / "file", metadata={"format": "pt"})
    found = open_file(tmp_path / "file")
    assert found.keys() == arrays.keys()
    for name, array in arrays.items():
        assert found[name].shape == array.shape
        assert found[name].dtype == dtype
        read = found[name].read()
        assert read.dtype == array.dtype
        np.testing.assert_array_equal(read, array)


def test_types_may_be_mixed(tmp_path):
    arrays = {
        "a": normal(3, dtype="float16"),
        "b": normal(3, 5, dtype="float64"),
        "c": normal(7, dtype="float32"),
    }
    save_file(arrays, tmp_path / "file")
    found = open_file(str(tmp_path / "file"))
    for name, array in arrays.items():
        assert found[name].dtype == array.dtype.name
        np.testing.assert_array_equal(found[name].read(), array)


@pytest.mark.parametrize("dtype", ["float64", "float32", "float16"])
def test_written_file_opens_in_the_stock_library(tmp_path, dtype):
    arrays = {"a": normal(3, 7, dtype=dtype), "b": normal(5, dtype=dtype)}
    write_file(tmp_path / "file", arrays)
    found = load_file(tmp_path / "file")
    assert found.keys() == arrays.keys()
    for name, array in arrays.items():
        assert found[name].dtype == array.dtype
        np.testing.assert_array_equal(found[name], array)
    with safetensors.safe_open(tmp_path / "file", "np") as opened:
        assert opened.metadata() == {"format": "pt"}


def test_bfloat16(tmp_path):
    bits = np.array([[0x3F80, 0xBF80, 0x4049], [0x0001, 0x7F7F, 0x3DCD]], np.uint16)
    write_file(tmp_path / "file", {"a": bits.view("V2")})
    ((name, entry),) = safetensors.deserialize((tmp_path / "file").read_bytes())
    assert (name, entry["dtype"], entry["shape"]) == ("a", "BF16", [2, 3])
    assert bytes(entry["data"]) == bits.tobytes()
    found = open_file(tmp_path / "file")["a"]
    assert (found.shape, found.dtype) == ((2, 3), "bfloat16")
    values = found.read()
    assert values.dtype == np.float32
    np.testing.assert_array_equal(values.view(np.uint32), bits.astype(np.uint32) << 16)


def test_layout_in_memory_does_not_matter(tmp_path):
    square = normal(5, 7)
    write_file(tmp_path / "file", {"t": square.T, "s": square[::2, 1:4]})
    found = load_file(tmp_path / "file")
    np.testing.assert_array_equal(found["t"], square.T)
    np.testing.assert_array_equal(found["s"], square[::2, 1:4])


def test_empty_tensor(tmp_path):
    write_file(tmp_path / "file", {"a": normal(0, 3), "b": normal(2)})
    found = open_file(tmp_path / "file")
    assert found["a"].read().shape == (0, 3)
    assert found["a"].read().dtype == np.float32
    assert found["b"].read().shape == (2,)


def test_arrays_are_views_of_the_file(tmp_path):
    write_file(tmp_path / "file", {"a": normal(3, 7)})
    array = open_file(tmp_path / "file")["a"].read()
    assert isinstance(array, np.memmap)
    assert not array.flags.writeable


@pytest.mark.parametrize("metadata", [None, {}, {"format": "pt"}, {"other": "x"}])
def test_metadata_that_is_read(tmp_path, metadata):
    save_file({"a": normal(3)}, tmp_path / "file", metadata=metadata)
    np.testing.assert_array_equal(open_file(tmp_path / "file")["a"].read(), normal(3))


@pytest.mark.parametrize("kind", ["tf", "flax", "np"])
def test_other_names_are_refused(tmp_path, kind):
    save_file({"a": normal(3)}, tmp_path / "file", metadata={"format": kind})
    with pytest.raises(ValueError) as caught:
        open_file(tmp_path / "file")
    assert str(caught.value) == (
        f"{str(tmp_path / 'file')!r} holds {kind!r} names; only files with PyTorch "
        "names (format 'pt') can be read."
    )


@pytest.mark.parametrize(("dtype", "name"), [("int64", "I64"), ("bool", "BOOL")])
def test_other_types_are_refused_when_they_are_read(tmp_path, dtype, name):
    arrays = {"a": np.ones((2, 3), dtype), "b": normal(3)}
    save_file(arrays, tmp_path / "file")
    found = open_file(tmp_path / "file")
    np.testing.assert_array_equal(found["b"].read(), arrays["b"])
    assert found["a"].shape == (2, 3)
    with pytest.raises(ValueError) as caught:
        found["a"].read()
    assert str(caught.value) == (
        f"a in {str(tmp_path / 'file')!r} is of type {name}, but weights are of F64, "
        "F32, F16, BF16."
    )


def _cut(raw):
    return raw[:-5]


def _cut_header(raw):
    return raw[:20]


def _lengthen(raw):
    return raw + b"more"


def _garble_header(raw):
    return raw[:8] + b"#" + raw[9:]


def _empty(_):
    return b""


@pytest.mark.parametrize(
    "damage", [_cut, _cut_header, _lengthen, _garble_header, _empty]
)
def test_damaged_file(tmp_path, damage):
    path = tmp_path / "file"
    write_file(path, {"a": normal(3, 7)})
    path.write_bytes(damage(path.read_bytes()))
    with pytest.raises(safetensors.SafetensorError) as stock:
        safetensors.safe_open(path, "np")
    with pytest.raises(ValueError) as caught:
        open_file(path)
    assert str(caught.value) == f"{str(path)!r} cannot be read: {stock.value}."


@pytest.mark.parametrize(
    ("array", "name"),
    [
        (np.zeros(2, "float64"), "float64"),
        (np.zeros(2, "float32"), "float32"),
        (np.zeros(2, "float16"), "float16"),
        (np.zeros(2, "V2"), "bfloat16"),
    ],
)
def test_dtype_name(array, name):
    assert dtype_name(array) == name


@pytest.mark.parametrize("dtype", ["int64", "int16", "bool", "complex64", "V4"])
def test_type_that_weights_never_have(tmp_path, dtype):
    message = (
        "weights must be of float64, float32, float16, bfloat16, but are of "
        f"{np.dtype(dtype).name}."
    )
    with pytest.raises(ValueError) as caught:
        dtype_name(np.zeros(2, dtype))
    assert str(caught.value) == message
    with pytest.raises(ValueError) as caught:
        write_file(tmp_path / "file", {"a": normal(2), "b": np.zeros(2, dtype)})
    assert str(caught.value) == message
    assert os.listdir(tmp_path) == []


def test_failing_write_leaves_the_old_file(tmp_path, monkeypatch):
    path = tmp_path / "file"
    write_file(path, {"a": normal(3)})
    before = path.read_bytes()

    def fail(_, temporary, **__):
        temporary.write_bytes(b"part")
        raise OSError("disk full")

    monkeypatch.setattr(safetensors, "serialize_file", fail)
    with pytest.raises(OSError, match=r"^disk full$"):
        write_file(path, {"a": normal(4)})
    assert path.read_bytes() == before
    assert os.listdir(tmp_path) == ["file"]


def test_file_may_be_replaced_by_what_was_read_from_it(tmp_path):
    path = tmp_path / "file"
    write_file(path, {"a": normal(3, 7), "b": normal(5)})
    arrays = {name: lazy.read() for name, lazy in open_file(path).items()}
    write_file(path, {**arrays, "c": normal(2)})
    found = load_file(path)
    np.testing.assert_array_equal(found["a"], normal(3, 7))
    np.testing.assert_array_equal(found["b"], normal(5))


def test_writing_leaves_the_arrays_alone(tmp_path):
    arrays = {"t": normal(5, 7).T}
    held = arrays["t"]
    write_file(tmp_path / "file", arrays)
    assert arrays["t"] is held
    assert arrays.keys() == {"t"}
