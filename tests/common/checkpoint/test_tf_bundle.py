"""TensorFlow's checkpoints against TensorFlow's own reader, and damaged ones."""

import functools
import os
import random
import struct
import tracemalloc

import numpy as np
import pytest

from albert.common.checkpoint import lazy, tf_bundle, tf_table
from albert.common.checkpoint.raw import RawFile
from albert.common.checkpoint.tf_bundle import OBJECT_GRAPH, full_names, open_file
from albert.common.checkpoint.tf_table import crc32c, masked, read_table
from albert.common.wire import varint

FLOAT, STRING = 1, 7
FOOTER = 48


# A writer of the format, so that hostile files can be made whose checksums are right.


def number(value):
    out = bytearray()
    value %= 1 << 64
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*out, value])


def field(tag, value):
    if isinstance(value, int):
        return number(tag << 3) + number(value)
    return number(tag << 3 | 2) + number(len(value)) + value


def checksum(data):
    return masked(crc32c(np.frombuffer(data, np.uint8)))


def shape_field(*sizes):
    return field(2, b"".join(field(2, field(1, size)) for size in sizes))


def entry(dtype, sizes, offset, data, *, shard=0, size=None):
    return (
        field(1, dtype)
        + shape_field(*sizes)
        + field(3, shard)
        + field(4, offset)
        + field(5, len(data) if size is None else size)
        + b"\x35"
        + struct.pack("<I", checksum(data))
    )


def header(shards=1, more=b""):
    return field(1, shards) + field(3, field(1, 1)) + more


def shared_bytes(one, two):
    pairs = enumerate(zip(one, two, strict=False))
    return next((at for at, (a, b) in pairs if a != b), min(len(one), len(two)))


def block(pairs, restart_every=16):
    """One block, its keys shortened by what they share with the one before."""
    out, restarts, last = b"", [], b""
    for at, (key, value) in enumerate(pairs):
        shared = 0
        if at % restart_every == 0:
            restarts.append(len(out))
        else:
            shared = shared_bytes(key, last)
        out += number(shared) + number(len(key) - shared) + number(len(value))
        out += key[shared:] + value
        last = key
    return out + struct.pack(f"<{len(restarts) + 1}I", *restarts, len(restarts))


def table(pairs, *, per_block=4, kind=0, encode=bytes, handles=None):
    """A whole table; `handles` may change where the index says that blocks are."""
    out, places = b"", []

    def add(data, kind=0):
        nonlocal out
        place = number(len(out)) + number(len(data))
        out += data + bytes([kind]) + struct.pack("<I", checksum(data + bytes([kind])))
        return place

    for at in range(0, len(pairs), per_block):
        part = pairs[at : at + per_block]
        places.append((part[-1][0], add(encode(block(part)), kind)))
    meta = add(block([]))
    footer = meta + add(block(handles(places) if handles else places))
    magic = struct.pack("<Q", 0xDB4775248B80FB57)
    return out + footer.ljust(FOOTER - 8, b"\0") + magic


VALUES = {
    "bert/a": np.arange(12, dtype="float32").reshape(3, 4),
    "bert/ab": np.arange(5, dtype="float32") - 2,
    "bert/b": np.array(2.5, "float32"),
    "bert/c": np.zeros((0, 3), "float32"),
    "bert/d": np.arange(6, dtype="float32").reshape(2, 3) / 7,
    "é": np.array([1e-30, -1e30], "float32"),
}


def pairs_and_data(values=VALUES):
    pairs, data = [(b"", header())], b""
    for name, value in values.items():
        raw = value.tobytes()
        pairs.append((name.encode(), entry(FLOAT, value.shape, len(data), raw)))
        data += raw
    return pairs, data


def write(folder, pairs, data=b"", **options):
    (folder / "m.data-00000-of-00001").write_bytes(data)
    index = folder / "m.index"
    index.write_bytes(table(pairs, **options))
    return index


@pytest.fixture
def index(tmp_path):
    return write(tmp_path, *pairs_and_data())


def equal(found, values):
    assert list(found) == list(values)
    for name, value in values.items():
        got = found[name].read()
        assert (got.shape, got.dtype) == (value.shape, value.dtype)
        assert got.tobytes() == value.tobytes(), name


# Against TensorFlow.


@pytest.fixture(scope="module")
def tf():
    import tensorflow

    return tensorflow


def save(tf, prefix, tensors, slices=None):
    tf.raw_ops.SaveV2(
        prefix=str(prefix),
        tensor_names=list(tensors),
        shape_and_slices=slices or [""] * len(tensors),
        tensors=list(tensors.values()),
    )
    return prefix.with_name(prefix.name + ".index")


