"""HDF5 files of Keras: `tf_model.h5` and `*.weights.h5`, read lazily.

Sources: the HDF5 file format specification, version 3; Keras' `H5IOStore` (how Keras 3
keeps bfloat16) and `save_weights_to_hdf5_group` (the attributes of Keras 2 files).

A file may hold what no checkpoint needs: links to other files, filters from plugins,
sizes beyond all memory. All that is refused. No attribute is read, for HDF5's own
library can loop for ever over a damaged one; and values are neither converted nor
decompressed by it.
"""

from __future__ import annotations

import itertools
import math
import os
import struct
import zlib
from collections.abc import Generator, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

import numpy as np

from albert.common.checkpoint.lazy import LazyArray, widen_bfloat16
from albert.common.checkpoint.raw import plain, sound_shape, written_by_library
from albert.common.checkpoint.safetensors import dtype_name
from albert.common.files import atomic_path

FILE_NAME = "tf_model.h5"

_SIGNATURE = b"\x89HDF\r\n\x1a\n"
_HEAP = b"HEAP" + bytes(4)
_HEAP_BYTES = 32
_SCAN_BYTES = 1 << 20
_MAX_OBJECTS = 20_000
_MAX_DEPTH = 64
_MAX_NAME_LENGTH = 1024
# Zeros compress a thousandfold, weights hardly: what claims more is made to harm.
_MAX_RATIO = 200
_FREE_BYTES = 1 << 20
_MAX_CHUNK_BYTES = 1 << 28
# Keras splits the attributes that do not fit beside an object's other data.
_MAX_ATTRIBUTE_BYTES = 64512


def open_file(path: str | os.PathLike[str]) -> dict[str, LazyArray]:
    """Open a file without reading its datasets.

    Args:
        path: an HDF5 file.

    Returns:
        All datasets by their path in the file, such as "albert/albert/pooler/kernel:0".
        One of a type that is no number raises a ValueError when it is read.

    Raises:
        FileNotFoundError: there is no such file.
        ImportError: h5py is not installed.
        ValueError: the file is damaged or holds what a checkpoint never needs.
    """
    path = Path(path)
    if path.exists() and not path.is_file():
        raise ValueError(f"{str(path)!r} is not a file.")
    with open(path, "rb") as raw:
        return open_stream(raw, path, os.fspath(path))


def open_stream(
    stream: BinaryIO, path: Path, source: str | BinaryIO
) -> dict[str, LazyArray]:
    """Open HDF5 data, in a file of its own or within another.

    Args:
        stream: the data, looked through once.
        path: of the file, for error texts.
        source: what h5py shall read: a path, or a stream that it keeps.

    Returns:
        As `open_file`.

    Raises:
        ImportError: h5py is not installed.
        ValueError: the data are damaged or hold what a checkpoint never needs.
    """
    h5py = _library()
    begin = stream.read(len(_SIGNATURE))
    size = stream.seek(0, os.SEEK_END)
    if begin != _SIGNATURE:
        raise _RefusedError(path, "it does not begin as HDF5 files do")
    _check_heaps(stream, path, size)
    try:
        file = h5py.File(source, "r", locking=False)
        return _Walk(h5py, path, size, file).datasets()
    except _RefusedError:
        raise
    except _H5_ERRORS as error:
        raise _RefusedError(path, _in_one_line(error)) from None


def _check_heaps(stream: BinaryIO, path: Path, size: int) -> None:
    """Refuse names' heaps whose free parts form a ring: HDF5 would walk it for ever."""
    start = stream.seek(0)
    begin = stream.read(16)
    widths = begin[13:15] if begin[8:9] <= b"\1" else begin[9:11]
    if widths != b"\x08\x08":
        raise _RefusedError(path, "its places are not of 8 bytes")
    while start < size:
        stream.seek(start)
        block = stream.read(_SCAN_BYTES + _HEAP_BYTES)
        at = block.find(_HEAP)
        while 0 <= at < _SCAN_BYTES:
            _check_heap(stream, path, block[at : at + _HEAP_BYTES], size)
            at = block.find(_HEAP, at + 1)
        start += _SCAN_BYTES


def _check_heap(stream: BinaryIO, path: Path, head: bytes, end: int) -> None:
    if len(head) < _HEAP_BYTES:
        return
    size, free, place = struct.unpack("<8xQQQ", head)
    seen: set[int] = set()
    # HDF5 itself refuses what lies outside; 1 says that there is no more.
    while free != 1 and free < size and place + free < end:
        if free in seen or len(seen) > _MAX_OBJECTS:
            raise _RefusedError(path, "the free space among its names is damaged")
        seen.add(free)
        stream.seek(place + free)
        (free,) = struct.unpack("<Q", stream.read(8).ljust(8, b"\1"))


