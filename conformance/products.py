"""The flags that let a framework multiply float32 matrices with fewer bits.

Conformance holds float32 with the strictest setting. Here each other setting is tried:
if its outputs differ from the strict ones, they are held to the tolerance of what the
device makes of it, TF32 or products in bfloat16. If they are the same bit for bit, the
setting does nothing on this device; that is no result, and `without_effect` says so.
"""

from __future__ import annotations

import importlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import cache
from typing import Any

import numpy as np

from conformance import rounding
from conformance.cases import Case
from conformance.intermediates import judge
from conformance.precisions import cases, load
from conformance.rounding import FLOAT32, Precision
from conformance.run import Result
from conformance.steps import (
    Arrays,
    compare,
    exact_steps,
    tolerances,
    without_details,
)

FAMILY = "products"
STRICT = "highest"

FLAGS: dict[str, dict[str, dict[str, Precision]]] = {
    "pt": {
        "high": {
            "cpu": rounding.TENSORFLOAT32,
            "gpu": rounding.TENSORFLOAT32,
        },
        "medium": {
            "cpu": rounding.BFLOAT16_PRODUCTS,
            "gpu": rounding.BFLOAT16_PRODUCTS,
        },
    },
    "tf": {
        "tensorfloat32": {
            "gpu": rounding.TENSORFLOAT32,
            "tpu": rounding.BFLOAT16_PRODUCTS,
        }
    },
    "flax": {
        "high": {"gpu": rounding.TENSORFLOAT32, "tpu": rounding.BFLOAT16_3X},
        "default": {
            "gpu": rounding.TENSORFLOAT32,
            "tpu": rounding.BFLOAT16_PRODUCTS,
        },
    },
}
"""Framework -> setting -> kind of device -> what products read of their factors."""


@contextmanager
def setting(framework: str, flag: str) -> Iterator[None]:
    """Have a framework multiply in a setting for a while.

    Args:
        framework: "pt", "tf" or "flax".
        flag: a key of `FLAGS`, or `STRICT`.
    """
    if framework == "pt":
        torch = importlib.import_module("torch")
        before = torch.get_float32_matmul_precision()
        torch.set_float32_matmul_precision(flag)
        try:
            yield
        finally:
            torch.set_float32_matmul_precision(before)
    elif framework == "tf":
        switches = importlib.import_module("tensorflow").config.experimental
        before = switches.tensor_float_32_execution_enabled()
        switches.enable_tensor_float_32_execution(flag != STRICT)
        try:
            yield
        finally:
            switches.enable_tensor_float_32_execution(before)
    else:
        with importlib.import_module("jax").default_matmul_precision(flag):
            yield


def device_kind(framework: str) -> str:
    """Tell where a framework's models go by default: "cpu", "gpu" or "tpu"."""
    if framework == "flax":
        backend = importlib.import_module("jax").default_backend()
        return backend if backend in ("cpu", "tpu") else "gpu"
    if framework == "pt":
        default = importlib.import_module("torch").get_default_device().type
        return "cpu" if default == "cpu" else "gpu"
    found = importlib.import_module("tensorflow").config.list_logical_devices()
    kinds = {one.device_type.lower() for one in found}
    return next((kind for kind in ("tpu", "gpu") if kind in kinds), "cpu")


def run(framework: str) -> Iterator[Result]:
    """Hold the strict setting, and those that do something here, to the oracle.

    Args:
        framework: "pt", "tf" or "flax".

    Yields:
        A result for each setting that has an effect, the strict one first.
    """
    yield from _tried(framework)[0]


def without_effect(framework: str) -> dict[str, str]:
    """Tell which settings could not be checked here.

    Args:
        framework: "pt", "tf" or "flax".

    Returns:
        Setting -> why it has no result.
    """
    return dict(_tried(framework)[1])


@cache
def _tried(framework: str) -> tuple[tuple[Result, ...], tuple[tuple[str, str], ...]]:
    case = next(one for one in cases() if one.class_name == "AlbertForPreTraining")
    case = replace(case, family=FAMILY)
    model = load(framework, case, FLOAT32)
    strict = _outputs(framework, model, case, STRICT)
    results = [_held(case, STRICT, FLOAT32, strict)]
    idle = []
    kind = device_kind(framework)
    for flag, precisions in FLAGS[framework].items():
        found = _outputs(framework, model, case, flag)
        if all(np.array_equal(found[name], strict[name]) for name in strict):
            reason = (
                f"not run: no effect on this {kind}, equal to {STRICT!r} bit for bit"
            )
            idle.append((flag, reason))
        elif kind not in precisions:
            results.append(
                Result(
                    replace(case, name=flag),
                    float("inf"),
                    f"{flag!r} changes the outputs on a {kind}, and must not",
                )
            )
        else:
            results.append(_held(case, flag, precisions[kind], found))
    return tuple(results), tuple(idle)


def _held(case: Case, flag: str, precision: Precision, found: Arrays) -> Result:
    exact = exact_steps(case, precision)
    allowed = tolerances(case, precision, exact)
    right = {name: exact[name] for name in found}
    return judge(replace(case, name=flag), compare(found, right, allowed))


def _outputs(framework: str, model: Any, case: Case, flag: str) -> Arrays:
    runner = importlib.import_module(f"albert.{framework}.runner")
    with setting(framework, flag):
        return without_details(runner.run(model, case.inputs))
