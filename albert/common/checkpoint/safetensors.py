"""`model.safetensors`: read lazily through a memory map, written atomically.

Source: the format's own description, github.com/huggingface/safetensors.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from albert.common.checkpoint.lazy import LazyArray, widen_bfloat16
from albert.common.files import atomic_path

FILE_NAME = "model.safetensors"

_DTYPES = {"F64": "float64", "F32": "float32", "F16": "float16", "BF16": "bfloat16"}


def open_file(path: str | os.PathLike[str]) -> dict[str, LazyArray]:
    """Open a file without reading its tensors.

    Args:
        path: a safetensors file.

    Returns:
        The tensors by the names in the file; one of a type that weights never have
        raises a ValueError when it is read.

    Raises:
        ValueError: the file is damaged or of another format.
    """
    from safetensors import SafetensorError
    from safetensors import safe_open as check  # pyright: ignore[reportUnknownVariableType]

    try:
        # NumPy's reader of the library knows no bfloat16: the library checks the file,
        # and the bytes of each tensor are mapped below for every type alike.
        check(path, "np")
    except SafetensorError as error:
        raise ValueError(f"{os.fspath(path)!r} cannot be read: {error}.") from None
    with open(path, "rb") as raw:
        length = int.from_bytes(raw.read(8), "little")
        header: dict[str, Any] = json.loads(raw.read(length))
    metadata: dict[str, str] = header.pop("__metadata__", None) or {}
    if metadata.get("format", "pt") != "pt":
        raise ValueError(
            f"{os.fspath(path)!r} holds {metadata['format']!r} names; only files with "
            f"PyTorch names (format 'pt') can be read."
        )
    return {
        name: _lazy(Path(path), name, entry, 8 + length)
        for name, entry in header.items()
    }


def _lazy(path: Path, name: str, entry: dict[str, Any], start: int) -> LazyArray:
    stored_type = str(entry["dtype"])
    dtype = _DTYPES.get(stored_type, stored_type)
    shape = tuple(int(size) for size in entry["shape"])

    def read() -> np.ndarray:
        # Not sooner: a file may hold other things that nobody reads.
        if stored_type not in _DTYPES:
            raise ValueError(
                f"{name} in {str(path)!r} is of type {dtype}, but weights are of "
                f"{', '.join(_DTYPES)}."
            )
        stored = np.dtype(np.uint16 if dtype == "bfloat16" else dtype).newbyteorder("<")
        if 0 in shape:
            return np.zeros(shape, stored)
        offset = start + int(entry["data_offsets"][0])
        array = np.memmap(path, stored, "r", offset, shape)
        return widen_bfloat16(array) if dtype == "bfloat16" else array

    return LazyArray(shape, dtype, read)


def dtype_name(array: np.ndarray) -> str:
    """Name the type of an array of weights.

    Args:
        array: of a float type; bfloat16 as JAX's NumPy type or as raw 2-byte items
            (NumPy "V2"), since NumPy has none of its own.

    Returns:
        "float64", "float32", "float16" or "bfloat16".

    Raises:
        ValueError: weights are never of this type.
    """
    if array.dtype.kind == "V" and array.dtype.itemsize == 2:
        return "bfloat16"
    if array.dtype.name not in _DTYPES.values():
        raise ValueError(
            f"weights must be of {', '.join(_DTYPES.values())}, but are of "
            f"{array.dtype.name}."
        )
    return array.dtype.name


def write_file(path: str | os.PathLike[str], arrays: Mapping[str, np.ndarray]) -> None:
    """Write a file that stock tools open, whole or not at all.

    Args:
        path: where it shall stand.
        arrays: weights by name, of the types that `dtype_name` knows.

    Raises:
        ValueError: an array is of another type.
    """
    from safetensors import TensorSpec, serialize_file

    held = {name: np.ascontiguousarray(array) for name, array in arrays.items()}
    specs = {
        name: TensorSpec(
            dtype=dtype_name(array),
            shape=list(array.shape),
            data_ptr=array.ctypes.data,
            data_len=array.nbytes,
        )
        for name, array in held.items()
    }
    with atomic_path(path) as temporary:
        serialize_file(specs, temporary, metadata={"format": "pt"})
