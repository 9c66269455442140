"""dataset.json: what a folder of shards is, and whether it is what one expects."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from albert._version import __version__
from albert.common.data.masking import Masking
from albert.common.files import write_text

FILE = "dataset.json"
"""Its name; a folder with it is whole."""

FORMAT = 1
"""Raised whenever older versions could not read what is written."""


@dataclass(frozen=True)
class Shard:
    """One file.

    Args:
        file: its path inside the folder.
        rows: how many it has.
        bytes: its size.
    """

    file: str
    rows: int
    bytes: int


@dataclass(frozen=True)
class Info:
    """What dataset.json holds.

    Args:
        run: what was asked for: settings, tokenizer and inputs.
        counts: of documents, blank ones left out, rows, tokens, and rows by label:
            in_order, swapped, one_text.
        shards: the files, in the order of the documents.
        format: of the shards.
        version: of this package, when they were written.
    """

    run: Mapping[str, Any]
    counts: Mapping[str, int]
    shards: tuple[Shard, ...]
    format: int = FORMAT
    version: str = __version__

    @property
    def masking(self) -> Masking:
        """How masks are drawn."""
        settings = self.run["settings"]
        return Masking(
            settings["mask_probability"],
            settings["max_predictions"],
            settings["ngram"],
        )


def write_info(folder: Path, info: Info) -> None:
    """Write the file, whole or not at all."""
    write_text(folder / FILE, json.dumps(asdict(info), indent=2) + "\n")


def read_info(folder: Path) -> Info:
    """Read the file, and check that all shards are there.

    Args:
        folder: with dataset.json.

    Returns:
        What it holds.

    Raises:
        FileNotFoundError: there is none, or a shard is missing.
        ValueError: it cannot be read, or a shard is not of the size that it says.
    """
    path = folder / FILE
    if not path.is_file():
        raise FileNotFoundError(
            f"{str(folder)!r} has no {FILE}: it is no folder that `albert prepare` has "
            f"written, or it is not whole yet: give that command again."
        )
    try:
        data: Any = json.loads(path.read_text("utf-8"))
        if data["format"] != FORMAT:
            raise _OtherFormatError(
                f"'{path}' is of format {data['format']}, and this version reads "
                f"{FORMAT}: prepare the data again."
            )
        data["shards"] = tuple(Shard(**shard) for shard in data["shards"])
        info = Info(**data)
    except _OtherFormatError:
        raise
    except (KeyError, TypeError, ValueError, RecursionError):
        raise ValueError(
            f"'{path}' cannot be read as `albert prepare` has written it."
        ) from None
    _check_shards(folder, info)
    return info


class _OtherFormatError(ValueError):
    pass


def _check_shards(folder: Path, info: Info) -> None:
    for shard in info.shards:
        path = folder / shard.file
        if not path.is_file():
            raise FileNotFoundError(
                f"the shard '{path}' is missing, of {len(info.shards)} in {FILE}: copy "
                f"it from where the data was prepared."
            )
        size = path.stat().st_size
        if size != shard.bytes:
            raise ValueError(
                f"the shard '{path}' has {size} bytes, and {FILE} says {shard.bytes}: "
                f"copy it again from where the data was prepared."
            )


def difference(wanted: Mapping[str, Any], found: Mapping[str, Any]) -> str | None:
    """Say in what two runs differ.

    Args:
        wanted: what is asked for now.
        found: what was asked for then.

    Returns:
        Such as "max_length is 128, and was 512"; None if they would write the same.
    """
    for name, value in wanted["settings"].items():
        then = found["settings"].get(name)
        if value != then:
            return f"{name} is {value!r}, and was {then!r}"
    if wanted["tokenizer"] != found["tokenizer"]:
        return "the tokenizer is another one"
    if len(wanted["inputs"]) != len(found["inputs"]):
        numbers = len(wanted["inputs"]), len(found["inputs"])
        return f"there are {numbers[0]} inputs, and were {numbers[1]}"
    for now, then in zip(wanted["inputs"], found["inputs"], strict=True):
        if {**now, "name": ""} != {**then, "name": ""}:
            return f"the input {now['name']!r} is not what {then['name']!r} was"
    return None
