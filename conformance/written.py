"""Hold an implementation to checkpoints that other tools wrote.

Each folder of `fixtures` has a checkpoint as the tool saved it and what that tool's own
model gave on inputs that stand beside it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np

from albert.common.config import AlbertConfig
from albert.common.opening import open_checkpoint
from conformance.backends import Load
from conformance.cases import Case
from conformance.compare import largest_error
from conformance.run import Result

FOLDER = Path(__file__).resolve().parent / "fixtures"
INPUTS = ("input_ids", "attention_mask", "token_type_ids")


def folders() -> list[Path]:
    """List the fixtures that have a writer's outputs."""
    return sorted(path.parent for path in FOLDER.glob("*/*/golden.npz"))


def check(load: Load, folder: Path) -> Result:
    """Load one fixture and compare the outputs with the writer's own."""
    label = f"{folder.parent.name}/{folder.name}"
    case = Case("other tools' files", label, "AlbertModel", AlbertConfig(), {})
    try:
        config = open_checkpoint(folder).config
        (class_name,) = config.architectures or ("AlbertModel",)
        case = replace(case, class_name=class_name, config=config)
        with np.load(folder / "golden.npz") as golden:
            inputs = {name: golden[name] for name in INPUTS}
            right = {name: golden[name] for name in golden if name not in INPUTS}
        found = load(case.class_name, folder)(inputs, False)
        return Result(case, largest_error({n: found[n] for n in right}, right))
    except Exception as problem:  # whatever it is, it is this fixture's failure
        return Result(case, float("inf"), f"{type(problem).__name__}: {problem}")


def run(load: Load) -> Iterator[Result]:
    """Check every fixture."""
    for folder in folders():
        yield check(load, folder)
