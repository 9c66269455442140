"""Where two calls' outputs differ first, and by how much.

The order is the one in which a model computes them: what enters the first layer, each
layer's attentions and what the layer gave, the pooled vector, the heads, the loss.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

SHOWN = 6
"""How many neighbouring values are shown where two runs differ."""

_LAYERED = ("hidden_states", "attentions")
_ORDER = {"last_hidden_state": 0, "pooler_output": 1, "loss": 3}
_HEAD = 2


class Step(Protocol):
    """What is known of one step of a computation."""

    @property
    def name(self) -> str:
        """Such as "hidden_states.2"."""
        ...

    @property
    def error(self) -> float:
        """Largest absolute difference; infinite for what cannot be compared."""
        ...

    @property
    def tolerance(self) -> float:
        """How large it may be."""
        ...

    @property
    def place(self) -> tuple[int, ...]:
        """Index of the worst value; () if there is none."""
        ...

    @property
    def found(self) -> Any:
        """The value there, or a few from there on; None if there is none."""
        ...

    @property
    def right(self) -> Any:
        """What it should be."""
        ...


@dataclass(frozen=True)
class Difference:
    """A `Step` that compares one output.

    Attributes:
        name: such as "hidden_states.2".
        error: largest absolute difference; infinite for what cannot be compared.
        tolerance: how large it may be.
        place: index of the worst value; () if there is none.
        found: some values around it along the last axis.
        right: what they should be.
        why: what is odd about it, if it cannot be compared.
        first: index of the first of these values along the last axis.
    """

    name: str
    error: float
    tolerance: float
    place: tuple[int, ...] = ()
    found: tuple[float, ...] = ()
    right: tuple[float, ...] = ()
    why: str = ""
    first: int = 0


def in_order(outputs: Mapping[str, Any]) -> dict[str, np.ndarray]:
    """Take outputs apart.

    Args:
        outputs: by name; a tuple holds one array for each layer.

    Returns:
        Arrays by step, in order.
    """
    found: dict[str, np.ndarray] = {}
    states = tuple(outputs.get("hidden_states", ()))
    attentions = tuple(outputs.get("attentions", ()))
    blocks = -(-len(attentions) // max(len(states) - 1, 1))
    for number, state in enumerate(states or attentions):
        done = number * blocks if states else number + 1
        for block in range(max(done - blocks, 0), min(done, len(attentions))):
            found[f"attentions.{block}"] = np.asarray(attentions[block])
        if states:
            found[f"hidden_states.{number}"] = np.asarray(state)
    heads = [name for name in outputs if name not in _LAYERED]
    for name in sorted(heads, key=lambda name: _ORDER.get(name, _HEAD)):
        found[name] = np.asarray(outputs[name])
    return found


def differences(
    found: Mapping[str, Any],
    right: Mapping[str, Any],
    tolerance: float | Mapping[str, float],
) -> Iterator[Difference]:
    """Compare two calls' outputs step by step.

    Args:
        found: outputs by name.
        right: what they should be.
        tolerance: how large an error may be, for all steps or by step.

    Yields:
        One for each output of either.
    """
    ours, theirs = in_order(found), in_order(right)
    for name in [*theirs, *(name for name in ours if name not in theirs)]:
        allowed = tolerance[name] if isinstance(tolerance, Mapping) else tolerance
        if name not in ours or name not in theirs:
            why = "missing" if name in theirs else "not asked for"
            yield Difference(name, math.inf, allowed, why=why)
        else:
            yield difference(name, ours[name], theirs[name], allowed)


def difference(
    name: str, found: np.ndarray, right: np.ndarray, tolerance: float
) -> Difference:
    """Compare one array with what it should be.

    Args:
        name: of the step.
        found: the array.
        right: of the same shape.
        tolerance: how large an error may be.

    Returns:
        The difference, with the values around the worst one.
    """
    if found.shape != right.shape:
        why = f"its shape is {found.shape}, not {right.shape}"
        return Difference(name, math.inf, tolerance, why=why)
    if not found.size:
        return Difference(name, math.inf, tolerance, why="it is empty")
    finite = np.isfinite(found) & np.isfinite(right)
    with np.errstate(invalid="ignore"):
        off = np.abs(found.astype(np.float64) - right)
    off = np.where(finite, off, np.inf)
    place = tuple(int(i) for i in np.unravel_index(int(off.argmax()), off.shape))
    first = max(min(place[-1], found.shape[-1] - SHOWN), 0) if place else 0
    shown = (*place[:-1], slice(first, first + SHOWN)) if place else ()
    return Difference(
        name,
        float(off[place]),
        tolerance,
        place,
        numbers(found[shown]),
        numbers(right[shown]),
        "" if finite.all() else "it is not finite",
        first,
    )


def numbers(values: Any) -> tuple[float, ...]:
    """Give one value, or several, or None, as a tuple."""
    if values is None:
        return ()
    return tuple(float(value) for value in np.atleast_1d(values))


def first_beyond(steps: Iterable[Step]) -> Step | None:
    """Give the first step whose error is beyond its tolerance, or None."""
    return next((one for one in steps if not one.error <= one.tolerance), None)
