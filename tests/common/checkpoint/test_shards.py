"""Checkpoints in several files."""

import json
import os

import h5py
import numpy as np
import pytest

from albert.common.checkpoint import flax_msgpack, hdf5, safetensors
from albert.common.checkpoint.shards import (
    open_index,
    parse_size,
    shard_names,
    write_shards,
)

INDEX = "model.safetensors.index.json"


def normal(*shape, dtype="float32"):
    return np.random.default_rng(sum(shape)).normal(size=shape).astype(dtype)


ARRAYS = {
    "z": normal(10),
    "y": normal(5, 2),
    "large": normal(100),
    "a": normal(3, dtype="float16"),
    "b": normal(4),
}


def write(folder, most, arrays=ARRAYS, writer=safetensors.write_file):
    return write_shards(folder, "model.safetensors", INDEX, arrays, most, writer)


def names(paths):
    return [path.name for path in paths]


def test_one_file(tmp_path):
    assert names(write(tmp_path, 502)) == ["model.safetensors"]
    assert os.listdir(tmp_path) == ["model.safetensors"]
    found = safetensors.open_file(tmp_path / "model.safetensors")
    assert found.keys() == ARRAYS.keys()


def test_several_files(tmp_path):
    written = write(tmp_path, 80)
    shards = [f"model-0000{n}-of-00003.safetensors" for n in (1, 2, 3)]
    assert names(written) == [*shards, INDEX]
    assert sorted(os.listdir(tmp_path)) == sorted(names(written))
    assert json.loads(written[-1].read_text()) == {
        "metadata": {"total_size": 502},
        "weight_map": {
            "z": shards[0],
            "y": shards[0],
            "large": shards[1],
            "a": shards[2],
            "b": shards[2],
        },
    }
    assert shard_names(tmp_path / INDEX) == (shards[2], shards[1], shards[0])
    found = open_index(tmp_path / INDEX, safetensors.open_file)
    assert found.keys() == ARRAYS.keys()
    for name, array in ARRAYS.items():
        np.testing.assert_array_equal(found[name].read(), array)


def test_each_file_is_opened_once(tmp_path):
    write(tmp_path, 80)
    opened = []

    def open_file(path):
        opened.append(path.name)
        return safetensors.open_file(path)

    open_index(tmp_path / INDEX, open_file)
    assert sorted(opened) == sorted(set(opened))
    assert len(opened) == 3


def test_index_is_written_last(tmp_path):
    def fail(path, _):
        if "00003-of" in path.name:
            raise OSError("disk full")

    with pytest.raises(OSError, match=r"^disk full$"):
        write(tmp_path, 80, writer=fail)
    assert INDEX not in os.listdir(tmp_path)


def test_nothing_to_write(tmp_path):
    assert names(write(tmp_path, 1, {})) == ["model.safetensors"]


@pytest.mark.parametrize("most", [0, -5])
def test_size_of_shards(tmp_path, most):
    with pytest.raises(ValueError) as caught:
        write(tmp_path, most)
    assert str(caught.value) == f"max_shard_size is {most}, but must be positive."


def test_flax(tmp_path):
    arrays = {"albert/a": normal(10), "albert/b/c": normal(11)}
    index = "flax_model.msgpack.index.json"
    written = write_shards(
        tmp_path, "flax_model.msgpack", index, arrays, 40, flax_msgpack.write_file
    )
    assert names(written)[:2] == [
        "flax_model-00001-of-00002.msgpack",
        "flax_model-00002-of-00002.msgpack",
    ]
    found = open_index(tmp_path / index, flax_msgpack.open_file)
    assert list(found) == list(arrays)


def write_index(folder, weight_map, name=INDEX):
    (folder / name).write_text(json.dumps({"weight_map": weight_map}))
    return folder / name


def test_names_below_a_layer(tmp_path):
    with h5py.File(tmp_path / "one", "w") as file:
        file["albert/model/albert/a:0"] = normal(3)
        file["head/model/albert/a:0"] = normal(3)
        file["other"] = normal(1)
    with h5py.File(tmp_path / "two", "w") as file:
        file["b:0"] = normal(5)
    index = {"model/albert/a:0": "one", "b:0": "two"}
    found = open_index(write_index(tmp_path, index), hdf5.open_file)
    assert list(found) == ["albert/model/albert/a:0", "head/model/albert/a:0", "b:0"]


def test_shards_may_be_links(tmp_path):
    (tmp_path / "blobs").mkdir()
    (tmp_path / "snapshot").mkdir()
    safetensors.write_file(tmp_path / "blobs" / "0af", {"a": normal(3)})
    (tmp_path / "snapshot" / "one").symlink_to("../blobs/0af")
    path = write_index(tmp_path / "snapshot", {"a": "one"})
    assert open_index(path, safetensors.open_file).keys() == {"a"}


