"""PyTorch's files, written and read, against PyTorch, and files that mean harm."""

import collections
import io
import os
import pickle
import subprocess
import sys
import tracemalloc
import zipfile

import numpy as np
import pytest
import torch
from ml_dtypes import bfloat16

from albert.common.checkpoint import torch_file
from albert.common.checkpoint.torch_file import FILE_NAME, open_file, write_file

OLD = {"_use_new_zipfile_serialization": False}


def normal(*shape, dtype=torch.float32):
    return torch.randn(shape, generator=torch.Generator().manual_seed(0)).to(dtype)


def samples():
    shared = normal(6, 2)
    return collections.OrderedDict(
        {
            "a": normal(7, 3),
            "b": torch.nn.Parameter(normal(5, dtype=torch.float64)),
            "half": normal(2, 3, 5, dtype=torch.float16),
            "bfloat": normal(4, 3, dtype=torch.bfloat16),
            "turned": normal(5, 4).T,
            "turned_bfloat": normal(5, 4, dtype=torch.bfloat16).T,
            "scalar": torch.tensor(2.5),
            "empty": torch.zeros(0, 3),
            "whole": shared,
            "part": shared[2:4, 1:],
        }
    )


def refusal(path, start="cannot be read: "):
    with pytest.raises(ValueError) as caught:
        open_file(path)
    start = f"{str(path)!r} {start}"
    assert str(caught.value).startswith(start)
    return str(caught.value).removeprefix(start)


def test_file_name():
    assert FILE_NAME == "pytorch_model.bin"


@pytest.mark.parametrize("settings", [{}, OLD])
def test_read(tmp_path, settings):
    tensors = samples()
    torch.save(tensors, tmp_path / "file", **settings)
    found = open_file(tmp_path / "file")
    assert list(found) == list(tensors)
    for name, tensor in tensors.items():
        assert found[name].shape == tuple(tensor.shape)
        assert f"torch.{found[name].dtype}" == str(tensor.dtype)
        wide = tensor.float() if tensor.dtype == torch.bfloat16 else tensor
        read = found[name].read()
        assert read.dtype == wide.detach().numpy().dtype
        np.testing.assert_array_equal(read, wide.detach().numpy())


@pytest.mark.parametrize("bounds", [(0, 7), (2, 5), (6, 7), (3, 3), (5, 99)])
def test_rows(tmp_path, bounds):
    torch.save({"a": normal(7, 3, 5)}, tmp_path / "file")
    found = open_file(tmp_path / "file")["a"].rows(*bounds)
    np.testing.assert_array_equal(found, normal(7, 3, 5)[slice(*bounds)].numpy())


def test_state_of_a_module(tmp_path):
    model = torch.nn.Sequential(torch.nn.Linear(3, 5), torch.nn.BatchNorm1d(5))
    torch.save(model.state_dict(), tmp_path / "file")
    found = open_file(tmp_path / "file")
    assert list(found) == list(model.state_dict())
    assert found["1.num_batches_tracked"].rows(0, 1).tolist() == [0]
    with pytest.raises(ValueError, match=r"is of type int64, but weights are of "):
        found["1.num_batches_tracked"].read()


@pytest.mark.parametrize("wrapper", ["state_dict", "model"])
def test_within_another_dictionary(tmp_path, wrapper):
    content = {"epoch": 5, wrapper: {"a": normal(3)}}
    torch.save(content, tmp_path / "file")
    found = open_file(tmp_path / "file")
    assert found.keys() == {"a"}
    np.testing.assert_array_equal(found["a"].read(), normal(3).numpy())


@pytest.mark.parametrize("dtype", [torch.complex64, torch.float8_e4m3fn])
def test_types_that_cannot_be_read(tmp_path, dtype):
    torch.save({"a": torch.zeros(2, dtype=dtype)}, tmp_path / "file")
    found = open_file(tmp_path / "file")["a"]
    name = str(dtype).removeprefix("torch.")
    assert (found.shape, found.dtype) == ((2,), name)
    with pytest.raises(ValueError) as caught:
        found.rows(0, 1)
    assert str(caught.value) == (
        f"a in {str(tmp_path / 'file')!r} is of type {name}, which cannot be read."
    )


