"""From a folder to the arrays of one model, with nothing lost or guessed on the way."""

from __future__ import annotations

import os
import warnings
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from albert.common import names
from albert.common.checkpoint import safetensors
from albert.common.checkpoint.lazy import LazyArray
from albert.common.config import AlbertConfig
from albert.common.files import make_folder
from albert.common.hub import local_folder


@dataclass(frozen=True)
class LoadingReport:
    """How a checkpoint and a model fitted together; names are canonical.

    Attributes:
        missing: weights of the model that the checkpoint lacks.
        unexpected: weights of the checkpoint that no ALBERT has.
        mismatched: (name, shape in the checkpoint, shape in the model).
        unused: weights of other heads, left in the file.
    """

    missing: tuple[str, ...]
    unexpected: tuple[str, ...]
    mismatched: tuple[tuple[str, tuple[int, ...], tuple[int, ...]], ...]
    unused: tuple[str, ...]

    def to_dict(self) -> dict[str, list[Any]]:
        """Give the lists under the names that transformers' loading info has."""
        return {
            "missing_keys": list(self.missing),
            "unexpected_keys": list(self.unexpected),
            "mismatched_keys": list(self.mismatched),
            "unused_keys": list(self.unused),
        }

    def __str__(self) -> str:
        lines = [
            *(f"  missing: {name}" for name in self.missing),
            *(f"  unexpected: {name}" for name in self.unexpected),
            *(
                f"  mis-shaped: {name} is {list(found)}, the model needs {list(needed)}"
                for name, found, needed in self.mismatched
            ),
        ]
        return "\n".join(lines)


def open_checkpoint(folder: Path) -> dict[str, LazyArray]:
    """Open the weights of a folder, whatever their format.

    Args:
        folder: holds the weight file.

    Returns:
        The tensors by the names in the file, without the constants of older files.

    Raises:
        FileNotFoundError: there is no weight file that can be read.
        ValueError: the file is damaged.
    """
    path = folder / safetensors.FILE_NAME
    if not path.is_file():
        raise FileNotFoundError(
            f"{str(folder)!r} holds no {safetensors.FILE_NAME}, the one weight file "
            f"that this version reads."
        )
    return {
        name: array
        for name, array in safetensors.open_file(path).items()
        if names.PREFIX + name.removeprefix(names.PREFIX) not in names.BUFFERS
    }


def stored_dtype(folder: Path) -> str:
    """Name the type that holds every weight of a folder exactly.

    Args:
        folder: holds the weight file.

    Returns:
        The type of the weights; of several, one wide enough for all.
    """
    found = {array.dtype for array in open_checkpoint(folder).values()}
    if len(found) == 1:
        return found.pop()
    return "float64" if "float64" in found else "float32"


def load_arrays(
    folder: Path,
    config: AlbertConfig,
    rows: Sequence[names.Weight],
    ignore_mismatched_sizes: bool = False,
) -> tuple[dict[str, np.ndarray], LoadingReport]:
    """Read one model's weights.

    Args:
        folder: holds the weight file.
        config: gives the shapes.
        rows: the model's weights, of `names.weights`.
        ignore_mismatched_sizes: whether a head of another shape may be left out, to
            be made anew, instead of raising.

    Returns:
        Arrays by canonical name in canonical layout, read from the file as they are
        iterated over once here, and the report. Weights of a missing head are absent.

    Raises:
        ValueError: a weight is missing, mis-shaped or there twice with different
            values, other than a head that is missing as a whole.

    Warns:
        UserWarning: a head is missing, or the file has weights that no ALBERT has.
    """
    found = _canonical(open_checkpoint(folder))
    report = _compare(found, config, rows)
    _refuse_loss(report, rows, str(folder), ignore_mismatched_sizes)
    left_out = {*report.missing, *(name for name, _, _ in report.mismatched)}
    arrays = {
        row.canonical: found[row.canonical].read()
        for row in rows
        if row.canonical not in left_out
    }
    _check_tied(found, arrays)
    return arrays, report


def _canonical(opened: Mapping[str, LazyArray]) -> dict[str, LazyArray]:
    """Give a bare `AlbertModel`'s names their prefix.

    Either copy of a tied weight may be in the file; the first name stands for it.
    """
    first = ("embeddings.", "encoder.", "pooler.")
    found: dict[str, LazyArray] = {}
    for name, array in opened.items():
        full = names.PREFIX + name if name.startswith(first) else name
        if full in found:
            raise ValueError(f"the file holds {full} with and without its prefix.")
        found[full] = array
    for copy, name in names.TIED.items():
        if copy in found:
            found.setdefault(name, found[copy])
    return found


