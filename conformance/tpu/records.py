"""What is compiled, and what is written of it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from albert.common import names
from albert.common.config import AlbertConfig
from conformance.cases import Case
from conformance.run import Missing, Result
from conformance.tpu.products import Product, wrong_products
from conformance.tpu.programs import Compiled, Program, compile_program, ways, wrong
from conformance.tpu.targets import TARGETS, describe_tpu

FAMILY = "compiled for TPU"
COMPILED, FAILED, NOT_RUN = "compiled, not run", "failed", "not run"
REASON = (
    "nothing was compiled for a TPU, since libtpu is not installed: install it "
    'beside the extra "flax", pip install libtpu'
)
_ONE = tuple(target for target in TARGETS if target.mesh is None)
_CONTROL = Program("AlbertModel", "inference", TARGETS[0], precision="default")


@dataclass(frozen=True)
class Record:
    """What became of one program.

    Attributes:
        class_name: PyTorch's name of the class.
        way: "inference" or "training".
        target: chip and mesh.
        dtype: of the arithmetic.
        asked: precision of products that was asked for.
        verdict: "compiled, not run" or "failed"; never more, since nothing ran.
        wrong: what is wrong with it.
        products: number of products of the compiled program, by operands and precision.
        messages: number of messages between devices, by kind.
        memory: bytes on each device.
    """

    class_name: str
    way: str
    target: str
    dtype: str
    asked: str
    verdict: str
    wrong: list[str]
    products: dict[str, int]
    messages: dict[str, int]
    memory: dict[str, int]

    def line(self) -> str:
        """Give the line of a report."""
        name = f"{self.class_name} {self.way}"
        kinds = ", ".join(f"{n} {kind}" for kind, n in self.products.items())
        told = "; ".join(self.wrong) or (
            f"{kinds}; {sum(self.memory.values()) / 2**20:.1f} MiB"
        )
        return f"flax  {name:43} {self.target:18} {self.dtype}: {self.verdict}: {told}"


def all_programs() -> Iterator[Program]:
    """Give every program: each class, way and target in float32, and some more.

    In bfloat16 each class once a kind of chip; and one class at each other precision
    that JAX knows, so that what is read is seen to follow what is asked.
    """
    for target in TARGETS:
        for name in names.PARTS:
            for way in ways(name):
                yield Program(name, way, target)
    for target in _ONE:
        for name in names.PARTS:
            yield Program(name, "inference", target, "bfloat16")
        for precision in ("default", "high"):
            yield Program("AlbertModel", "inference", target, precision=precision)


def record(program: Program) -> Record:
    """Compile a program.

    Args:
        program: what is compiled.

    Returns:
        What became of it.
    """
    try:
        compiled = compile_program(program)
        problems = wrong(program, compiled)
        # What was asked for less must not pass for float32, or the reading is blind.
        if program == _CONTROL and not wrong_products(
            compiled.products, "float32", "highest"
        ):
            problems.append("default precision passes for the highest")
    except Exception as error:  # whatever it is, it is this program's failure
        compiled = Compiled([], [], False, {}, {})
        problems = [f"{type(error).__name__}: {error}"]
    return Record(
        program.class_name,
        program.way,
        program.target.name,
        program.dtype,
        program.precision,
        FAILED if problems else COMPILED,
        problems,
        dict(Counter(map(_kind, compiled.products))),
        compiled.messages,
        compiled.memory,
    )


def available() -> bool:
    """Tell whether libtpu is installed."""
    return find_spec("libtpu") is not None


def compile_all(show: Any = None) -> dict[str, Any]:
    """Compile every program, in a process that has not imported JAX.

    Args:
        show: a function that is called with each record; None for none.

    Returns:
        "verdict" ("compiled, not run", "failed" or "not run"), "reason", "date" in
        UTC, "versions" by package, and "programs", the records as dictionaries.
    """
    if not available():
        return _summary(NOT_RUN, REASON, [])
    describe_tpu()
    records = []
    for program in all_programs():
        records.append(record(program))
        if show is not None:
            show(records[-1])
    bad = sum(one.verdict == FAILED for one in records)
    if bad or not records:
        return _summary(FAILED, f"{bad} of {len(records)} programs", records)
    return _summary(COMPILED, f"{len(records)} programs", records)


def compile_elsewhere() -> dict[str, Any]:
    """Compile every program in another process: libtpu is told of before JAX loads.

    Returns:
        As `compile_all`.
    """
    if not available():
        return _summary(NOT_RUN, REASON, [])
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "tpu.json")
        command = [sys.executable, "-m", "conformance.tpu", "--json", str(path)]
        done = subprocess.run(command, capture_output=True, text=True, env=os.environ)
        if not path.is_file():
            last = done.stderr.strip().splitlines()[-1:] or [f"exit {done.returncode}"]
            return _summary(FAILED, last[0], [])
        return json.loads(path.read_text(encoding="utf-8"))


def run() -> Iterator[Result | Missing]:
    """Give what became of each program as a result of the suite.

    Yields:
        A result for each program, with the number of things that are wrong with it; or
        that nothing was compiled.
    """
    found = compile_elsewhere()
    if found["verdict"] == NOT_RUN:
        yield Missing("everything", found["reason"])
    elif not found["programs"]:
        yield _result("AlbertModel", "all programs", [found["reason"]])
    for one in found["programs"]:
        way = "{way}, {target}, {dtype}, {asked}".format(**one)
        yield _result(one["class_name"], way, one["wrong"])


def _result(class_name: str, name: str, wrong: list[str]) -> Result:
    case = Case(FAMILY, name, class_name, AlbertConfig(), {})
    return Result(case, float(len(wrong)), "; ".join(wrong), 0.0, note=COMPILED)


def _kind(product: Product) -> str:
    return f"{' x '.join(product.types)} {product.precision}"


def _summary(verdict: str, reason: str, records: list[Record]) -> dict[str, Any]:
    return {
        "verdict": verdict,
        "reason": reason,
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "versions": _versions(),
        "programs": [asdict(one) for one in records],
    }


def _versions() -> Mapping[str, str]:
    packages = ("jax", "jaxlib", "flax", "libtpu")
    return {name: version(name) for name in packages if find_spec(name) is not None}
