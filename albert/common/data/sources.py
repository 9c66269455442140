"""Where documents come from: files, saved datasets, or datasets of the hub."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import Any

from albert.common.data.documents import (
    FORMS,
    check_field,
    form_of,
    read_documents,
    text_of,
)
from albert.common.hub_errors import explained

_HUB_NAME = re.compile(r"[\w.-]+/[\w.-]+")
_STATE = "state.json"
_SPLITS = "dataset_dict.json"


@dataclass(frozen=True)
class Reading:
    """How inputs are read.

    Args:
        text_field: the field with the text, in JSON lines, Parquet and datasets.
        input_format: "txt", "jsonl" or "parquet"; None for what each file's ending
            says.
        split: of a dataset.
        subset: the configuration of a dataset of the hub; None for its only one.
    """

    text_field: str = "text"
    input_format: str | None = None
    split: str = "train"
    subset: str | None = None


@dataclass(frozen=True)
class Source:
    """One input.

    Args:
        identity: what tells it from other inputs; `name` is for people only.
        read: gives its documents from the first on.
        load: gives a dataset's rows with all columns; None for a file.
    """

    identity: dict[str, Any]
    read: Callable[[], Iterator[str]]
    load: Callable[[], Iterator[dict[str, Any]]] | None = None


def open_sources(inputs: Sequence[str], reading: Reading) -> list[Source]:
    """Find inputs and what tells them from others; files are read for that once.

    Args:
        inputs: paths of files, of folders that `datasets` has saved, or names of
            datasets on the hub such as "owner/name".
        reading: how they are read.

    Returns:
        The inputs, in their order.

    Raises:
        ImportError: a dataset is among them, and `datasets` is not installed.
        OSError: there is no such input, or it cannot be read.
        ValueError: nothing tells what a file holds.
    """
    return [_open_source(each, reading) for each in inputs]


def documents_of(sources: Iterable[Source]) -> Iterator[str]:
    """Give the documents of inputs, one input after the other."""
    for source in sources:
        yield from source.read()


def _open_source(given: str, reading: Reading) -> Source:
    path = Path(given).expanduser()
    if path.is_dir():
        return _saved_dataset(path, reading)
    if path.exists():
        return _file(path, reading)
    if _HUB_NAME.fullmatch(given) and form_of(path) is None:
        return _hub_dataset(given, reading)
    raise FileNotFoundError(
        f"input {given!r} is neither a file, nor a folder with a dataset, nor the name "
        f"of a dataset on the hub."
    )


def _file(path: Path, reading: Reading) -> Source:
    form = reading.input_format or form_of(path)
    if form is None:
        raise ValueError(
            f"input {str(path)!r}: its ending says none of {', '.join(FORMS)}, with or "
            f"without .gz; give the input_format."
        )
    with open(path, "rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    identity = {"name": path.name, "format": form, "sha256": digest}
    return Source(identity, partial(read_documents, path, form, reading.text_field))


def _datasets() -> Any:
    try:
        return import_module("datasets")
    except ModuleNotFoundError as error:
        if error.name != "datasets":
            raise
        raise ImportError(
            'reading a dataset needs datasets: pip install "albert-models[train]"'
        ) from None


def _saved_dataset(folder: Path, reading: Reading) -> Source:
    if (folder / _SPLITS).is_file():
        splits = json.loads((folder / _SPLITS).read_text("utf-8"))["splits"]
        if reading.split not in splits:
            raise ValueError(
                f"input {str(folder)!r} has no split {reading.split!r}; it has "
                f"{', '.join(map(repr, splits))}."
            )
        folder = folder / reading.split
    if not (folder / _STATE).is_file():
        raise ValueError(
            f"input {str(folder)!r} is a folder, but no dataset that save_to_disk of "
            f"datasets has written; give the files in it."
        )
    # The fingerprint covers the data and all that was done to it.
    state = json.loads((folder / _STATE).read_text("utf-8"))
    identity = {
        "name": folder.name,
        "format": "dataset",
        "fingerprint": state["_fingerprint"],
    }

    def read() -> Iterator[str]:
        dataset = _datasets().load_from_disk(str(folder))
        yield from _texts(dataset, str(folder), reading.text_field)

    def load() -> Iterator[dict[str, Any]]:
        yield from _datasets().load_from_disk(str(folder))

    return Source(identity, read, load)


def _hub_dataset(name: str, reading: Reading) -> Source:
    datasets = _datasets()
    from huggingface_hub import HfApi

    reached = explained(name, None, None, "give files")
    with reached():
        revision = HfApi().dataset_info(name).sha

    def streamed() -> Any:
        return datasets.load_dataset(
            name,
            reading.subset,
            split=reading.split,
            revision=revision,
            streaming=True,
        )

    def read() -> Iterator[str]:
        with reached():
            yield from _texts(streamed(), name, reading.text_field)

    def load() -> Iterator[dict[str, Any]]:
        with reached():
            yield from streamed()

    identity = {
        "name": name,
        "format": "hub",
        "subset": reading.subset,
        "split": reading.split,
        "revision": revision,
    }
    return Source(identity, read, load)


def _texts(dataset: Any, place: str, text_field: str) -> Iterator[str]:
    if dataset.column_names is not None:
        check_field(dataset.column_names, text_field, place)
        dataset = dataset.select_columns([text_field])
    for number, record in enumerate(dataset, start=1):
        yield text_of(record, text_field, f"{place}, row {number}")
