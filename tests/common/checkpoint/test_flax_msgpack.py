"""The files of flax, written and read, against flax itself."""

import copy
import os
import tracemalloc

import msgpack
import numpy as np
import pytest
from flax import serialization
from ml_dtypes import bfloat16

from albert.common.checkpoint import flax_msgpack
from albert.common.checkpoint.flax_msgpack import FILE_NAME, open_file, write_file


def normal(*shape, dtype="float32"):
    return np.random.default_rng(0).normal(size=shape).astype(dtype)


def nested(arrays):
    tree = {}
    for name, array in arrays.items():
        *way, last = name.split("/")
        inner = tree
        for key in way:
            inner = inner.setdefault(key, {})
        inner[last] = array
    return tree


def stock_write(path, tree):
    # Otherwise it sorts the keys, as flax' to_bytes() does not.
    path.write_bytes(serialization.msgpack_serialize(copy.deepcopy(tree), True))


def pack(dtype, shape, data, code=1):
    inner = msgpack.packb((shape, dtype, data), use_bin_type=True)
    return msgpack.ExtType(code, inner)


SAMPLES = {
    "albert/a": normal(3, 7),
    "albert/inner/b": normal(5, dtype="float16"),
    "albert/inner/c": normal(2, 3, 5, dtype="float64"),
    "d": normal(4, 3).astype(bfloat16),
    "e": np.array(2.5, "float32"),
    "f/empty": normal(0, 3),
    "f/one": normal(1),
    "f/long": normal(70000),
}


def bits(array):
    return array.view("uint16") if array.dtype == bfloat16 else array


def same(found, expected):
    assert (found.dtype, found.shape) == (expected.dtype, expected.shape)
    np.testing.assert_array_equal(bits(found), bits(expected))


def lazily_same(found, expected):
    assert list(found) == list(expected)
    for name, array in expected.items():
        assert (found[name].shape, found[name].dtype) == (array.shape, str(array.dtype))
        wide = array.astype("float32") if array.dtype == bfloat16 else array
        same(found[name].read(), wide)


@pytest.fixture
def small_chunks(monkeypatch):
    monkeypatch.setattr(serialization, "MAX_CHUNK_SIZE", 21)
    monkeypatch.setattr(flax_msgpack, "CHUNK_BYTES", 21)


def test_file_name():
    assert FILE_NAME == "flax_model.msgpack"


def test_read(tmp_path):
    stock_write(tmp_path / "file", nested(SAMPLES))
    lazily_same(open_file(tmp_path / "file"), SAMPLES)


def test_written_file_is_that_of_flax(tmp_path):
    write_file(tmp_path / "file", SAMPLES)
    stock_write(tmp_path / "stock", nested(SAMPLES))
    assert (tmp_path / "file").read_bytes() == (tmp_path / "stock").read_bytes()


def test_flax_reads_what_is_written(tmp_path):
    write_file(tmp_path / "file", SAMPLES)
    found = serialization.msgpack_restore((tmp_path / "file").read_bytes())
    same(found["albert"]["inner"]["c"], SAMPLES["albert/inner/c"])
    same(np.asarray(found["d"]), SAMPLES["d"])


@pytest.mark.usefixtures("small_chunks")
def test_chunks(tmp_path):
    short = {name: array for name, array in SAMPLES.items() if name != "f/long"}
    stock_write(tmp_path / "stock", nested(short))
    assert b"__msgpack_chunked_array__" in (tmp_path / "stock").read_bytes()
    lazily_same(open_file(tmp_path / "stock"), short)
    write_file(tmp_path / "file", short)
    assert (tmp_path / "file").read_bytes() == (tmp_path / "stock").read_bytes()


@pytest.mark.usefixtures("small_chunks")
@pytest.mark.parametrize("bounds", [(0, 9), (2, 5), (8, 9), (3, 3), (7, 99)])
def test_rows_of_chunks(tmp_path, bounds):
    array = normal(9, 3, 2)
    write_file(tmp_path / "file", {"before": normal(2), "a": array, "b": normal(3)})
    found = open_file(tmp_path / "file")["a"].rows(*bounds)
    np.testing.assert_array_equal(found, array[slice(*bounds)])


@pytest.mark.parametrize("dtype", ["int64", "uint8", "bool"])
def test_other_types_are_no_weights(tmp_path, dtype):
    stock_write(tmp_path / "file", {"a": np.ones((2, 3), dtype)})
    found = open_file(tmp_path / "file")["a"]
    assert (found.shape, found.dtype) == ((2, 3), dtype)
    same(found.rows(0, 2), np.ones((2, 3), dtype))
    with pytest.raises(ValueError, match=rf"is of type {dtype}, but weights are of"):
        found.read()


