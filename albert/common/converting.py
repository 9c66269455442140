"""From one form of a checkpoint to another: which class, which types, what changed."""

from __future__ import annotations

import math
import os
import typing
from collections.abc import Callable, Generator, Iterable, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from albert.common import names
from albert.common.checkpoint.lazy import LazyArray, widen_bfloat16
from albert.common.checkpoint.safetensors import dtype_name
from albert.common.config import AlbertConfig
from albert.common.opening import Checkpoint, weight_file
from albert.common.replacing import replacing
from albert.common.saving import FORMATS
from albert.common.texts import some
from albert.common.tokenization.source import ADDED_TOKENS, SPIECE, TOKENIZER_JSON

TOLERANCE = 2e-5
"""How far outputs of values up to 10 may be apart in one framework.

Float32 has a spacing of 1.2e-7 at 1; sums in another order lose one to three digits of
the last places, and layers add up. The same weights in the same framework should give
no difference at all.
"""

ACROSS_TOLERANCE = 1e-3
"""Likewise from one framework to another.

They sum in unlike orders: 2e-5 in 4 layers and 1e-4 in 12 have been seen. A weight that
is turned, missing or another one's changes the outputs by more than 1e-1.
"""

_UP_TO = 10.0
_POOLER = "pooler"

Outputs = Mapping[str, Any]


class Fit(NamedTuple):
    """How the weights of a checkpoint and those of a class fit together.

    Fields:
        class_name: PyTorch's name of the class.
        rows: its weights; those of its pooling layer only if `pooling`.
        pooling: False for an `AlbertModel` whose pooling layer the checkpoint lacks.
        missing: weights of the class that the checkpoint lacks.
        mismatched: (name, shape in the checkpoint, shape in the class).
        left_out: weights of the checkpoint that the class lacks.
    """

    class_name: str
    rows: tuple[names.Weight, ...]
    pooling: bool
    missing: tuple[str, ...]
    mismatched: tuple[tuple[str, tuple[int, ...], tuple[int, ...]], ...]
    left_out: tuple[str, ...]

    @property
    def complete(self) -> bool:
        """Whether every weight is there and of the right shape."""
        return not self.missing and not self.mismatched

    def __str__(self) -> str:
        lacking = [f"{name} is missing" for name in self.missing]
        lacking += [
            f"{name} is {list(found)} and not {list(needed)}"
            for name, found, needed in self.mismatched
        ]
        return some(lacking) or "complete"


def fit(checkpoint: Checkpoint, class_name: str) -> Fit:
    """Compare a checkpoint with a class; nothing is read.

    Args:
        checkpoint: open.
        class_name: a key of `names.PARTS`.

    Returns:
        What fits.
    """
    config, held = checkpoint.config, checkpoint.arrays
    rows = names.weights(config, class_name)
    pooling = class_name != "AlbertModel" or any(
        row.part == _POOLER and row.canonical in held for row in rows
    )
    rows = names.weights(config, class_name, pooling)
    needed = {row.canonical: row.shape(config) for row in rows}
    return Fit(
        class_name,
        rows,
        pooling,
        missing=tuple(name for name in needed if name not in held),
        mismatched=tuple(
            (name, held[name].shape, shape)
            for name, shape in needed.items()
            if name in held and held[name].shape != shape
        ),
        left_out=tuple(name for name in held if name not in needed),
    )


def choose(
    checkpoint: Checkpoint, head: str | None = None, option: str = "--head"
) -> tuple[Fit, str]:
    """Choose the class that a checkpoint is converted as.

    Args:
        checkpoint: open.
        head: a key of `names.PARTS`; None for the class that the configuration names
            or, if not all its weights are there, the only one whose weights are.
        option: how the user names one, for the error text.

    Returns:
        The class, complete, and why it was chosen.

    Raises:
        ValueError: weights of the class are missing or mis-shaped, or several classes
            are complete and none is named.
    """
    fits = {name: fit(checkpoint, name) for name in names.PARTS}
    if head is not None:
        return _complete(checkpoint, fits, head), "asked for"
    stated = _stated(checkpoint.config)
    if stated is not None and not fits[stated].missing:
        return _complete(checkpoint, fits, stated), "its configuration names it"
    found = _by_weights(fits)
    if len(found) > 1:
        raise ValueError(
            f"{str(checkpoint.file)!r} can be of several classes, and its "
            f"configuration names none of them: choose one of {', '.join(found)} with "
            f"{option}."
        )
    chosen = _complete(checkpoint, fits, found[0] if found else "AlbertModel")
    if stated is None:
        return chosen, "by its weights"
    return chosen, (
        f"by its weights; its configuration names {stated}, of which {fits[stated]}"
    )


