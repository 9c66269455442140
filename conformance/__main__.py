"""`python -m conformance`: hold the installed backends to the oracle."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from conformance import (
    changes,
    dropout,
    goldens,
    google,
    google_training,
    gradients,
    training,
    written,
)
from conformance.backends import PREFIXES, implementation, loader
from conformance.cases import all_cases
from conformance.run import Result, run_cases


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the suite.

    Args:
        arguments: of the command line; None reads the process's own.

    Returns:
        0 if every case passed; 1 if one did not, none ran, or a framework that was
        asked for cannot be imported.
    """
    parser = argparse.ArgumentParser(prog="python -m conformance", description=__doc__)
    parser.add_argument(
        "--framework",
        action="append",
        choices=tuple(PREFIXES),
        help="check this one only; may be given several times (default: all three)",
    )
    chosen = parser.parse_args(arguments).framework or list(PREFIXES)
    passed = [check(framework) for framework in dict.fromkeys(chosen)]
    print("conformance:", "passed" if all(passed) and passed else "FAILED")
    return 0 if all(passed) and passed else 1


def check(framework: str) -> bool:
    """Check one framework and print a line for each class and family."""
    try:
        build, load = implementation(framework), loader(framework)
    except ImportError as error:
        print(f"{framework:5} FAILED: cannot be imported: {error}")
        return False
    lines: dict[tuple[str, str], list[Result]] = {}
    sources = (
        run_cases(build, all_cases()),
        goldens.run(build),
        google.run(build),
        written.run(load),
        gradients.run(framework, gradients.all_gradient_cases()),
        dropout.run(framework),
        training.run(framework),
        changes.run(framework),
    )
    for results in sources:
        for result in results:
            key = (result.case.class_name, result.case.family)
            lines.setdefault(key, []).append(result)
    for (class_name, family), results in lines.items():
        _print_line(framework, class_name, family, results)
    if not google.available():
        print(f"{framework:5} not run: Google's own checkpoints (../shared is absent)")
    if not google_training.available():
        print(f"{framework:5} not run: Google's own training (../shared is absent)")
    return bool(lines) and all(r.passed for line in lines.values() for r in line)


def _print_line(
    framework: str, class_name: str, family: str, results: list[Result]
) -> None:
    worst = max(results, key=lambda result: result.error)
    verdict = "ok" if all(result.passed for result in results) else "FAILED"
    print(
        f"{framework:5} {class_name:31} {family:20} {len(results):3} cases  "
        f"largest error {worst.error:.1e} of {worst.tolerance:.0e}  {verdict}"
    )
    for result in results:
        if not result.passed:
            print(f"      {result.case.name}: {result.error:.1e} {result.failure}")


if __name__ == "__main__":
    sys.exit(main())
