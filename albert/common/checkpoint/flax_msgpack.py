"""`flax_model.msgpack`: nested dictionaries of arrays, read lazily, written atomically.

Sources: github.com/msgpack/msgpack, spec.md; `flax.serialization`, which packs an array
as the extension 1, a NumPy scalar as 3, each holding (shape, name of type, bytes), and
splits large arrays into chunks under a dictionary with a mark. Neither library is
needed: only the frame around the arrays is walked, and that takes few kinds of objects.
"""

from __future__ import annotations

import math
import os
import struct
from collections.abc import Iterator, Mapping
from typing import BinaryIO, NamedTuple, cast

import numpy as np

from albert.common.checkpoint.lazy import LazyArray
from albert.common.checkpoint.raw import (
    ITEM_BYTES,
    RawFile,
    filled_array,
    plain,
    sound_shape,
)
from albert.common.checkpoint.safetensors import dtype_name
from albert.common.files import atomic_path

FILE_NAME = "flax_model.msgpack"

CHUNK_BYTES = 1 << 30
"""An array of more is written in parts of so much, as flax does it."""

_MARK = "__msgpack_chunked_array__"
_MAX_DEPTH = 64
_MAX_OBJECTS = 400_000
_MAX_NAME_LENGTH = 1024
_PIECE_BYTES = 1 << 24

# First byte -> what it starts, and how many bytes of a number follow: the number
# itself, or the length of a text, of bytes or of what an extension holds.
_SIZED = {
    0xC4: ("bytes", 1),
    0xC5: ("bytes", 2),
    0xC6: ("bytes", 4),
    0xC7: ("extension", 1),
    0xC8: ("extension", 2),
    0xC9: ("extension", 4),
    0xCC: ("int", 1),
    0xCD: ("int", 2),
    0xCE: ("int", 4),
    0xCF: ("int", 8),
    0xD9: ("text", 1),
    0xDA: ("text", 2),
    0xDB: ("text", 4),
    0xDC: ("list", 2),
    0xDD: ("list", 4),
    0xDE: ("dictionary", 2),
    0xDF: ("dictionary", 4),
}
_OTHERS = {
    0xC0: "None",
    0xC1: "unknown object",
    0xCA: "float",
    0xCB: "float",
    **dict.fromkeys([0xD0, 0xD1, 0xD2, 0xD3], "signed number"),
}


class _Stored(NamedTuple):
    """An array as it lies in the file."""

    dtype: str
    shape: tuple[int, ...]
    start: int
    size: int


_Tree = dict[str, "_Tree | _Stored | int"]


def open_file(path: str | os.PathLike[str]) -> dict[str, LazyArray]:
    """Open a file without reading its arrays.

    Args:
        path: a file of `flax.serialization`.

    Returns:
        The arrays; a name is the keys on the way to the array, joined by "/". One of a
        type that NumPy lacks raises a ValueError when it is read.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: the file is damaged or holds something that is no array.
    """
    file = RawFile(path)
    scanner = _Scanner(file)
    tree = scanner.dictionary(0)
    if scanner.position != file.size:
        raise file.damaged(
            f"its dictionary ends at byte {scanner.position}, but it at {file.size}"
        )
    found: dict[str, LazyArray] = {}
    for name, array in _flattened(file, tree, ""):
        if name in found:
            raise file.damaged(f"it names {name!r} twice")
        found[name] = array
    return found


