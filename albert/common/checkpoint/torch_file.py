"""`pytorch_model.bin`: PyTorch's own file of weights, opened without running code.

Source: `torch.load` and `torch.save`, documented at docs.pytorch.org. The file is a
pickle, which can hold any code: only PyTorch's reader for weights alone is ever used.
"""

from __future__ import annotations

import os
import warnings
import zipfile
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any, BinaryIO, cast

import numpy as np

from albert.common.checkpoint.lazy import LazyArray, widen_bfloat16
from albert.common.checkpoint.raw import plain, sound_shape, written_by_library
from albert.common.checkpoint.safetensors import dtype_name
from albert.common.files import atomic_path

FILE_NAME = "pytorch_model.bin"

_WRAPPERS = ("state_dict", "model")
_OLDEST = (2, 6)
_MAX_PICKLE_BYTES = 1 << 24
_MAX_OPERATIONS = 2_000_000
_MAX_OLD_FILE_BYTES = 1 << 32
_PLAIN = {
    "collections OrderedDict",
    "torch._utils _rebuild_tensor",
    "torch._utils _rebuild_tensor_v2",
    "torch._utils _rebuild_tensor_v3",
    "torch._utils _rebuild_parameter",
    "torch.storage UntypedStorage",
    *(
        f"torch {kind}Storage"
        for kind in (
            *("Double", "Float", "Half", "BFloat16", "ComplexFloat", "ComplexDouble"),
            *("Long", "Int", "Short", "Char", "Byte", "Bool", "Untyped"),
        )
    ),
    *(f"torch uint{bits}" for bits in (16, 32, 64)),
    *(f"torch float8_{kind}" for kind in ("e4m3fn", "e5m2")),
}
"""All that the index of a dictionary of tensors names."""

_CALLS_BY_STACK = {"STACK_GLOBAL", "INST", "OBJ", "EXT1", "EXT2", "EXT4", "PERSID"}
_NUMPY_TYPES = {
    "float64",
    "float32",
    "float16",
    "int64",
    "int32",
    "int16",
    "int8",
    "uint64",
    "uint32",
    "uint16",
    "uint8",
    "bool",
}


def open_file(path: str | os.PathLike[str]) -> dict[str, LazyArray]:
    """Open a file without reading its tensors.

    Args:
        path: a file of `torch.save`, a dictionary of tensors; it may stand under
            "state_dict" or "model" in another. A file of PyTorch before 1.6, which is
            no zip archive, is read as a whole.

    Returns:
        The tensors by the names in the file.

    Raises:
        FileNotFoundError: there is no such file.
        ImportError: PyTorch is not installed or too old to open files safely.
        ValueError: the file is damaged, holds code or other things than tensors.
    """
    path = Path(path)
    if path.exists() and not path.is_file():
        raise ValueError(f"{str(path)!r} is not a file.")
    torch = _library()
    with open(path, "rb") as file:
        zipped = file.read(4) == b"PK\x03\x04"
    parts = _check_zip(path) if zipped else _check_old(path)
    found = _tensors(path, _load(torch, path, zipped))
    arrays = {name: _lazy(torch, path, name, found[name]) for name in found}
    if parts is not None and _storages(found) - parts:
        raise _refused(path, "its tensors are not as large as their bytes in it")
    return arrays


def _library() -> Any:
    try:
        import torch
    except ModuleNotFoundError:
        raise ImportError(
            "PyTorch's files (.bin, .pt, .pth) need PyTorch, and torch is not "
            'installed: pip install "albert-models[pt]"',
            name="torch",
        ) from None
    version = torch.__version__.split("+")[0].split(".")
    if tuple(int(part) for part in version[:2]) < _OLDEST:
        raise ImportError(
            f"PyTorch's files (.bin, .pt, .pth) can only be opened safely with torch "
            f"{_OLDEST[0]}.{_OLDEST[1]} or newer, and {torch.__version__} is "
            f'installed: pip install "albert-models[pt]"',
            name="torch",
        )
    return torch


