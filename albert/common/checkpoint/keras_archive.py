"""`*.keras`: the zip archive of Keras 3 with settings and weights, read without Keras.

Source: Keras' `saving_lib`, which stores metadata.json, config.json and
model.weights.h5 in it, all uncompressed.
"""

from __future__ import annotations

import io
import os
import tempfile
import zipfile
import zlib
from typing import Any, BinaryIO, cast

import numpy as np

from albert.common.checkpoint.hdf5 import open_stream
from albert.common.checkpoint.lazy import LazyArray
from albert.common.checkpoint.raw import MAX_JSON_BYTES, RawFile, parse_json

CONFIG_NAME = "config.json"
WEIGHTS_NAME = "model.weights.h5"

_MAX_RATIO = 200
_MAX_MEMBERS = 1000
_PIECE_BYTES = 1 << 20
_LOCAL_HEADER = b"PK\x03\x04"


def open_file(path: str | os.PathLike[str]) -> dict[str, LazyArray]:
    """Open the weights without reading them.

    Args:
        path: an archive of Keras 3.

    Returns:
        All datasets of the HDF5 file in it, by their path in that file.

    Raises:
        FileNotFoundError: there is no such file.
        ImportError: h5py is not installed.
        ValueError: the file is damaged or holds no weights.
    """
    file = RawFile(path)
    start, member = _member(file, WEIGHTS_NAME)
    stream = _stream(file, start, member)
    return open_stream(stream, file.path, stream)


def read_config(path: str | os.PathLike[str]) -> dict[str, Any]:
    """Read the settings of the model.

    Args:
        path: an archive of Keras 3.

    Returns:
        What config.json in it holds.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: the file is damaged or holds no settings.
    """
    file = RawFile(path)
    start, member = _member(file, CONFIG_NAME)
    if member.file_size > MAX_JSON_BYTES:
        raise file.damaged(f"its {CONFIG_NAME} is over {MAX_JSON_BYTES} bytes")
    text = _stream(file, start, member).read()
    if zlib.crc32(text) != member.CRC:
        raise file.damaged(f"the check sum of its {CONFIG_NAME} is wrong")
    try:
        config = parse_json(text)
    except ValueError as error:
        raise file.damaged(f"{CONFIG_NAME} in it: {error}") from None
    if not isinstance(config, dict):
        raise file.damaged(f"its {CONFIG_NAME} is not a JSON object")
    return cast(dict[str, Any], config)


def _member(file: RawFile, name: str) -> tuple[int, zipfile.ZipInfo]:
    """Find a file in the archive, and where its bytes start."""
    try:
        with zipfile.ZipFile(cast(BinaryIO, _Window(file, 0, file.size))) as archive:
            members = archive.infolist()
    except (zipfile.BadZipFile, NotImplementedError, ValueError, EOFError) as error:
        raise file.damaged(f"it is no sound zip archive: {error}") from None
    names = [member.filename for member in members]
    if len(names) > _MAX_MEMBERS or len(set(names)) != len(names):
        raise file.damaged("it names a file in it twice or has too many")
    if name not in names:
        raise file.damaged(f"it holds no {name}")
    member = members[names.index(name)]
    if member.flag_bits & 1:
        raise file.damaged(f"its {name} is encrypted")
    if member.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        raise file.damaged(f"its {name} is compressed in a way that cannot be read")
    # What stands before the bytes has a copy of the name and of other fields.
    if member.header_offset < 0:
        raise file.damaged(f"its {name} lies at an impossible place")
    head = file.read(member.header_offset, 30)
    if head[:4] != _LOCAL_HEADER:
        raise file.damaged(f"its {name} is not where it should be")
    start = (
        member.header_offset
        + 30
        + sum(int.from_bytes(head[at : at + 2], "little") for at in (26, 28))
    )
    if start + member.compress_size > file.size:
        raise file.damaged(f"its {name} ends behind its own end")
    return start, member


def _stream(file: RawFile, start: int, member: zipfile.ZipInfo) -> BinaryIO:
    """Give the bytes of a file in the archive, decompressed on the disk if need be."""
    name, size = member.filename, member.file_size
    window = _Window(file, start, member.compress_size)
    if member.compress_type == zipfile.ZIP_STORED:
        if size != member.compress_size:
            raise file.damaged(f"the sizes told of its {name} differ")
        return cast(BinaryIO, window)
    if size > _MAX_RATIO * member.compress_size:
        raise file.damaged(
            f"its {name} would be {size} bytes, but is {member.compress_size} in it"
        )
    with tempfile.NamedTemporaryFile() as plain:
        _unpack(file, name, window, cast(BinaryIO, plain), size)
        plain.flush()
        unpacked = RawFile(plain.name)
    # Now it has no name any more, and goes when the last array of it goes.
    unpacked.path = file.path
    return cast(BinaryIO, _Window(unpacked, 0, size))


def _unpack(
    file: RawFile, name: str, packed: _Window, plain: BinaryIO, size: int
) -> None:
    unpack = zlib.decompressobj(-zlib.MAX_WBITS)
    written = 0
    try:
        while piece := packed.read(_PIECE_BYTES):
            while piece and not unpack.eof:
                written += plain.write(unpack.decompress(piece, _PIECE_BYTES))
                piece = unpack.unconsumed_tail
                if written > size:
                    raise file.damaged(f"its {name} is longer than {size} bytes")
    except zlib.error as error:
        raise file.damaged(f"its {name} is damaged: {error}") from None
    if written != size or not unpack.eof:
        raise file.damaged(f"its {name} is shorter than {size} bytes")


class _Window(io.RawIOBase):
    """A part of a file as a file of its own.

    Args:
        file: the whole.
        start: position of the part's first byte.
        size: of the part.
    """

    def __init__(self, file: RawFile, start: int, size: int):
        super().__init__()
        self._file = file
        self._start = start
        self._size = size
        self._position = 0

    def readable(self) -> bool:
        """Say that it can be read."""
        return True

    def seekable(self) -> bool:
        """Say that it can be read anywhere."""
        return True

    def tell(self) -> int:
        """Give the position in the part."""
        return self._position

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        """Go to a position."""
        base = {os.SEEK_SET: 0, os.SEEK_CUR: self._position, os.SEEK_END: self._size}
        self._position = max(0, base[whence] + offset)
        return self._position

    def readinto(self, buffer: Any) -> int:
        """Fill a buffer, as far as the part goes."""
        target = np.frombuffer(buffer, np.uint8)
        count = max(0, min(len(target), self._size - self._position))
        self._file.fill(self._start + self._position, target[:count])
        self._position += count
        return count
