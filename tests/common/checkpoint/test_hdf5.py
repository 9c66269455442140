"""HDF5 files of Keras, written and read, against h5py."""

import os
import struct
import subprocess
import sys
import tracemalloc
import zlib

import h5py
import numpy as np
import pytest
from ml_dtypes import bfloat16

from albert.common.checkpoint import hdf5
from albert.common.checkpoint.hdf5 import FILE_NAME, open_file, write_file, write_shard


def normal(*shape, dtype="float32"):
    return np.random.default_rng(0).normal(size=shape).astype(dtype)


SAMPLES = {
    "albert/model/a:0": normal(7, 3),
    "albert/model/b:0": normal(5, dtype="float16"),
    "c": normal(2, 3, 5, dtype="float64"),
    "d": normal(3, dtype=">f4"),
    "e/scalar": np.array(2.5, "float32"),
    "f": normal(0, 3),
    "g": np.arange(4),
    "h": np.arange(6, dtype=">u2").reshape(2, 3),
}


def stock(path, arrays=SAMPLES, **settings):
    with h5py.File(path, "w", libver=settings.pop("libver", None)) as file:
        for name, array in arrays.items():
            file.create_dataset(name, data=array, **settings)


def refusal(path):
    with pytest.raises(ValueError) as caught:
        for lazy in open_file(path).values():
            lazy.rows(0, 1 << 30)
    start = f"{str(path)!r} cannot be read: "
    assert str(caught.value).startswith(start)
    return str(caught.value).removeprefix(start)


def test_file_name():
    assert FILE_NAME == "tf_model.h5"


@pytest.mark.parametrize("libver", ["earliest", "latest"])
def test_read(tmp_path, libver):
    stock(tmp_path / "file", libver=libver)
    found = open_file(tmp_path / "file")
    assert found.keys() == SAMPLES.keys()
    for name, array in SAMPLES.items():
        assert (found[name].shape, found[name].dtype) == (array.shape, array.dtype.name)
        rows = found[name].rows(0, 9)
        assert rows.dtype == array.dtype.newbyteorder("=")
        np.testing.assert_array_equal(rows, array if array.ndim else array[None])
        if array.dtype.kind == "f":
            np.testing.assert_array_equal(found[name].read(), array)


@pytest.mark.parametrize("bounds", [(0, 7), (2, 5), (6, 7), (3, 3), (5, 99)])
@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"chunks": (3, 2, 2)},
        {"compression": "gzip", "chunks": (3, 2, 2)},
        {"compression": "gzip", "shuffle": True, "chunks": (2, 3, 5)},
        {"compression": "gzip", "shuffle": True, "chunks": (7, 1, 4)},
    ],
)
def test_rows(tmp_path, bounds, settings):
    array = normal(7, 3, 5)
    stock(tmp_path / "file", {"a": array}, **settings)
    found = open_file(tmp_path / "file")["a"].rows(*bounds)
    np.testing.assert_array_equal(found, array[slice(*bounds)])


def test_bfloat16(tmp_path):
    values = normal(3, 5).astype(bfloat16)
    with h5py.File(tmp_path / "file", "w") as file:
        file.create_dataset("a", data=values).attrs["dtype"] = "bfloat16"
    found = open_file(tmp_path / "file")["a"]
    assert (found.shape, found.dtype) == ((3, 5), "bfloat16")
    np.testing.assert_array_equal(found.read(), values.astype("float32"))


def test_bfloat16_as_a_float_of_hdf5(tmp_path):
    values = normal(3, 5).astype(bfloat16)
    kind = h5py.h5t.IEEE_F32LE.copy()
    kind.set_fields(15, 7, 8, 0, 7)
    kind.set_size(2)
    kind.set_ebias(127)
    with h5py.File(tmp_path / "file", "w") as file:
        space = h5py.h5s.create_simple(values.shape)
        dataset = h5py.h5d.create(file.id, b"a", kind, space)
        dataset.write(space, space, values.view("uint16"), mtype=kind)
    found = open_file(tmp_path / "file")["a"]
    assert found.dtype == "bfloat16"
    np.testing.assert_array_equal(found.read(), values.astype("float32"))


def test_types_that_cannot_be_read(tmp_path):
    with h5py.File(tmp_path / "file", "w") as file:
        file["text"] = "words"
        file["compound"] = np.zeros(2, [("a", "f4"), ("b", "i4")])
        file["enum"] = np.ones(2, bool)
        file["opaque"] = np.zeros(2, "V3")
        file["reference"] = file["text"].ref
    found = open_file(tmp_path / "file")
    assert {name: lazy.dtype for name, lazy in found.items()} == {
        name: name for name in ("text", "compound", "enum", "opaque", "reference")
    }
    for name, lazy in found.items():
        with pytest.raises(ValueError) as caught:
            lazy.rows(0, 1)
        assert str(caught.value) == (
            f"{name} in {str(tmp_path / 'file')!r} is of type {name}, which cannot "
            "be read."
        )