@pytest.fixture(scope="module")
def saved(tf, tmp_path_factory):
    """A checkpoint of all types, as SaveV2 writes it, and TensorFlow's reader of it."""
    random_values = np.random.default_rng(0).normal(size=(7, 5))
    tensors = {
        dtype: tf.constant(random_values, dtype)
        for dtype in ("float64", "float32", "float16", "bfloat16")
    }
    tensors |= {
        dtype: tf.constant([[-3], [2**30]] if dtype[0] == "i" else [3, 250], dtype)
        for dtype in ("int64", "int32", "uint8", "uint16", "uint32", "uint64")
    }
    tensors["bool"] = tf.constant([True, False, True])
    tensors["scalar"] = tf.constant(-1.25)
    tensors["global_step"] = tf.constant(6, "int64")
    tensors["empty"] = tf.zeros((0, 5))
    tensors["text"] = tf.constant(["a", "bc"])
    tensors["complex64"] = tf.constant([1j, 2], "complex64")
    prefix = tmp_path_factory.mktemp("saved") / "model.ckpt"
    index = save(tf, prefix, tensors)
    return open_file(index), tf.train.load_checkpoint(str(prefix))


def test_names_shapes_types(saved):
    found, theirs = saved
    types = {n: t.name for n, t in theirs.get_variable_to_dtype_map().items()}
    assert {name: array.dtype for name, array in found.items()} == types
    assert {
        name: list(array.shape) for name, array in found.items()
    } == theirs.get_variable_to_shape_map()


@pytest.mark.parametrize(
    "name", ["float64", "float32", "float16", "bfloat16", "scalar", "empty"]
)
def test_floats(saved, name):
    found, theirs = saved
    value = np.asarray(theirs.get_tensor(name))
    value = value.astype("float32") if name == "bfloat16" else value
    got = found[name].read()
    assert (got.shape, got.dtype) == (value.shape, value.dtype)
    assert got.tobytes() == value.tobytes()


@pytest.mark.parametrize(
    "name",
    ["int64", "int32", "uint8", "uint16", "uint32", "uint64", "bool", "global_step"],
)
def test_other_types(saved, name):
    found, theirs = saved
    value = np.asarray(theirs.get_tensor(name))
    got = found[name].rows(0, value.shape[0] if value.shape else 1)
    assert got.dtype == value.dtype
    assert got.tobytes() == value.tobytes()
    with pytest.raises(ValueError, match=f"is of type {found[name].dtype}, but weight"):
        found[name].read()


@pytest.mark.parametrize(("name", "dtype"), [("text", "string"), ("complex64",) * 2])
def test_unreadable_types(saved, name, dtype):
    found, _ = saved
    assert found[name].shape == (2,)
    with pytest.raises(ValueError, match=rf"{name} in '.*' is of type {dtype}, which"):
        found[name].rows(0, 2)
    with pytest.raises(ValueError, match=f"is of type {dtype}, but weights"):
        found[name].read()


def test_many_variables(tf, tmp_path):
    rng = np.random.default_rng(0)
    values = {f"scope_{i:04d}/kernel": rng.normal(size=i % 5 + 1) for i in range(3000)}
    index = save(tf, tmp_path / "many", {k: tf.constant(v) for k, v in values.items()})
    assert index.stat().st_size > 20 * 4096
    equal(open_file(index), values)


@pytest.fixture(scope="module")
def sharded(tf, tmp_path_factory):
    """Two shards, as merging two checkpoints makes them."""
    folder = tmp_path_factory.mktemp("sharded")
    values = {"a": np.arange(3.0), "b": np.arange(4.0), "c": np.arange(6.0) + 1}
    for part, names in (("one", "ac"), ("two", "b")):
        save(tf, folder / part, {name: tf.constant(values[name]) for name in names})
    tf.raw_ops.MergeV2Checkpoints(
        checkpoint_prefixes=[str(folder / "one"), str(folder / "two")],
        destination_prefix=str(folder / "both"),
    )
    return folder / "both.index", values


def test_shards(sharded):
    index, values = sharded
    assert (index.parent / "both.data-00001-of-00002").exists()
    equal(open_file(index), values)


def test_slices(tf, tmp_path):
    """A partitioned variable is listed, and refused by name when it is read."""
    parts = [tf.ones((2, 3)), tf.zeros((4, 3)), tf.constant([1.0, 2.0])]
    index = tmp_path / "sliced.index"
    tf.raw_ops.SaveV2(
        prefix=str(tmp_path / "sliced"),
        tensor_names=["table", "table", "whole"],
        shape_and_slices=["6 3 0,2:-", "6 3 2,4:-", ""],
        tensors=parts,
    )
    found = open_file(index)
    assert {name: array.shape for name, array in found.items()} == {
        "table": (6, 3),
        "whole": (2,),
    }
    assert found["whole"].read().tolist() == [1.0, 2.0]
    with pytest.raises(
        ValueError, match=r"table in '.*' is of type float32 in slices, which cannot be"
    ):
        found["table"].rows(0, 6)
    with pytest.raises(ValueError, match="is of type float32 in slices, but weights"):
        found["table"].read()


def test_saved_model(tf, tmp_path):
    """A SavedModel's variables can be found by their names."""
    model = tf.Module()
    model.layer = tf.Module()
    model.layer.kernel = tf.Variable([[1.0, 2.0]], name="bert/layer/kernel")
    model.biases = [tf.Variable([3.0], name="bert/bias")]
    tf.saved_model.save(model, str(tmp_path))
    index = tmp_path / "variables" / "variables.index"
    found, names = open_file(index), full_names(index)
    assert names == {
        "layer/kernel/.ATTRIBUTES/VARIABLE_VALUE": "bert/layer/kernel",
        "biases/0/.ATTRIBUTES/VARIABLE_VALUE": "bert/bias",
    }
    by_name = {names[key]: found[key].read().tolist() for key in names}
    assert by_name == {"bert/layer/kernel": [[1.0, 2.0]], "bert/bias": [3.0]}
    assert (found[OBJECT_GRAPH].dtype, found[OBJECT_GRAPH].shape) == ("string", ())