def test_written_file(tmp_path):
    values = normal(3, 5).numpy()
    arrays = {
        "a": values,
        "b": values.astype("float16"),
        "c": values.astype("float64"),
        "raw": values.astype(bfloat16).view("V2"),
        "jax": values.astype(bfloat16),
        "turned": values.T,
        "big": values.astype(">f4"),
        "scalar": np.array(2.5, "float32"),
        "empty": np.zeros((0, 3), "float32"),
        "frozen": np.frombuffer(values.tobytes(), "float32"),
    }
    write_file(tmp_path / "file", arrays)
    found = torch.load(tmp_path / "file", weights_only=True)
    assert list(found) == list(arrays)
    assert found["raw"].dtype == found["jax"].dtype == torch.bfloat16
    for name in ("raw", "jax"):
        expected = torch.from_numpy(values).to(torch.bfloat16)
        assert torch.equal(found.pop(name), expected)
    for name, tensor in found.items():
        assert tensor.numpy().dtype == arrays[name].dtype.newbyteorder("=")
        np.testing.assert_array_equal(tensor.numpy(), arrays[name])
    assert list(open_file(tmp_path / "file")) == list(arrays)


def test_type_that_cannot_be_written(tmp_path):
    with pytest.raises(ValueError, match=r"^weights must be of .* but are of int64\.$"):
        write_file(tmp_path / "file", {"a": np.ones(2, "int64")})
    assert os.listdir(tmp_path) == []


def test_failing_write_leaves_the_old_file(tmp_path, monkeypatch):
    path = tmp_path / "file"
    write_file(path, {"a": np.ones(3, "float32")})
    before = path.read_bytes()

    def fail(_, file):
        file.write(b"part")
        raise OSError("disk full")

    monkeypatch.setattr(torch, "save", fail)
    with pytest.raises(OSError, match=r"^disk full$"):
        write_file(path, {"a": np.ones(4, "float32")})
    assert path.read_bytes() == before
    assert os.listdir(tmp_path) == ["file"]


def test_what_is_open_stays_what_it_was(tmp_path):
    path = tmp_path / "file"
    write_file(path, {"a": normal(3, 7).numpy()})
    found = open_file(path)["a"]
    write_file(path, {"a": normal(5, 7).numpy() + 1})
    np.testing.assert_array_equal(found.read(), normal(3, 7).numpy())


OPENING = """
import resource, sys
import torch
from albert.common.checkpoint.torch_file import open_file, write_file

def peak():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024

write_file(sys.argv[2], {"a": torch.ones(3).numpy()})
open_file(sys.argv[2])
before = peak()
found = open_file(sys.argv[1])["a"]
assert found.rows(9, 11).tolist() == [[0.0] * 1024] * 2
print(peak() - before)
"""


