"""TensorFlow's checkpoints, read without TensorFlow: stored names to lazy arrays.

A checkpoint is `<prefix>.index`, a table of the variables, and one or more shards
`<prefix>.data-00000-of-00001` with their values. TF1 stores them under the variables'
names; TF2, and with it a SavedModel's `variables/variables.index`, under paths of
objects, which `full_names` translates.

Source: TensorFlow, core/protobuf/tensor_bundle.proto, trackable_object_graph.proto,
core/framework/types.proto, tensor_shape.proto and versions.proto; the protocol buffers'
encoding guide.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import numpy as np

from albert.common.checkpoint.lazy import LazyArray
from albert.common.checkpoint.raw import (
    ITEM_BYTES,
    RawFile,
    filled_array,
    sound_shape,
)
from albert.common.checkpoint.tf_table import (
    MAX_TABLE_BYTES,
    crc32c,
    masked,
    read_table,
)
from albert.common.wire import as_bytes, fields, varint

SUFFIX = ".index"

OBJECT_GRAPH = "_CHECKPOINTABLE_OBJECT_GRAPH"
"""The entry of a TF2 checkpoint that holds the objects' graph."""

MAX_GRAPH_BYTES = 1 << 22
"""Largest graph of objects that is read."""

MAX_SHARDS = 256
"""Most shards; each is an open file."""

_VERSION = 1
_MAX_ITEMS = 1 << 40

_MAX_NAME_LENGTH = 1024
_MAX_MESSAGE_BYTES = 1 << 16

_DTYPES = {
    1: "float32",
    2: "float64",
    3: "int32",
    4: "uint8",
    5: "int16",
    6: "int8",
    7: "string",
    8: "complex64",
    9: "int64",
    10: "bool",
    14: "bfloat16",
    17: "uint16",
    18: "complex128",
    19: "float16",
    20: "resource",
    21: "variant",
    22: "uint32",
    23: "uint64",
}


class _Entry(NamedTuple):
    """Where the values of a variable lie; `size` in bytes, `checksum` as stored."""

    dtype: str
    shape: tuple[int, ...]
    shard: int
    offset: int
    size: int
    checksum: int


def open_file(index: Path) -> dict[str, LazyArray]:
    """Open a checkpoint without reading its tensors.

    The names of the shards follow from that of the index; no other file is read.
    An array whose rows are read once each in their order, as `LazyArray.read` does, is
    compared with its checksum when the last of them has been read.

    Args:
        index: path of `<prefix>.index`.

    Returns:
        The tensors by the names in the file; one of strings, of another type that NumPy
        lacks or in slices, as a partitioned variable is, raises a ValueError when it is
        read.

    Raises:
        FileNotFoundError: there is no such file, or a shard is missing beside it.
        ValueError: the files are damaged or of another format.

    Source: TensorFlow, core/protobuf/tensor_bundle.proto.
    """
    entries, shards = _open(Path(index))
    return {
        name: filled_array(
            Path(index), name, entry.dtype, entry.shape, _reader(name, entry, shards)
        )
        for name, entry in entries.items()
    }


def full_names(index: Path) -> dict[str, str]:
    """Read the names of the variables that TF2 stores under paths of objects.

    Args:
        index: path of `<prefix>.index`.

    Returns:
        The variables' names by the names that `open_file` gives; two variables may have
        the same. Those that have none are left out, and so are all in a TF1 checkpoint.

    Raises:
        FileNotFoundError: there is no such file, or a shard is missing beside it.
        ValueError: the files are damaged or of another format.

    Source: TensorFlow, core/protobuf/trackable_object_graph.proto.
    """
    entries, shards = _open(Path(index))
    entry = entries.get(OBJECT_GRAPH)
    if entry is None:
        return {}
    shard = shards[entry.shard]
    try:
        return _graph_names(_read_string(shard, entry))
    except ValueError as error:
        raise ValueError(
            f"{OBJECT_GRAPH} in {str(shard.path)!r} cannot be read: {error}."
        ) from None