def test_checkpoint_of_objects(tf, tmp_path):
    """A long graph, whose length takes several bytes."""
    variables = [tf.Variable(float(i), name=f"v_{i}") for i in range(300)]
    path = tf.train.Checkpoint(variables=variables).save(str(tmp_path / "c"))
    index = tmp_path / f"{os.path.basename(path)}.index"
    names = full_names(index)
    key = "variables/{}/.ATTRIBUTES/VARIABLE_VALUE"
    assert {names[key.format(i)] for i in range(300)} == {f"v_{i}" for i in range(300)}
    assert names["save_counter/.ATTRIBUTES/VARIABLE_VALUE"] == "save_counter"
    assert open_file(index)[key.format(299)].read() == 299.0


def test_tensorflow_reads_what_the_tests_write(tf, tmp_path):
    """Else the tests below would be about another format."""
    for options in ({}, {"kind": 1, "encode": literal}, {"kind": 1, "encode": copies}):
        write(tmp_path, *pairs_and_data(), **options)
        theirs = tf.train.load_checkpoint(str(tmp_path / "m"))
        for name, value in VALUES.items():
            assert theirs.get_tensor(name).tobytes() == value.tobytes()


# Reading.


def test_read(index):
    equal(open_file(index), VALUES)


def test_tf1_has_no_full_names(index):
    assert full_names(index) == {}


def test_rows(index):
    array = open_file(index)["bert/a"]
    for start, stop in ((1, 2), (0, 2), (2, 3), (1, 1), (2, 9)):
        expected = VALUES["bert/a"][start:stop]
        assert array.rows(start, stop).tolist() == expected.tolist()
    assert open_file(index)["bert/b"].rows(0, 1).tolist() == [2.5]


def test_opening_reads_no_tensors(index, monkeypatch):
    read = []
    fill = RawFile.fill

    def spy(self, start, array):
        read.append(self.path.name)
        fill(self, start, array)

    monkeypatch.setattr(RawFile, "fill", spy)
    found = open_file(index)
    assert set(read) == {"m.index"}
    found["bert/a"].read()
    assert read[-1] == "m.data-00000-of-00001"


def test_a_file_that_takes_its_place_is_not_read(index):
    found = open_file(index)
    data = index.with_name("m.data-00000-of-00001")
    other = index.with_name("other")
    other.write_bytes(bytes(data.stat().st_size))
    os.replace(other, data)
    equal(found, VALUES)


def test_a_file_that_shrinks(index):
    found = open_file(index)
    os.truncate(index.with_name("m.data-00000-of-00001"), 10)
    with pytest.raises(ValueError, match=r"m\.data-.* cannot be read: it ends at byte"):
        found["bert/a"].read()


def test_the_file_named_checkpoint_is_not_read(index):
    index.with_name("checkpoint").mkdir()
    equal(open_file(index), VALUES)


def test_each_byte_of_the_data_is_checked(index):
    path = index.with_name("m.data-00000-of-00001")
    data = path.read_bytes()
    for at in range(len(data)):
        flipped = bytearray(data)
        flipped[at] ^= 1 << at % 8
        path.write_bytes(flipped)
        wrong = []
        for name, array in open_file(index).items():
            try:
                array.read()
            except ValueError as error:
                assert f"the checksum of {name!r} is wrong; copy it again" in str(error)
                wrong.append(name)
        assert len(wrong) == 1


def test_each_reading_is_checked(index):
    array = open_file(index)["bert/a"]
    array.read()
    with open(index.with_name("m.data-00000-of-00001"), "r+b") as file:
        file.write(b"\1")
    with pytest.raises(ValueError, match="the checksum of 'bert/a' is wrong"):
        array.read()


def test_blocks_are_checked_together(index, monkeypatch):
    monkeypatch.setattr(lazy, "BLOCK_BYTES", 16)
    good = open_file(index)["bert/a"]
    mixed = list(zip(good.blocks(), good.blocks(), strict=True))
    assert len(mixed) == 3
    good.rows(1, 2)
    assert good.read().tolist() == VALUES["bert/a"].tolist()

    path = index.with_name("m.data-00000-of-00001")
    path.write_bytes(b"\1" + path.read_bytes()[1:])
    bad = open_file(index)["bert/a"]
    blocks = bad.blocks()
    next(blocks)
    next(blocks)
    with pytest.raises(ValueError, match="the checksum of 'bert/a' is wrong"):
        next(blocks)


# Checksum, numbers, compression.


def test_known_checksums():
    for data, expected in (
        (b"", 0),
        (b"a", 0xC1D04330),
        (b"123456789", 0xE3069283),
        (bytes(32), 0x8A9136AA),
        (b"\xff" * 32, 0x62A8AB43),
    ):
        assert crc32c(np.frombuffer(data, np.uint8)) == expected


