"""Which files of a folder hold the weights, in which form, and how they are opened."""

from __future__ import annotations

import fnmatch
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
    Form("keras", "*.weights.h5", hdf5.open_file),
    Form("google", "*.ckpt*.index", _open_bundle),
)
"""In the order of preference."""

_BY_SUFFIX = {
    ".safetensors": safetensors.open_file,
    ".bin": torch_file.open_file,
    ".pt": torch_file.open_file,
    ".pth": torch_file.open_file,
    ".h5": hdf5.open_file,
    ".msgpack": flax_msgpack.open_file,
    ".keras": keras_archive.open_file,
    ".index": _open_bundle,
}


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
    if name.startswith("model.weights.") and _TASK_WEIGHTS in names:
        return [name, _TASK_WEIGHTS]
    if not name.endswith(".index"):
        return [name]
    prefix = name.removesuffix(".index")
    return [name, *(n for n in names if n.startswith(f"{prefix}.data-"))]


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
    task = path.with_name(_TASK_WEIGHTS)
    if path.name.startswith("model.weights.") and task.is_file():
        head = hdf5.open_file(task)
        found = {**found, **{f"task/{name}": head[name] for name in head}}
    return found


def _opener(path: Path) -> Open:
    if path.suffix not in _BY_SUFFIX:
        raise ValueError(
            f"{str(path)!r} is no weight file of a form that is known: "
            f"{', '.join(_BY_SUFFIX)}."
        )
    return _BY_SUFFIX[path.suffix]