def _library() -> Any:
    try:
        import h5py  # pyright: ignore[reportMissingTypeStubs]
    except ModuleNotFoundError:
        raise ImportError(
            "HDF5 files (.h5, .keras) need h5py, and it is not installed: "
            "pip install h5py",
            name="h5py",
        ) from None
    return h5py


# What h5py makes of the errors of its library.
_H5_ERRORS = (
    OSError,
    RuntimeError,
    LookupError,
    TypeError,
    ValueError,
    OverflowError,
    AttributeError,
    MemoryError,
)


class _RefusedError(ValueError):
    def __init__(self, path: Path, why: str):
        super().__init__(f"{str(path)!r} cannot be read: {why}.")


def _in_one_line(error: Exception) -> str:
    return " ".join(str(error).split()).strip("'\".") or type(error).__name__


class _Dataset(NamedTuple):
    """What is known of a dataset before it is read."""

    name: str
    id: Any
    file: Any
    shape: tuple[int, ...]
    dtype: str
    stored: np.dtype | None
    chunk: tuple[int, ...]
    shuffled: bool


class _Walk:
    """Visits every object of a file once, and checks it.

    Args:
        h5py: the library.
        path: of the file, for error texts.
        size: of the file.
        file: the open file; the arrays keep it open.
    """

    def __init__(self, h5py: Any, path: Path, size: int, file: Any):
        self._h5py = h5py
        self._path = path
        self._size = size
        self._file = file
        self._types = _types(h5py)
        self._groups: set[int] = set()
        self._stored: dict[int, int] = {}
        self._objects = 0

    def datasets(self) -> dict[str, LazyArray]:
        """Give all datasets."""
        found = dict(self._group(self._file["/"].id, 0, "", 0))
        if sum(self._stored.values()) > self._size:
            raise self._refused("its datasets share their bytes")
        return found

    def _refused(self, why: str) -> ValueError:
        return _RefusedError(self._path, why)

    def _group(
        self, group: Any, address: int, prefix: str, depth: int
    ) -> Iterator[tuple[str, LazyArray]]:
        h5py = self._h5py
        if address in self._groups:
            raise self._refused(f"its group {prefix!r} has two names")
        self._groups.add(address)
        if depth > _MAX_DEPTH:
            raise self._refused(f"it nests deeper than {_MAX_DEPTH}")
        for key, place in self._links(group, prefix).items():
            name = prefix + key.decode("utf-8")
            inner = h5py.h5o.open(group, key)
            if isinstance(inner, h5py.h5g.GroupID):
                yield from self._group(inner, place, name + "/", depth + 1)
            elif isinstance(inner, h5py.h5d.DatasetID):
                yield name, self._dataset(inner, place, name)
            # What remains is a type that has a name: it holds no values.

    def _links(self, group: Any, prefix: str) -> dict[bytes, int]:
        """Give the names in a group, and where in the file their objects are."""
        keys: list[bytes] = []

        def visit(key: bytes) -> bool | None:
            self._objects += 1
            keys.append(key)
            return True if self._objects > _MAX_OBJECTS else None

        # In any other order, HDF5 collects all names first, however many.
        group.links.iterate(visit, order=self._h5py.h5.ITER_NATIVE)
        if self._objects > _MAX_OBJECTS:
            raise self._refused(f"it holds more than {_MAX_OBJECTS} objects")
        places: dict[bytes, int] = {}
        for key in sorted(keys):
            try:
                name = prefix + key.decode("utf-8")
            except UnicodeDecodeError:
                raise self._refused(f"the name {key!r} is not UTF-8") from None
            if len(name) > _MAX_NAME_LENGTH:
                raise self._refused(f"a name is longer than {_MAX_NAME_LENGTH}")
            # This, unlike the object's own information, walks over no attributes.
            link = group.links.get_info(key)
            places[key] = link.u
            if link.type != self._h5py.h5l.TYPE_HARD:
                raise self._refused(
                    f"{name!r} is a link to another place, which is never followed"
                )
        return places

    def _dataset(self, dataset: Any, address: int, name: str) -> LazyArray:
        space, kind = dataset.get_space(), dataset.get_type()
        h5py = self._h5py
        if space.get_simple_extent_type() == h5py.h5s.NULL:
            raise self._refused(f"{name!r} has no shape")
        shape = sound_shape(space.get_simple_extent_dims())
        if shape is None:
            raise self._refused(f"the shape of {name!r} is impossible")
        dtype, stored = self._type(kind)
        chunk, shuffled = (), False
        if stored is not None:
            size = math.prod(shape) * stored.itemsize
            chunk, shuffled = self._layout(dataset, name, size, stored.itemsize)
            self._stored[address] = dataset.get_storage_size()
        entry = _Dataset(
            name, dataset, self._file, shape, dtype, stored, chunk, shuffled
        )
        return _lazy(h5py, self._path, entry)

    def _layout(
        self, dataset: Any, name: str, size: int, item: int
    ) -> tuple[tuple[int, ...], bool]:
        """Check where the bytes lie; give the chunk, if it is compressed."""
        h5py = self._h5py
        settings = dataset.get_create_plist()
        layout = settings.get_layout()
        held = dataset.get_storage_size()
        if layout == h5py.h5d.VIRTUAL:
            raise self._refused(f"{name!r} lies in other datasets (virtual)")
        if settings.get_external_count() > 0:
            raise self._refused(f"{name!r} lies in another file (external)")
        if held > self._size:
            raise self._refused(f"{name!r} of {held} bytes is larger than the file")
        filters = [
            settings.get_filter(number)[0] for number in range(settings.get_nfilters())
        ]
        if layout != h5py.h5d.CHUNKED:
            if held != size or filters:
                raise self._refused(f"{name!r} of {size} bytes has {held} in the file")
            return (), False
        chunk = settings.get_chunk()
        self._check_chunk(name, size, held, item * math.prod(chunk))
        shuffle, deflate = h5py.h5z.FILTER_SHUFFLE, h5py.h5z.FILTER_DEFLATE
        if filters not in ([], [deflate], [shuffle, deflate]):
            raise self._refused(
                f"{name!r} is compressed in a way that cannot be read (filters "
                f"{filters}); only gzip can"
            )
        return (chunk if filters else ()), shuffle in filters

    def _check_chunk(self, name: str, size: int, held: int, chunk: int) -> None:
        most = _FREE_BYTES + _MAX_RATIO * held
        if size > most or chunk > min(most, _MAX_CHUNK_BYTES):
            raise self._refused(
                f"{name!r} would be {max(size, chunk)} bytes in memory, but is {held} "
                "in the file"
            )

    def _type(self, kind: Any) -> tuple[str, np.dtype | None]:
        """Give the name of a type, and NumPy's type of its bytes if there is one."""
        h5py = self._h5py
        classes = h5py.h5t.INTEGER, h5py.h5t.FLOAT
        if kind.get_class() == h5py.h5t.OPAQUE and kind.get_size() == 2:
            # Keras 3 keeps bfloat16 so, and notes the type beside it.
            return "bfloat16", np.dtype("<u2")
        if kind.get_class() in classes:
            for known, dtype in self._types:
                if kind.equal(known):
                    return dtype.name, dtype
            if _is_bfloat16(h5py, kind):
                return "bfloat16", np.dtype("<u2")
        names = "integer float time text bits opaque compound reference enum text array"
        number = int(kind.get_class())
        return (names.split()[number] if 0 <= number <= 10 else "unknown"), None