def crc_by_bit(data):
    register = 0xFFFFFFFF
    for byte in data:
        register ^= byte
        for _ in range(8):
            register = register >> 1 ^ (register & 1) * 0x82F63B78
    return register ^ 0xFFFFFFFF


def test_checksums_of_all_lengths():
    data = np.random.default_rng(0).integers(0, 256, 2000, np.uint8)
    for length in [*range(70), 255, 256, 1021, 2000]:
        expected = crc_by_bit(data[:length].tolist())
        assert crc32c(data[:length]) == expected
        cut = length // 3
        assert crc32c(data[cut:length], crc32c(data[:cut])) == expected


def test_checksum_of_many_rows():
    lanes = 4 << tf_table._LANE_BITS
    data = np.random.default_rng(0).integers(0, 256, 3 * lanes + 11, np.uint8)
    parts = 0
    for part in np.array_split(data, 100):
        parts = crc32c(part, parts)
    for start in (0, 1, 2, 3):
        before = crc32c(data[:start])
        assert crc32c(data[start:], before) == parts


@pytest.mark.parametrize("value", [0, 1, 127, 128, 300, 2**32, 2**63, 2**64 - 1])
def test_varint(value):
    assert varint(b"x" + number(value) + b"y", 1) == (value, 1 + len(number(value)))


@pytest.mark.parametrize("data", [b"", b"\x80", b"\xff" * 11, b"\xff" * 9 + b"\x02"])
def test_varint_without_end(data):
    with pytest.raises(
        ValueError, match="byte 0 starts a number that does not end or is too large"
    ):
        varint(data, 0)


def literal(data):
    """Snappy, nothing compressed, in pieces whose lengths are told in each way."""
    out, at = number(len(data)), 0
    for size, extra in ((1, 0), (60, 0), (3, 1), (2, 2), (1, 3), (2, 4)):
        piece = data[at : at + size]
        at += len(piece)
        if piece:
            tag = len(piece) - 1 if extra == 0 else 59 + extra
            told = (len(piece) - 1).to_bytes(extra, "little") if extra else b""
            out += bytes([tag << 2]) + told + piece
    rest = data[at:]
    return out + (b"\xf4" + struct.pack("<H", len(rest) - 1) + rest if rest else b"")


def copies(data):
    """Snappy with copies of each kind, some of which overlap what they make."""
    out, at, kind = number(len(data)), 0, 1
    while at < len(data):
        size, start = max(
            ((shared_bytes(data[at : at + 64], data[i:]), i) for i in range(at)),
            default=(0, 0),
        )
        if size < 4:
            out += b"\0" + data[at : at + 1]
            at += 1
            continue
        size = min(size, 11 if kind == 1 else 64)
        offset = at - start
        if kind == 1:
            out += bytes([offset >> 8 << 5 | size - 4 << 2 | 1, offset & 0xFF])
        else:
            out += bytes([size - 1 << 2 | kind])
            out += offset.to_bytes(2 if kind == 2 else 4, "little")
        at += size
        kind = kind % 3 + 1
    return out


@pytest.mark.parametrize("encode", [literal, copies])
def test_snappy(tmp_path, encode):
    pairs, data = pairs_and_data()
    index = write(tmp_path, pairs, data, kind=1, encode=encode)
    equal(open_file(index), VALUES)
    assert read_table(table(pairs, kind=1, encode=encode)) == dict(pairs)


@pytest.mark.parametrize(
    "data",
    [
        b"\x05\x00a",
        b"\x01\x04ab",
        b"\x05\x10ab",
        b"\x01\xf0",
        b"\x05\x00a\x01",
        b"\x05\x00a\x01\x02",
        b"\x05\x01\x01",
        b"\x05\x00a\x02\x00\x00",
        b"\x02\x00a\x02\x00\x00",
        b"\x02\x00a\x01\x01",
        b"\x01\x00a\x00b",
    ],
)
def test_damaged_snappy(data):
    with pytest.raises(ValueError, match="is not the snappy-compressed data it says"):
        tf_table._decompress(data)