LAYERS = {
    "predictions": {"m/predictions/bias:0": normal(5)},
    "albert": {
        "m/albert/kernel:0": normal(7, 3),
        "m/albert/bias:0": normal(3, dtype="float16"),
        "m/albert/scalar:0": np.array(2.5, "float64"),
    },
    "empty": {},
}


def test_written_file(tmp_path):
    write_file(tmp_path / "file", LAYERS)
    with h5py.File(tmp_path / "file") as file:
        assert file.attrs["layer_names"].tolist() == [
            b"predictions",
            b"albert",
            b"empty",
        ]
        assert file.attrs["backend"] == "tensorflow"
        assert file.attrs["keras_version"] == "2.15.0"
        assert file.keys() == LAYERS.keys()
        for layer, weights in LAYERS.items():
            names = [name.decode() for name in file[layer].attrs["weight_names"]]
            assert names == list(weights)
            for name, array in weights.items():
                assert file[layer][name].dtype == array.dtype
                np.testing.assert_array_equal(file[layer][name][()], array)
    found = open_file(tmp_path / "file")
    assert found.keys() == {
        f"{layer}/{name}" for layer in LAYERS for name in LAYERS[layer]
    }


def test_written_shard(tmp_path):
    arrays = {"albert/kernel:0": normal(7, 3), "albert/bias:0": normal(3)}
    write_shard(tmp_path / "file", arrays)
    with h5py.File(tmp_path / "file") as file:
        assert [name.decode() for name in file.attrs["layer_names"]] == list(arrays)
        for name, array in arrays.items():
            np.testing.assert_array_equal(file[name][()], array)
    assert open_file(tmp_path / "file").keys() == arrays.keys()


@pytest.mark.parametrize("kind", ["V2", bfloat16])
def test_written_bfloat16(tmp_path, kind):
    values = normal(3, 5).astype(bfloat16)
    write_file(tmp_path / "file", {"layer": {"a": values.view(kind)}})
    with h5py.File(tmp_path / "file") as file:
        assert file["layer/a"].attrs["dtype"] == "bfloat16"
        assert file["layer/a"][()].tobytes() == values.tobytes()
    found = open_file(tmp_path / "file")["layer/a"].read()
    np.testing.assert_array_equal(found, values.astype("float32"))


def test_attributes_that_are_too_large_are_split(tmp_path):
    names = [f"{'x' * 900}/{number}" for number in range(150)]
    write_file(tmp_path / "file", {"layer": {name: normal(1) for name in names}})
    with h5py.File(tmp_path / "file") as file:
        attributes = file["layer"].attrs
        parts = [attributes[f"weight_names{number}"] for number in range(3)]
        assert len(attributes) == 3
    assert [name.decode() for part in parts for name in part] == names


def test_type_that_cannot_be_written(tmp_path):
    with pytest.raises(ValueError, match=r"^weights must be of .* but are of int64\.$"):
        write_file(tmp_path / "file", {"a": {"b": np.ones(2, "int64")}})
    assert os.listdir(tmp_path) == []


def test_name_within_another(tmp_path):
    with pytest.raises(ValueError, match=r"^'.*' cannot be written: "):
        write_file(tmp_path / "file", {"l": {"a": normal(1), "a/b": normal(1)}})
    assert os.listdir(tmp_path) == []


def test_failing_write_leaves_the_old_file(tmp_path, monkeypatch):
    path = tmp_path / "file"
    write_file(path, LAYERS)
    before = path.read_bytes()

    def fail(*_):
        raise OSError("disk full")

    monkeypatch.setattr(hdf5, "_write_names", fail)
    with pytest.raises(OSError, match=r"^disk full$"):
        write_file(path, {})
    assert path.read_bytes() == before
    assert os.listdir(tmp_path) == ["file"]


def test_what_is_open_stays_what_it_was(tmp_path):
    path = tmp_path / "file"
    write_file(path, {"l": {"a": normal(3, 7)}})
    found = open_file(path)["l/a"]
    write_file(path, {"l": {"a": normal(5, 7) + 1}})
    np.testing.assert_array_equal(found.read(), normal(3, 7))