def _stated(config: AlbertConfig) -> str | None:
    """Give the class that the configuration names, whichever framework's it was."""
    stated = (config.architectures or [""])[0]
    bare = stated.removeprefix("TF").removeprefix("Flax")
    return bare if bare in names.PARTS else None


def _by_weights(fits: Mapping[str, Fit]) -> list[str]:
    found = [name for name, each in fits.items() if each.complete]
    if "AlbertForPreTraining" in found:
        found.remove("AlbertForMaskedLM")
    heads = [name for name in found if name != "AlbertModel"]
    return heads or found


def _complete(checkpoint: Checkpoint, fits: Mapping[str, Fit], class_name: str) -> Fit:
    if fits[class_name].complete:
        return fits[class_name]
    others = ", ".join(name for name, each in fits.items() if each.complete)
    raise ValueError(
        f"{str(checkpoint.file)!r} does not hold an {class_name}: {fits[class_name]}. "
        f"Complete in it: {others or 'no class'}."
    )


def find_tokenizer(
    source: str | os.PathLike[str], checkpoint: Checkpoint
) -> tuple[Any, str]:
    """Load the tokenizer beside the weights.

    Args:
        source: what the checkpoint was opened by.
        checkpoint: open.

    Returns:
        The tokenizer, or None, and where it is from or why there is none.
    """
    try:
        found, place = _load_tokenizer(source, checkpoint.file.parent)
    except FileNotFoundError:
        return None, "there is none beside the source"
    except ValueError as error:
        return None, f"left out: {error}"
    if len(found) > checkpoint.config.vocab_size:
        vocab_size = checkpoint.config.vocab_size
        return None, f"left out: {len(found)} ids, but vocab_size={vocab_size}"
    return found, f"of {place}"


def _load_tokenizer(
    source: str | os.PathLike[str], folder: Path
) -> tuple[Any, str | os.PathLike[str]]:
    """Give the tokenizer and what it was made of."""
    from albert.common.tokenization import AlbertTokenizerFast

    path = Path(source).expanduser()
    if not path.is_dir() and weight_file(source) is None:
        return AlbertTokenizerFast.from_pretrained(source), source
    if folder.name == "variables":
        folder = folder.parent
    return AlbertTokenizerFast.from_pretrained(folder), folder


def read(name: str, array: LazyArray, dtype: str | None = None) -> np.ndarray:
    """Read one weight as it shall be written.

    Args:
        name: what to call it in errors.
        array: of the checkpoint.
        dtype: "float32", "float16", "bfloat16" or "float64"; None for the array's own.

    Returns:
        The weight; bfloat16 as raw 2-byte items (NumPy "V2").

    Raises:
        ValueError: a value is too large for the type, or the file is damaged.
    """
    try:
        values = array.read()
    except ValueError as error:
        raise ValueError(f"{name}: {error}") from None
    return cast(name, values, dtype or array.dtype)


def cast(name: str, values: np.ndarray, dtype: str) -> np.ndarray:
    """Round values to a type: to the nearest, and of two the even one.

    Args:
        name: what to call them in errors.
        values: of a float type of NumPy's.
        dtype: as for `read`.

    Returns:
        Likewise; NaN stays NaN.

    Raises:
        ValueError: a finite value would become infinite.
    """
    if dtype == "bfloat16":
        rounded = _bfloat16(values)
    else:
        with np.errstate(over="ignore"):
            rounded = values.astype(dtype, copy=False)
    if np.isinf(widened(rounded)).sum() > np.isinf(values).sum():
        largest = float(np.abs(values[np.isfinite(values)]).max())
        raise ValueError(
            f"{name} reaches {largest:.3g}, which {dtype} cannot hold: choose another "
            f"--dtype."
        )
    return rounded


