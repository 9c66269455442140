"""Checkpoints in several files, and the index that says which tensor is in which.

Source: the layout of transformers, huggingface.co/docs/transformers, "big models".
"""

from __future__ import annotations

import json
import operator
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, cast

import numpy as np

from albert.common.checkpoint.lazy import LazyArray
from albert.common.checkpoint.raw import MAX_JSON_BYTES, RawFile, parse_json
from albert.common.files import write_text

_UNITS = {
    "B": 1,
    "KB": 10**3,
    "MB": 10**6,
    "GB": 10**9,
    "TB": 10**12,
    "KIB": 2**10,
    "MIB": 2**20,
    "GIB": 2**30,
    "TIB": 2**40,
}


def open_index(
    path: Path, open_file: Callable[[Path], dict[str, LazyArray]]
) -> dict[str, LazyArray]:
    """Open all files that an index names, without reading their tensors.

    Args:
        path: the index; the files stand beside it.
        open_file: opens one of them.

    Returns:
        The tensors by the names in the files, in the order of the index. A file may
        hold a tensor under its layer's name and "/" before the name in the index, and
        the index may have the model's name and "/" before that in the file.

    Raises:
        FileNotFoundError: the index or a file is missing.
        ValueError: the index is damaged, or the files do not hold what it says.
    """
    path = Path(path)
    weight_map = _weight_map(path)
    shards: dict[str, dict[str, LazyArray]] = {}
    for file_name in _files(path, weight_map):
        if not (path.parent / file_name).exists():
            raise FileNotFoundError(
                f"{str(path.parent / file_name)!r} is missing, one of the files that "
                f"{path.name!r} names."
            )
        shards[file_name] = open_file(path.parent / file_name)
    stored = {
        file_name: _by_every_ending(shard, weight_map)
        for file_name, shard in shards.items()
    }
    found: dict[str, LazyArray] = {}
    for name, file_name in weight_map.items():
        holders = [other for other in stored if name in stored[other]]
        if holders != [file_name]:
            held = " and ".join(map(repr, holders)) or "none of its files"
            raise ValueError(
                f"{str(path)!r} cannot be read: {name!r} is said to be in "
                f"{file_name!r}, but is in {held}."
            )
        for place in stored[file_name][name]:
            found[place] = shards[file_name][place]
    return found


def _by_every_ending(
    shard: dict[str, LazyArray], wanted: Mapping[str, str]
) -> dict[str, list[str]]:
    """Find the wanted names in a file, as a whole or as the end of a longer one."""
    unscoped = {name.partition("/")[2]: name for name in wanted if "/" in name}
    spelled = {**unscoped, **{name: name for name in wanted}}
    found: dict[str, list[str]] = {}
    for place in shard:
        ending = place
        while ending not in spelled and "/" in ending:
            ending = ending.partition("/")[2]
        if ending in spelled:
            found.setdefault(spelled[ending], []).append(place)
    return found


def shard_names(path: Path) -> tuple[str, ...]:
    """Read which files an index needs.

    Args:
        path: the index.

    Returns:
        Their names, which are of files beside the index, each once.

    Raises:
        FileNotFoundError: there is no such index.
        ValueError: it is damaged or names a file elsewhere.
    """
    path = Path(path)
    return _files(path, _weight_map(path))


def _weight_map(path: Path) -> dict[str, str]:
    file = RawFile(path)
    if file.size > MAX_JSON_BYTES:
        raise file.damaged(f"its {file.size} bytes are more than {MAX_JSON_BYTES}")
    try:
        index: Any = parse_json(file.read(0, file.size))
    except ValueError as error:
        raise file.damaged(str(error)) from None
    inner: Any = cast(dict[str, Any], index) if isinstance(index, dict) else {}
    inner = inner.get("weight_map")
    if not isinstance(inner, dict) or not inner:
        raise file.damaged("it holds no weight_map of tensor names to file names")
    weight_map: dict[str, str] = {}
    for name, file_name in cast(dict[str, Any], inner).items():
        # Keras makes a list of it, of one file unless a single array fills several.
        if isinstance(file_name, list) and len(cast(list[Any], file_name)) == 1:
            file_name = cast(list[Any], file_name)[0]
        if not isinstance(file_name, str) or not _is_plain(file_name):
            shown = str(cast(Any, file_name))[:200]
            raise file.damaged(
                f"{name!r} is in {shown!r}, which is not the name of a file beside it"
            )
        weight_map[name] = file_name
    return weight_map