def test_opening_reads_little(tmp_path):
    kind = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
    kind.set_alloc_time(h5py.h5d.ALLOC_TIME_EARLY)
    kind.set_fill_time(h5py.h5d.FILL_TIME_NEVER)
    with h5py.File(tmp_path / "file", "w") as file:
        space = h5py.h5s.create_simple((1 << 16, 1024))
        h5py.h5d.create(file.id, b"a", h5py.h5t.IEEE_F32LE, space, kind)
    tracemalloc.start()
    found = open_file(tmp_path / "file")["a"]
    assert found.rows(12345, 12347).shape == (2, 1024)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert found.shape == (1 << 16, 1024)
    assert peak < 1 << 22


def soft_link(file, _):
    file["link"] = h5py.SoftLink("/a")


def dangling_link(file, _):
    file["link"] = h5py.SoftLink("/nowhere")


def external_link(file, folder):
    stock(folder / "other", {"secret": normal(3)})
    file["link"] = h5py.ExternalLink(str(folder / "other"), "secret")


def external_data(file, folder):
    (folder / "other").write_bytes(bytes(12))
    file.create_dataset("b", (3,), "f4", external=[(str(folder / "other"), 0, 12)])


def virtual(file, folder):
    stock(folder / "other", {"secret": normal(3)})
    layout = h5py.VirtualLayout((3,), "f4")
    layout[:] = h5py.VirtualSource(str(folder / "other"), "secret", (3,))
    file.create_virtual_dataset("b", layout)


def cycle(file, _):
    file["g/h"] = file.create_group("g")


def deep(file, _):
    file.create_group("/".join("x" * 66))


def filtered(file, _):
    file.create_dataset("b", data=normal(99), compression="lzf")


def checked(file, _):
    file.create_dataset("b", data=normal(99), fletcher32=True)


def without_shape(file, _):
    file["b"] = h5py.Empty("f4")


def never_written(file, _):
    file.create_dataset("b", (1 << 30, 1 << 20), "f4")


def never_written_chunks(file, _):
    file.create_dataset("b", (1 << 30, 1 << 20), "f4", chunks=(64, 64))


def compressed_zeros(file, _):
    data = np.zeros((1 << 11, 1 << 11), "f4")
    file.create_dataset("b", data=data, compression="gzip", chunks=data.shape)


def huge_chunk(file, _):
    file.create_dataset("b", (1,), "f4", maxshape=(None,), chunks=(1 << 28,))


def endless_axis(file, _):
    file.create_dataset("b", (1 << 60, 0), "f4", chunks=(1, 1), maxshape=(None, None))


def long_name(file, _):
    file[f"{'x' * 600}/{'y' * 600}"] = normal(1)


def foreign_name(file, _):
    file[b"\xff\xfe"] = normal(1)


@pytest.mark.parametrize(
    ("make", "why"),
    [
        (soft_link, "'link' is a link to another place, which is never followed."),
        (dangling_link, "'link' is a link to another place, which is never followed."),
        (external_link, "'link' is a link to another place, which is never followed."),
        (external_data, "'b' lies in another file (external)."),
        (virtual, "'b' lies in other datasets (virtual)."),
        (cycle, "its group 'g/h/' has two names."),
        (deep, "it nests deeper than 64."),
        (filtered, "'b' is compressed in a way that cannot be read (filters [32000])"),
        (checked, "'b' is compressed in a way that cannot be read (filters [3]); o"),
        (without_shape, "'b' has no shape."),
        (never_written, "'b' of 4503599627370496 bytes has 0 in the file."),
        (never_written_chunks, "'b' would be 4503599627370496 bytes in memory, but is"),
        (compressed_zeros, "'b' would be 16777216 bytes in memory, but is "),
        (huge_chunk, "'b' would be 1073741824 bytes in memory, but is 0 in the file."),
        (endless_axis, "the shape of 'b' is impossible."),
        (long_name, "a name is longer than 1024."),
        (foreign_name, r"the name b'\xff\xfe' is not UTF-8."),
    ],
)
def test_what_no_checkpoint_needs(tmp_path, make, why):
    path = tmp_path / "file"
    stock(path, {"a": normal(3)})
    with h5py.File(path, "a") as file:
        make(file, tmp_path)
    assert refusal(path).startswith(why)


def test_too_many_objects(tmp_path, monkeypatch):
    monkeypatch.setattr(hdf5, "_MAX_OBJECTS", 5)
    stock(tmp_path / "file")
    assert refusal(tmp_path / "file") == "it holds more than 5 objects."