def _open(index: Path) -> tuple[dict[str, _Entry], dict[int, RawFile]]:
    """Read the index, and open the shards that it names."""
    if not index.name.endswith(SUFFIX):
        raise ValueError(
            f"{str(index)!r} is no index of a TensorFlow checkpoint: give the path of "
            f"<prefix>{SUFFIX}."
        )
    file = RawFile(index)
    if file.size > MAX_TABLE_BYTES:
        raise file.damaged(f"{file.size} bytes are over {MAX_TABLE_BYTES}")
    data = file.read(0, file.size)
    try:
        number, entries = _parse_index(read_table(data))
    except ValueError as error:
        raise file.damaged(str(error)) from None
    shards = {
        shard: _open_shard(index, shard, number)
        for shard in sorted({entry.shard for entry in entries.values()})
    }
    _check_places(entries, shards)
    return entries, shards


def _open_shard(index: Path, shard: int, number: int) -> RawFile:
    prefix = index.name.removesuffix(SUFFIX)
    path = index.with_name(f"{prefix}.data-{shard:05d}-of-{number:05d}")
    try:
        return RawFile(path)
    except FileNotFoundError:
        raise FileNotFoundError(
            f"{str(path)!r} is missing: {index.name!r} needs {number} file(s) of data "
            f"beside it."
        ) from None


def _check_places(entries: dict[str, _Entry], shards: dict[int, RawFile]) -> None:
    """Refuse tensors that their shard does not hold, or that share bytes."""
    places = [
        (entry.shard, entry.offset, entry.size, name) for name, entry in entries.items()
    ]
    end = (-1, 0)
    for shard, offset, size, name in sorted(places):
        file = shards[shard]
        if offset + size > file.size:
            raise file.damaged(
                f"{name!r} ends at byte {offset + size}, but it at {file.size}"
            )
        if size and (shard, offset) < end:
            raise file.damaged(f"{name!r} shares bytes with another tensor")
        end = max(end, (shard, offset + size))


def _reader(
    name: str, entry: _Entry, shards: dict[int, RawFile]
) -> Callable[[int, np.ndarray], None]:
    """Make the function that reads values from a position on, and checks their sum."""
    file = shards[entry.shard]
    # How many values from the first on were read in their order, and their checksum.
    # One tuple, always true of the file: readers of several threads cannot mix them up.
    summed = (0, 0)

    def fill(first: int, values: np.ndarray) -> None:
        nonlocal summed
        file.fill(entry.offset + first * values.itemsize, values)
        last, checksum = summed if first else (0, 0)
        if first != last:
            return
        last += len(values)
        checksum = crc32c(values.view(np.uint8), checksum)
        summed = (last, checksum)
        if last * values.itemsize == entry.size and masked(checksum) != entry.checksum:
            raise file.damaged(f"the checksum of {name!r} is wrong; copy it again")

    return fill


def _parse_index(table: dict[bytes, bytes]) -> tuple[int, dict[str, _Entry]]:
    """Give the number of shards, and the entries by name."""
    if b"" not in table:
        raise ValueError("it lacks the header of a checkpoint")
    shards = _parse_header(table[b""])
    entries: dict[str, _Entry] = {}
    for key, value in table.items():
        # A zero byte starts the key of one slice of a partitioned variable.
        if not key or key.startswith(b"\0"):
            continue
        if len(key) > _MAX_NAME_LENGTH:
            raise ValueError(f"a name is longer than {_MAX_NAME_LENGTH}")
        try:
            name = key.decode("utf-8")
        except UnicodeDecodeError:
            raise ValueError(f"the name {key!r} is not UTF-8") from None
        try:
            entries[name] = _parse_entry(value, shards)
        except ValueError as error:
            raise ValueError(f"the entry of {name!r} is damaged: {error}") from None
    return shards, entries


def _parse_header(data: bytes) -> int:
    """Give the number of shards."""
    header = _message(data)
    version = _message(_joined(header, 3))
    if _number(version, 2) > _VERSION:
        raise ValueError(f"it is of a newer format than {_VERSION}; save it with TF 2")
    if _number(header, 2) != 0:
        raise ValueError(
            "it was written big-endian; save it on a little-endian machine"
        )
    shards = _number(header, 1)
    if not 1 <= shards <= MAX_SHARDS:
        raise ValueError(f"it tells of {shards} shards; 1 to {MAX_SHARDS} can be read")
    return shards


