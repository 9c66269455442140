"""From an open checkpoint to the arrays of one model, with nothing lost or guessed."""

from __future__ import annotations

import os
import warnings
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from albert.common import names
from albert.common.checkpoint.lazy import FLOATS, LazyArray
from albert.common.config import AlbertConfig
from albert.common.hub import Location
from albert.common.opening import Checkpoint, open_checkpoint

_MAX_LINES = 200
NOT_NEEDED = (
    "from_pt",
    "from_tf",
    "from_flax",
    "low_cpu_mem_usage",
    "trust_remote_code",
    "use_safetensors",
)
"""What transformers' users pass: here nothing depends on it."""


@dataclass(frozen=True)
class LoadingReport:
    """How a checkpoint and a model fitted together; names are canonical.

    Attributes:
        missing: weights of the model that the checkpoint lacks.
        unexpected: weights of the checkpoint that no ALBERT has.
        mismatched: (name, shape in the checkpoint, shape in the model).
        unused: weights of other heads, left in the file.
        weights_file: what was read.
    """

    missing: tuple[str, ...]
    unexpected: tuple[str, ...]
    mismatched: tuple[tuple[str, tuple[int, ...], tuple[int, ...]], ...]
    unused: tuple[str, ...]
    weights_file: str = ""

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
        more = len(lines) - _MAX_LINES
        return "\n".join(
            [*lines[:_MAX_LINES], *([f"  and {more} more"] if more > 0 else [])]
        )


def take_dtype(dtype: Any, options: dict[str, Any]) -> Any:
    """Take transformers' older name `torch_dtype` out of the options.

    Args:
        dtype: what was given by its own name, which counts if both were.
        options: of `from_pretrained` or the like; changed.

    Returns:
        The type that is asked for, as the user gave it; None if none is.
    """
    older = options.pop("torch_dtype", None)
    return older if dtype is None else dtype


def dtype_name(dtype: Any) -> str:
    """Name a type, whichever framework's it is: `torch.float16` is "float16"."""
    for attribute in ("name", "__name__"):
        name = getattr(dtype, attribute, None)
        if isinstance(name, str):
            return name
    return str(dtype).removeprefix("torch.")


def prepare(
    pretrained_model_name_or_path: str | os.PathLike[str],
    config: AlbertConfig | None,
    options: Mapping[str, Any],
) -> tuple[Checkpoint, AlbertConfig]:
    """Open a checkpoint and find the configuration to build a model with.

    Args:
        pretrained_model_name_or_path: whatever `open_checkpoint` takes.
        config: used instead of the checkpoint's, if given.
        options: fields of `albert.common.hub.Location`; `from_pt` and its like, which
            are not needed, since the form is seen in the file, likewise
            `trust_remote_code`, `use_safetensors` and `low_cpu_mem_usage`; all others
            are fields of the configuration to set differently.

    Returns:
        The checkpoint and the configuration.

    Raises:
        FileNotFoundError: nothing is there, or no weights or no configuration.
        ImportError: the library for this form of file is not installed.
        TypeError: an option is not known.
        ValueError: the files are damaged, or hold another model.
    """
    changes = {k: v for k, v in options.items() if k not in NOT_NEEDED}
    if changes.get("attn_implementation", "") is None:
        del changes["attn_implementation"]
    location = Location.take(changes)
    checkpoint = open_checkpoint(
        pretrained_model_name_or_path, config, location, **changes
    )
    return checkpoint, checkpoint.config


def load_arrays(
    checkpoint: Checkpoint,
    config: AlbertConfig,
    rows: Sequence[names.Weight],
    ignore_mismatched_sizes: bool = False,
) -> tuple[dict[str, LazyArray], LoadingReport]:
    """Find one model's weights.

    Args:
        checkpoint: open.
        config: gives the shapes.
        rows: the model's weights, of `names.weights`.
        ignore_mismatched_sizes: whether a head of another shape may be left out, to
            be made anew, instead of raising.

    Returns:
        Arrays by canonical name in canonical layout, to be read one after another,
        and the report. Weights of a missing head are absent.

    Raises:
        ValueError: a weight is missing or mis-shaped, other than a head that is
            missing as a whole.

    Warns:
        UserWarning: a head is missing, or the file has weights that no ALBERT has.
    """
    report = _compare(checkpoint, config, rows)
    _refuse_loss(report, rows, ignore_mismatched_sizes)
    left_out = {*report.missing, *(name for name, _, _ in report.mismatched)}
    kept = [row.canonical for row in rows if row.canonical not in left_out]
    checkpoint.check_copies(kept)
    arrays = {name: checkpoint.arrays[name] for name in kept}
    for name, array in arrays.items():
        if array.dtype not in FLOATS:
            raise ValueError(
                f"{name} in {str(checkpoint.file)!r} is of type {array.dtype}, but "
                f"weights are of {', '.join(FLOATS)}."
            )
    return arrays, report


def _compare(
    checkpoint: Checkpoint, config: AlbertConfig, rows: Sequence[names.Weight]
) -> LoadingReport:
    found = checkpoint.arrays
    needed = {row.canonical: row.shape(config) for row in rows}
    return LoadingReport(
        missing=tuple(name for name in needed if name not in found),
        unexpected=checkpoint.unexpected,
        mismatched=tuple(
            (name, found[name].shape, shape)
            for name, shape in needed.items()
            if name in found and found[name].shape != shape
        ),
        unused=tuple(name for name in found if name not in needed),
        weights_file=str(checkpoint.file),
    )


def _refuse_loss(
    report: LoadingReport, rows: Iterable[names.Weight], ignore_mismatched_sizes: bool
) -> None:
    """Raise unless all that is missing is whole heads; warn of those."""
    source = report.weights_file
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
