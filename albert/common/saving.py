"""From a model's arrays to a folder, in any of the forms that we write."""

from __future__ import annotations

import os
import re
import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple, cast

import numpy as np

from albert.common import names
from albert.common.checkpoint import (
    flax_msgpack,
    forms,
    hdf5,
    safetensors,
    torch_file,
)
from albert.common.checkpoint.lazy import widen_bfloat16
from albert.common.checkpoint.shards import parse_size, write_shards
from albert.common.config import AlbertConfig
from albert.common.dialects import DIALECTS
from albert.common.opening import open_checkpoint, widest
from albert.common.replacing import replacing
from albert.common.texts import some

Write = Callable[[Path, Mapping[str, np.ndarray]], None]


class Format(NamedTuple):
    """A form that we write.

    Fields:
        file_name: of the weights, as in `forms.FORMS`.
        dialect: how the names are spelled, a key of `DIALECTS`.
        write: `write(path, arrays)` writes a file that stands alone.
        write_shard: `write_shard(path, arrays)` writes one of several.
        scoped: whether a file that stands alone has the layer and the model in front
            of each name.
        bfloat16: whether its stock readers know that type; else it is written as
            float32, which holds the same values.
    """

    file_name: str
    dialect: str
    write: Write
    write_shard: Write
    scoped: bool = False
    bfloat16: bool = True

    def written(self) -> tuple[str, ...]:
        """Give patterns of the files that an earlier save may have left."""
        stem, dot, suffix = self.file_name.partition(".")
        return (
            self.file_name,
            f"{self.file_name}.index.json",
            f"{stem}-?????-of-?????{dot}{suffix}",
        )


def _write_layers(path: Path, arrays: Mapping[str, np.ndarray]) -> None:
    """Write Keras 2's layout, one group for each layer."""
    layers: dict[str, dict[str, np.ndarray]] = {}
    for name in arrays:
        layer, _, weight = name.partition("/")
        layers.setdefault(layer, {})[weight] = arrays[name]
    hdf5.write_file(path, layers)


FORMATS = {
    "safetensors": Format(
        safetensors.FILE_NAME, "pytorch", safetensors.write_file, safetensors.write_file
    ),
    "pt": Format(
        torch_file.FILE_NAME, "pytorch", torch_file.write_file, torch_file.write_file
    ),
    "tf": Format(
        hdf5.FILE_NAME,
        "transformers-tf",
        _write_layers,
        hdf5.write_shard,
        scoped=True,
        bfloat16=False,
    ),
    "flax": Format(
        flax_msgpack.FILE_NAME, "flax", flax_msgpack.write_file, flax_msgpack.write_file
    ),
}
"""Value of `format` -> how it is written."""


def save_arrays(
    save_directory: str | os.PathLike[str],
    config: AlbertConfig,
    arrays: Mapping[str, np.ndarray],
    class_name: str,
    *,
    format: str = "safetensors",
    max_shard_size: int | str = "5GB",
) -> None:
    """Write `config.json` and the weights; they take their places together.

    Args:
        save_directory: a folder, made if need be.
        config: written with `architectures` and `dtype` of this model.
        arrays: weights by canonical name and in canonical layout, word embeddings
            first; types as in `safetensors.dtype_name`.
        class_name: PyTorch's name of the class; stock tools know no other.
        format: a key of `FORMATS`.
        max_shard_size: bytes, or a text such as "5GB"; weights beyond it are split
            over several files.

    Raises:
        OSError: the folder cannot be written to; nothing in it has changed.
        ValueError: `format` or `max_shard_size` is bad, the arrays are not those of
            the class, or the folder has other weights in a form that readers prefer.
    """
    if cast(Any, format) not in [*FORMATS]:
        raise ValueError(
            f"format must be one of {', '.join(FORMATS)}, but is {format!r}."
        )
    limit = parse_size(max_shard_size)
    chosen = FORMATS[format]
    _check_arrays(config, arrays, class_name)
    given = arrays
    if not chosen.bfloat16:
        arrays = {name: _widened(array) for name, array in arrays.items()}
    whole = sum(arrays[name].nbytes for name in arrays) <= limit
    spelled = _spelled(config, arrays, class_name, chosen, whole)
    stored = _Spelled(arrays, spelled)
    dtype = widest(safetensors.dtype_name(arrays[name]) for name in arrays)
    with replacing(save_directory, outdated=chosen.written()) as staged:
        _refuse_preferred(staged.parent, chosen, config, given)
        write_config(staged, config, class_name, dtype)
        if whole:
            chosen.write(staged / chosen.file_name, stored)
        else:
            name, index = chosen.file_name, f"{chosen.file_name}.index.json"
            write_shards(staged, name, index, stored, limit, chosen.write_shard)


