"""`model.safetensors`: read lazily, written atomically.

Source: the format's own description, github.com/huggingface/safetensors.
"""

from __future__ import annotations

import math
import os
import re
from collections.abc import Mapping
from typing import Any, cast

import numpy as np

from albert.common.checkpoint.lazy import FLOATS, LazyArray
from albert.common.checkpoint.raw import (
    ITEM_BYTES,
    MAX_JSON_BYTES,
    RawFile,
    lazy_array,
    parse_json,
    plain,
    sound_shape,
)
from albert.common.files import atomic_path

FILE_NAME = "model.safetensors"

_DTYPES = {
    "F64": "float64",
    "F32": "float32",
    "F16": "float16",
    "BF16": "bfloat16",
    "I64": "int64",
    "I32": "int32",
    "I16": "int16",
    "I8": "int8",
    "U64": "uint64",
    "U32": "uint32",
    "U16": "uint16",
    "U8": "uint8",
    "BOOL": "bool",
}


def open_file(path: str | os.PathLike[str]) -> dict[str, LazyArray]:
    """Open a file without reading its tensors.

    Args:
        path: a safetensors file.

    Returns:
        The tensors by the names in the file; one of a type that NumPy lacks raises a
        ValueError when it is read.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: the file is damaged or of another format.
    """
    file = RawFile(path)
    header, start = _header(file)
    header.pop("__metadata__", None)
    found = {name: _tensor(file, name, header[name], start) for name in header}
    # Bytes that belong to no tensor or to two hide things, and the stock library
    # refuses them, too.
    end = start
    for first, last in sorted(place for _, place in found.values()):
        if first != end:
            raise file.damaged(f"byte {min(first, end)} is not part of one tensor")
        end = last
    if end != file.size:
        raise file.damaged(f"its tensors end at byte {end}, but it at {file.size}")
    return {name: array for name, (array, _) in found.items()}


def _header(file: RawFile) -> tuple[dict[str, Any], int]:
    """Read the names and places of the tensors, and where their bytes start."""
    length = int.from_bytes(file.read(0, 8), "little")
    if length > MAX_JSON_BYTES:
        raise file.damaged(f"its header of {length} bytes is over {MAX_JSON_BYTES}")
    text = file.read(8, length)
    try:
        header = parse_json(text)
    except ValueError as error:
        raise file.damaged(str(error)) from None
    if not text.startswith(b"{") or not isinstance(header, dict):
        raise file.damaged("its header is not a JSON object")
    header = cast(dict[str, Any], header)
    noted: Any = header.get("__metadata__") or {}
    if not isinstance(noted, dict) or not all(
        isinstance(value, str) for value in cast(dict[str, Any], noted).values()
    ):
        raise file.damaged("its __metadata__ is not an object of texts")
    return header, 8 + length


def _tensor(
    file: RawFile, name: str, entry: Any, start: int
) -> tuple[LazyArray, tuple[int, int]]:
    """Check one tensor, and give it with its first byte and the one after its last."""
    keys = {"dtype", "shape", "data_offsets"}
    if not isinstance(entry, dict) or cast(dict[str, Any], entry).keys() != keys:
        raise file.damaged(f"the entry of {name!r} is not {', '.join(sorted(keys))}")
    entry = cast(dict[str, Any], entry)
    shape, place = sound_shape(entry["shape"]), sound_shape(entry["data_offsets"])
    if shape is None or not isinstance(entry["dtype"], str):
        raise file.damaged(f"{name!r} has an impossible type or shape")
    dtype = _DTYPES.get(entry["dtype"]) or cast(str, entry["dtype"])
    if place is None or len(place) != 2 or not place[0] <= place[1]:
        raise file.damaged(f"{name!r} lies at an impossible place")
    first, last = start + place[0], start + place[1]
    if last > file.size:
        raise file.damaged(f"{name!r} ends at byte {last}, but it at {file.size}")
    if dtype in ITEM_BYTES and math.prod(shape) * ITEM_BYTES[dtype] != last - first:
        raise file.damaged(
            f"{name!r} of {last - first} bytes is not {dtype} {list(shape)}"
        )
    return lazy_array(file, name, dtype, shape, first), (first, last)


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
    if array.dtype.name not in FLOATS:
        raise ValueError(
            f"weights must be of {', '.join(FLOATS)}, but are of {array.dtype.name}."
        )
    return array.dtype.name


def write_file(path: str | os.PathLike[str], arrays: Mapping[str, np.ndarray]) -> None:
    """Write a file that stock tools open, whole or not at all.

    Args:
        path: where it shall stand.
        arrays: weights by name, of the types that `dtype_name` knows.

    Raises:
        OSError: the system refused to write.
        ValueError: an array is of another type.
    """
    from safetensors import SafetensorError, TensorSpec, serialize_file

    held = {name: plain(array) for name, array in arrays.items()}
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
        try:
            serialize_file(specs, temporary, metadata={"format": "pt"})
        except SafetensorError as error:
            raise _system_error(error, path) from None


def _system_error(
    error: Exception, path: str | os.PathLike[str]
) -> OSError | ValueError:
    """Tell of a full disk as the system does; the library has it in its text only."""
    number = re.search(r"\(os error (\d+)\)", str(error))
    if number is None:
        return ValueError(f"{os.fspath(path)!r} cannot be written: {error}.")
    return OSError(int(number[1]), os.strerror(int(number[1])), os.fspath(path))