def _check_zip(path: Path) -> Counter[int]:
    """Refuse what would fill the memory or run for ever in PyTorch.

    Args:
        path: of the file.

    Returns:
        How many parts of tensors' bytes there are of each size.

    Raises:
        ValueError: it holds what no file of weights does.
    """
    size = path.stat().st_size
    try:
        with zipfile.ZipFile(path) as archive:
            members = archive.infolist()
            for member in members:
                if member.compress_type != zipfile.ZIP_STORED or member.flag_bits & 1:
                    raise _refused(path, "its parts are compressed or encrypted")
            if sum(member.file_size for member in members) > size:
                raise _refused(path, "its parts are larger than it")
            pickles = [one for one in members if one.filename.endswith(".pkl")]
            if len(pickles) != 1 or pickles[0].file_size > _MAX_PICKLE_BYTES:
                raise _refused(path, "it lacks an index of a sound size (data.pkl)")
            with archive.open(pickles[0]) as index:
                _check_pickle(path, cast(BinaryIO, index))
    except (*_ZIP_ERRORS, OSError) as error:
        raise _refused(path, f"it is a damaged zip archive: {error}") from None
    return Counter(one.file_size for one in members if "/data/" in one.filename)


_ZIP_ERRORS = (zipfile.BadZipFile, NotImplementedError, EOFError, UnicodeError)


def _storages(tensors: dict[str, Any]) -> Counter[int]:
    # PyTorch would go on reading behind a part that is too short.
    storages = [tensor.untyped_storage() for tensor in tensors.values()]
    sizes = {storage.data_ptr(): storage.nbytes() for storage in storages}
    return Counter(size for size in sizes.values() if size)


def _check_old(path: Path) -> None:
    """Do so with a file of PyTorch before 1.6, which starts with five pickles."""
    if path.stat().st_size > _MAX_OLD_FILE_BYTES:
        raise _refused(path, "it is no zip archive and too large to be read as a whole")
    with open(path, "rb") as file:
        for _ in range(5):
            _check_pickle(path, cast(BinaryIO, _Cautious(file)))


class _Cautious:
    """A file of which no more is read, or made room for, than it has.

    Args:
        file: the file.
    """

    def __init__(self, file: BinaryIO):
        self._file = file
        self._size = os.fstat(file.fileno()).st_size
        self.readline = file.readline
        self.tell = file.tell

    def read(self, size: int) -> bytes:
        """Read some bytes; fewer if the file ends."""
        return self._file.read(min(size, self._size))


def _check_pickle(path: Path, file: BinaryIO) -> None:
    """Look through a pickle, without running it, for what no weights need."""
    import pickletools

    last, tuples = "", set[Any]()
    try:
        for number, (operation, value, _) in enumerate(pickletools.genops(file)):
            name = operation.name
            if number > _MAX_OPERATIONS:
                raise _refused(path, "its index is too long")
            if name in _CALLS_BY_STACK or (name == "GLOBAL" and value not in _PLAIN):
                what = value if name == "GLOBAL" else name
                raise _refused(
                    path,
                    f"it holds code or objects that are no plain tensors "
                    f"({str(what)[:100]!r}), which were not run: use another file, "
                    f"such as model.safetensors",
                )
            if "PUT" in name and last.startswith("TUPLE"):
                tuples.add(value)
            # Tuples within tuples, each twice: their hash would take for ever.
            if name == "DUP" or ("GET" in name and value in tuples):
                raise _refused(path, "its index holds a tuple twice")
            last = name
    except _RefusedError:
        raise
    # The library's look at a damaged pickle ends in any of many errors.
    except Exception as error:
        reason = " ".join(str(error).split()) or type(error).__name__
        raise _refused(path, f"its index is damaged: {reason[:200]}") from None


