"""The published sizes at their full width, in bounded memory.

Weights are random, made once for each size and written as a checkpoint that every
framework reads. The oracle reads the same file one matrix at a time and turns only that
one into float64, so that its memory is that of the largest matrix: 0.8 GB for xxlarge,
whose layers share 201 million weights. The tolerance is measured for each size and each
layer on the same weights, by the oracle in float32 (`conformance/steps.py`): the error
grows with depth and width, and the tolerance with it.
"""

from __future__ import annotations

import importlib
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from albert.common import names
from albert.common.config import AlbertConfig
from albert.common.opening import open_checkpoint
from albert.common.presets import PRESETS
from albert.common.probe import make_inputs
from albert.common.saving import save_arrays
from conformance import oracle
from conformance.backends import load_model
from conformance.cases import Case
from conformance.intermediates import judge
from conformance.precisions import as_steps
from conformance.rounding import FLOAT32, rounded
from conformance.run import Result
from conformance.steps import (
    FACTOR,
    Arrays,
    Step,
    compare,
    rounding_error,
    without_details,
)

FAMILY = "sizes"
SIZES = tuple(f"albert-{size}-v2" for size in ("base", "large", "xlarge", "xxlarge"))
BATCH, LENGTH = 4, 7
"""Four texts, so that the smallest output, the order's scores, has eight values: of the
two that one text has, a run of the oracle tells too little about their error."""

CLASS = "AlbertForPreTraining"
_KEPT = ("embedding_hidden_mapping_in", "full_layer_layer_norm", "probabilities")


def case_of(size: str) -> Case:
    """Make the case of a size: four short texts."""
    settings: Any = PRESETS[size]
    config = AlbertConfig(**settings)
    inputs = make_inputs(config, CLASS, seed=3, length=LENGTH, batch=BATCH)
    return Case(FAMILY, size, CLASS, config, inputs)


def run(
    framework: str, sizes: Iterable[str] = SIZES, folder: str | Path | None = None
) -> Iterator[Result]:
    """Hold a framework's models of the published sizes to the oracle.

    Args:
        framework: "pt", "tf" or "flax".
        sizes: keys of `PRESETS`.
        folder: where checkpoints and what the oracle gave are kept, 1.3 GB; processes
            that are given the same folder one after another share them. None for a
            temporary one, which this process keeps to its end.

    Yields:
        A result for each size; its steps have the error of each layer.
    """
    place = Path(_temporary().name if folder is None else folder)
    for size in sizes:
        case = case_of(size)
        try:
            yield judge(case, steps_of(framework, case, place))
        except Exception as problem:  # whatever it is, it is this case's failure
            yield Result(case, float("inf"), f"{type(problem).__name__}: {problem}")


def steps_of(framework: str, case: Case, place: Path) -> tuple[Step, ...]:
    """Compare a framework with the oracle on a case whose weights are on disk.

    Args:
        framework: "pt", "tf" or "flax".
        case: the case.
        place: folder that has, or gets, the case's checkpoint and the oracle's steps.

    Returns:
        Each layer's output and probabilities and the outputs, of a call that gives
        them; and the outputs of a plain call.
    """
    checkpoint = _written(case, place / case.name)
    right, errors = _expected(case, checkpoint)
    allowed = {name: FACTOR * error for name, error in errors.items()}
    runner = importlib.import_module(f"albert.{framework}.runner")
    model = load_model(framework, case.class_name, checkpoint)
    details = {"output_hidden_states": True, "output_attentions": True}
    detailed = as_steps(case, runner.run(model, case.inputs, **details))
    plain = without_details(runner.run(model, case.inputs))
    named = {f"plain call: {name}": one for name, one in plain.items()}
    outputs = {f"plain call: {name}": right[name] for name in plain}
    bounds = {f"plain call: {name}": allowed[name] for name in plain}
    return (*compare(detailed, right, allowed), *compare(named, outputs, bounds))


@cache
def _temporary() -> tempfile.TemporaryDirectory[str]:
    return tempfile.TemporaryDirectory(prefix="conformance-sizes-")


def _written(case: Case, folder: Path) -> Path:
    """Write a case's checkpoint, if it is not there."""
    if not (folder / "model.safetensors").exists():
        weights = {
            row.canonical: _random(row, case.config)
            for row in names.weights(case.config, case.class_name)
        }
        save_arrays(folder, case.config, weights, case.class_name)
    return folder


def _random(row: names.Weight, config: AlbertConfig) -> np.ndarray:
    """Make a weight as large as those of a new model; biases not 0, scales not 1."""
    random = np.random.default_rng([ord(letter) for letter in row.canonical])
    drawn = random.standard_normal(row.shape(config), dtype=np.float32)
    np.clip(drawn, -2, 2, out=drawn)
    drawn *= np.float32(config.initializer_range)
    if row.kind is names.SCALE:
        drawn += np.float32(1)
    return drawn


class _OneByOne(Mapping[str, np.ndarray]):
    """A checkpoint's weights, each read and turned when it is asked for.

    Args:
        folder: with the checkpoint.
        turn: makes the array that is given of the one that was read.
    """

    def __init__(self, folder: Path, turn: Callable[[np.ndarray], np.ndarray]) -> None:
        self._arrays, self._turn = open_checkpoint(folder).arrays, turn

    def __getitem__(self, name: str) -> np.ndarray:
        return self._turn(self._arrays[name].read())

    def __iter__(self) -> Iterator[str]:
        return iter(self._arrays)

    def __len__(self) -> int:
        return len(self._arrays)


def _expected(case: Case, checkpoint: Path) -> tuple[Arrays, dict[str, float]]:
    """Give the oracle's steps and what float32 is off, as computed or as kept."""
    kept = checkpoint / "oracle.npz"
    if not kept.exists():
        nudge = np.random.default_rng(1)
        exact = _steps(case, _OneByOne(checkpoint, lambda one: one.astype(np.float64)))
        short = _steps(
            case, _OneByOne(checkpoint, lambda one: rounded(one, FLOAT32, nudge))
        )
        errors = {
            name: rounding_error(name, FLOAT32, right, [short[name]])
            for name, right in exact.items()
        }
        held = {f"error {name}": np.array(one) for name, one in errors.items()}
        np.savez(kept, allow_pickle=False, **exact, **held)
    with np.load(kept) as held:
        errors = {
            name.removeprefix("error "): float(held[name])
            for name in held
            if name.startswith("error ")
        }
        return {name: held[name] for name in errors}, errors


def _steps(case: Case, weights: Mapping[str, np.ndarray]) -> Arrays:
    steps: Arrays = {}

    def record(name: str, value: np.ndarray) -> None:
        if name.endswith(_KEPT):
            steps[name] = np.asarray(value)

    outputs = oracle.MODELS[case.class_name](case.config, weights, case.inputs, record)
    return {**steps, **without_details(outputs)}
