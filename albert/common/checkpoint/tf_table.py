"""The sorted table of the .index file of a TensorFlow checkpoint: keys and values.

Nothing in the file is trusted: whatever is wrong with it is a ValueError, and neither
time nor memory grows beyond what the limits here allow.

Source: LevelDB, doc/table_format.md and doc/log_format.md (the masked checksum);
snappy, format_description.txt; RFC 3720, section 12.1 (CRC-32C).
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache

import numpy as np

from albert.common.wire import varint

MAX_TABLE_BYTES = 1 << 23
"""Largest file, and most bytes that its blocks and keys take when expanded."""

MAX_ENTRIES = 50_000
"""Most keys in a table: ALBERT has less than a hundred weights."""

_MAGIC = 0xDB4775248B80FB57
_FOOTER_BYTES = 48
_TRAILER_BYTES = 5
_NONE, _SNAPPY = 0, 1

_POLYNOMIAL = 0x82F63B78
_LANE_BITS = 14


def read_table(data: bytes) -> dict[bytes, bytes]:
    """Read all of a table, having checked each block against its checksum.

    Args:
        data: the whole file, of at most `MAX_TABLE_BYTES`.

    Returns:
        Values by key, in the order of the keys.

    Raises:
        ValueError: the table is damaged; the text says what is wrong, not where.
    """
    start = len(data) - _FOOTER_BYTES
    if start < 0 or int.from_bytes(data[-8:], "little") != _MAGIC:
        raise ValueError(
            "it does not end as a TensorFlow checkpoint's index does; it is cut short "
            "or of another format, so copy it again"
        )
    meta, at = _handle(data, start)
    index, _ = _handle(data, at)
    _in_order([meta, index, (start, 0)])
    _block(data, *meta)
    handles = [_handle(value, 0)[0] for _, value in _entries(_block(data, *index))]
    _in_order([*handles, meta])
    return _sorted_entries(data, handles)


def crc32c(data: np.ndarray, before: int = 0) -> int:
    """Compute the Castagnoli checksum, hundreds of megabytes a second.

    Args:
        data: uint8 [n].
        before: checksum of the bytes in front of these.

    Returns:
        That of all of them.
    """
    whole = len(data) // 4 * 4
    register = before ^ 0xFFFFFFFF
    if whole:
        register = _fold(data[:whole].view("<u4"), register)
    for byte in data[whole:].tolist():
        register = int(_byte_table()[(register ^ byte) & 0xFF]) ^ register >> 8
    return register ^ 0xFFFFFFFF


def masked(checksum: int) -> int:
    """Turn a checksum into what is stored, which LevelDB makes look different."""
    turned = checksum >> 15 | checksum << 17
    return (turned + 0xA282EAD8) & 0xFFFFFFFF


def _fold(words: np.ndarray, register: int) -> int:
    """Take up words, many side by side: a checksum is linear in the bits it is of."""
    bits = min(_LANE_BITS, (len(words) - 1).bit_length())
    lanes = 1 << bits
    head = (len(words) - 1) % lanes + 1
    # Zeros in front change nothing while the register's bits come after them.
    state = np.zeros(lanes, np.uint32)
    state[lanes - head :] = words[:head]
    state[lanes - head] ^= np.uint32(register)
    for row in words[head:].reshape(-1, lanes):
        state = _after_zeros(state, bits) ^ row
    for half in reversed(range(bits)):
        state = _after_zeros(state[: 1 << half], half) ^ state[1 << half :]
    return int(_after_zeros(state, 0)[0])


def _after_zeros(registers: np.ndarray, bits: int) -> np.ndarray:
    """Move each register on by 2**bits words of zeros."""
    table = _zeros_tables()[bits]
    parts = registers.view(np.uint8)
    low = table[0].take(parts[0::4]) ^ table[1].take(parts[1::4])
    return low ^ table[2].take(parts[2::4]) ^ table[3].take(parts[3::4])


@cache
def _byte_table() -> np.ndarray:
    table = np.arange(256, dtype=np.uint32)
    for _ in range(8):
        table = table >> 1 ^ (table & 1) * np.uint32(_POLYNOMIAL)
    return table


@cache
def _zeros_tables() -> list[np.ndarray]:
    """For each number of bits: what each value of each byte of a register turns to."""
    step = np.arange(256, dtype=np.uint32) << np.array([[0], [8], [16], [24]], "u4")
    for _ in range(4):
        step = _byte_table()[step & 0xFF] ^ step >> 8
    tables = [step]
    for _ in range(_LANE_BITS):
        # Twice as far is the same way once more.
        parts = tables[-1].view(np.uint8).reshape(4, 256, 4)
        tables.append(
            np.bitwise_xor.reduce([tables[-1][k][parts[..., k]] for k in range(4)])
        )
    return tables


def _handle(data: bytes, at: int) -> tuple[tuple[int, int], int]:
    """Read offset and size of a block, and give the position after them, too."""
    offset, at = varint(data, at)
    size, at = varint(data, at)
    return (offset, size), at


def _in_order(handles: list[tuple[int, int]]) -> None:
    """Refuse blocks that overlap, which could repeat themselves without end."""
    end = 0
    for offset, size in handles:
        if offset < end:
            raise ValueError(f"the block at byte {offset} overlaps another one")
        end = offset + size + _TRAILER_BYTES


def _block(data: bytes, offset: int, size: int) -> bytes:
    end = offset + size
    if end + _TRAILER_BYTES > len(data) - _FOOTER_BYTES:
        raise ValueError(f"the block at byte {offset} goes on past the end")
    stored = int.from_bytes(data[end + 1 : end + _TRAILER_BYTES], "little")
    if masked(crc32c(np.frombuffer(data, np.uint8, size + 1, offset))) != stored:
        raise ValueError(
            f"the checksum of the block at byte {offset} is wrong; copy the file again"
        )
    if data[end] == _NONE:
        return data[offset:end]
    if data[end] == _SNAPPY:
        return _decompress(data[offset:end])
    raise ValueError(f"the block at byte {offset} is compressed in an unknown way")


def _sorted_entries(data: bytes, handles: list[tuple[int, int]]) -> dict[bytes, bytes]:
    found: dict[bytes, bytes] = {}
    last: bytes | None = None
    expanded = 0
    for handle in handles:
        block = _block(data, *handle)
        expanded += len(block)
        for key, value in _entries(block):
            if last is not None and key <= last:
                raise ValueError(f"key {key[:100]!r} stands twice or out of order")
            found[key] = value
            last = key
            expanded += len(key)
            if len(found) > MAX_ENTRIES or expanded > MAX_TABLE_BYTES:
                raise ValueError(
                    f"it holds more than {MAX_ENTRIES} entries or {MAX_TABLE_BYTES} "
                    f"bytes"
                )
    return found


def _entries(block: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Give keys and values; a key stands as what it adds to a part of the last one."""
    restarts = int.from_bytes(block[-4:], "little")
    end = len(block) - 4 - 4 * restarts
    if end < 0:
        raise ValueError("a block is shorter than its list of restarts")
    key = b""
    at = number = 0
    while at < end:
        number += 1
        shared, at = varint(block, at)
        added, at = varint(block, at)
        size, at = varint(block, at)
        value_at = at + added
        if shared > len(key) or value_at + size > end or number > MAX_ENTRIES:
            raise ValueError("an entry does not fit into its block")
        key = key[:shared] + block[at:value_at]
        at = value_at + size
        yield key, block[value_at:at]