class _Scanner:
    """Walks over the objects of a file, reading all but the arrays' bytes.

    Args:
        file: the file.
    """

    def __init__(self, file: RawFile):
        self.file = file
        self.position = 0
        self._objects = 0

    def dictionary(self, depth: int) -> _Tree:
        """Read a dictionary, which must be the next object."""
        kind, count = self._head()
        if kind != "dictionary":
            raise self.file.damaged(f"it holds a {kind} instead of a dictionary")
        return self._entries(count, depth)

    def _entries(self, count: int, depth: int) -> _Tree:
        if depth >= _MAX_DEPTH:
            raise self.file.damaged(f"it nests deeper than {_MAX_DEPTH}")
        # A count is only believed as far as the file goes: each entry takes 2 bytes.
        if 2 * count > self.file.size - self.position:
            raise self.file.damaged(f"it cannot hold the {count} entries that it tells")
        tree: _Tree = {}
        for _ in range(count):
            name = self._name()
            if name in tree:
                raise self.file.damaged(f"it names {name!r} twice")
            tree[name] = self._value(name, depth)
        return tree

    def _value(self, name: str, depth: int) -> _Tree | _Stored | int:
        kind, number = self._head()
        if kind == "dictionary":
            return self._entries(number, depth + 1)
        if kind == "extension":
            return self._extension(name, number)
        if kind == "int":
            return number
        raise self.file.damaged(f"{name!r} is a {kind}, not an array")

    def _extension(self, name: str, size: int) -> _Stored:
        code = self._take(1)[0]
        end = self.position + size
        if end > self.file.size:
            raise self.file.damaged(
                f"{name!r} ends at byte {end}, but it at {self.file.size}"
            )
        if code not in (1, 3):
            raise self.file.damaged(
                f"{name!r} is an extension {code}, but arrays are 1 or 3"
            )
        kind, count = self._head()
        if kind != "list" or count != 3:
            raise self.file.damaged(f"{name!r} is not a shape, a type and bytes")
        shape = self._shape(name)
        dtype = self._text(name, ("text", "bytes"))
        kind, length = self._head()
        if kind not in ("bytes", "text") or self.position + length != end:
            raise self.file.damaged(f"the bytes of {name!r} do not end where it does")
        if dtype in ITEM_BYTES and math.prod(shape) * ITEM_BYTES[dtype] != length:
            raise self.file.damaged(
                f"{name!r} of {length} bytes is not {dtype} {list(shape)}"
            )
        found = _Stored(dtype, shape, self.position, length)
        self.position = end
        return found

    def _shape(self, name: str) -> tuple[int, ...]:
        kind, count = self._head()
        sizes: list[int] = []
        if kind == "list" and count <= 32:
            heads = [self._head() for _ in range(count)]
            sizes = [size for kind, size in heads if kind == "int"]
        shape = sound_shape(sizes)
        if shape is None or kind != "list" or len(shape) != count:
            raise self.file.damaged(f"the shape of {name!r} is impossible")
        return shape

    def _name(self) -> str:
        return self._text("a name", ("text",))

    def _text(self, what: str, kinds: tuple[str, ...]) -> str:
        place = self.position
        kind, length = self._head()
        if kind not in kinds or length > _MAX_NAME_LENGTH:
            raise self.file.damaged(
                f"byte {place} starts no text of at most {_MAX_NAME_LENGTH} bytes, "
                f"but a {kind}"
            )
        try:
            return self._take(length).decode("utf-8")
        except UnicodeDecodeError:
            raise self.file.damaged(f"the text at byte {place} is not UTF-8") from None

    def _head(self) -> tuple[str, int]:
        """Read what comes next, and its value or length."""
        self._objects += 1
        if self._objects > _MAX_OBJECTS:
            raise self.file.damaged(f"it holds more than {_MAX_OBJECTS} objects")
        first = self._take(1)[0]
        if first < 0x80:
            return "int", first
        if first < 0xC0:
            kind, bits = ("text", 0x1F) if first >= 0xA0 else ("list", 0x0F)
            return ("dictionary" if first < 0x90 else kind), first & bits
        if first in (0xC2, 0xC3):
            return "int", first & 1
        if 0xD4 <= first <= 0xD8:
            return "extension", 1 << (first - 0xD4)
        if first in _SIZED:
            kind, width = _SIZED[first]
            return kind, int.from_bytes(self._take(width), "big")
        return _OTHERS.get(first, "negative number"), 0

    def _take(self, size: int) -> bytes:
        taken = self.file.read(self.position, size)
        self.position += size
        return taken


