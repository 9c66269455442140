"""SentencePiece's model file: read and written without the protobuf package.

Only what segmentation needs is read: the pieces with score and kind, and the
normaliser. Field numbers are those of sentencepiece_model.proto.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from functools import lru_cache

from albert.common.wire import as_bytes, fields

NORMAL, UNKNOWN, CONTROL, USER_DEFINED, UNUSED, BYTE = 1, 2, 3, 4, 5, 6
"""The kinds of piece, as numbered in the file."""

UNIGRAM = 1

NO_DUMMY_PREFIX = b"\x1a\x02\x18\x00"
"""Appended to a model file, it turns `add_dummy_prefix` off (messages merge)."""


@dataclass(frozen=True)
class SpmModel:
    """The parts of a SentencePiece model that decide how text is cut.

    Args:
        pieces: the piece strings, by id.
        scores: log probability of each piece, float32 values.
        kinds: NORMAL ... BYTE of each piece.
        charsmap: the compiled character rules; empty when there are none.
        add_dummy_prefix: whether a text gets a "▁" in front.
        remove_extra_whitespaces: whether blanks are folded and stripped.
        model_type: 1 is unigram, the only one ALBERT uses.
        whitespace_as_suffix: whether "▁" stands at the end of words.
    """

    pieces: tuple[str, ...]
    scores: tuple[float, ...]
    kinds: tuple[int, ...]
    charsmap: bytes = b""
    add_dummy_prefix: bool = True
    remove_extra_whitespaces: bool = True
    model_type: int = UNIGRAM
    whitespace_as_suffix: bool = False

    @property
    def unk_id(self) -> int:
        """Id of the unknown piece.

        Raises:
            ValueError: the model has none.
        """
        if UNKNOWN not in self.kinds:
            raise ValueError("the SentencePiece model has no piece of kind UNKNOWN.")
        return self.kinds.index(UNKNOWN)

    @property
    def user_defined(self) -> frozenset[str]:
        """The pieces that are always cut out whole."""
        pairs = zip(self.pieces, self.kinds, strict=True)
        return frozenset(piece for piece, kind in pairs if kind == USER_DEFINED)


def parse_model(data: bytes, name: str = "spiece.model") -> SpmModel:
    """Read a serialized SentencePiece model.

    Args:
        data: the file's bytes.
        name: what to call the file in an error.

    Returns:
        The model.

    Raises:
        ValueError: the bytes are no SentencePiece model.

    Source: sentencepiece, src/sentencepiece_model.proto.
    """
    try:
        model = _parse_once(bytes(data))
    except (ValueError, IndexError, struct.error) as error:
        raise ValueError(_not_a_model(name)) from error
    if not model.pieces:
        raise ValueError(_not_a_model(name))
    return model


def serialize_model(model: SpmModel) -> bytes:
    """Write `model` in SentencePiece's format; `parse_model` reads it back."""
    out = bytearray()
    for piece, score, kind in zip(model.pieces, model.scores, model.kinds, strict=True):
        body = _bytes_field(1, piece.encode()) + b"\x15" + struct.pack("<f", score)
        out += _bytes_field(1, body + _int_field(3, kind))
    trainer = _int_field(3, model.model_type) + _int_field(4, len(model.pieces))
    trainer += _int_field(24, model.whitespace_as_suffix)
    normalizer = _bytes_field(2, model.charsmap)
    normalizer += _int_field(3, model.add_dummy_prefix)
    normalizer += _int_field(4, model.remove_extra_whitespaces)
    return bytes(out) + _bytes_field(2, trainer) + _bytes_field(3, normalizer)


def _not_a_model(name: str) -> str:
    return (
        f"{name} is no SentencePiece model: it cannot be read as one. Give the "
        f"spiece.model of an ALBERT checkpoint."
    )


@lru_cache(maxsize=4)
def _parse_once(data: bytes) -> SpmModel:
    return _parse(data)


def _parse(data: bytes) -> SpmModel:
    pieces, raw, kinds, at = _leading_pieces(data)
    trainer: dict[int, int | bytes] = {}
    normalizer: dict[int, int | bytes] = {}
    for number, value in fields(data, at):
        if not isinstance(value, bytes):
            continue
        if number == 1:
            piece = dict(fields(value))
            pieces.append(as_bytes(piece.get(1, b"")))
            raw.append(_four_bytes(piece.get(2, bytes(4))))
            kinds.append(_as_int(piece.get(3, NORMAL)))
        elif number == 2:
            trainer.update(fields(value))
        elif number == 3:
            normalizer.update(fields(value))
    return SpmModel(
        tuple([piece.decode() for piece in pieces]),
        struct.unpack(f"<{len(raw)}f", b"".join(raw)),
        tuple(kinds),
        as_bytes(normalizer.get(2, b"")),
        bool(normalizer.get(3, 1)),
        bool(normalizer.get(4, 1)),
        _as_int(trainer.get(3, UNIGRAM)),
        bool(trainer.get(24, 0)),
    )


def _leading_pieces(data: bytes) -> tuple[list[bytes], list[bytes], list[int], int]:
    """Read the pieces in front that are written as SentencePiece writes them.

    Those are text, score and, of other kinds than NORMAL, kind, each once and in this
    order. The rest is for `fields`, which reads any order but takes four times as long.

    Args:
        data: the file's bytes.

    Returns:
        The pieces, the bytes of their scores, their kinds, and where the rest begins.
    """
    pieces: list[bytes] = []
    raw: list[bytes] = []
    kinds: list[int] = []
    at, last = 0, len(data) - 1
    while at + 3 < last and data[at] == 0x0A and data[at + 2] == 0x0A:
        size, length = data[at + 1], data[at + 3]
        score, end = at + 4 + length, at + 2 + size
        kind, more = NORMAL, size - length - 7
        # A number of 128 or more takes two bytes.
        if size >= 0x80 or end > last or more not in (0, 2) or data[score] != 0x15:
            break
        if more:
            if data[end - 2] != 0x18 or data[end - 1] >= 0x80:
                break
            kind = data[end - 1]
        pieces.append(data[at + 4 : score])
        raw.append(data[score + 1 : score + 5])
        kinds.append(kind)
        at = end
    return pieces, raw, kinds, at


def _four_bytes(value: int | bytes) -> bytes:
    raw = as_bytes(value)
    if len(raw) != 4:
        raise ValueError("a score is not four bytes long")
    return raw


def _as_int(value: int | bytes) -> int:
    if isinstance(value, bytes):
        raise ValueError("a number field holds bytes")
    return value


def _write_varint(value: int) -> bytes:
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


def _int_field(number: int, value: int) -> bytes:
    return _write_varint(number << 3) + _write_varint(int(value))


def _bytes_field(number: int, value: bytes) -> bytes:
    return _write_varint(number << 3 | 2) + _write_varint(len(value)) + value