def _types(h5py: Any) -> list[tuple[Any, np.dtype]]:
    return [
        (getattr(h5py.h5t, f"{name}{order}"), np.dtype(f"{sign}{letter}{size}"))
        for order, sign in (("LE", "<"), ("BE", ">"))
        for name, letter, size in (
            *((f"IEEE_F{8 * size}", "f", size) for size in (2, 4, 8)),
            *((f"STD_I{8 * size}", "i", size) for size in (1, 2, 4, 8)),
            *((f"STD_U{8 * size}", "u", size) for size in (1, 2, 4, 8)),
        )
    ]


def _is_bfloat16(h5py: Any, kind: Any) -> bool:
    return (
        kind.get_class() == h5py.h5t.FLOAT
        and kind.get_size() == 2
        and kind.get_order() == h5py.h5t.ORDER_LE
        and tuple(kind.get_fields()) == (15, 7, 8, 0, 7)
        and kind.get_ebias() == 127
    )


def _lazy(h5py: Any, path: Path, entry: _Dataset) -> LazyArray:
    shape = entry.shape

    def rows(start: int, stop: int) -> np.ndarray:
        stored = entry.stored
        if stored is None:
            raise ValueError(
                f"{entry.name} in {str(path)!r} is of type {entry.dtype}, which "
                "cannot be read."
            )
        start, stop, _ = slice(start, stop).indices(shape[0] if shape else 1)
        block = np.zeros((max(0, stop - start), *shape[1:]), stored)
        try:
            if block.size and entry.chunk:
                _inflate(entry, start, block)
            elif block.size:
                _read(h5py, entry, start, block)
        except (*_H5_ERRORS, zlib.error) as error:
            raise _RefusedError(
                path, f"{entry.name!r}: {_in_one_line(error)}"
            ) from None
        if entry.dtype == "bfloat16":
            return widen_bfloat16(block)
        return block.astype(stored.newbyteorder("="), copy=False)

    return LazyArray(shape, entry.dtype, rows)