def test_snappy_that_grows():
    with pytest.raises(ValueError, match="a block of 4294967295 bytes is over 8388608"):
        tf_table._decompress(number(2**32 - 1) + b"\0a" + b"\xfe\1\0" * 1000)
    size = 1 << 20
    grown = number(size) + b"\0\0" + b"\xfe\1\0" * (8 * size // 64)
    tracemalloc.start()
    with pytest.raises(ValueError, match="is not the snappy-compressed data it says"):
        tf_table._decompress(grown)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 3 * size


# Damaged tables.


def bad_table(tmp_path, data, text):
    path = tmp_path / "m.index"
    path.write_bytes(data)
    with pytest.raises(ValueError) as caught:
        open_file(path)
    assert str(caught.value) == f"{str(path)!r} cannot be read: {text}."
    with pytest.raises(ValueError):
        full_names(path)


NO_FOOTER = (
    "it does not end as a TensorFlow checkpoint's index does; it is cut short or of "
    "another format, so copy it again"
)


@pytest.mark.parametrize("data", [b"", b"version https://git-lfs...", bytes(100)])
def test_no_table(tmp_path, data):
    bad_table(tmp_path, data, NO_FOOTER)


def test_not_an_index(tmp_path):
    with pytest.raises(
        ValueError,
        match=r"'.*m\.data' is no index of a TensorFlow checkpoint: give the path of "
        r"<prefix>\.index\.",
    ):
        open_file(tmp_path / "m.data")


def test_too_large(tmp_path):
    path = tmp_path / "m.index"
    path.touch()
    os.truncate(path, (1 << 23) + 1)
    with pytest.raises(ValueError, match="8388609 bytes are over 8388608"):
        open_file(path)


def test_no_index(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"m\.index"):
        open_file(tmp_path / "m.index")


def test_checksum_of_a_block(tmp_path):
    data = table(pairs_and_data()[0])
    bad_table(
        tmp_path,
        bytes([data[0] ^ 1]) + data[1:],
        "the checksum of the block at byte 0 is wrong; copy the file again",
    )


def test_checksum_of_a_block_that_nobody_needs(tmp_path):
    data = bytearray(table(pairs_and_data()[0]))
    at = varint(data, len(data) - FOOTER)[0]
    data[at] ^= 1
    text = f"the checksum of the block at byte {at} is wrong; copy the file again"
    bad_table(tmp_path, data, text)


def test_unknown_compression(tmp_path):
    data = table(pairs_and_data()[0], kind=2)
    bad_table(tmp_path, data, "the block at byte 0 is compressed in an unknown way")


@pytest.mark.parametrize("name", [0, 1])
def test_blocks_that_repeat(tmp_path, name):
    def handles(places):
        return [(bytes([i]), places[name][1]) for i in range(40)]

    offset = varint(_places(pairs_and_data()[0])[name], 0)[0]
    bad_table(
        tmp_path,
        table(pairs_and_data()[0], handles=handles),
        f"the block at byte {offset} overlaps another one",
    )


def _places(pairs):
    seen = []
    table(pairs, handles=lambda places: seen.extend(places) or places)
    return [place for _, place in seen]


@pytest.mark.parametrize("meta", [False, True])
def test_footer_that_points_at_a_block(tmp_path, meta):
    """The index is its own block, or a block of data."""
    data = table(pairs_and_data()[0])
    (offset, size), at = tf_table._handle(data, len(data) - FOOTER)
    index, _ = tf_table._handle(data, at)
    place = (offset, size) if meta else (0, 10)
    footer = number(index[0]) + number(index[1]) if meta else number(20) + number(9)
    footer += number(place[0]) + number(place[1])
    bad_table(
        tmp_path,
        data[:-FOOTER] + footer.ljust(FOOTER - 8, b"\0") + data[-8:],
        f"the block at byte {place[0]} overlaps another one",
    )


@pytest.mark.parametrize("size", [10**4, 2**40, 2**64 - 1])
def test_block_past_the_end(tmp_path, size):
    pairs = pairs_and_data()[0]
    data = table(pairs)
    end = len(data) - FOOTER
    footer = (number(0) + number(3) + number(8) + number(size)).ljust(40, b"\0")
    bad_table(
        tmp_path,
        data[:end] + footer + data[-8:],
        f"the block at byte {end} overlaps another one",
    )
    far = [(b"z", number(0) + number(size))]
    meta = varint(data, end)[0]
    bad_table(
        tmp_path,
        table(pairs, handles=lambda places: far),
        f"the block at byte {meta} overlaps another one",
    )


@pytest.mark.parametrize(
    "names", [["a", "b", "a"], ["a", "b", "b"], ["b", "c", "a"], ["a", "a"]]
)
def test_keys_twice_or_out_of_order(tmp_path, names):
    pairs = [(b"", header()), *((n.encode(), entry(1, [0], 0, b"")) for n in names)]
    for per_block in (1, 10):
        bad_table(
            tmp_path,
            table(pairs, per_block=per_block),
            f"key {names[-1].encode()!r} stands twice or out of order",
        )


@pytest.mark.parametrize(
    "data",
    [
        number(1) + number(1) + number(0) + b"a",
        number(0) + number(9) + number(0) + b"a",
        number(0) + number(1) + number(1) + b"a",
        number(0) + number(2**63) + number(2**63),
        number(2**64 - 1) + number(0) + number(0),
    ],
)
def test_entries_that_do_not_fit(data):
    with pytest.raises(ValueError, match="an entry does not fit into its block"):
        list(tf_table._entries(data + struct.pack("<2I", 0, 1)))


@pytest.mark.parametrize("data", [b"", b"\0\0\0", b"\1\0\0\0", b"\xff" * 8])
def test_restarts_that_do_not_fit(data):
    with pytest.raises(
        ValueError, match="a block is shorter than its list of restarts"
    ):
        list(tf_table._entries(data))


def test_too_many_entries(tmp_path, monkeypatch):
    monkeypatch.setattr(tf_table, "MAX_ENTRIES", 5)
    pairs, _ = pairs_and_data()
    text = "it holds more than 5 entries or 8388608 bytes"
    bad_table(tmp_path, table(pairs, per_block=3), text)
    with pytest.raises(ValueError, match="an entry does not fit into its block"):
        read_table(table(pairs, per_block=100))


def test_keys_that_grow(tmp_path):
    """Each key takes a few bytes in the file, but holds all of a long one."""
    long = b"k" * 100_000
    pairs = [(b"", header())]
    pairs += [(long + struct.pack(">H", i), b"") for i in range(200)]
    data = table(pairs, per_block=1000)
    assert len(data) < 2_000_000
    bad_table(tmp_path, data, "it holds more than 50000 entries or 8388608 bytes")


# Damaged entries.


def bad_entry(tmp_path, value, text):
    index = write(tmp_path, [(b"", header()), (b"w", value)], bytes(64))
    bad = f"{str(index)!r} cannot be read: the entry of 'w' is damaged: {text}."
    with pytest.raises(ValueError) as caught:
        open_file(index)
    assert str(caught.value) == bad


def bad_header(tmp_path, value, text):
    bad_table(tmp_path, table([(b"", value)]), text)


def test_no_header(tmp_path):
    bad_table(
        tmp_path,
        table(pairs_and_data()[0][1:]),
        "it lacks the header of a checkpoint",
    )


def test_big_endian(tmp_path):
    bad_header(
        tmp_path,
        header(more=field(2, 1)),
        "it was written big-endian; save it on a little-endian machine",
    )


def test_newer_version(tmp_path):
    bad_header(
        tmp_path,
        header(more=field(3, field(2, 2))),
        "it is of a newer format than 1; save it with TF 2",
    )


@pytest.mark.parametrize("shards", [0, 257, 2**31 - 1, 2**62])
def test_number_of_shards(tmp_path, shards):
    bad_header(
        tmp_path,
        header(shards),
        f"it tells of {shards} shards; 1 to 256 can be read",
    )


def test_negative_number_of_shards(tmp_path):
    bad_header(tmp_path, header(-1), "field 1 is negative")


def test_name_that_is_not_utf8(tmp_path):
    pairs = [(b"", header()), (b"w\xff", entry(FLOAT, [0], 0, b""))]
    bad_table(tmp_path, table(pairs), "the name b'w\\xff' is not UTF-8")


@pytest.mark.parametrize("letter", [b"w", b"\xff"])
def test_name_that_is_too_long(tmp_path, letter):
    pairs = [(b"", header()), (letter * 1025, entry(FLOAT, [0], 0, b""))]
    bad_table(tmp_path, table(pairs), "a name is longer than 1024")
    twice = f"key {letter * 100!r} stands twice or out of order"
    bad_table(tmp_path, table([*pairs, pairs[-1]]), twice)


@pytest.mark.parametrize("shard", [1, 2**31, 2**62])
def test_shard_out_of_range(tmp_path, shard):
    value = entry(FLOAT, [4], 0, bytes(16), shard=shard)
    bad_entry(tmp_path, value, f"it lies in shard {shard}, but there are 1")


@pytest.mark.parametrize("size", [0, 15, 17, 2**50])
def test_size_of_values(tmp_path, size):
    value = entry(FLOAT, [4], 0, b"", size=size)
    bad_entry(tmp_path, value, f"{size} bytes are not float32 [4]")


def test_huge_shape(tmp_path):
    sizes = [2**30, 2**30]
    value = entry(FLOAT, sizes, 0, bytes(16))
    bad_entry(tmp_path, value, f"a shape of {sizes} is impossible")


@pytest.mark.parametrize(
    "sizes",
    [[2**62], [0, 2**62], [2**40, 0], [0, 2**30, 2**30], [1] * 33, [2**20] * 3],
)
def test_impossible_shape(tmp_path, sizes):
    for dtype in (FLOAT, STRING):
        value = entry(dtype, sizes, 0, b"")
        bad_entry(tmp_path, value, f"a shape of {sizes[:8]} is impossible")


def test_unknown_rank(tmp_path):
    value = entry(FLOAT, [], 0, b"") + field(2, field(3, 1))
    bad_entry(tmp_path, value, "a shape of [] is impossible")


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (entry(FLOAT, [-4], 0, b""), "field 1 is negative"),
        (entry(FLOAT, [4], -1, bytes(16)), "field 4 is negative"),
        (entry(FLOAT, [4], 0, b"", size=-16), "field 5 is negative"),
        (entry(FLOAT, [4], 0, bytes(16), shard=-1), "field 3 is negative"),
        (field(1, b"1"), "field 1 is no number"),
        (field(2, 7), "a number stands in place of a message"),
        (field(2, field(2, 7)), "a number stands in place of a message"),
        (field(6, 7), "a number stands in place of a message"),
        (b"\x0b", "a field is of unknown kind 3"),
        (b"\x12\x05a", "a field is cut short"),
        (b"\x12" + number(2**64 - 1) + b"a", "a field is cut short"),
        (b"\x35\0\0\0", "a field is cut short"),
        (b"\x31" + bytes(7), "a field is cut short"),
        (b"\x08", "byte 1 starts a number that does not end or is too large"),
        (bytes(65537), "65537 bytes are over 65536"),
    ],
)
def test_damaged_messages(tmp_path, value, text):
    bad_entry(tmp_path, value, text)


