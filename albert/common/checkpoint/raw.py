"""Arrays that lie as plain bytes in a file: reading some rows, preparing for writing.

A file is read by position and not through a memory map: what is read never counts twice
as memory, and a file that shrinks meanwhile is an error and not the end of the process.
"""

from __future__ import annotations

import io
import json
import math
import os
import weakref
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO, cast

import numpy as np

from albert.common.checkpoint.lazy import LazyArray, widen_bfloat16

ITEM_BYTES = {
    "float64": 8,
    "float32": 4,
    "float16": 2,
    "bfloat16": 2,
    "int64": 8,
    "int32": 4,
    "int16": 2,
    "int8": 1,
    "uint64": 8,
    "uint32": 4,
    "uint16": 2,
    "uint8": 1,
    "bool": 1,
}
"""Types whose values can be read, and the bytes of one value."""

MAX_JSON_BYTES = 1 << 23
"""Headers and indexes are far smaller, and Python makes ten times as much of them."""

_MAX_AXES = 32
_MAX_AXIS = 1 << 40


class RawFile:
    """A file that stays open for as long as something may read from it.

    Nothing opens it by its path again, so that a file which takes its place later
    cannot be mixed with it.

    Args:
        path: where it stands.

    Attributes:
        path: the same, for error texts.
        size: its bytes.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: it is a folder or another thing that is no file.
    """

    def __init__(self, path: str | os.PathLike[str]):
        self.path = Path(path)
        if self.path.exists() and not self.path.is_file():
            raise ValueError(f"{str(path)!r} is not a file.")
        file = open(self.path, "rb", buffering=0)  # noqa: SIM115
        weakref.finalize(self, file.close)
        self._descriptor = file.fileno()
        self.size = os.fstat(self._descriptor).st_size

    def fill(self, start: int, array: np.ndarray) -> None:
        """Read into an array.

        Args:
            start: position of its first byte in the file.
            array: contiguous; all of it is overwritten.

        Raises:
            ValueError: the file ends before.
        """
        view = memoryview(cast(Any, array.reshape(-1).view(np.uint8)))
        done = 0
        while done < len(view):
            count = os.preadv(self._descriptor, [view[done:]], start + done)
            if count == 0:
                raise self.damaged(f"it ends at byte {start + done}")
            done += count

    def read(self, start: int, size: int) -> bytes:
        """Read some bytes.

        Args:
            start: position of the first.
            size: how many.

        Returns:
            Exactly these.

        Raises:
            ValueError: the file ends before.
        """
        if start + size > self.size:
            raise self.damaged(f"it ends at byte {self.size}")
        found = np.empty(size, np.uint8)
        self.fill(start, found)
        return found.tobytes()

    def damaged(self, why: str) -> ValueError:
        """Make the error that says what is wrong with the file."""
        return ValueError(f"{str(self.path)!r} cannot be read: {why}.")


def lazy_array(
    file: RawFile, name: str, dtype: str, shape: tuple[int, ...], start: int
) -> LazyArray:
    """Make the lazy array of values that lie in a row in a file.

    Args:
        file: holds them, the last axis running fastest, the low byte first.
        name: what the array is called, for error texts.
        dtype: their type; one that is not in `ITEM_BYTES` raises when it is read.
        shape: of the array; the caller has checked that the file can hold it.
        start: position of the first byte.

    Returns:
        The array.
    """

    def fill(first: int, values: np.ndarray) -> None:
        file.fill(start + first * values.itemsize, values)

    return filled_array(file.path, name, dtype, shape, fill)