def test_type_that_cannot_be_read(tmp_path):
    stock_write(tmp_path / "file", {"a": np.ones(3, "complex64")})
    found = open_file(tmp_path / "file")["a"]
    assert (found.shape, found.dtype) == ((3,), "complex64")
    with pytest.raises(ValueError) as caught:
        found.rows(0, 1)
    assert str(caught.value) == (
        f"a in {str(tmp_path / 'file')!r} is of type complex64, which cannot be read."
    )


def test_numpy_scalar(tmp_path):
    stock_write(tmp_path / "file", {"a": np.float32(2.5), "b": np.int64(7)})
    found = open_file(tmp_path / "file")
    assert (found["a"].read().shape, found["a"].read()) == ((), 2.5)
    assert found["b"].rows(0, 1).tolist() == [7]


def test_files_of_old_writers(tmp_path):
    tree = {"a": pack(b"float32", [2], normal(2).tobytes())}
    (tmp_path / "file").write_bytes(msgpack.packb(tree))
    same(open_file(tmp_path / "file")["a"].read(), normal(2))


def test_bfloat16_as_raw_items(tmp_path):
    write_file(tmp_path / "file", {"a": SAMPLES["d"].view("V2")})
    found = serialization.msgpack_restore((tmp_path / "file").read_bytes())
    same(np.asarray(found["a"]), SAMPLES["d"])


def test_layout_in_memory_does_not_matter(tmp_path, monkeypatch):
    monkeypatch.setattr(flax_msgpack, "_PIECE_BYTES", 30)
    square = normal(5, 7)
    arrays = {"t": square.T, "s": square[::2, 1:4], "b": square.astype(">f4")}
    write_file(tmp_path / "file", arrays)
    found = serialization.msgpack_restore((tmp_path / "file").read_bytes())
    for name, array in arrays.items():
        np.testing.assert_array_equal(found[name], array)


@pytest.mark.parametrize("size", [1, 15, 16, 300])
def test_number_of_entries_and_length_of_keys(tmp_path, size):
    arrays = {f"{'x' * min(size, 1000)}/{n}": normal(1) for n in range(size)}
    write_file(tmp_path / "file", arrays)
    stock_write(tmp_path / "stock", nested(arrays))
    assert (tmp_path / "file").read_bytes() == (tmp_path / "stock").read_bytes()
    assert len(open_file(tmp_path / "file")) == size


@pytest.mark.parametrize("size", [0, 15, 16, 65535, 65536, 2**32 - 1])
def test_every_number_of_entries(size):
    found = flax_msgpack._sized(0x80, 15, (0, 0xDE, 0xDF), size)
    assert found == msgpack.Packer().pack_map_header(size)


def test_number_that_is_too_large():
    with pytest.raises(ValueError) as caught:
        flax_msgpack._sized(0x80, 15, (0, 0xDE, 0xDF), 2**32)
    assert str(caught.value) == "4294967296 is more than msgpack can hold."


@pytest.mark.parametrize("size", [*range(20), 220, 250, 260, 65500, 65530])
def test_every_form_of_a_length(tmp_path, size):
    for array in (np.zeros(size, np.float16), np.zeros((size, 0), np.float16)):
        write_file(tmp_path / "file", {"a": array})
        stock_write(tmp_path / "stock", {"a": array})
        assert (tmp_path / "file").read_bytes() == (tmp_path / "stock").read_bytes()
        assert open_file(tmp_path / "stock")["a"].read().shape == array.shape


def test_what_is_open_stays_what_it_was(tmp_path):
    path = tmp_path / "file"
    write_file(path, {"a": normal(3, 7)})
    found = open_file(path)["a"]
    write_file(path, {"a": normal(5, 7) + 1})
    same(found.read(), normal(3, 7))


def test_opening_reads_little(tmp_path):
    size = 1 << 28
    inner = b"\x93\x92\xce\x00\x01\x00\x00\xcd\x04\x00\xa7float32\xc6" + (
        size.to_bytes(4, "big")
    )
    head = b"\x81\xa1a\xc9" + (len(inner) + size).to_bytes(4, "big") + b"\x01" + inner
    (tmp_path / "file").write_bytes(head)
    os.truncate(tmp_path / "file", len(head) + size)
    tracemalloc.start()
    found = open_file(tmp_path / "file")["a"]
    np.testing.assert_array_equal(found.rows(12345, 12347), np.zeros((2, 1024)))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert found.shape == (1 << 16, 1024)
    assert peak < 1 << 18