def test_the_last_number_counts(tmp_path):
    value = field(1, 2) + field(4, 99) + entry(FLOAT, [1], 0, bytes(4))
    index = write(tmp_path, [(b"", header()), (b"w", value)], bytes(4))
    assert open_file(index)["w"].read().tolist() == [0.0]


def test_fields_that_nobody_needs(tmp_path):
    """Such as a later version may add."""
    more = field(9, 1) + field(10, b"x") + b"\x61" + bytes(8)
    pairs = [(b"", header(more=more)), (b"w", entry(FLOAT, [1], 0, bytes(4)) + more)]
    assert open_file(write(tmp_path, pairs, bytes(4)))["w"].read().tolist() == [0.0]


@pytest.mark.parametrize("offset", [1, 2**40, 2**63 - 1])
def test_values_past_the_end(tmp_path, offset):
    for dtype in (FLOAT, STRING):
        value = entry(dtype, [4], offset, bytes(16))
        index = write(tmp_path, [(b"", header()), (b"w", value)], bytes(16))
        with pytest.raises(ValueError) as caught:
            open_file(index)
        assert str(caught.value) == (
            f"{str(tmp_path / 'm.data-00000-of-00001')!r} cannot be read: "
            f"'w' ends at byte {offset + 16}, but it at 16."
        )


