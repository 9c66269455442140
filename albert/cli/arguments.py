"""Arguments that several commands have."""

from __future__ import annotations

import argparse
from typing import Any


def add_source(parser: Any) -> None:
    """Add the checkpoint that a command reads."""
    parser.add_argument(
        "source",
        metavar="SRC",
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