def filled_array(
    path: Path, name: str, dtype: str, shape: tuple[int, ...], fill: Any
) -> LazyArray:
    """Make a lazy array out of a function that gives its values.

    Args:
        path: of the file, for error texts.
        name: what the array is called, for error texts.
        dtype: type of the values; one not in `ITEM_BYTES` raises when it is read.
        shape: of the array.
        fill: `fill(first, values)` writes the stored values from number `first` on
            into `values`, which has one axis, the low byte first.

    Returns:
        The array.
    """
    row = math.prod(shape[1:])
    number = shape[0] if shape else 1

    def rows(start: int, stop: int) -> np.ndarray:
        if dtype not in ITEM_BYTES:
            raise ValueError(
                f"{name} in {str(path)!r} is of type {dtype}, which cannot be read."
            )
        start, stop, _ = slice(start, stop).indices(number)
        block = np.empty((max(0, stop - start), *shape[1:]), stored_dtype(dtype))
        if block.size:
            fill(start * row, block.reshape(-1))
        return widen_bfloat16(block) if dtype == "bfloat16" else block

    return LazyArray(shape, dtype, rows)


def stored_dtype(dtype: str) -> np.dtype:
    """Give NumPy's type of stored values, which for bfloat16 is that of their bits."""
    return np.dtype("uint16" if dtype == "bfloat16" else dtype).newbyteorder("<")


class _Sink(io.FileIO):
    """A new file that notes the system's first error and from then on writes nothing.

    Attributes:
        error: that error, if there was one.
    """

    error: OSError | None = None

    def write(self, data: Any) -> int:
        """Write all of some bytes."""
        left = memoryview(data).cast("B")
        size = len(left)
        try:
            while len(left) and self.error is None:
                left = left[super().write(left) or 0 :]
        except OSError as error:
            self.error = error
        return size

    def truncate(self, size: int | None = None) -> int:
        """Change the size."""
        try:
            return super().truncate(size)
        except OSError as error:
            self.error = self.error or error
        return size or 0


@contextmanager
def written_by_library(path: Path) -> Generator[BinaryIO]:
    """Give a file to a library that would not tell of the system's errors as such.

    Args:
        path: of the file, which is emptied.

    Yields:
        The file, open to read and write.

    Raises:
        OSError: the system refused to write.
    """
    with _Sink(path, "w+") as file:
        try:
            yield cast(BinaryIO, file)
        finally:
            if file.error is not None:
                raise file.error from None


def sound_shape(sizes: object) -> tuple[int, ...] | None:
    """Check a shape that a file tells.

    Args:
        sizes: what was found.

    Returns:
        The shape, or None if it can be none.
    """
    if not isinstance(sizes, (list, tuple)) or len(sizes) > _MAX_AXES:  # pyright: ignore[reportUnknownArgumentType]
        return None
    shape: list[int] = []
    for size in sizes:  # pyright: ignore[reportUnknownVariableType]
        # Huge axes beside one of zero take no bytes in the file, but time to walk over.
        if type(size) is not int or not 0 <= size <= _MAX_AXIS:  # pyright: ignore[reportUnknownArgumentType]
            return None
        shape.append(size)
    if 0 in shape and max(shape) > 1 << 31:
        return None
    return tuple(shape)


def plain(array: np.ndarray) -> np.ndarray:
    """Give an array whose memory can be written as it is: in order, low byte first."""
    return np.asarray(array, array.dtype.newbyteorder("<"), order="C")


def parse_json(text: bytes) -> Any:
    """Parse JSON of a file that nobody vouches for.

    Args:
        text: UTF-8.

    Returns:
        What it holds.

    Raises:
        ValueError: it is no JSON, nests too deeply or names something twice.
    """
    if len(text) > MAX_JSON_BYTES:
        raise ValueError(f"{len(text)} bytes of JSON are more than {MAX_JSON_BYTES}")
    try:
        return json.loads(text.decode("utf-8"), object_pairs_hook=_unique)
    except RecursionError:
        raise ValueError("its JSON nests too deeply") from None
    except UnicodeDecodeError:
        raise ValueError("its JSON is not UTF-8") from None
    except json.JSONDecodeError as error:
        raise ValueError(f"its JSON is damaged: {error}") from None


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in found if names.count(name) > 1)
        raise ValueError(f"its JSON names {twice!r} twice")
    return found
