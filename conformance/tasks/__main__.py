"""`python -m conformance.tasks DIR`: write the checkpoints of the tasks to a folder."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from conformance.tasks.checkpoints import write_all


def main(arguments: Sequence[str] | None = None) -> int:
    """Write the checkpoints and print their folders.

    Args:
        arguments: of the command line; None reads the process's own.

    Returns:
        0.

    Raises:
        OSError: the folder cannot be written to.
    """
    parser = argparse.ArgumentParser(
        prog="python -m conformance.tasks", description=__doc__
    )
    parser.add_argument("folder", help="where each checkpoint gets a folder of its own")
    for path in write_all(parser.parse_args(arguments).folder):
        print(path)
    return 0


if __name__ == "__main__":
    sys.exit(main())
