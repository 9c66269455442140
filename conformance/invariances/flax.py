"""JAX' ways of computing the same.

The models' loop over the layers is a scan, and they have no option for another;
unrolled it is by JAX, which has one.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from functools import partial
from pathlib import Path
from unittest import mock

import jax
import numpy as np

from albert.common.saving import save_arrays
from albert.flax import fast
from conformance.invariances.recomputed import recomputed
from conformance.invariances.subject import ALL_GRADIENTS, Check, Pair, Subject
from conformance.steps import Arrays
from conformance.tracing import compiled_anew

MESHES = ("data=8", "data=4,model=2")


def _without(subject: Subject, **switches: bool) -> Pair:
    """A quick way switched off."""
    with fast.using(**switches):
        gave = subject.call(subject.case.inputs)
    return Pair(gave, subject.outputs)


def unrolled(subject: Subject) -> Pair:
    """The layers one after another in the program, and in a loop."""
    scan = partial(jax.lax.scan, unroll=True)
    ways = fast.using(compiled=False, layers=False)
    with compiled_anew(subject.model), ways, mock.patch.object(jax.lax, "scan", scan):
        gave = subject.call(subject.case.inputs)
    return Pair(gave, subject.outputs)


def nearly_recomputed(subject: Subject) -> Pair:
    """Checkpointing, as `recomputed` has it; XLA compiles another program for it."""
    found, right, _ = recomputed(subject)
    off = np.array(max(_off(name, found, right) for name in right))
    return Pair({ALL_GRADIENTS: off}, {ALL_GRADIENTS: np.zeros_like(off)})


def _off(name: str, found: Arrays, right: Arrays) -> float:
    """Give a tensor's difference in units of its largest gradient.

    A bias of keys has gradient 0, and what is found is rounding: the matrix beside it
    has the measure.
    """
    largest = np.abs(right[name.replace("key.bias", "key.weight")]).max()
    off = np.abs(found[name] - right[name]).max()
    if off == 0:
        return 0.0
    return float(off / largest) if largest else float("inf")


def _sharded(subject: Subject, mesh: str) -> Pair:
    """Eight devices, in a process that takes the CPU for eight if there are no more."""
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        one = subject.case
        save_arrays(place / "model", one.config, one.weights(), one.class_name)
        np.savez(place / "inputs.npz", allow_pickle=False, **one.inputs)
        environment = dict(os.environ)
        if jax.default_backend() == "cpu":
            flags = environment.get("XLA_FLAGS", "")
            eight = "--xla_force_host_platform_device_count=8"
            environment["XLA_FLAGS"] = f"{flags} {eight}".strip()
        done = subprocess.run(
            [sys.executable, "-m", "conformance.invariances.sharded", folder, mesh],
            env=environment,
            cwd=Path(__file__).resolve().parents[2],
            capture_output=True,
            text=True,
        )
        if done.returncode != 0:
            raise RuntimeError(done.stderr[-500:])
        if json.loads(done.stdout.splitlines()[-1]) != {"devices": 8}:
            raise RuntimeError(
                f"the outputs were not cut over 8 devices: {done.stdout}"
            )
        with np.load(place / "outputs.npz") as gave:
            found = {name: gave[name] for name in gave}
    return Pair(found, {name: subject.outputs[name] for name in found})


CHECKS: dict[str, Check] = {
    "not compiled as a whole": partial(_without, compiled=False),
    "lengths not rounded": partial(_without, rounded=False),
    "the model's own layers": partial(_without, layers=False),
    "matrices not packed": partial(_without, packed=False),
    "all quick ways off": partial(
        _without, compiled=False, rounded=False, layers=False, packed=False
    ),
    "layers unrolled": unrolled,
    "computed again": nearly_recomputed,
    **{f"8 devices, {mesh}": partial(_sharded, mesh=mesh) for mesh in MESHES},
}
