"""Which files of a folder hold the weights, in which form, and how they are opened."""

from __future__ import annotations

import fnmatch
import re
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

from albert.common.checkpoint import (
    flax_msgpack,
    hdf5,
    keras_archive,
    safetensors,
    shards,
    tf_bundle,
    torch_file,
)
from albert.common.checkpoint.lazy import LazyArray

Open = Callable[[Path], dict[str, LazyArray]]

SAVED_MODEL = "saved_model.pb"
SAVED_MODEL_INDEX = "variables/variables.index"
SAVED_MODEL_CONFIG = "assets/albert_config.json"
"""Where Google's modules for TensorFlow Hub have their configuration."""

_TASK_WEIGHTS = "task.weights.h5"


class Form(NamedTuple):
    """A kind of weight file.

    Fields:
        key: short name, as in `save_pretrained(format=key)` where we write it.
        file_name: the file in a folder, or a pattern that one file must match.
        open: gives the arrays by the names in the file.
        sharded: whether `<file_name>.index.json` may stand for it.
    """

    key: str
    file_name: str
    open: Open
    sharded: bool = False

    @property
    def index_name(self) -> str:
        """Name of the index of a sharded checkpoint."""
        return f"{self.file_name}.index.json"


def _open_bundle(index: Path) -> dict[str, LazyArray]:
    """Open a TensorFlow checkpoint; one of objects under its variables' names."""
    found = tf_bundle.open_file(index)
    variables = tf_bundle.full_names(index)
    count = Counter(variables.values())
    # A name that two variables have tells nothing of either.
    clear = {key: name for key, name in variables.items() if count[name] == 1}
    return {clear.get(key, key): array for key, array in found.items()}


def _open_parts(index: Path) -> dict[str, LazyArray]:
    """Open the parts of a large KerasHub preset as if they were one file."""
    found: dict[str, LazyArray] = {}
    for name in shards.shard_names(index):
        part = hdf5.open_file(index.with_name(name))
        twice = found.keys() & part.keys()
        if twice:
            raise ValueError(f"{min(twice)} stands in two parts of {str(index)!r}.")
        found |= part
    return found


FORMS = (
    Form("safetensors", safetensors.FILE_NAME, safetensors.open_file, True),
    Form("pt", torch_file.FILE_NAME, torch_file.open_file, True),
    Form("tf", hdf5.FILE_NAME, hdf5.open_file, True),
    Form("flax", flax_msgpack.FILE_NAME, flax_msgpack.open_file, True),
    Form("keras", "model.weights.h5", hdf5.open_file),
    Form("keras", "model.weights.json", _open_parts),
    Form("google", "model.ckpt-best.index", _open_bundle),
    Form("google", "model.ckpt.index", _open_bundle),
    Form("google", SAVED_MODEL, _open_bundle),
    Form("keras", "*.keras", keras_archive.open_file),
    Form("keras", "*.weights.json", _open_parts),
    Form("keras", "*.weights.h5", hdf5.open_file),
    Form("google", "*.ckpt*.index", _open_bundle),
)
"""In the order of preference."""


class Kind(NamedTuple):
    """What a file is by the end of its name.

    Fields:
        title: what to call it.
        open: gives the arrays by the names in the file.
    """

    title: str
    open: Open


_PICKLE = Kind("pickle of PyTorch", torch_file.open_file)

KINDS = {
    ".safetensors": Kind("safetensors", safetensors.open_file),
    ".bin": _PICKLE,
    ".pt": _PICKLE,
    ".pth": _PICKLE,
    ".h5": Kind("HDF5", hdf5.open_file),
    ".msgpack": Kind("msgpack", flax_msgpack.open_file),
    ".keras": Kind("Keras archive", keras_archive.open_file),
    ".index": Kind("TensorFlow checkpoint", _open_bundle),
}
"""Suffix -> what such a file is, whatever else its name has."""

_OF_BUNDLE = re.compile(r"(.+)\.(data-\d+-of-\d+|meta)")
_SHARD = re.compile(r"(.+)-\d+-of-\d+(\.\w+)")