@pytest.mark.parametrize(("extra", "why"), [(b"", "shorter"), (bytes(5000), "longer")])
def test_chunk_of_another_length(tmp_path, extra, why):
    # HDF5 itself would go on decompressing for as long as there is memory.
    data = zlib.compress(bytes(100 if why == "shorter" else 400) + extra)
    with h5py.File(tmp_path / "file", "w") as file:
        made = file.create_dataset("a", (100,), "f4", chunks=(100,), compression="gzip")
        made.id.write_direct_chunk((0,), data)
    assert refusal(tmp_path / "file") == (
        "'a': a chunk is not as long as it should be."
    )


def test_chunk_that_is_missing(tmp_path):
    with h5py.File(tmp_path / "file", "w") as file:
        made = file.create_dataset("a", (100,), "f4", chunks=(50,), compression="gzip")
        made[:50] = 1
    assert refusal(tmp_path / "file").startswith("'a': ")


def test_ring_of_free_space(tmp_path):
    # HDF5 itself would walk along it for ever.
    stock(tmp_path / "file", {"a": normal(3)}, libver="earliest")
    raw = bytearray((tmp_path / "file").read_bytes())
    head = raw.index(b"HEAP\0\0\0\0")
    free, place = struct.unpack_from("<QQ", raw, head + 16)
    assert struct.unpack_from("<Q", raw, place + free) == (1,)
    struct.pack_into("<Q", raw, place + free, free)
    (tmp_path / "file").write_bytes(raw)
    assert refusal(tmp_path / "file") == ("the free space among its names is damaged.")


def test_free_space_behind_the_end(tmp_path):
    stock(tmp_path / "file", {"a": normal(3)}, libver="earliest")
    raw = bytearray((tmp_path / "file").read_bytes())
    struct.pack_into("<Q", raw, raw.index(b"HEAP\0\0\0\0") + 24, (1 << 62) - 4096)
    (tmp_path / "file").write_bytes(raw)
    assert refusal(tmp_path / "file")


def test_places_of_another_width(tmp_path):
    kind = h5py.h5p.create(h5py.h5p.FILE_CREATE)
    kind.set_sizes(4, 4)
    h5py.h5f.create(bytes(tmp_path / "file"), fcpl=kind).close()
    assert refusal(tmp_path / "file") == "its places are not of 8 bytes."


@pytest.mark.parametrize("content", [b"", b"\x89HDF", b"#" * 999, b"\x89HDF\r\n\x1a\n"])
def test_other_file(tmp_path, content):
    (tmp_path / "file").write_bytes(content)
    assert refusal(tmp_path / "file")


def test_no_such_file(tmp_path):
    with pytest.raises(FileNotFoundError):
        open_file(tmp_path / "file")


def test_folder_is_no_file(tmp_path):
    with pytest.raises(ValueError) as caught:
        open_file(tmp_path)
    assert str(caught.value) == f"{str(tmp_path)!r} is not a file."


def test_library_is_missing(tmp_path, monkeypatch):
    stock(tmp_path / "file")
    monkeypatch.setitem(sys.modules, "h5py", None)
    with pytest.raises(ImportError) as caught:
        open_file(tmp_path / "file")
    assert str(caught.value) == (
        "HDF5 files (.h5, .keras) need h5py, and it is not installed: pip install h5py"
    )


DAMAGE = """
import sys
import numpy as np
from albert.common.checkpoint.hdf5 import open_file

source, path = sys.argv[1:]
good = open(source, "rb").read()
random = np.random.default_rng(0)
used = np.flatnonzero(np.frombuffer(good, np.uint8))
refused = 0
for number in range(700):
    raw = bytearray(good)
    if number < 100:
        raw = raw[: random.integers(len(raw))]
    else:
        for place in random.choice(used, 3):
            raw[place] ^= 1 << random.integers(8)
    with open(path, "wb") as file:
        file.write(raw)
    try:
        for lazy in open_file(path).values():
            lazy.rows(0, 1 << 30)
    except ValueError:
        refused += 1
print(refused)
"""


@pytest.mark.parametrize("libver", ["earliest", "latest"])
def test_damaged_files(tmp_path, libver):
    with h5py.File(tmp_path / "source", "w", libver=libver) as file:
        file.attrs["layer_names"] = ["a"]
        file.create_dataset("a/b", data=normal(7, 3))
        data = normal(20, 20)
        file.create_dataset("c", data=data, compression="gzip", chunks=(10, 10))
        file.create_dataset("d", data=normal(3).astype(bfloat16))
    done = subprocess.run(
        [sys.executable, "-c", DAMAGE, tmp_path / "source", tmp_path / "file"],
        capture_output=True,
        text=True,
        timeout=60,
        cwd=os.getcwd(),
    )
    # Also that the library of HDF5 did not bring the process down.
    assert (done.returncode, done.stderr) == (0, "")
    assert int(done.stdout) >= 100