def _decompress(data: bytes) -> bytes:
    """Expand a snappy block."""
    size, at = varint(data, 0)
    if size > MAX_TABLE_BYTES:
        raise ValueError(f"a block of {size} bytes is over {MAX_TABLE_BYTES}")
    out = bytearray()
    while at < len(data) and len(out) <= size:
        tag = data[at]
        at += 1
        if tag & 3 == 0:
            extra = max(0, (tag >> 2) - 59)
            length = _little(data, at, extra) + 1 if extra else (tag >> 2) + 1
            at += extra
            out += data[at : at + length]
            at += length
            continue
        extra = (0, 1, 2, 4)[tag & 3]
        offset, length = _little(data, at, extra), (tag >> 2) + 1
        if extra == 1:
            offset, length = offset | tag >> 5 << 8, (tag >> 2 & 7) + 4
        at += extra
        if not 0 < offset <= len(out):
            break
        piece = bytes(out[-offset:][:length])
        out += (piece * (length // len(piece) + 1))[:length]
    if at != len(data) or len(out) != size:
        raise ValueError("a block is not the snappy-compressed data it says it is")
    return bytes(out)


def _little(data: bytes, at: int, size: int) -> int:
    """Read a number; one that is cut short leaves `at` behind the end, an error."""
    return int.from_bytes(data[at : at + size], "little")
