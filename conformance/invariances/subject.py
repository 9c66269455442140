"""The model that the checks look at, and what two of its answers may differ by."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cache, cached_property
from pathlib import Path
from typing import Any

import numpy as np

from conformance.backends import load_model, make_model
from conformance.cases import Case, all_cases
from conformance.rounding import FLOAT32
from conformance.steps import (
    Arrays,
    Step,
    compare,
    exact_steps,
    tolerances,
    without_details,
)
from conformance.tolerances import GRADIENTS

FAMILY = "invariances"
ALL_GRADIENTS = "gradients"


class Pair(tuple[Arrays, Arrays, bool]):
    """Two answers, by output, and whether every bit must be equal."""

    def __new__(cls, found: Arrays, right: Arrays, bitwise: bool = False) -> Pair:
        """Put them together."""
        return super().__new__(cls, (found, right, bitwise))


Check = Callable[["Subject"], Pair]


@cache
def case() -> Case:
    """Give the case: both heads, three rows of unlike length, two groups."""
    found = next(
        one
        for one in all_cases()
        if (one.class_name, one.family, one.name)
        == ("AlbertForPreTraining", "inputs", "right padding")
    )
    # Even, so that the feed-forward step can be cut over two devices.
    config = found.config.replace(intermediate_size=38)
    return replace(found, family=FAMILY, config=config)


@dataclass(frozen=True)
class Subject:
    """One model of a framework.

    Attributes:
        framework: "pt", "tf" or "flax".
    """

    framework: str

    @property
    def case(self) -> Case:
        """Its case."""
        return case()

    @cached_property
    def model(self) -> Any:
        """The model, loaded as users load it."""
        return make_model(
            self.framework,
            self.case.class_name,
            self.case.config,
            self.case.weights(),
        )

    @cached_property
    def outputs(self) -> Arrays:
        """What a plain call gives for the case's inputs."""
        return self.call(self.case.inputs)

    @cached_property
    def allowed(self) -> dict[str, float]:
        """How far one answer may be off the oracle, by output.

        All gradients together are one: the largest error of a tensor, in units of its
        largest gradient.
        """
        outputs = tolerances(self.case, FLOAT32, exact_steps(self.case, FLOAT32))
        return {**outputs, ALL_GRADIENTS: GRADIENTS}

    def call(self, inputs: Arrays, model: Any = None, **flags: Any) -> Arrays:
        """Call a model without gradients; give its outputs but the layers'.

        Args:
            inputs: arguments of the call.
            model: None for the subject's own.
            **flags: such as `output_attentions`.

        Returns:
            Arrays by name.
        """
        runner = importlib.import_module(f"albert.{self.framework}.runner")
        chosen = self.model if model is None else model
        return without_details(runner.run(chosen, inputs, **flags))

    def load(self, folder: str | Path) -> Any:
        """Load a checkpoint of the case's class."""
        return load_model(self.framework, self.case.class_name, folder)

    def compared(self, found: Arrays, right: Arrays, bitwise: bool) -> tuple[Step, ...]:
        """Compare two answers.

        Args:
            found: by output; what follows a space in a name only tells where it is of.
            right: the other, of the same names.
            bitwise: whether every bit must be equal.

        Returns:
            A step for each name.

        Raises:
            ValueError: they do not have the same names and shapes, or none.
        """
        shapes = {name: one.shape for name, one in found.items()}
        if not right or shapes != {name: one.shape for name, one in right.items()}:
            raise ValueError("the two answers have other names or shapes, or none")
        allowed = {
            name: 0.0 if bitwise else 2 * self.allowed[name.split(" ")[0]]
            for name in right
        }
        return compare(found, {n: np.asarray(a) for n, a in right.items()}, allowed)