def weight_files(names: Sequence[str]) -> list[tuple[Form, str]]:
    """Find the weight files among the names of a folder's files.

    Args:
        names: relative to the folder, with "/".

    Returns:
        Each form that is there and the file to open, the preferred first.

    Raises:
        ValueError: several files are alike, and none can be preferred.
    """
    found: list[tuple[Form, str]] = []
    taken: set[str] = set()
    for form in FORMS:
        if found and "*" in form.file_name:
            break
        matching = [
            name
            for name in names
            if name != _TASK_WEIGHTS
            and (
                fnmatch.fnmatchcase(name, form.file_name)
                or (form.sharded and name == form.index_name)
            )
        ]
        new = sorted(set(matching) - taken, key=len)
        if len(new) > 1 and "*" in form.file_name:
            raise ValueError(
                f"the folder holds several checkpoints, {', '.join(sorted(new))}: "
                f"give the path of one of them."
            )
        taken.update(new)
        if new:
            found.append((form, new[0]))
    return found


def needed_files(names: Sequence[str]) -> list[str]:
    """Choose the files to download from a repository that has these names.

    Args:
        names: of all files of the repository.

    Returns:
        The preferred weight file or its index, with the other files of a TensorFlow
        checkpoint; the shards that an index names are for the caller to add.
    """
    found = weight_files(names)
    if not found:
        return []
    _, name = found[0]
    if _of_preset(name) and _TASK_WEIGHTS in names:
        return [name, _TASK_WEIGHTS]
    if not name.endswith(".index"):
        return [name]
    prefix = name.removesuffix(".index")
    return [name, *(n for n in names if n.startswith(f"{prefix}.data-"))]


def orphans(names: Sequence[str]) -> str:
    """Find shards that lie without their index.

    Args:
        names: of a folder's files.

    Returns:
        Name of the index that is missing; "" if there are no such shards.
    """
    indexes = {form.file_name: form.index_name for form in FORMS if form.sharded}
    for name in names:
        shard = _SHARD.fullmatch(name)
        index = indexes.get(shard[1] + shard[2], "") if shard else ""
        if index and index not in names:
            return index
    return ""


def open_weights(path: Path) -> dict[str, LazyArray]:
    """Open one weight file or the index of a sharded one.

    Args:
        path: of any form.

    Returns:
        The arrays by the names in the file; nothing of them is read yet.

    Raises:
        FileNotFoundError: a shard is missing.
        ImportError: the library for this form is not installed.
        ValueError: the file is damaged, or of a form that is not known.
    """
    if path.name.endswith(".weights.json"):
        found = _open_parts(path)
    elif path.name.endswith(".index.json"):
        opener = _opener(path.with_name(path.name.removesuffix(".index.json")))
        found = shards.open_index(path, opener)
    else:
        found = _opener(path)(path)
    task = task_file(path)
    if task is not None:
        head = hdf5.open_file(task)
        found = {**found, **{f"task/{name}": head[name] for name in head}}
    return found


def task_file(path: Path) -> Path | None:
    """Find the file with the head of a KerasHub preset.

    Args:
        path: the weight file or the index.

    Returns:
        The file beside it; None if it is no such preset or has no head.
    """
    task = path.with_name(_TASK_WEIGHTS)
    return task if _of_preset(path.name) and task.is_file() else None


def _of_preset(name: str) -> bool:
    return name.startswith("model.weights.")


def _opener(path: Path) -> Open:
    if path.suffix in KINDS:
        return KINDS[path.suffix].open
    if path.name == SAVED_MODEL:
        raise ValueError(
            f"{str(path)!r} is only the program of a SavedModel: give the folder, "
            f"{str(path.parent)!r}."
        )
    part = _OF_BUNDLE.fullmatch(path.name)
    if part is not None:
        raise ValueError(
            f"{str(path)!r} is one of the files of a TensorFlow checkpoint: give the "
            f"prefix, {str(path.with_name(part[1]))!r}."
        )
    raise ValueError(
        f"{str(path)!r} is no weight file of a form that is known: {', '.join(KINDS)}."
    )