@pytest.mark.parametrize(
    "places", [{"b": (0, 3), "a": (8, 2)}, {"b": (0, 3), "c": (4, 0), "a": (8, 2)}]
)
def test_values_that_share_bytes(tmp_path, places):
    """Of one without values, such as c, the place means nothing."""
    pairs = [(b"", header())]
    for name, (offset, size) in sorted(places.items()):
        pairs.append((name.encode(), entry(FLOAT, [size], offset, bytes(4 * size))))
    with pytest.raises(
        ValueError, match=r"m\.data-.*: 'a' shares bytes with another tensor\."
    ):
        open_file(write(tmp_path, pairs, bytes(64)))


def test_unknown_type(tmp_path):
    pairs = [(b"", header()), (b"w", entry(99, [2], 0, bytes(5)))]
    array = open_file(write(tmp_path, pairs, bytes(5)))["w"]
    with pytest.raises(ValueError, match="is of type with number 99, which cannot be"):
        array.rows(0, 2)


def test_missing_shard(sharded, tmp_path):
    index, _ = sharded
    (tmp_path / "m.index").write_bytes(index.read_bytes())
    first = index.with_name("both.data-00000-of-00002")
    (tmp_path / "m.data-00000-of-00002").write_bytes(first.read_bytes())
    with pytest.raises(FileNotFoundError) as caught:
        open_file(tmp_path / "m.index")
    assert str(caught.value) == (
        f"{str(tmp_path / 'm.data-00001-of-00002')!r} is missing: 'm.index' needs 2 "
        f"file(s) of data beside it."
    )


def test_shard_that_is_no_file(index):
    data = index.with_name("m.data-00000-of-00001")
    data.unlink()
    os.mkfifo(data)
    with pytest.raises(ValueError, match=r"m\.data-.*' is not a file"):
        open_file(index)


# Damaged graphs of objects.


def graph_of(*attributes):
    """A graph with a node for each attribute."""
    return b"".join(
        field(1, field(1, b"\x08\1") + field(2, field(2, name) + field(3, key)))
        for name, key in attributes
    )


def write_graph(folder, data, summed=b"", **options):
    value = entry(STRING, options.pop("sizes", []), 0, summed, size=len(data))
    pairs = [(b"", header()), (OBJECT_GRAPH.encode(), value)]
    return write(folder, pairs, data)


def stored_string(text):
    """A string's bytes as they stand in the file, and as they count in its checksum."""
    length = struct.pack("<I", checksum(struct.pack("<I", len(text))))
    return number(len(text)) + length + text, struct.pack(
        "<I", len(text)
    ) + length + text


def test_graph(tmp_path):
    graph = graph_of((b"v", b"k"), (b"v", b"k2"), (b"", b"k3")) + field(5, b"x")
    index = write_graph(tmp_path, *stored_string(graph))
    assert full_names(index) == {"k": "v", "k2": "v"}


def bad_graph(tmp_path, text, *string, **options):
    index = write_graph(tmp_path, *string, **options)
    assert list(open_file(index)) == [OBJECT_GRAPH]
    with pytest.raises(ValueError) as caught:
        full_names(index)
    assert str(caught.value) == (
        f"_CHECKPOINTABLE_OBJECT_GRAPH in {str(tmp_path / 'm.data-00000-of-00001')!r} "
        f"cannot be read: {text}."
    )


@pytest.mark.parametrize(
    ("graph", "text"),
    [
        (graph_of((b"v", b"k"), (b"w", b"k")), "it names 'k' twice"),
        (field(1, 7), "a number stands in place of a message"),
        (field(1, field(2, 7)), "a number stands in place of a message"),
        (field(1, field(2, field(2, 7))), "a number stands in place of a message"),
        (b"\x0a\x09", "a field is cut short"),
        (
            graph_of((b"\xff", b"k")),
            "'utf-8' codec can't decode byte 0xff in position 0: invalid start byte",
        ),
    ],
)
def test_damaged_graph(tmp_path, graph, text):
    bad_graph(tmp_path, text, *stored_string(graph))


