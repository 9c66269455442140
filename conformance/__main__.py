"""`python -m conformance`: hold implementations to the oracle, here and now.

`python -m conformance record` and `compare` hold runs of different machines together.
"""

from __future__ import annotations

import argparse
import importlib
import sys
from collections.abc import Sequence
from pathlib import Path

from conformance import comparing


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the suite, or record a run, or compare two records.

    Args:
        arguments: of the command line; None reads the process's own.

    Returns:
        0 if every case passed; 1 if one did not, none ran, or what was asked for by
        name cannot be run; 2 if two records cannot be compared.
    """
    given = list(sys.argv[1:] if arguments is None else arguments)
    if given[:1] == ["compare"]:
        # Nothing but NumPy is imported for it.
        return comparing.main(given[1:])
    if given[:1] == ["record"]:
        from conformance import recording

        return recording.main(given[1:])
    return _check(_parser().parse_args(given))


def _parser() -> argparse.ArgumentParser:
    from conformance.backends import PREFIXES
    from conformance.families import all_families, dtypes
    from conformance.subjects import DEVICES, FULL, LEVELS

    parser = argparse.ArgumentParser(
        prog="python -m conformance",
        description="Hold the frameworks to the float64 oracle.",
        epilog="python -m conformance record FILE, and compare A B, hold runs of "
        "different machines together; docs/conformance.md explains all of it.",
    )
    parser.add_argument(
        "--framework",
        action="append",
        choices=tuple(PREFIXES),
        help="check this one only; may be given several times (default: all three)",
    )
    parser.add_argument(
        "--implementation",
        action="append",
        metavar="MODULE:CALLABLE",
        help="check an implementation that is none of this package's instead",
    )
    parser.add_argument(
        "--device",
        action="append",
        choices=(*DEVICES, "all"),
        help="where to compute (default: cpu); all: wherever it can be",
    )
    parser.add_argument(
        "--dtype",
        action="append",
        choices=dtypes(),
        help="type of the computation (default: all in the full level, else float32)",
    )
    parser.add_argument("--level", choices=LEVELS, default=FULL)
    instead = parser.add_mutually_exclusive_group()
    instead.add_argument(
        "--checkpoint",
        type=Path,
        metavar="FOLDER",
        help="check a checkpoint of yours instead of the suite's cases",
    )
    instead.add_argument(
        "--pretrained",
        nargs="*",
        metavar="NAME",
        help="check published models instead, from the hub or its cache (default: "
        "base, versions 1 and 2)",
    )
    parser.add_argument(
        "--report",
        type=Path,
        metavar="DIR",
        help="write a page, index.html, with report.json and junit.xml",
    )
    families = [one.name for one in all_families()]
    parser.add_argument("--family", choices=families, help="run this family only")
    parser.add_argument(
        "--case",
        action="append",
        metavar="ID",
        help="run the case of this id only; may be given several times",
    )
    return parser


def _check(chosen: argparse.Namespace) -> int:
    from conformance.orders import orders
    from conformance.processes import walk_all
    from conformance.walking import unspoiled

    # What it needs shall be missed now, not after minutes.
    wanted = chosen.report is not None
    report = importlib.import_module("conformance.report") if wanted else None
    with unspoiled():
        legs = walk_all(orders(chosen))
    # A framework without a device that nobody asked for by name is no failure.
    ran = [leg for leg in legs if leg.rows or any(one.failure for one in leg.not_run)]
    passed = bool(ran) and all(leg.passed for leg in ran)
    if report is not None:
        report.write(chosen.report, legs, passed)
    print("conformance:", "passed" if passed else "FAILED")
    return 0 if passed else 1


if __name__ == "__main__":
    sys.exit(main())
