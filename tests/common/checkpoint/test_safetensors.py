"""The safetensors format, written and read, against the stock library."""

import json
import os
import tracemalloc

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


@pytest.mark.parametrize(
    "noted", [None, {}, {"other": "x"}, {"format": "tf"}, {"format": "pt", "a": "b"}]
)
def test_metadata_is_no_tensor(tmp_path, noted):
    save_file({"a": normal(3)}, tmp_path / "file", metadata=noted)
    found = open_file(tmp_path / "file")
    assert found.keys() == {"a"}
    np.testing.assert_array_equal(found["a"].read(), normal(3))


@pytest.mark.parametrize("dtype", ["int64", "int8", "uint16", "bool"])
def test_other_types_are_no_weights(tmp_path, dtype):
    arrays = {"a": np.ones((2, 3), dtype), "b": normal(3)}
    save_file(arrays, tmp_path / "file")
    found = open_file(tmp_path / "file")
    np.testing.assert_array_equal(found["b"].read(), arrays["b"])
    assert (found["a"].shape, found["a"].dtype) == ((2, 3), dtype)
    rows = found["a"].rows(0, 2)
    assert rows.dtype == arrays["a"].dtype
    np.testing.assert_array_equal(rows, arrays["a"])
    with pytest.raises(ValueError) as caught:
        found["a"].read()
    assert str(caught.value) == (
        f"this array is of type {dtype}, but weights are of float64, float32, "
        f"float16, bfloat16."
    )


def test_type_that_numpy_lacks(tmp_path):
    with_header(tmp_path / "file", {"a": entry("F8_E4M3", [2], 0, 2)}, b"12")
    safetensors.safe_open(tmp_path / "file", "np")
    found = open_file(tmp_path / "file")["a"]
    assert (found.shape, found.dtype) == ((2,), "F8_E4M3")
    with pytest.raises(ValueError) as caught:
        found.rows(0, 1)
    assert str(caught.value) == (
        f"a in {str(tmp_path / 'file')!r} is of type F8_E4M3, which cannot be read."
    )


@pytest.mark.parametrize("bounds", [(0, 7), (2, 5), (6, 7), (3, 3), (5, 99)])
def test_rows(tmp_path, bounds):
    array = normal(7, 3, 5)
    save_file({"before": normal(2), "a": array}, tmp_path / "file")
    found = open_file(tmp_path / "file")["a"].rows(*bounds)
    np.testing.assert_array_equal(found, array[slice(*bounds)])


def test_scalar(tmp_path):
    write_file(tmp_path / "file", {"a": np.array(2.5, "float32")})
    assert load_file(tmp_path / "file")["a"].shape == ()
    found = open_file(tmp_path / "file")["a"]
    assert found.shape == ()
    np.testing.assert_array_equal(found.rows(0, 1), [2.5])
    assert (found.read().shape, found.read()) == ((), 2.5)


def test_byte_order_in_memory_does_not_matter(tmp_path):
    write_file(tmp_path / "file", {"a": normal(3, 7).astype(">f4")})
    np.testing.assert_array_equal(load_file(tmp_path / "file")["a"], normal(3, 7))


def test_what_is_open_stays_what_it_was(tmp_path):
    path = tmp_path / "file"
    write_file(path, {"a": normal(3, 7)})
    found = open_file(path)["a"]
    write_file(path, {"a": normal(5, 7) + 1})
    np.testing.assert_array_equal(found.read(), normal(3, 7))


def test_file_that_shrinks(tmp_path):
    path = tmp_path / "file"
    write_file(path, {"a": normal(3, 7)})
    found = open_file(path)["a"]
    size = path.stat().st_size - 10
    os.truncate(path, size)
    with pytest.raises(ValueError) as caught:
        found.read()
    assert str(caught.value) == (
        f"{str(path)!r} cannot be read: it ends at byte {size}."
    )


def test_opening_reads_and_keeps_little(tmp_path):
    shape = [1 << 20, 512]
    path = tmp_path / "file"
    with_header(path, {"a": entry("F32", shape, 0, 1 << 31)}, b"")
    os.truncate(path, path.stat().st_size + (1 << 31))
    tracemalloc.start()
    found = open_file(path)["a"]
    np.testing.assert_array_equal(found.rows(12345, 12347), np.zeros((2, 512)))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 1 << 20


def test_no_such_file(tmp_path):
    with pytest.raises(FileNotFoundError):
        open_file(tmp_path / "file")


def test_folder_is_no_file(tmp_path):
    with pytest.raises(ValueError) as caught:
        open_file(tmp_path)
    assert str(caught.value) == f"{str(tmp_path)!r} is not a file."


def entry(dtype, shape, first, last):
    return {"dtype": dtype, "shape": shape, "data_offsets": [first, last]}


def with_header(path, header, data, length=None):
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    length = len(text) if length is None else length
    path.write_bytes(length.to_bytes(8, "little") + text + data)