def _flattened(
    file: RawFile, tree: _Tree, prefix: str
) -> Iterator[tuple[str, LazyArray]]:
    for key, value in tree.items():
        name = prefix + key
        if len(name) > _MAX_NAME_LENGTH:
            raise file.damaged(f"a name in it is longer than {_MAX_NAME_LENGTH}")
        if isinstance(value, int):
            raise file.damaged(f"{name!r} is a number, not an array")
        if isinstance(value, _Stored):
            yield name, _joined(file, name, value.shape, [value])
        elif _MARK in value:
            yield name, _chunked(file, name, value)
        else:
            yield from _flattened(file, value, name + "/")


def _chunked(file: RawFile, name: str, tree: _Tree) -> LazyArray:
    """Make one array of the chunks under a mark."""
    sizes = _in_order(tree.get("shape"))
    chunks = _in_order(tree.get("chunks"))
    shape = sound_shape(sizes)
    parts = [chunk for chunk in chunks or () if isinstance(chunk, _Stored)]
    if (
        tree.keys() != {_MARK, "shape", "chunks"}
        or tree[_MARK] != 1
        or shape is None
        or not parts
        or len(parts) != len(chunks or ())
    ):
        raise file.damaged(f"{name!r} is not a shape and chunks of an array")
    dtype = parts[0].dtype
    counts = [part.shape[0] if len(part.shape) == 1 else -1 for part in parts]
    if (
        any(part.dtype != dtype for part in parts)
        or -1 in counts
        or sum(counts) != math.prod(shape)
    ):
        raise file.damaged(f"the chunks of {name!r} do not make {list(shape)}")
    return _joined(file, name, shape, parts)


def _in_order(tree: object) -> list[object] | None:
    """Give the values under "0", "1", "2" and so on, as flax keeps a tuple."""
    if not isinstance(tree, dict):
        return None
    tree = cast(_Tree, tree)
    if tree.keys() != {str(number) for number in range(len(tree))}:
        return None
    return [tree[str(number)] for number in range(len(tree))]


def _joined(
    file: RawFile, name: str, shape: tuple[int, ...], parts: list[_Stored]
) -> LazyArray:
    """Make one array of parts that follow one another in its memory."""

    def fill(first: int, values: np.ndarray) -> None:
        begin = 0
        for part in parts:
            end = begin + part.size // values.itemsize
            low, high = max(first, begin), min(first + values.size, end)
            if low < high:
                place = part.start + (low - begin) * values.itemsize
                file.fill(place, values[low - first : high - first])
            begin = end

    return filled_array(file.path, name, parts[0].dtype, shape, fill)


def write_file(path: str | os.PathLike[str], arrays: Mapping[str, np.ndarray]) -> None:
    """Write a file that `flax.serialization` reads, whole or not at all.

    Args:
        path: where it shall stand.
        arrays: weights by name, the keys on the way joined by "/".

    Raises:
        ValueError: an array is of a type that weights never have, or a name is also
            the start of the way to another or lacks a key.
    """
    tree = _nested(arrays)
    for array in arrays.values():
        dtype_name(array)
    with atomic_path(path) as temporary, open(temporary, "wb") as out:
        _write_tree(out, tree)


_Arrays = dict[str, "_Arrays | np.ndarray"]


def _nested(arrays: Mapping[str, np.ndarray]) -> _Arrays:
    tree: _Arrays = {}
    for name, array in arrays.items():
        *way, last = name.split("/")
        if not all([*way, last]) or _MARK in (*way, last):
            raise ValueError(f"{name!r} is not a name with keys joined by '/'.")
        inner = tree
        for key in way:
            below = inner.setdefault(key, {})
            if not isinstance(below, dict):
                raise ValueError(f"{name!r} goes through another array.")
            inner = below
        if last in inner:
            raise ValueError(f"{name!r} is also the start of another name.")
        inner[last] = array
    return tree