def widened(array: np.ndarray) -> np.ndarray:
    """Give values that NumPy can count with: bfloat16 as float32."""
    if dtype_name(array) != "bfloat16":
        return array
    return widen_bfloat16(array.view("uint16"))


def single(array: np.ndarray) -> np.ndarray:
    """Give the float32 values that a model computes with."""
    return widened(array).astype(np.float32, copy=False)


def _bfloat16(values: np.ndarray) -> np.ndarray:
    single = _odd(values) if values.dtype == np.float64 else values.astype(np.float32)
    bits = single.view(np.uint32)
    upper = (bits >> 16).astype(np.uint16)
    half = (bits & 0xFFFF).astype(np.uint16)
    up = (half > 0x8000) | ((half == 0x8000) & (upper & 1 == 1))
    nan = np.isnan(single)
    # A NaN whose mark lies in the lower half would turn into infinity.
    lost = nan & (upper & 0x7F == 0)
    rounded = upper + (up & ~nan).astype(np.uint16)
    return (rounded | lost.astype(np.uint16) << 6).astype(np.uint16).view("V2")


def _odd(values: np.ndarray) -> np.ndarray:
    """Round float64 to float32 so that rounding again gives what rounding once would.

    Source: Boldo and Melquiond, "When double rounding is odd", 2005.
    """
    with np.errstate(over="ignore"):
        near = values.astype(np.float32)
    above = np.abs(near) > np.abs(values)
    near = np.where(above, np.nextafter(near, np.float32(0)), near)
    inexact = (near != values) & ~np.isnan(values)
    return (near.view(np.uint32) | inexact.astype(np.uint32)).view(np.float32)


def read_all(
    arrays: Mapping[str, LazyArray],
    dtype: str | None,
    advance: Callable[[int], object] = lambda size: None,
) -> tuple[dict[str, np.ndarray], bool]:
    """Read weights, one after another.

    Args:
        arrays: by canonical name.
        dtype: as for `read`.
        advance: called with the number of values after each.

    Returns:
        The weights as they shall be written, and whether a value is another one than
        the source's as a float32, in which models compute.

    Raises:
        ValueError: a value is too large for the type, or the file is damaged.
    """
    found: dict[str, np.ndarray] = {}
    rounded = False
    for name, array in arrays.items():
        found[name] = read(name, array, dtype)
        if dtype in ("float16", "bfloat16") and dtype != array.dtype:
            before, after = single(array.read()), single(found[name])
            rounded |= not np.array_equal(before, after, equal_nan=True)
        advance(math.prod(array.shape))
    return found, rounded


def with_nan(arrays: Mapping[str, np.ndarray]) -> list[str]:
    """List the weights that hold a NaN.

    Args:
        arrays: weights by name, as `read` gives them.

    Returns:
        Their names.
    """
    return [name for name in arrays if np.isnan(widened(arrays[name])).any()]


def differing_weights(
    arrays: Mapping[str, LazyArray],
    dtype: str | None,
    result: Checkpoint,
    bfloat16: bool = True,
) -> list[str]:
    """Compare weights with those of a converted checkpoint, bit for bit.

    Args:
        arrays: of the source, which is read again.
        dtype: as for `read`.
        result: what was written of them.
        bfloat16: whether the result's form has that type; else the same values stand
            there as float32.

    Returns:
        Names of weights that are not the same, or are in one of the two only.
    """
    both = arrays.keys() & result.arrays.keys()
    differing = set(arrays.keys() ^ result.arrays.keys())
    for name in both:
        expected = read(name, arrays[name], dtype)
        expected = expected if bfloat16 else widened(expected)
        found = read(name, result.arrays[name])
        if (
            found.dtype != expected.dtype
            or found.shape != expected.shape
            or found.tobytes() != expected.tobytes()
        ):
            differing.add(name)
    return sorted(differing)