def _read(h5py: Any, entry: _Dataset, start: int, block: np.ndarray) -> None:
    """Let HDF5 copy rows as they are."""
    space = entry.id.get_space()
    if entry.shape:
        space.select_hyperslab((start, *(0 for _ in entry.shape[1:])), block.shape)
    else:
        space.select_all()
    memory = h5py.h5s.create_simple(block.shape)
    entry.id.read(memory, space, block, mtype=entry.id.get_type())


def _inflate(entry: _Dataset, start: int, block: np.ndarray) -> None:
    """Decompress the chunks that hold some rows; HDF5 would not stop at their size."""
    chunk, stored = entry.chunk, block.dtype
    size = math.prod(chunk) * stored.itemsize
    stop = start + len(block)
    firsts = [
        range(start - start % chunk[0], stop, chunk[0]),
        *(range(0, axis, step) for axis, step in zip(entry.shape, chunk, strict=True)),
    ]
    del firsts[1]
    for place in itertools.product(*firsts):
        skipped, packed = entry.id.read_direct_chunk(place)
        # One byte more than it may be: that it is not longer, one must see.
        raw = zlib.decompressobj().decompress(packed, size + 1)
        if skipped or len(raw) != size:
            raise RuntimeError("a chunk is not as long as it should be")
        items = np.frombuffer(raw, np.uint8)
        if entry.shuffled:
            items = np.ascontiguousarray(items.reshape(stored.itemsize, -1).T)
        values = items.reshape(-1).view(stored).reshape(chunk)
        first = place[0]
        low, high = max(start, first), min(stop, first + chunk[0])
        whole = (slice(low - first, high - first), *_within(entry.shape, place))
        part = (slice(low - start, high - start), *_behind(chunk, place))
        block[part] = values[whole]


def _within(shape: tuple[int, ...], place: tuple[int, ...]) -> list[slice]:
    return [slice(axis - at) for axis, at in zip(shape[1:], place[1:], strict=True)]


def _behind(chunk: tuple[int, ...], place: tuple[int, ...]) -> list[slice]:
    return [slice(at, at + step) for at, step in zip(place[1:], chunk[1:], strict=True)]


def write_file(
    path: str | os.PathLike[str], layers: Mapping[str, Mapping[str, np.ndarray]]
) -> None:
    """Write a file that Keras 2 reads, whole or not at all.

    Args:
        path: where it shall stand.
        layers: name of each layer -> name of each of its weights -> the weight, as
            "albert" -> "tf_albert_model/albert/pooler/kernel:0" -> [H, H].

    Raises:
        ImportError: h5py is not installed.
        ValueError: an array is of a type that weights never have, or a name does not
            go with another.
    """
    with _created(path) as file:
        _write_names(file, "layer_names", list(layers))
        file.attrs["backend"] = "tensorflow"
        file.attrs["keras_version"] = "2.15.0"
        # Keras 2 writes them in this order, lest a name be the start of a later one.
        for layer in sorted(layers):
            group = file.create_group(layer)
            _write_names(group, "weight_names", list(layers[layer]))
            for name, array in layers[layer].items():
                _write_array(group, name, array)


def write_shard(path: str | os.PathLike[str], arrays: Mapping[str, np.ndarray]) -> None:
    """Write one file of several that transformers' TensorFlow classes read.

    Args:
        path: where it shall stand.
        arrays: weights by the name that the index has; "/" makes groups of it.

    Raises:
        ImportError: h5py is not installed.
        ValueError: as in `write_file`.
    """
    with _created(path) as file:
        _write_names(file, "layer_names", list(arrays))
        for name, array in arrays.items():
            _write_array(file, name, array)


@contextmanager
def _created(path: str | os.PathLike[str]) -> Generator[Any]:
    h5py = _library()
    with atomic_path(path) as temporary, written_by_library(temporary) as held:
        try:
            with h5py.File(held, "w") as file:
                yield file
        except (TypeError, RuntimeError, KeyError) as error:
            raise ValueError(
                f"{os.fspath(path)!r} cannot be written: {_in_one_line(error)}."
            ) from None


def _write_array(group: Any, name: str, array: np.ndarray) -> None:
    if dtype_name(array) == "bfloat16":
        dataset = group.create_dataset(name, data=plain(array).view("V2"))
        dataset.attrs["dtype"] = "bfloat16"
    else:
        group.create_dataset(name, data=array)


def _write_names(group: Any, attribute: str, names: Sequence[str]) -> None:
    encoded = [name.encode("utf-8") for name in names]
    width = max(map(len, encoded), default=1)
    per_part = max(1, _MAX_ATTRIBUTE_BYTES // width)
    if len(encoded) <= per_part:
        group.attrs[attribute] = np.array(encoded, f"S{width}") if encoded else []
        return
    for number, start in enumerate(range(0, len(encoded), per_part)):
        part = np.array(encoded[start : start + per_part], f"S{width}")
        group.attrs[f"{attribute}{number}"] = part