@pytest.mark.parametrize(
    ("header", "why"),
    [
        (b"[]", "its header is not a JSON object"),
        (b' {"a": 1}', "its header is not a JSON object"),
        (b"{\xff}", "its JSON is not UTF-8"),
        (b'{"a": {}, "a": {}}', "its JSON names 'a' twice"),
        (
            b'{"a": {"dtype": "F32", "shape": [1], "dtype": "F32"}}',
            "its JSON names 'dtype' twice",
        ),
        (b'{"a": ' + b"[" * 100000 + b"]" * 100000 + b"}", "its JSON nests too deeply"),
        (
            {"a": {"dtype": "F32"}},
            "the entry of 'a' is not data_offsets, dtype, shape",
        ),
        ({"a": 5}, "the entry of 'a' is not data_offsets, dtype, shape"),
        ({"__metadata__": [1]}, "its __metadata__ is not an object of texts"),
        ({"__metadata__": {"a": 1}}, "its __metadata__ is not an object of texts"),
        ({"a": entry(7, [1], 0, 4)}, "'a' has an impossible type or shape"),
        ({"a": entry("F32", [-1], 0, 4)}, "'a' has an impossible type or shape"),
        ({"a": entry("F32", [1.0], 0, 4)}, "'a' has an impossible type or shape"),
        ({"a": entry("F32", [True], 0, 4)}, "'a' has an impossible type or shape"),
        ({"a": entry("F32", "1", 0, 4)}, "'a' has an impossible type or shape"),
        ({"a": entry("F32", [2**60, 0], 0, 0)}, "'a' has an impossible type or shape"),
        ({"a": entry("F32", [1] * 33, 0, 4)}, "'a' has an impossible type or shape"),
        ({"a": entry("F32", [1], 4, 0)}, "'a' lies at an impossible place"),
        ({"a": entry("F32", [1], 0, -4)}, "'a' lies at an impossible place"),
        ({"a": {**entry("F32", [1], 0, 4), "data_offsets": [0]}}, "'a' lies at an"),
        ({"a": entry("F32", [2], 0, 4)}, "'a' of 4 bytes is not float32 [2]"),
        ({"a": entry("F16", [1], 0, 4)}, "'a' of 4 bytes is not float16 [1]"),
        ({"a": entry("F32", [2**20], 0, 2**22)}, "'a' ends at byte 4194"),
        ({"a": entry("F32", [1], 4, 8)}, "byte 69 is not part of one tensor"),
        (
            {"a": entry("F32", [2], 0, 8), "b": entry("F32", [1], 0, 4)},
            "byte 130 is not part of one tensor",
        ),
        ({"a": entry("F32", [1], 0, 4)}, "its tensors end at byte 73, but it at 77"),
    ],
)
def test_impossible_header(tmp_path, header, why):
    path = tmp_path / "file"
    with_header(path, header, b"12345678")
    with pytest.raises(safetensors.SafetensorError):
        safetensors.safe_open(path, "np")
    with pytest.raises(ValueError) as caught:
        open_file(path)
    assert str(caught.value).startswith(f"{str(path)!r} cannot be read: {why}")


@pytest.mark.parametrize(
    ("length", "why"),
    [
        (2**63, "its header of 9223372036854775808 bytes is over 8388608"),
        (2**23 + 1, "its header of 8388609 bytes is over 8388608"),
        (2**23, "it ends at byte 10"),
        (3, "it ends at byte 10"),
    ],
)
def test_impossible_length_of_header(tmp_path, length, why):
    path = tmp_path / "file"
    with_header(path, b"{}", b"", length)
    with pytest.raises(ValueError) as caught:
        open_file(path)
    assert str(caught.value) == f"{str(path)!r} cannot be read: {why}."


def test_what_the_stock_library_refuses_is_refused(tmp_path):
    path = tmp_path / "file"
    write_file(path, {"a": normal(3, 2), "b": np.zeros(2, "V2"), "c": normal(2, 0)})
    good = path.read_bytes()
    start = 8 + int.from_bytes(good[:8], "little")
    damaged = [good[:size] for size in range(len(good))]
    random = np.random.default_rng(0)
    for position in random.integers(0, 8 * start, 600):
        raw = bytearray(good)
        raw[position // 8] ^= 1 << position % 8
        damaged.append(bytes(raw))
    refused = 0
    for raw in damaged:
        path.write_bytes(raw)
        try:
            safetensors.safe_open(path, "np")
        except safetensors.SafetensorError:
            refused += 1
            with pytest.raises(ValueError):
                for array in open_file(path).values():
                    array.read()
        else:
            open_file(path)
    assert refused > len(good)


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
    ("damage", "why"),
    [
        (_cut, "'a' ends at byte 156, but it at 151"),
        (_cut_header, "it ends at byte 20"),
        (_lengthen, "its tensors end at byte 156, but it at 160"),
        (_garble_header, "its JSON is damaged: Expecting value: line 1 column 1 (char"),
        (_empty, "it ends at byte 0"),
    ],
)
def test_damaged_file(tmp_path, damage, why):
    path = tmp_path / "file"
    save_file({"a": normal(3, 7)}, path)
    path.write_bytes(damage(path.read_bytes()))
    with pytest.raises(safetensors.SafetensorError):
        safetensors.safe_open(path, "np")
    with pytest.raises(ValueError) as caught:
        open_file(path)
    assert str(caught.value).startswith(f"{str(path)!r} cannot be read: {why}")


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


@pytest.mark.parametrize(
    ("text", "error"),
    [
        (
            "I/O error: File too large (os error 27)",
            OSError(27, os.strerror(27), "{path}"),
        ),
        ("something else", ValueError("'{path}' cannot be written: something else.")),
    ],
)
def test_error_of_the_library(tmp_path, monkeypatch, text, error):
    def fail(*_, **__):
        raise safetensors.SafetensorError(text)

    monkeypatch.setattr(safetensors, "serialize_file", fail)
    with pytest.raises(type(error)) as caught:
        write_file(tmp_path / "file", {"a": np.ones(3, "float32")})
    assert str(caught.value) == str(error).format(path=tmp_path / "file")
    assert os.listdir(tmp_path) == []