class Difference(NamedTuple):
    """How far the outputs of source and result are apart in one framework.

    Fields:
        framework: "pt", "tf" or "flax".
        own: largest difference between source and result.
        across: largest difference between the result and the source in the first
            framework.
        scale: what `TOLERANCE` and `ACROSS_TOLERANCE` are multiplied by.
    """

    framework: str
    own: float
    across: float
    scale: float

    @property
    def agrees(self) -> bool:
        """Whether both differences are within the limits; not if one is no number."""
        return (
            self.own <= TOLERANCE * self.scale
            and self.across <= ACROSS_TOLERANCE * self.scale
        )


def compare_outputs(
    frameworks: Iterable[str],
    of_source: Callable[[str], Outputs],
    of_result: Callable[[str], Outputs],
) -> list[Difference]:
    """Run source and result in each framework, one model at a time.

    Args:
        frameworks: their short names.
        of_source: gives the outputs of the source, as a runner does.
        of_result: gives those of the result.

    Returns:
        The differences.
    """
    found: list[Difference] = []
    first: Outputs | None = None
    for framework in frameworks:
        source, result = of_source(framework), of_result(framework)
        first = source if first is None else first
        scale = max(1.0, _largest(first) / _UP_TO)
        found.append(
            Difference(
                framework,
                largest_difference(source, result),
                largest_difference(first, result),
                scale,
            )
        )
    return found


def largest_difference(one: Outputs, other: Outputs) -> float:
    """Compare two models' outputs.

    Args:
        one: arrays, or tuples of them, by name.
        other: likewise.

    Returns:
        The largest absolute difference; infinite if they are not of the same names
        and shapes, NaN if a value is NaN.
    """
    left, right = _flat(one), _flat(other)
    if not left or [a.shape for a in left] != [b.shape for b in right]:
        return math.inf
    if one.keys() != other.keys():
        return math.inf
    return _greatest(
        float(np.abs(a.astype(np.float64) - b).max()) if a.size else 0.0
        for a, b in zip(left, right, strict=True)
    )


def _largest(outputs: Outputs) -> float:
    return _greatest(float(np.abs(array).max()) for array in _flat(outputs))


def _greatest(values: Iterable[float]) -> float:
    """Give the greatest, or NaN if one is NaN, which `max` would lose."""
    return float(np.max([0.0, *values]))


def _flat(outputs: Outputs) -> list[np.ndarray]:
    flat: list[np.ndarray] = []
    for name in sorted(outputs):
        value: Any = outputs[name]
        flat.extend(
            typing.cast(tuple[np.ndarray, ...], value)
            if isinstance(value, tuple)
            else [value]
        )
    return flat


@contextmanager
def placing(destination: Path, format: str, with_tokenizer: bool) -> Generator[Path]:
    """Give a new folder whose files take their places in `destination` all at once.

    Args:
        destination: a folder, made if need be; other files in it stay.
        format: a key of `FORMATS`, whose older files make way.
        with_tokenizer: whether the files of an older tokenizer make way.

    Yields:
        The new folder. When the `with` block raises, `destination` stays as it was,
        and is not there if it was not.

    Raises:
        OSError: `destination` cannot be written to.
    """
    outdated = list(FORMATS[format].written())
    if with_tokenizer:
        outdated += [SPIECE, TOKENIZER_JSON, ADDED_TOKENS]
    made = _missing_folders(destination)
    try:
        with replacing(destination, outdated) as staged:
            # Loading locks a folder, and the staged one is locked already.
            folder = staged / "result"
            folder.mkdir()
            try:
                yield folder
            except OSError as error:
                if error.errno is None:
                    raise
                # Whatever saves into the new folder has given advice already, on a
                # folder that nobody knows; `replacing` gives it on the destination.
                text = os.strerror(error.errno)
                raise OSError(error.errno, text, error.filename) from None
            for path in folder.iterdir():
                path.rename(staged / path.name)
            folder.rmdir()
    except BaseException:
        for path in made:
            with suppress(OSError):
                path.rmdir()
        raise


def _missing_folders(folder: Path) -> Sequence[Path]:
    """List a folder and its parents as far as they are not there, the inner first."""
    return [path for path in (folder, *folder.parents) if not path.exists()]