def _parse_entry(data: bytes, shards: int) -> _Entry:
    message = _message(data)
    number = _number(message, 1)
    dtype = _DTYPES.get(number, f"with number {number}")
    shape = _shape(_message(_joined(message, 2)))
    shard, offset, size = (_number(message, field) for field in (3, 4, 5))
    checksum = int.from_bytes(_joined(message, 6)[-4:], "little")
    if shard >= shards:
        raise ValueError(f"it lies in shard {shard}, but there are {shards}")
    if 7 in message:
        # Its values have entries of their own: no size is known here.
        return _Entry(f"{dtype} in slices", shape, shard, 0, 0, 0)
    if dtype in ITEM_BYTES and math.prod(shape) * ITEM_BYTES[dtype] != size:
        raise ValueError(f"{size} bytes are not {dtype} {list(shape)}")
    return _Entry(dtype, shape, shard, offset, size, checksum)


def _shape(message: dict[int, list[int | bytes]]) -> tuple[int, ...]:
    sizes = [_number(_message(as_bytes(part)), 1) for part in message.get(2, [])]
    shape = sound_shape(sizes)
    # Axes beside one of zero take no bytes: nothing else limits them.
    if shape is None or 3 in message or math.prod(filter(None, shape)) > _MAX_ITEMS:
        raise ValueError(f"a shape of {sizes[:8]} is impossible")
    return shape


def _read_string(shard: RawFile, entry: _Entry) -> bytes:
    """Read a string: its length, a checksum of that, its bytes."""
    if (entry.dtype, entry.shape) != ("string", ()):
        raise ValueError(f"it is {entry.dtype} {list(entry.shape)} and not one string")
    if entry.size > MAX_GRAPH_BYTES:
        raise ValueError(f"{entry.size} bytes are over {MAX_GRAPH_BYTES}")
    data = shard.read(entry.offset, entry.size)
    length, at = varint(data, 0)
    if at + 4 + length != len(data):
        raise ValueError(f"{len(data)} bytes do not hold a text of {length}")
    # What counts in the checksum is the length as four bytes and not as it is stored.
    summed = length.to_bytes(4, "little") + data[at:]
    if masked(crc32c(np.frombuffer(summed, np.uint8))) != entry.checksum:
        raise ValueError("its checksum is wrong; copy it again")
    return data[at + 4 :]


def _graph_names(graph: bytes) -> dict[str, str]:
    names: dict[str, str] = {}
    for field, node in fields(graph):
        if field != 1:
            continue
        for part, attribute in fields(as_bytes(node)):
            if part != 2:
                continue
            message = _message(as_bytes(attribute))
            name, key = _text(message, 2), _text(message, 3)
            if names.setdefault(key, name) != name:
                raise ValueError(f"it names {key!r} twice")
    return {key: name for key, name in names.items() if name}


def _message(data: bytes) -> dict[int, list[int | bytes]]:
    """Read one message of a protocol buffer: what each field was given, in order."""
    if len(data) > _MAX_MESSAGE_BYTES:
        raise ValueError(f"{len(data)} bytes are over {_MAX_MESSAGE_BYTES}")
    found: dict[int, list[int | bytes]] = {}
    for field, value in fields(data):
        found.setdefault(field, []).append(value)
    return found


def _number(message: dict[int, list[int | bytes]], field: int) -> int:
    """Give a number that is not negative; the last of them counts, none is zero."""
    value = message.get(field, [0])[-1]
    if isinstance(value, bytes):
        raise ValueError(f"field {field} is no number")
    if value >> 63:
        raise ValueError(f"field {field} is negative")
    return value


def _joined(message: dict[int, list[int | bytes]], field: int) -> bytes:
    """Give a message; one given in parts is all of them."""
    return b"".join(as_bytes(value) for value in message.get(field, []))


def _text(message: dict[int, list[int | bytes]], field: int) -> str:
    return as_bytes(message.get(field, [b""])[-1]).decode("utf-8")
