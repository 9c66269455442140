"""What the commands that train have in common."""

from __future__ import annotations

from pathlib import Path
from typing import Any


def number(parser: Any, name: str, kind: Any, default: Any, what: str) -> None:
    """Add an option with a number.

    Args:
        parser: to add it to.
        name: of the option.
        kind: what reads it.
        default: None makes the option required.
        what: it is, for the help.
    """
    text = what if default is None else f"{what} (default: %(default)s)"
    parser.add_argument(
        name,
        type=kind,
        metavar="N",
        default=default,
        required=default is None,
        help=text,
    )


def config_named(name: str, vocab_size: int) -> Any:
    """Give the configuration of a new model.

    Args:
        name: a preset, a file, or a folder.
        vocab_size: of a preset.

    Returns:
        The configuration.

    Raises:
        OSError: there is none.
        ValueError: a value of it is bad.
    """
    from albert.common.config import AlbertConfig
    from albert.common.presets import PRESETS

    if name in PRESETS:
        return AlbertConfig.preset(name, vocab_size=vocab_size)
    if Path(name).expanduser().is_file():
        return AlbertConfig.from_json_file(name)
    return AlbertConfig.from_pretrained(name)
