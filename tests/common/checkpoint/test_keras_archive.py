"""Archives of Keras 3, made by Keras, and archives that mean harm."""

import io
import json
import os
import struct
import subprocess
import sys
import zipfile

import h5py
import numpy as np
import pytest

from albert.common.checkpoint.keras_archive import open_file, read_config

WEIGHTS = "model.weights.h5"


def normal(*shape, dtype="float32"):
    return np.random.default_rng(0).normal(size=shape).astype(dtype)


def weights():
    buffer = io.BytesIO()
    with h5py.File(buffer, "w") as file:
        file["layers/dense/vars/0"] = normal(7, 3)
        file["layers/dense/vars/1"] = normal(3, dtype="float16")
    return buffer.getvalue()


def archive(path, members, compression=zipfile.ZIP_STORED):
    with zipfile.ZipFile(path, "w", compression) as out:
        for name, data in members:
            out.writestr(name, data)


def usual(path, compression=zipfile.ZIP_STORED):
    members = [("metadata.json", "{}"), ("config.json", '{"a": 5}')]
    archive(path, [*members, (WEIGHTS, weights())], compression)


def refusal(path, read=open_file):
    with pytest.raises(ValueError) as caught:
        read(path)
    start = f"{str(path)!r} cannot be read: "
    assert str(caught.value).startswith(start)
    return str(caught.value).removeprefix(start)


KERAS = """
import sys
import keras
import numpy as np

model = keras.Sequential(
    [
        keras.Input((3,)),
        keras.layers.Dense(5, bias_initializer="normal"),
        keras.layers.Dense(4, dtype="bfloat16", bias_initializer="normal"),
    ]
)
model.save(sys.argv[1])
arrays = [np.asarray(array, "float32") for array in model.get_weights()]
np.savez(sys.argv[2], *arrays)
"""


def test_what_keras_saved(tmp_path):
    path = tmp_path / "model.keras"
    subprocess.run(
        [sys.executable, "-c", KERAS, path, tmp_path / "expected.npz"],
        env={**os.environ, "KERAS_BACKEND": "jax"},
        check=True,
        capture_output=True,
        timeout=120,
    )
    expected = np.load(tmp_path / "expected.npz")
    found = open_file(path)
    assert list(found) == [
        "layers/dense/vars/0",
        "layers/dense/vars/1",
        "layers/dense_1/vars/0",
        "layers/dense_1/vars/1",
    ]
    dtypes = [lazy.dtype for lazy in found.values()]
    assert dtypes == ["float32", "float32", "bfloat16", "bfloat16"]
    for lazy, name in zip(found.values(), expected.files, strict=True):
        np.testing.assert_array_equal(lazy.read(), expected[name])
    assert read_config(path)["class_name"] == "Sequential"


