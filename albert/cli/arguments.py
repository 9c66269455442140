"""Arguments that several commands have, and what is said of bad ones."""

from __future__ import annotations

import argparse
import re
from typing import Any, NoReturn

from albert.common import names


class UsageError(Exception):
    """A command that was not understood, or asks for what cannot be; exit status 2."""


class Parser(argparse.ArgumentParser):
    """A parser that says in one line what was wrong."""

    def error(self, message: str) -> NoReturn:
        """Print what was wrong, and end with exit status 2."""
        self.exit(2, f"{self.prog}: {message} (see {self.prog} --help)\n")


def add_source(parser: Any, metavar: str = "SRC") -> None:
    """Add the checkpoint that a command reads, called `metavar` in its help."""
    parser.add_argument(
        "source",
        metavar=metavar,
        type=not_empty,
        help="a folder, a weight file, the prefix of a TensorFlow checkpoint, a "
        'repository on the hub such as "owner/name", or albert-demo',
    )


def not_empty(text: str) -> str:
    """Give the text of an argument, or refuse it if it is empty, as a path it is `.`.

    Args:
        text: as typed.

    Returns:
        The same.

    Raises:
        ArgumentTypeError: it is empty.
    """
    if not text:
        raise argparse.ArgumentTypeError("must be a path or a name, but is empty")
    return text


def positive(text: str) -> int:
    """Give a whole number above 0.

    Args:
        text: as typed.

    Returns:
        The number.

    Raises:
        ArgumentTypeError: it is none.
    """
    if not (text.isascii() and text.isdecimal()) or int(text) < 1:
        raise argparse.ArgumentTypeError(f"must be a number above 0, but is {text!r}")
    return int(text)


def class_named(text: str) -> str:
    """Give PyTorch's name of a class, whatever framework's was typed, in any case.

    Args:
        text: as typed.

    Returns:
        The name.

    Raises:
        ArgumentTypeError: there is no such class.
    """
    bare = re.sub("^(tf|flax)", "", text.lower())
    found = [name for name in names.PARTS if name.lower() == bare]
    if not found:
        raise argparse.ArgumentTypeError(
            f"must be one of {', '.join(names.PARTS)}, but is {text!r}"
        )
    return found[0]