def test_opening_reads_little(tmp_path):
    with torch.serialization.skip_data():
        torch.save({"a": torch.empty(50_000, 1024)}, tmp_path / "file")
    assert (tmp_path / "file").stat().st_size > 200_000_000
    done = subprocess.run(
        [sys.executable, "-c", OPENING, tmp_path / "file", tmp_path / "small"],
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert int(done.stdout) < 20


class Harm:
    """Touches a file when a pickle makes it again."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return os.system, (f"touch {self.path}",)


class Sized:
    """A gigabyte of nothing."""

    def __reduce__(self):
        return bytearray, (1 << 40,)


CODE = (
    "it holds code or objects that are no plain tensors ({!r}), which were not run: "
    "use another file, such as model.safetensors."
)


@pytest.mark.parametrize("protocol", [2, 4])
@pytest.mark.parametrize("settings", [{}, OLD])
@pytest.mark.parametrize("wrap", [lambda x: x, lambda x: {"a": normal(2), "b": x}])
def test_code_is_not_run(tmp_path, wrap, settings, protocol):
    content = wrap(Harm(tmp_path / "touched"))
    torch.save(content, tmp_path / "file", pickle_protocol=protocol, **settings)
    named = f"{os.system.__module__} system" if protocol == 2 else "STACK_GLOBAL"
    assert refusal(tmp_path / "file") == CODE.format(named)
    assert os.listdir(tmp_path) == ["file"]


def test_bare_pickle_is_not_run(tmp_path):
    (tmp_path / "file").write_bytes(pickle.dumps(Harm(tmp_path / "touched"), 2))
    assert refusal(tmp_path / "file") == CODE.format("posix system")
    assert os.listdir(tmp_path) == ["file"]


def test_only_the_reader_of_weights_is_used(tmp_path, monkeypatch):
    # The look through the pickle set aside, PyTorch's own refusal must still stand.
    monkeypatch.setattr(torch_file, "_check_pickle", lambda *_: None)
    torch.save({"a": Harm(tmp_path / "touched")}, tmp_path / "file")
    assert refusal(tmp_path / "file").startswith("it is damaged: Weights only load fai")
    assert os.listdir(tmp_path) == ["file"]


@pytest.mark.parametrize(
    ("content", "named"),
    [
        (Sized(), "__builtin__ bytearray"),
        (normal(2, 2).to_sparse(), "torch._utils _rebuild_sparse_tensor"),
        (torch.empty(2, device="meta"), "torch._utils _rebuild_meta_tensor_no_storage"),
        (torch.nn.Linear(2, 2), "torch.nn.modules.linear Linear"),
        (np.ones(2), "numpy._core.multiarray _reconstruct"),
        (torch.float32, "torch float32"),
    ],
)
def test_objects_that_are_no_plain_tensors(tmp_path, content, named):
    torch.save({"a": content}, tmp_path / "file")
    assert refusal(tmp_path / "file") == CODE.format(named)


@pytest.mark.parametrize(
    ("content", "why"),
    [
        ([normal(2)], "it holds a list, not a dictionary of tensors."),
        (normal(2), "it holds a Tensor, not a dictionary of tensors."),
        ({"a": 5}, "'a' is a int, not a tensor."),
        ({"a": {"b": normal(2)}}, "'a' is a dict, not a tensor."),
        ({"model": {"a": "b"}}, "'a' is a str, not a tensor."),
        ({5: normal(2)}, "a int in it is a name."),
        (
            {"a": normal(1).expand(1 << 30)},
            "'a' is larger than its bytes ([0]).",
        ),
    ],
)
def test_other_content(tmp_path, content, why):
    torch.save(content, tmp_path / "file")
    assert refusal(tmp_path / "file") == why


def rezipped(path, change, compression=zipfile.ZIP_STORED):
    with zipfile.ZipFile(path) as archive:
        held = {name: archive.read(name) for name in archive.namelist()}
    change(held)
    with zipfile.ZipFile(path, "w", compression) as archive:
        for name, data in held.items():
            archive.writestr(name, data)


def index_of(held):
    return next(name for name in held if name.endswith("data.pkl"))


def test_compressed_archive(tmp_path):
    torch.save({"a": torch.zeros(9999)}, tmp_path / "file")
    rezipped(tmp_path / "file", lambda held: None, zipfile.ZIP_DEFLATED)
    assert refusal(tmp_path / "file") == "its parts are compressed or encrypted."


def test_archive_without_index(tmp_path):
    torch.save({"a": normal(2)}, tmp_path / "file")
    rezipped(tmp_path / "file", lambda held: held.pop(index_of(held)))
    assert refusal(tmp_path / "file") == (
        "it lacks an index of a sound size (data.pkl)."
    )


def test_archive_without_data(tmp_path):
    torch.save({"a": normal(2)}, tmp_path / "file")

    def shorten(held):
        held[next(name for name in held if "/data/" in name)] = b""

    rezipped(tmp_path / "file", shorten)
    assert refusal(tmp_path / "file") == (
        "its tensors are not as large as their bytes in it."
    )


def test_index_that_would_never_end(tmp_path, monkeypatch):
    torch.save({"a": normal(2)}, tmp_path / "file")
    doubled = b"\x80\x02N" + b"".join(
        b"\x85q" + bytes([n]) + b"h" + bytes([n]) + b"\x86" for n in range(100)
    )

    def exchange(held):
        held[index_of(held)] = doubled + b"}Q."

    rezipped(tmp_path / "file", exchange)
    assert refusal(tmp_path / "file") == "its index holds a tuple twice."
    monkeypatch.setattr(torch_file, "_MAX_OPERATIONS", 10)
    torch.save({"a": normal(2)}, tmp_path / "file")
    assert refusal(tmp_path / "file") == "its index is too long."
    monkeypatch.setattr(torch_file, "_MAX_PICKLE_BYTES", 10)
    assert refusal(tmp_path / "file").startswith("it lacks an index of a sound size")


def test_old_file_that_is_too_large(tmp_path, monkeypatch):
    monkeypatch.setattr(torch_file, "_MAX_OLD_FILE_BYTES", 100)
    torch.save({"a": normal(50)}, tmp_path / "file", **OLD)
    assert refusal(tmp_path / "file") == (
        "it is no zip archive and too large to be read as a whole."
    )


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04", b"#" * 99, b"\x80\x02}q\x00."])
def test_other_file(tmp_path, content):
    (tmp_path / "file").write_bytes(content)
    assert refusal(tmp_path / "file")


def test_no_such_file(tmp_path):
    with pytest.raises(FileNotFoundError):
        open_file(tmp_path / "file")


def test_folder_is_no_file(tmp_path):
    assert refusal(tmp_path, "is not a file") == "."


def test_library_is_missing(tmp_path, monkeypatch):
    write_file(tmp_path / "file", {})
    monkeypatch.setitem(sys.modules, "torch", None)
    with pytest.raises(ImportError) as caught:
        open_file(tmp_path / "file")
    assert str(caught.value) == (
        "PyTorch's files (.bin, .pt, .pth) need PyTorch, and torch is not installed: "
        'pip install "albert-models[pt]"'
    )


def test_library_is_too_old(tmp_path, monkeypatch):
    write_file(tmp_path / "file", {})
    monkeypatch.setattr(torch, "__version__", "2.5.1+cpu")
    with pytest.raises(ImportError) as caught:
        open_file(tmp_path / "file")
    assert str(caught.value) == (
        "PyTorch's files (.bin, .pt, .pth) can only be opened safely with torch 2.6 "
        'or newer, and 2.5.1+cpu is installed: pip install "albert-models[pt]"'
    )


@pytest.mark.parametrize("settings", [{}, OLD])
def test_damaged_files(tmp_path, settings):
    buffer = io.BytesIO()
    tensors = {"a": normal(7, 3), "b": normal(2, 3, dtype=torch.bfloat16)}
    torch.save(tensors, buffer, **settings)
    good = buffer.getvalue()
    random = np.random.default_rng(0)
    used = np.flatnonzero(np.frombuffer(good, np.uint8))
    refused = 0
    for number in range(350):
        raw = bytearray(good)
        if number < 50:
            raw = raw[: random.integers(len(raw))]
        else:
            for place in random.choice(used, 3):
                raw[place] ^= 1 << random.integers(8)
        # Not over the file that may still be mapped.
        path = tmp_path / str(number)
        path.write_bytes(raw)
        try:
            for lazy in open_file(path).values():
                lazy.rows(0, 1 << 30)
        except ValueError:
            refused += 1
    assert refused >= 50


def test_name_in_the_archive_that_is_not_utf8(tmp_path):
    torch.save({"a": normal(2)}, tmp_path / "file")
    rezipped(tmp_path / "file", lambda held: held.update({"x/\u00e9": b""}))
    raw = (tmp_path / "file").read_bytes()
    (tmp_path / "file").write_bytes(raw.replace("\u00e9".encode(), b"\xff\xff"))
    assert refusal(tmp_path / "file").startswith("it is a damaged zip archive: 'utf-8'")


@pytest.mark.parametrize("size", [2**31, 2**62])
def test_old_file_that_tells_a_huge_length(tmp_path, size):
    text = b"\x80\x04\x8d" + size.to_bytes(8, "little") + b"text"
    (tmp_path / "file").write_bytes(text)
    tracemalloc.start()
    try:
        found = refusal(tmp_path / "file")
        assert tracemalloc.get_traced_memory()[1] < 1 << 22
    finally:
        tracemalloc.stop()
    assert found.startswith("its index is damaged: expected")