@pytest.mark.parametrize("compression", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
def test_read(tmp_path, compression):
    usual(tmp_path / "file", compression)
    found = open_file(tmp_path / "file")
    assert list(found) == ["layers/dense/vars/0", "layers/dense/vars/1"]
    np.testing.assert_array_equal(found["layers/dense/vars/0"].read(), normal(7, 3))
    np.testing.assert_array_equal(
        found["layers/dense/vars/1"].read(), normal(3, dtype="float16")
    )
    assert read_config(tmp_path / "file") == {"a": 5}


@pytest.mark.parametrize("compression", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
def test_what_is_open_stays_what_it_was(tmp_path, compression):
    usual(tmp_path / "file", compression)
    found = open_file(tmp_path / "file")
    (tmp_path / "file").unlink()
    (tmp_path / "file").write_bytes(b"#")
    np.testing.assert_array_equal(found["layers/dense/vars/0"].read(), normal(7, 3))


def test_nothing_is_left_behind(tmp_path, monkeypatch):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    usual(tmp_path / "file", zipfile.ZIP_DEFLATED)
    found = open_file(tmp_path / "file")
    assert os.listdir(tmp_path) == ["file"]
    assert len(found) == 2


def patched(path, name, field, value):
    """Change a field of the directory at the end, which is what readers go by."""
    raw = bytearray(path.read_bytes())
    place = raw.rindex(name.encode()) - 46
    assert raw[place : place + 4] == b"PK\x01\x02"
    at, form = {
        "flags": (8, "<H"),
        "method": (10, "<H"),
        "sum": (16, "<I"),
        "packed": (20, "<I"),
        "size": (24, "<I"),
        "offset": (42, "<I"),
    }[field]
    struct.pack_into(form, raw, place + at, value)
    path.write_bytes(raw)


@pytest.mark.parametrize(
    ("compression", "field", "value", "why"),
    [
        (0, "flags", 1, f"its {WEIGHTS} is encrypted."),
        (0, "method", 12, f"its {WEIGHTS} is compressed in a way that cannot be read."),
        (0, "size", 2**31, f"the sizes told of its {WEIGHTS} differ."),
        (0, "packed", 2**31, f"its {WEIGHTS} ends behind its own end."),
        (0, "offset", 7, f"its {WEIGHTS} is not where it should be."),
        (8, "size", 2**31, f"its {WEIGHTS} would be 2147483648 bytes, but is "),
        (8, "size", 99, f"its {WEIGHTS} is longer than 99 bytes."),
        (8, "packed", 99, f"its {WEIGHTS} is shorter than "),
        (0, "method", 8, f"its {WEIGHTS} is damaged: "),
    ],
)
def test_directory_that_lies(tmp_path, compression, field, value, why):
    usual(tmp_path / "file", compression)
    patched(tmp_path / "file", WEIGHTS, field, value)
    assert refusal(tmp_path / "file").startswith(why)


def test_bomb(tmp_path):
    archive(tmp_path / "file", [(WEIGHTS, bytes(1 << 22))], zipfile.ZIP_DEFLATED)
    assert refusal(tmp_path / "file").startswith(
        f"its {WEIGHTS} would be 4194304 bytes, but is "
    )


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_name_that_stands_twice(tmp_path):
    archive(tmp_path / "file", [(WEIGHTS, weights()), (WEIGHTS, b"")])
    assert refusal(tmp_path / "file") == (
        "it names a file in it twice or has too many."
    )


def test_too_many_members(tmp_path):
    archive(tmp_path / "file", [(str(number), b"") for number in range(1001)])
    assert refusal(tmp_path / "file") == (
        "it names a file in it twice or has too many."
    )


def test_missing_member(tmp_path):
    archive(tmp_path / "file", [("a", b"")])
    assert refusal(tmp_path / "file") == f"it holds no {WEIGHTS}."
    assert refusal(tmp_path / "file", read_config) == "it holds no config.json."


@pytest.mark.parametrize(
    ("text", "why"),
    [
        (b"[5]", "its config.json is not a JSON object."),
        (b"{", "config.json in it: its JSON is damaged: "),
        (b'{"a": 1, "a": 2}', "config.json in it: its JSON names 'a' twice."),
        (b" " * (2**23 + 1), "its config.json is over 8388608 bytes."),
    ],
)
def test_impossible_settings(tmp_path, text, why):
    archive(tmp_path / "file", [("config.json", text)])
    assert refusal(tmp_path / "file", read_config).startswith(why)


def test_check_sum_of_the_settings(tmp_path):
    usual(tmp_path / "file")
    patched(tmp_path / "file", "config.json", "sum", 5)
    assert refusal(tmp_path / "file", read_config) == (
        "the check sum of its config.json is wrong."
    )


def test_weights_that_are_none(tmp_path):
    archive(tmp_path / "file", [(WEIGHTS, json.dumps({}))])
    assert refusal(tmp_path / "file") == "it does not begin as HDF5 files do."


@pytest.mark.parametrize("content", [b"", b"PK\x05\x06", b"#" * 99])
def test_other_file(tmp_path, content):
    (tmp_path / "file").write_bytes(content)
    assert refusal(tmp_path / "file").startswith("it is no sound zip archive: ")


def test_no_such_file(tmp_path):
    with pytest.raises(FileNotFoundError):
        open_file(tmp_path / "file")


def test_library_is_missing(tmp_path, monkeypatch):
    usual(tmp_path / "file")
    monkeypatch.setitem(sys.modules, "h5py", None)
    with pytest.raises(ImportError, match=r"pip install h5py$"):
        open_file(tmp_path / "file")
    assert read_config(tmp_path / "file") == {"a": 5}


@pytest.mark.parametrize("compression", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
def test_damaged_files(tmp_path, compression):
    usual(tmp_path / "file", compression)
    good = (tmp_path / "file").read_bytes()
    random = np.random.default_rng(0)
    used = np.flatnonzero(np.frombuffer(good, np.uint8))
    refused = 0
    for number in range(300):
        raw = bytearray(good)
        if number < 50:
            raw = raw[: random.integers(len(raw))]
        else:
            for place in random.choice(used, 3):
                raw[place] ^= 1 << random.integers(8)
        (tmp_path / "file").write_bytes(raw)
        try:
            read_config(tmp_path / "file")
            for lazy in open_file(tmp_path / "file").values():
                lazy.rows(0, 1 << 30)
        except ValueError:
            refused += 1
    assert refused >= 100