def test_graph_that_is_no_string(tmp_path):
    data = stored_string(graph_of())
    bad_graph(tmp_path, "it is string [1] and not one string", *data, sizes=[1])


def test_graph_with_a_wrong_checksum(tmp_path):
    data, summed = stored_string(graph_of((b"v", b"k")))
    bad_graph(
        tmp_path, "its checksum is wrong; copy it again", data[:-1] + b"l", summed
    )


@pytest.mark.parametrize(
    ("data", "text"),
    [
        (b"", "byte 0 starts a number that does not end or is too large"),
        (b"\x09\0\0\0\0abc", "8 bytes do not hold a text of 9"),
        (b"\x02\0\0\0\0abc", "8 bytes do not hold a text of 2"),
        (b"\x00\0\0", "3 bytes do not hold a text of 0"),
        (bytes((1 << 22) + 1), "4194305 bytes are over 4194304"),
    ],
)
def test_graph_of_a_wrong_length(tmp_path, data, text):
    bad_graph(tmp_path, text, data)


# All kinds of damage.


def read_all(index):
    """What can be read, or the error that is allowed."""
    try:
        found = {}
        for name, array in open_file(index).items():
            try:
                found[name] = (array.shape, array.dtype, array.read().tobytes())
            except ValueError:
                found[name] = (array.shape, array.dtype, None)
        return found, full_names(index)
    except (ValueError, FileNotFoundError) as error:
        assert str(index.with_suffix("")) in str(error)
        return None


def with_graph():
    """A small checkpoint that has everything."""
    pairs, data = pairs_and_data()
    stored, summed = stored_string(graph_of((b"name", b"bert/a")))
    value = entry(STRING, [], len(data), summed, size=len(stored))
    pairs.insert(1, (OBJECT_GRAPH.encode(), value))
    return pairs, data + stored


def test_cut_anywhere(tmp_path):
    index = write(tmp_path, *with_graph())
    assert read_all(index) is not None
    data = index.read_bytes()
    for length in range(len(data)):
        index.write_bytes(data[:length])
        assert read_all(index) is None
    index.write_bytes(data)
    shard = index.with_name("m.data-00000-of-00001")
    data = shard.read_bytes()
    for length in range(len(data)):
        shard.write_bytes(data[:length])
        assert read_all(index) is None


def test_flipped_bits(tmp_path):
    """Checksums notice each flip, except in the padding."""
    index = write(tmp_path, *with_graph())
    expected, data = read_all(index), index.read_bytes()
    rng = random.Random(0)
    same = 0
    for _ in range(2000):
        flipped = bytearray(data)
        for _ in range(rng.choice((1, 1, 2, 8))):
            flipped[rng.randrange(len(data))] ^= 1 << rng.randrange(8)
        index.write_bytes(flipped)
        found = read_all(index)
        assert found in (None, expected)
        same += found is not None
    assert same < 200


def damage(data, rng):
    out = bytearray(data)
    for _ in range(rng.choice((1, 1, 2, 4))):
        at = rng.randrange(len(out) + 1)
        choice = rng.randrange(4)
        if choice == 0 and at < len(out):
            out[at] ^= 1 << rng.randrange(8)
        elif choice == 1 and at < len(out):
            out[at] = rng.choice((0, 1, 0x7F, 0x80, 0xFF))
        elif choice == 2:
            del out[at : at + rng.randrange(4)]
        else:
            out[at:at] = number(rng.choice((0, 2**31, 2**40, 2**63, 2**64 - 1)))
    return bytes(out)


def test_damage_behind_right_checksums(tmp_path):
    """Entries, blocks or the graph are damaged before the checksums are made."""
    pairs, data = with_graph()
    graph = graph_of((b"name", b"bert/a"), (b"other", b"bert/b"))
    rng = random.Random(0)
    read = 0
    for turn in range(2000):
        changed, options, data_now = list(pairs), {}, data
        at = rng.randrange(len(pairs))
        if turn % 4 == 0:
            options["encode"] = functools.partial(damage, rng=rng)
        elif turn % 4 == 1:
            options |= {"kind": 1, "encode": lambda raw: damage(literal(raw), rng)}
        elif turn % 4 == 2:
            changed[at] = (changed[at][0], damage(changed[at][1], rng))
        else:
            stored, summed = stored_string(damage(graph, rng))
            value = entry(STRING, [], 0, summed, size=len(stored))
            changed, data_now = [pairs[0], (OBJECT_GRAPH.encode(), value)], stored
        found = read_all(write(tmp_path, changed, data_now, **options))
        read += found is not None
        for _, _, raw in found[0].values() if found else ():
            assert raw is None or len(raw) <= len(data)
    assert 100 < read < 1900


def test_limits_are_those_documented():
    assert tf_bundle.MAX_SHARDS == 256
    assert (tf_table.MAX_TABLE_BYTES, tf_bundle.MAX_GRAPH_BYTES) == (1 << 23, 1 << 22)
    assert tf_table.MAX_ENTRIES == 50_000
