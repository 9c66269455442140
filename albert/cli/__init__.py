"""The command line: one file for each command.

Exit status: 0 done, 1 it could not be done, 2 the command was not understood.
"""

from __future__ import annotations

import argparse
import os
import sys
import warnings
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from typing import Any

from albert._version import __version__
from albert.cli import convert, demo, inspect


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command `albert`.

    Args:
        arguments: of the command line; None reads the process's own.

    Returns:
        The exit status.
    """
    parser = argparse.ArgumentParser(
        prog="albert", description="ALBERT for PyTorch, Keras and JAX."
    )
    parser.add_argument("--version", action="version", version=__version__)
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for command in (demo, convert, inspect):
        command.add_parser(commands)
    chosen = parser.parse_args(arguments)
    try:
        with _plain_warnings():
            return chosen.run(chosen)
    except BrokenPipeError:
        # The reader has read enough, as `head` does; nothing may be written any more,
        # not at the interpreter's end either.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except (ImportError, OSError, ValueError) as error:
        print(f"albert: {error}", file=sys.stderr)
        return 1


@contextmanager
def _plain_warnings() -> Generator[None]:
    """Print a warning as its text alone, without the line of code that gives it."""

    def show(message: Warning | str, *_: Any) -> None:
        print(f"albert: {message}", file=sys.stderr)

    with warnings.catch_warnings():
        warnings.showwarning = show
        yield
