"""`python -m conformance.tpu`: compile every Flax class for TPUs, without one.

Needs `pip install libtpu` beside the extra "flax". Nothing is run.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence

from albert.common.files import atomic_path
from conformance.tpu.records import COMPILED, Record, compile_all


def main(arguments: Sequence[str] | None = None) -> int:
    """Compile, and print a line for each program.

    Args:
        arguments: of the command line; None reads the process's own.

    Returns:
        0 if each was compiled as it was asked for; 1 if one was not, or if nothing was
        compiled.
    """
    parser = argparse.ArgumentParser(
        prog="python -m conformance.tpu", description=__doc__
    )
    parser.add_argument("--json", metavar="FILE", help="write what was found there")
    path = parser.parse_args(arguments).json
    found = compile_all(_show)
    if path is not None:
        with (
            atomic_path(path) as temporary,
            open(temporary, "w", encoding="utf-8") as f,
        ):
            json.dump(found, f, indent=1)
            f.write("\n")
    print(f"TPU: {found['verdict']}: {found['reason']}")
    return 0 if found["verdict"] == COMPILED else 1


def _show(record: Record) -> None:
    print(record.line(), flush=True)


if __name__ == "__main__":
    sys.exit(main())