def _compare(
    found: Mapping[str, LazyArray], config: AlbertConfig, rows: Sequence[names.Weight]
) -> LoadingReport:
    needed = {row.canonical: row.shape(config) for row in rows}
    extra = [name for name in found if name not in needed]
    known = names.known_names()
    return LoadingReport(
        missing=tuple(name for name in needed if name not in found),
        unexpected=tuple(name for name in extra if name not in known),
        mismatched=tuple(
            (name, found[name].shape, shape)
            for name, shape in needed.items()
            if name in found and found[name].shape != shape
        ),
        unused=tuple(
            name for name in extra if name in known and name not in names.TIED
        ),
    )


def _refuse_loss(
    report: LoadingReport,
    rows: Iterable[names.Weight],
    source: str,
    ignore_mismatched_sizes: bool,
) -> None:
    """Raise unless all that is missing is whole heads; warn of those."""
    parts: dict[str, list[str]] = {}
    for row in rows:
        parts.setdefault(row.part, []).append(row.canonical)
    part_of = {name: part for part, members in parts.items() for name in members}
    mismatched = {name for name, _, _ in report.mismatched}
    absent = {*report.missing, *(mismatched if ignore_mismatched_sizes else ())}
    new_heads = sorted(
        part
        for part, members in parts.items()
        if part != names.BACKBONE and absent.issuperset(members)
    )
    fatal = [name for name in absent if part_of[name] not in new_heads]
    if fatal or (mismatched and not ignore_mismatched_sizes):
        advice = ""
        if mismatched and {part_of[name] for name in mismatched} == {"classifier"}:
            advice = (
                "\nSet num_labels to the checkpoint's, or pass "
                "ignore_mismatched_sizes=True for a new head."
            )
        raise ValueError(f"{source!r} does not fit the model:\n{report}{advice}")
    if new_heads:
        warnings.warn(
            f"{source!r} has no weights for {', '.join(new_heads)}, which start from "
            f"random values: train the model before you use it.\n{report}",
            stacklevel=4,
        )
    elif report.unexpected:
        warnings.warn(
            f"{source!r} has weights that no ALBERT model has; they were left out.\n"
            f"{report}",
            stacklevel=4,
        )


def _check_tied(
    found: Mapping[str, LazyArray], arrays: Mapping[str, np.ndarray]
) -> None:
    for copy, name in names.TIED.items():
        if copy not in found or name not in arrays or found[copy] is found[name]:
            continue
        if not np.array_equal(found[copy].read(), arrays[name], equal_nan=True):
            raise ValueError(
                f"{copy} and {name} are one weight in ALBERT, but the file holds two "
                f"different ones."
            )


def save_arrays(
    save_directory: str | os.PathLike[str],
    config: AlbertConfig,
    arrays: Mapping[str, np.ndarray],
    class_name: str,
) -> None:
    """Write `config.json` and `model.safetensors`, as all three frameworks read them.

    Args:
        save_directory: a folder, made if need be.
        config: written with `architectures` and `dtype` of this model.
        arrays: weights by canonical name and in canonical layout, word embeddings
            first; types as in `safetensors.write_file`.
        class_name: PyTorch's name of the class; stock tools know no other.
    """
    folder = make_folder(save_directory)
    base = class_name == "AlbertModel"
    stored = {
        name.removeprefix(names.PREFIX) if base else name: array
        for name, array in arrays.items()
    }
    dtype = safetensors.dtype_name(next(iter(arrays.values())))
    values = {**config.to_dict(), "architectures": [class_name], "dtype": dtype}
    values.pop("torch_dtype", None)
    saved = AlbertConfig.from_dict(values)
    safetensors.write_file(folder / safetensors.FILE_NAME, stored)
    saved.save_pretrained(folder)


def prepare(
    pretrained_model_name_or_path: str | os.PathLike[str],
    config: AlbertConfig | None,
    overrides: Mapping[str, Any],
) -> tuple[Path, AlbertConfig]:
    """Find a checkpoint's folder and the configuration to build a model with.

    Args:
        pretrained_model_name_or_path: a folder, or "albert-demo".
        config: used instead of the folder's, if given.
        overrides: fields of the configuration to set differently.

    Returns:
        The folder and the configuration.

    Raises:
        FileNotFoundError: no such folder, or no configuration in it.
        TypeError: an override is no field of the configuration.
    """
    folder = local_folder(pretrained_model_name_or_path)
    if config is None:
        config = AlbertConfig.from_pretrained(folder)
    return folder, config.replace(**overrides) if overrides else config