def _is_plain(name: str) -> bool:
    return (
        0 < len(name) <= 255
        and name not in (".", "..")
        and not any(char in "/\\:\0" or ord(char) < 32 for char in name)
        and name.isprintable()
    )


def _files(path: Path, weight_map: Mapping[str, str]) -> tuple[str, ...]:
    names = tuple(dict.fromkeys(weight_map.values()))
    if path.name in names:
        raise ValueError(f"{str(path)!r} cannot be read: it names itself.")
    return names


def write_shards(
    folder: Path,
    file_name: str,
    index_name: str,
    arrays: Mapping[str, np.ndarray],
    max_shard_size: int,
    write_file: Callable[[Path, Mapping[str, np.ndarray]], None],
) -> list[Path]:
    """Write arrays to one file, or to several with an index if they are too large.

    Args:
        folder: where the files shall stand.
        file_name: of the one file; of several, the number stands before its last dot.
        index_name: of the index.
        arrays: by name; their order says which stand together.
        max_shard_size: bytes of values in one file; a larger array has its own.
        write_file: writes one file.

    Returns:
        The files written, the index last.

    Raises:
        ValueError: `max_shard_size` is not positive.
    """
    parts = _split(arrays, max_shard_size)
    if len(parts) == 1:
        write_file(folder / file_name, arrays)
        return [folder / file_name]
    stem, dot, suffix = file_name.rpartition(".")
    written: list[Path] = []
    weight_map: dict[str, str] = {}
    for number, names in enumerate(parts, 1):
        part_name = f"{stem}-{number:05d}-of-{len(parts):05d}{dot}{suffix}"
        write_file(folder / part_name, {name: arrays[name] for name in names})
        weight_map.update(dict.fromkeys(names, part_name))
        written.append(folder / part_name)
    total = sum(array.nbytes for array in arrays.values())
    index = {"metadata": {"total_size": total}, "weight_map": weight_map}
    # Last: an index that stands there names files that are whole.
    write_text(folder / index_name, json.dumps(index, indent=2, sort_keys=True) + "\n")
    return [*written, folder / index_name]


def _split(arrays: Mapping[str, np.ndarray], most: int) -> list[list[str]]:
    if most <= 0:
        raise ValueError(f"max_shard_size is {most}, but must be positive.")
    parts: list[list[str]] = [[]]
    size = 0
    for name, array in arrays.items():
        if parts[-1] and size + array.nbytes > most:
            parts.append([])
            size = 0
        parts[-1].append(name)
        size += array.nbytes
    return parts


def parse_size(size: str | int) -> int:
    """Read `max_shard_size`.

    Args:
        size: the number, or a text with a unit: "5GB" is 5 * 10**9, "1GiB" is 2**30.

    Returns:
        The bytes.

    Raises:
        ValueError: it is no positive number of bytes.
    """
    wrong = ValueError(
        f"max_shard_size must be a positive number of bytes or a text like '5GB', "
        f"'200MB' or '1GiB', but is {size!r}."
    )
    if not isinstance(size, str):
        try:
            number = 0 if isinstance(size, bool) else operator.index(size)
        except TypeError:
            raise wrong from None
        if number <= 0:
            raise wrong
        return number
    match = re.fullmatch(r"\s*(\d{1,15})(\.\d{1,9})?\s*([KMGT]?I?B)\s*", size.upper())
    if match is None or match[3] not in _UNITS:
        raise wrong
    from fractions import Fraction

    number = round(Fraction(match[1] + (match[2] or "")) * _UNITS[match[3]])
    if number <= 0:
        raise wrong
    return number