def _load(torch: Any, path: Path, zipped: bool) -> object:
    try:
        with warnings.catch_warnings():
            # About kinds of tensors that are refused below anyway.
            warnings.simplefilter("ignore")
            return torch.load(path, map_location="cpu", weights_only=True, mmap=zipped)
    # A damaged file ends in whatever error its first wrong value leads to. Of its text
    # only the start: the rest may tell how to run the code nevertheless.
    except Exception as error:
        reason = " ".join(str(error).split()) or type(error).__name__
        raise _refused(path, f"it is damaged: {reason[:120]}") from None


class _RefusedError(ValueError):
    pass


def _refused(path: Path, why: str) -> ValueError:
    return _RefusedError(f"{str(path)!r} cannot be read: {why}.")


def _tensors(path: Path, content: object) -> dict[str, Any]:
    """Check that there are tensors by name and nothing else."""
    import torch

    for wrapper in _WRAPPERS:
        inner = (
            cast(dict[Any, Any], content).get(wrapper) if _is_dict(content) else None
        )
        if _is_dict(inner):
            content = inner
            break
    if not _is_dict(content):
        raise _refused(
            path,
            f"it holds a {type(content).__name__}, not a dictionary of tensors",
        )
    found: dict[str, Any] = {}
    for name, tensor in cast(dict[Any, Any], content).items():
        if not isinstance(name, str):
            raise _refused(path, f"a {type(name).__name__} in it is a name")
        if not isinstance(tensor, torch.Tensor):
            raise _refused(path, f"{name!r} is a {type(tensor).__name__}, not a tensor")
        found[name] = tensor
    return found


def _is_dict(content: object) -> bool:
    return isinstance(content, dict)


def _lazy(torch: Any, path: Path, name: str, tensor: Any) -> LazyArray:
    """Check one tensor: its values must be those that lie in the file."""
    if tensor.layout != torch.strided or tensor.is_quantized or tensor.is_nested:
        raise _refused(path, f"{name!r} is sparse, nested or quantised")
    if tensor.device.type != "cpu":
        raise _refused(path, f"{name!r} holds no values ({tensor.device})")
    shape = sound_shape(tuple(tensor.shape))
    if shape is None:
        raise _refused(path, f"the shape of {name!r} is impossible")
    strides = cast(tuple[int, ...], tensor.stride())
    # A tensor that repeats its values can be larger than all memory.
    if tensor.numel() * tensor.element_size() > tensor.untyped_storage().nbytes():
        raise _refused(path, f"{name!r} is larger than its bytes ({list(strides)})")
    dtype = str(tensor.dtype).removeprefix("torch.")
    tensor = tensor.detach()

    def rows(start: int, stop: int) -> np.ndarray:
        part = (tensor if shape else tensor.reshape(1))[start:stop].resolve_neg()
        if dtype == "bfloat16":
            bits = part.contiguous().view(torch.int16).numpy()
            return widen_bfloat16(bits.view(np.uint16))
        if dtype not in _NUMPY_TYPES:
            raise ValueError(
                f"{name} in {str(path)!r} is of type {dtype}, which cannot be read."
            )
        return np.array(part.numpy())

    return LazyArray(shape, dtype, rows)


def write_file(path: str | os.PathLike[str], arrays: Mapping[str, np.ndarray]) -> None:
    """Write a file that `torch.load` reads, whole or not at all.

    Args:
        path: where it shall stand.
        arrays: weights by name, of the types that `dtype_name` knows; they are not
            copied if they are contiguous.

    Raises:
        ImportError: PyTorch is not installed or too old.
        ValueError: an array is of a type that weights never have.
    """
    torch = _library()
    tensors = {name: _tensor(torch, array) for name, array in arrays.items()}
    with atomic_path(path) as temporary, written_by_library(temporary) as file:
        torch.save(tensors, file)


def _tensor(torch: Any, array: np.ndarray) -> Any:
    bits = dtype_name(array) == "bfloat16"
    with warnings.catch_warnings():
        # That the array cannot be written to is no matter: nothing writes to it.
        warnings.simplefilter("ignore")
        held = plain(array)
        tensor = torch.from_numpy(held.view(np.int16) if bits else held)
    return tensor.view(torch.bfloat16) if bits else tensor