def test_writing_holds_little(tmp_path, monkeypatch):
    monkeypatch.setattr(flax_msgpack, "_PIECE_BYTES", 1 << 16)
    arrays = {str(n): np.zeros((1 << 10, 1 << 10), np.float32).T for n in range(4)}
    tracemalloc.start()
    write_file(tmp_path / "file", arrays)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 1 << 20


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        ({"a": 1, "a/b": 1}, "'a/b' goes through another array."),
        ({"a/b": 1, "a": 1}, "'a' is also the start of another name."),
        ({"a//b": 1}, "'a//b' is not a name with keys joined by '/'."),
        ({"": 1}, "'' is not a name with keys joined by '/'."),
        (
            {"__msgpack_chunked_array__/shape": 1},
            "'__msgpack_chunked_array__/shape' is not a name with keys joined by '/'.",
        ),
    ],
)
def test_names_that_cannot_be_written(tmp_path, arrays, message):
    with pytest.raises(ValueError) as caught:
        write_file(tmp_path / "file", {name: normal(1) for name in arrays})
    assert str(caught.value) == message
    assert os.listdir(tmp_path) == []


def test_type_that_cannot_be_written(tmp_path):
    with pytest.raises(ValueError, match=r"^weights must be of .* but are of int64\.$"):
        write_file(tmp_path / "file", {"a": normal(1), "b": np.ones(2, "int64")})
    assert os.listdir(tmp_path) == []


def test_failing_write_leaves_the_old_file(tmp_path, monkeypatch):
    path = tmp_path / "file"
    write_file(path, {"a": normal(3)})
    before = path.read_bytes()

    def fail(*_):
        raise OSError("disk full")

    monkeypatch.setattr(flax_msgpack, "_array_head", fail)
    with pytest.raises(OSError, match=r"^disk full$"):
        write_file(path, {"a": normal(4)})
    assert path.read_bytes() == before
    assert os.listdir(tmp_path) == ["file"]


def chunked(**changes):
    tree = {
        "__msgpack_chunked_array__": True,
        "shape": {"0": 3},
        "chunks": {"0": pack("int8", [2], b"12"), "1": pack("int8", [1], b"3")},
        **changes,
    }
    return {"a": {key: value for key, value in tree.items() if value is not None}}


def deep(depth):
    tree = {"a": pack("int8", [1], b"1")}
    for _ in range(depth):
        tree = {"a": tree}
    return tree


NOT_CHUNKS = "'a' is not a shape and chunks of an array"
WRONG_CHUNKS = "the chunks of 'a' do not make [3]"