def _write_tree(out: BinaryIO, tree: _Arrays) -> None:
    out.write(_sized(0x80, 15, (0, 0xDE, 0xDF), len(tree)))
    for key, value in tree.items():
        out.write(_text(key))
        if isinstance(value, dict):
            _write_tree(out, value)
        elif value.nbytes <= CHUNK_BYTES:
            _write_array(out, value)
        else:
            _write_chunks(out, value)


def _write_chunks(out: BinaryIO, array: np.ndarray) -> None:
    step = max(1, CHUNK_BYTES // array.itemsize)
    parts = range(0, array.size, step)
    out.write(_sized(0x80, 15, (0, 0xDE, 0xDF), 3))
    out.write(_text(_MARK) + b"\xc3" + _text("shape"))
    out.write(_sized(0x80, 15, (0, 0xDE, 0xDF), array.ndim))
    for axis, size in enumerate(array.shape):
        out.write(_text(str(axis)) + _number(size))
    out.write(_text("chunks") + _sized(0x80, 15, (0, 0xDE, 0xDF), len(parts)))
    for number, start in enumerate(parts):
        out.write(_text(str(number)))
        size = min(step, array.size - start)
        out.write(_array_head(dtype_name(array), (size,), size * array.itemsize))
        for piece in _pieces(array, start, start + size):
            out.write(piece)


def _write_array(out: BinaryIO, array: np.ndarray) -> None:
    out.write(_array_head(dtype_name(array), array.shape, array.nbytes))
    for piece in _pieces(array, 0, array.size):
        out.write(piece)


def _pieces(array: np.ndarray, start: int, stop: int) -> Iterator[bytes]:
    """Give the bytes of some values, in order, a few at a time."""
    step = max(1, _PIECE_BYTES // array.itemsize)
    # Both are views: an array of whatever layout is copied a piece at a time.
    values = array.reshape(-1) if array.flags.c_contiguous else array.flat
    for first in range(start, stop, step):
        yield plain(values[first : min(first + step, stop)]).tobytes()


def _array_head(dtype: str, shape: tuple[int, ...], size: int) -> bytes:
    """Make all of an array but its bytes."""
    inner = b"\x93" + _sized(0x90, 15, (0, 0xDC, 0xDD), len(shape))
    inner += b"".join(_number(axis) for axis in shape)
    inner += _text(dtype) + _sized(None, -1, (0xC4, 0xC5, 0xC6), size)
    whole = len(inner) + size
    if whole in (1, 2, 4, 8, 16):
        return bytes([0xD4 + whole.bit_length() - 1, 1]) + inner
    return _sized(None, -1, (0xC7, 0xC8, 0xC9), whole) + b"\x01" + inner


def _text(text: str) -> bytes:
    encoded = text.encode("utf-8")
    return _sized(0xA0, 31, (0xD9, 0xDA, 0xDB), len(encoded)) + encoded


def _number(value: int) -> bytes:
    if value < 0x80:
        return bytes([value])
    if value > 0xFFFFFFFF:
        return struct.pack(">BQ", 0xCF, value)
    return _sized(None, -1, (0xCC, 0xCD, 0xCE), value)


def _sized(short: int | None, most: int, codes: tuple[int, ...], size: int) -> bytes:
    """Make the first bytes of an object.

    Args:
        short: the first byte with no bits of the size set, if small sizes fit in it.
        most: the largest that does.
        codes: the first bytes before sizes of 1, 2 and 4 bytes, 0 if there is none.
        size: number of bytes or entries, or the value of a number.

    Returns:
        These bytes.
    """
    if short is not None and size <= most:
        return bytes([short | size])
    for code, form, limit in zip(codes, "BHI", (0xFF, 0xFFFF, 0xFFFFFFFF), strict=True):
        if code and size <= limit:
            return struct.pack(f">B{form}", code, size)
    raise ValueError(f"{size} is more than msgpack can hold.")
