"""A writer of TensorFlow's checkpoints, to put damage behind checksums that are right.

Source: LevelDB, doc/table_format.md; TensorFlow, core/protobuf/tensor_bundle.proto.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping, Sequence

import numpy as np

from albert.common.checkpoint.tf_table import crc32c, masked

Pairs = Sequence[tuple[bytes, bytes]]

_FLOAT, _STRING = 1, 7
_MAGIC = 0xDB4775248B80FB57
_PER_BLOCK = 16


def number(value: int) -> bytes:
    """Write a number of seven bits a byte."""
    out = bytearray()
    value %= 1 << 64
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*out, value])


def field(tag: int, value: int | bytes) -> bytes:
    """Write a field of a message."""
    if isinstance(value, int):
        return number(tag << 3) + number(value)
    return number(tag << 3 | 2) + number(len(value)) + value


def checksum(data: bytes) -> int:
    """Give the checksum as it is stored."""
    return masked(crc32c(np.frombuffer(data, np.uint8)))


def header(shards: int = 1) -> bytes:
    """Write what the table has under the empty key."""
    return field(1, shards) + field(3, field(1, 1))


def entry(
    shape: Sequence[int],
    offset: int,
    data: bytes,
    *,
    dtype: int = _FLOAT,
    shard: int = 0,
    size: int | None = None,
) -> bytes:
    """Write the entry of a variable; `size` may lie about its bytes."""
    sizes = b"".join(field(2, field(1, axis)) for axis in shape)
    return (
        field(1, dtype)
        + field(2, sizes)
        + field(3, shard)
        + field(4, offset)
        + field(5, len(data) if size is None else size)
        + b"\x35"
        + struct.pack("<I", checksum(data))
    )


def string_entry(offset: int, text: bytes) -> tuple[bytes, bytes]:
    """Write the entry of one string, and what the shard holds of it."""
    size = number(len(text))
    stored = size + struct.pack("<I", checksum(struct.pack("<I", len(text)))) + text
    summed = struct.pack("<I", len(text)) + stored[len(size) :]
    value = entry((), offset, summed, dtype=_STRING, size=len(stored))
    return value, stored


def pairs_and_data(arrays: Mapping[str, np.ndarray]) -> tuple[Pairs, bytes]:
    """Make the entries of float32 arrays, and the shard that holds their values."""
    pairs, data = [(b"", header())], b""
    for name in sorted(arrays):
        raw = arrays[name].astype("<f4").tobytes()
        pairs.append((name.encode(), entry(arrays[name].shape, len(data), raw)))
        data += raw
    return pairs, data


def table(pairs: Pairs, compression: int = 0) -> bytes:
    """Write the index."""
    out, places = b"", []

    def add(block: bytes, kind: int = 0) -> bytes:
        nonlocal out
        place = number(len(out)) + number(len(block))
        stored = block + bytes([kind])
        out += stored + struct.pack("<I", checksum(stored))
        return place

    for at in range(0, len(pairs), _PER_BLOCK):
        part = pairs[at : at + _PER_BLOCK]
        places.append((part[-1][0], add(_block(part), compression)))
    footer = add(_block([])) + add(_block(places))
    return out + footer.ljust(40, b"\0") + struct.pack("<Q", _MAGIC)


def _block(pairs: Pairs) -> bytes:
    out, restarts = b"", []
    for key, value in pairs:
        restarts.append(len(out))
        out += number(0) + number(len(key)) + number(len(value)) + key + value
    return out + struct.pack(f"<{len(restarts) + 1}I", *restarts, len(restarts))
