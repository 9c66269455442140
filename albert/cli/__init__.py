"""The command line: one file for each command.

Exit status: 0 done, 1 it could not be done, 2 the command was not understood, 130
interrupted by Ctrl-C.
"""

from __future__ import annotations

import argparse
import atexit
import importlib
import os
import sys
import threading
import warnings
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from typing import Any, NoReturn

from albert._version import __version__
from albert.cli.arguments import Parser, UsageError

_COMMANDS = (
    "run",
    "demo",
    "convert",
    "export",
    "inspect",
    "train-tokenizer",
    "prepare",
    "pretrain",
    "finetune",
    "env",
)

_EPILOG = """\
example: albert run --task fill-mask "The capital of [MASK] is Paris."
`albert COMMAND --help` explains a command, with an example.

exit status: 0 done; 1 something could not be done or processed; 2 the command was not
understood, or asks for what cannot be; 130 interrupted by Ctrl-C"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command `albert`.

    Args:
        arguments: of the command line; None reads the process's own.

    Returns:
        The exit status.
    """
    given = sys.argv[1:] if arguments is None else list(arguments)
    parser = Parser(
        prog="albert",
        description="ALBERT for PyTorch, Keras and JAX.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=__version__)
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    # The others are there for help and errors only, and import much.
    known = [name for name in given[:1] if name in _COMMANDS]
    for name in known or _COMMANDS:
        module = name.replace("-", "_")
        importlib.import_module(f"albert.cli.{module}").add_parser(commands)
    chosen = parser.parse_args(given)
    try:
        with _plain_warnings():
            return chosen.run(chosen)
    except BrokenPipeError:
        # The reader has read enough, as `head` does; nothing may be written any more,
        # not at the interpreter's end either.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except UsageError as error:
        return _say(error, 2)
    except (ImportError, OSError, ValueError) as error:
        return _say(error, 1)
    except (MemoryError, RuntimeError) as error:
        # What frameworks raise, of a device whose memory is full, for one.
        return _say(f"{type(error).__name__}: {error}", 1)
    except KeyboardInterrupt as error:
        return _say(f"interrupted{error}", 130)


def command() -> NoReturn:
    """Run the command `albert` as a process, and end it at once.

    Taking a framework apart keeps Python busy for up to a second after the answer.
    """
    status = main()
    # As multiprocessing ends a process: all that Python does at its end but that.
    threading._shutdown()  # pyright: ignore
    atexit._run_exitfuncs()  # pyright: ignore
    try:
        sys.stdout.flush()
        sys.stderr.flush()
    except (AttributeError, OSError, ValueError):
        sys.exit(status)
    os._exit(status)


def _say(error: object, status: int) -> int:
    print(f"albert: {' '.join(str(error).splitlines())}", file=sys.stderr)
    return status


@contextmanager
def _plain_warnings() -> Generator[None]:
    """Print a warning as its text alone, without the line of code that gives it."""

    def show(message: Warning | str, *_: Any) -> None:
        print(f"albert: {message}", file=sys.stderr)

    with warnings.catch_warnings():
        warnings.showwarning = show
        yield
