"""The wire format of protocol buffers, read without their package.

Source: protobuf.dev, "Encoding".
"""

from __future__ import annotations

from collections.abc import Iterator


def varint(data: bytes, at: int) -> tuple[int, int]:
    """Read a number of seven bits a byte, low ones first.

    Args:
        data: holds it.
        at: position of its first byte.

    Returns:
        The number, below 2**64, and the position after it.

    Raises:
        ValueError: it goes on past the end or past 64 bits.
    """
    value = 0
    for place, byte in enumerate(data[at : at + 10]):
        value |= (byte & 0x7F) << 7 * place
        if byte < 0x80:
            if value >> 64:
                break
            return value, at + place + 1
    raise ValueError(f"byte {at} starts a number that does not end or is too large")


def fields(data: bytes, at: int = 0) -> Iterator[tuple[int, int | bytes]]:
    """Read one message field by field.

    Args:
        data: the message.
        at: where to begin; a field begins there.

    Yields:
        The field's number and its value; what has a fixed width comes as bytes.

    Raises:
        ValueError: the message is cut short or of another format.
    """
    while at < len(data):
        key, at = varint(data, at)
        kind = key & 7
        if kind == 0:
            value, at = varint(data, at)
            yield key >> 3, value
            continue
        if kind == 2:
            size, at = varint(data, at)
        elif kind in (1, 5):
            size = 8 if kind == 1 else 4
        else:
            raise ValueError(f"a field is of unknown kind {kind}")
        if at + size > len(data):
            raise ValueError("a field is cut short")
        yield key >> 3, data[at : at + size]
        at += size


def as_bytes(value: int | bytes) -> bytes:
    """Give a text or message as it is.

    Args:
        value: of a field.

    Returns:
        The same.

    Raises:
        ValueError: it is a number.
    """
    if isinstance(value, int):
        raise ValueError("a number stands in place of a message")
    return value