@pytest.mark.parametrize(
    ("tree", "why"),
    [
        ([1], "it holds a list instead of a dictionary"),
        ("text", "it holds a text instead of a dictionary"),
        (5, "it holds a int instead of a dictionary"),
        (None, "it holds a None instead of a dictionary"),
        ({"a": [1]}, "'a' is a list, not an array"),
        ({"a": "text"}, "'a' is a text, not an array"),
        ({"a": b"raw"}, "'a' is a bytes, not an array"),
        ({"a": None}, "'a' is a None, not an array"),
        ({"a": 1.5}, "'a' is a float, not an array"),
        ({"a": -1}, "'a' is a negative number, not an array"),
        ({"a": -1000}, "'a' is a signed number, not an array"),
        ({"b": {"a": 7}}, "'b/a' is a number, not an array"),
        ({"a": True}, "'a' is a number, not an array"),
        ({"a": 2.5j}, "'a' is an extension 2, but arrays are 1 or 3"),
        ({5: {}}, "byte 1 starts no text of at most 1024 bytes, but a int"),
        ({b"a": {}}, "byte 1 starts no text of at most 1024 bytes, but a bytes"),
        ({"x" * 1025: {}}, "byte 1 starts no text of at most 1024 bytes, but a text"),
        ({"x" * 600: {"y" * 600: pack("int8", [], b"1")}}, "a name in it is longer"),
        (b"\x81\xa2\xff\xff\x80", "the text at byte 1 is not UTF-8"),
        (b"\x82\xa1a\x80\xa1a\x80", "it names 'a' twice"),
        (
            {"a/b": pack("int8", [1], b"1"), "a": {"b": pack("int8", [1], b"1")}},
            "it names 'a/b' twice",
        ),
        (b"\x80\x80", "its dictionary ends at byte 1, but it at 2"),
        (b"\xdf\xff\xff\xff\xff", "it cannot hold the 4294967295 entries that it t"),
        (b"\xde\x00\x03\xa1a\x80", "it cannot hold the 3 entries that it tells"),
        (b"\x81\xa1a\xc1", "'a' is a unknown object, not an array"),
        (b"\x81\xa1a\xc9\xff\xff\xff\xff\x01", "'a' ends at byte 4294967304, but it "),
        (b"", "it ends at byte 0"),
        (deep(64), "it nests deeper than 64"),
        ({"a": pack("int8", [-1], b"1")}, "the shape of 'a' is impossible"),
        ({"a": pack("int8", [1.0], b"1")}, "the shape of 'a' is impossible"),
        ({"a": pack("int8", [2**63, 0], b"")}, "the shape of 'a' is impossible"),
        ({"a": pack("int8", [1] * 33, b"1")}, "the shape of 'a' is impossible"),
        ({"a": pack("int8", {}, b"1")}, "the shape of 'a' is impossible"),
        ({"a": pack("int8", None, b"1")}, "the shape of 'a' is impossible"),
        ({"a": pack("int8", [2], b"1")}, "'a' of 1 bytes is not int8 [2]"),
        ({"a": pack("float32", [2**40], b"1")}, "'a' of 1 bytes is not float32 [109"),
        ({"a": pack("int8", [1], [])}, "the bytes of 'a' do not end where it does"),
        ({"a": pack(5, [1], b"1")}, "byte 9 starts no text of at most 1024 bytes, "),
        (
            {"a": msgpack.ExtType(1, msgpack.packb([1, 2]))},
            "'a' is not a shape, a type and bytes",
        ),
        (
            {"a": msgpack.ExtType(1, msgpack.packb([[1], "int8", b"1"]) + b"1")},
            "the bytes of 'a' do not end where it does",
        ),
        (
            {"a": msgpack.ExtType(1, msgpack.packb([[1], "int8", b"1"])[:-1])},
            "the bytes of 'a' do not end where it does",
        ),
        (chunked(shape=None), NOT_CHUNKS),
        (chunked(chunks=None), NOT_CHUNKS),
        (chunked(more={}), NOT_CHUNKS),
        (chunked(__msgpack_chunked_array__=False), NOT_CHUNKS),
        (chunked(shape={"1": 3}), NOT_CHUNKS),
        (chunked(shape={"0": {}}), NOT_CHUNKS),
        (chunked(chunks={}), NOT_CHUNKS),
        (chunked(chunks={"0": 3}), NOT_CHUNKS),
        (chunked(chunks={"0": {"0": pack("int8", [3], b"123")}}), NOT_CHUNKS),
        (chunked(chunks={"a": pack("int8", [3], b"123")}), NOT_CHUNKS),
        (chunked(chunks={"0": pack("int8", [2], b"12")}), WRONG_CHUNKS),
        (chunked(chunks={"0": pack("int8", [3, 1], b"123")}), WRONG_CHUNKS),
        (
            chunked(
                chunks={
                    "0": pack("int8", [1], b"1"),
                    "1": pack("int16", [2], b"1234"),
                }
            ),
            WRONG_CHUNKS,
        ),
    ],
)
def test_impossible_file(tmp_path, tree, why):
    path = tmp_path / "file"
    if not isinstance(tree, bytes):
        tree = msgpack.packb(tree, default=lambda _: msgpack.ExtType(2, b"12"))
    path.write_bytes(tree)
    with pytest.raises(ValueError) as caught:
        open_file(path)
    assert str(caught.value).startswith(f"{str(path)!r} cannot be read: {why}")


def test_too_many_objects(tmp_path, monkeypatch):
    monkeypatch.setattr(flax_msgpack, "_MAX_OBJECTS", 50)
    write_file(tmp_path / "file", {f"{n:03}": normal(1) for n in range(20)})
    with pytest.raises(ValueError, match=r"it holds more than 50 objects\.$"):
        open_file(tmp_path / "file")


def test_no_such_file(tmp_path):
    with pytest.raises(FileNotFoundError):
        open_file(tmp_path / "file")


@pytest.mark.usefixtures("small_chunks")
def test_damaged_files(tmp_path):
    path = tmp_path / "file"
    write_file(path, {k: v for k, v in SAMPLES.items() if v.size < 1000})
    good = path.read_bytes()
    for size in range(len(good)):
        path.write_bytes(good[:size])
        with pytest.raises(ValueError, match="cannot be read: "):
            open_file(path)
    random = np.random.default_rng(0)
    refused = 0
    for position in random.integers(0, 8 * len(good), 500):
        raw = bytearray(good)
        raw[position // 8] ^= 1 << position % 8
        path.write_bytes(raw)
        try:
            for array in open_file(path).values():
                array.rows(0, 1 << 30)
        except ValueError:
            refused += 1
    assert refused > 100