@pytest.mark.parametrize(
    ("weight_map", "why"),
    [
        ({"a": "one", "c": "one"}, "'c' is said to be in 'one', but is in none of its"),
        ({"a": "one", "b": "one"}, "'b' is said to be in 'one', but is in 'two'"),
        ({"a": "two", "b": "two"}, "'a' is said to be in 'two', but is in none of"),
        (
            {"a": "one", "x": "one", "b": "two"},
            "'x' is said to be in 'one', but is in 'one' and 'two'",
        ),
    ],
)
def test_files_that_hold_something_else(tmp_path, weight_map, why):
    safetensors.write_file(tmp_path / "one", {"a": normal(3), "x": normal(1)})
    safetensors.write_file(tmp_path / "two", {"b": normal(3), "x": normal(1)})
    if why.startswith("'b' is said"):
        weight_map = {**weight_map, "c": "two"}
    path = write_index(tmp_path, weight_map)
    with pytest.raises(ValueError) as caught:
        open_index(path, safetensors.open_file)
    assert str(caught.value).startswith(f"{str(path)!r} cannot be read: {why}")


def test_missing_file(tmp_path):
    path = write_index(tmp_path, {"a": "one"})
    with pytest.raises(FileNotFoundError) as caught:
        open_index(path, safetensors.open_file)
    assert str(caught.value) == (
        f"{str(tmp_path / 'one')!r} is missing, one of the files that {INDEX!r} names."
    )


def test_missing_index(tmp_path):
    with pytest.raises(FileNotFoundError):
        shard_names(tmp_path / INDEX)


def test_names_in_lists(tmp_path):
    safetensors.write_file(tmp_path / "one", {"a": normal(3)})
    path = write_index(tmp_path, {"a": ["one"]})
    assert shard_names(path) == ("one",)
    assert open_index(path, safetensors.open_file).keys() == {"a"}


@pytest.mark.parametrize(
    "name",
    [
        *("", ".", "..", "../x", "/etc/passwd", "a/b", "a\\b", "C:x", "a\0b", "a\nb"),
        *(5, None, ["x", "y"], ["../x"], [], "x" * 256, "\u202e"),
    ],
)
def test_names_of_files_elsewhere(tmp_path, name):
    path = write_index(tmp_path, {"a": name})
    shown = "../x" if name == ["../x"] else str(name)[:200]
    for read in (shard_names, lambda path: open_index(path, safetensors.open_file)):
        with pytest.raises(ValueError) as caught:
            read(path)
        assert str(caught.value) == (
            f"{str(path)!r} cannot be read: 'a' is in {shown!r}, which is "
            "not the name of a file beside it."
        )


def test_index_of_itself(tmp_path):
    path = write_index(tmp_path, {"a": INDEX})
    with pytest.raises(ValueError) as caught:
        shard_names(path)
    assert str(caught.value) == f"{str(path)!r} cannot be read: it names itself."


NO_MAP = "it holds no weight_map of tensor names to file names"


@pytest.mark.parametrize(
    ("text", "why"),
    [
        (b"", "its JSON is damaged: "),
        (b"[]", NO_MAP),
        (b"{}", NO_MAP),
        (b'{"weight_map": {}}', NO_MAP),
        (b'{"weight_map": ["a"]}', NO_MAP),
        (b'{"weight_map": {"a": "x", "a": "y"}}', "its JSON names 'a' twice"),
        (b"\xff", "its JSON is not UTF-8"),
        (b"[" * 100000, "its JSON nests too deeply"),
        (b" " * (2**23 + 1), "its 8388609 bytes are more than 8388608"),
    ],
)
def test_damaged_index(tmp_path, text, why):
    (tmp_path / INDEX).write_bytes(text)
    with pytest.raises(ValueError) as caught:
        shard_names(tmp_path / INDEX)
    start = f"{str(tmp_path / INDEX)!r} cannot be read: {why}"
    assert str(caught.value).startswith(start)


@pytest.mark.parametrize(
    ("size", "number"),
    [
        (17, 17),
        (np.int64(10**6), 10**6),
        (np.uint8(5), 5),
        ("17B", 17),
        ("5GB", 5 * 10**9),
        ("200MB", 2 * 10**8),
        ("20kb", 20000),
        (" 1 TB ", 10**12),
        ("1KiB", 1024),
        ("3MiB", 3 * 2**20),
        ("1GiB", 2**30),
        ("2TiB", 2**41),
        ("1.5GB", 1500000000),
        ("999999999999999TB", 999999999999999 * 10**12),
    ],
)
def test_size(size, number):
    assert parse_size(size) == number


@pytest.mark.parametrize(
    "size",
    [
        *(0, -1, True, "", "5", "GB", "-5GB", "5XB", "5IB", "1e3GB", "0GB", "5 G B"),
        *(1.5, 5e9, None, b"5GB", np.float32(5), np.int64(0), np.bool_(True), [5]),
    ],
)
def test_no_size(size):
    with pytest.raises(ValueError) as caught:
        parse_size(size)
    assert str(caught.value) == (
        "max_shard_size must be a positive number of bytes or a text like '5GB', "
        f"'200MB' or '1GiB', but is {size!r}."
    )