def warn_of_unsaved(others: Iterable[str]) -> None:
    """Say which weights of a user's own class no ALBERT file has a place for.

    Args:
        others: their names.

    Warns:
        UserWarning: there are any.
    """
    found = list(others)
    if found:
        warnings.warn(
            f"these weights are none of ALBERT's and are not saved: {some(found)}. "
            f"Save them with the framework's own means.",
            stacklevel=4,
        )


def write_config(
    folder: Path, config: AlbertConfig, class_name: str, dtype: str
) -> None:
    """Write `config.json` with the class and the type of the weights in it."""
    values = {**config.to_dict(), "architectures": [class_name], "dtype": dtype}
    values.pop("torch_dtype", None)
    AlbertConfig.from_dict(values).save_pretrained(folder)


def _spelled(
    config: AlbertConfig,
    arrays: Iterable[str],
    class_name: str,
    chosen: Format,
    whole: bool,
) -> dict[str, tuple[str, bool]]:
    """Map names in the file to the canonical ones, and say what is stored turned."""
    rows = {row.canonical: row for row in names.weights(config, class_name)}
    dialect, base = DIALECTS[chosen.dialect], class_name == "AlbertModel"
    found: dict[str, tuple[str, bool]] = {}
    for canonical in arrays:
        spelled = dialect.spell(rows[canonical], config, base)
        if chosen.dialect == "transformers-tf":
            # These classes look for every name of a weight.
            spelled = [f"{name}:0" for name in spelled]
        else:
            spelled = spelled[:1]
        if chosen.scoped and whole:
            spelled = [full for name in spelled for full in _scoped(class_name, name)]
        for name in spelled:
            found[name] = (canonical, dialect.turned(rows[canonical]))
    return found


def _scoped(class_name: str, name: str) -> Iterator[str]:
    """Put in front of a name what Keras 2 does: the layer, the model in snake case."""
    model = re.sub(r"(?<=[a-z])(?=[A-Z])", "_", f"tf{class_name}").lower()
    yield f"{name.partition('/')[0]}/{model}/{name}"
    if "predictions" in names.PARTS[class_name] and "/embeddings/" in name:
        # The head holds the embeddings, too, and is read by itself.
        yield f"predictions/{model}/{name}"


def _check_arrays(
    config: AlbertConfig, arrays: Mapping[str, np.ndarray], class_name: str
) -> None:
    """Refuse arrays that could not be loaded again as this class."""
    pooling = class_name != "AlbertModel" or "albert.pooler.weight" in arrays
    needed = {
        row.canonical: row.shape(config)
        for row in names.weights(config, class_name, pooling)
    }
    wrong = [
        *(f"{name} is missing" for name in needed if name not in arrays),
        *(f"{name} is no weight of it" for name in arrays if name not in needed),
        *(
            f"{name} is {list(arrays[name].shape)} instead of {list(shape)}"
            for name, shape in needed.items()
            if name in arrays and arrays[name].shape != shape
        ),
    ]
    if wrong:
        raise ValueError(
            f"these are not the weights of an {class_name} of this configuration: "
            f"{some(wrong)}."
        )


def _refuse_preferred(
    folder: Path,
    chosen: Format,
    config: AlbertConfig,
    arrays: Mapping[str, np.ndarray],
) -> None:
    """Refuse to write what readers would pass over for other, older weights."""
    # The new file is not in its place yet.
    there = [chosen.file_name, *(path.name for path in folder.iterdir())]
    for form, name in forms.weight_files(there):
        if form.file_name == chosen.file_name:
            return
        if not _holds(folder / name, config, arrays):
            raise ValueError(
                f"{str(folder)!r} holds {name}, with other weights, which readers "
                f"prefer to {chosen.file_name}: remove it, or give another folder."
            )


def _holds(path: Path, config: AlbertConfig, arrays: Mapping[str, np.ndarray]) -> bool:
    """Whether a file has these very weights."""
    try:
        found = open_checkpoint(path, config).arrays
        return all(
            name in found and np.array_equal(found[name].read(), _widened(array))
            for name, array in arrays.items()
        )
    except (ImportError, OSError, ValueError):
        return False


def _widened(array: np.ndarray) -> np.ndarray:
    """Give bfloat16 as float32, which holds the same values."""
    if safetensors.dtype_name(array) != "bfloat16":
        return array
    return widen_bfloat16(np.ascontiguousarray(array).view(np.uint16))


class _Spelled(Mapping[str, np.ndarray]):
    """Arrays under the names and in the layout of a file, made when asked for."""

    def __init__(
        self,
        arrays: Mapping[str, np.ndarray],
        spelled: Mapping[str, tuple[str, bool]],
    ) -> None:
        self._arrays, self._spelled = arrays, spelled

    def __getitem__(self, name: str) -> np.ndarray:
        canonical, turned = self._spelled[name]
        array = self._arrays[canonical]
        return array.T if turned and array.ndim == 2 else array

    def __iter__(self) -> Iterator[str]:
        return iter(self._spelled)

    def __len__(self) -> int:
        return len(self._spelled)
