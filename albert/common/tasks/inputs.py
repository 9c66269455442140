"""An input as the caller gave it, to its text or its two texts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from albert.common.tasks.checks import mapping_of, text_of

PAIR = ("text", "text_pair")
"""Keys of a dictionary with two texts."""


def read_text(given: Any, keys: Sequence[str] = ("text",)) -> str:
    """Give the text of an input.

    Args:
        given: a text, or a dictionary that holds one.
        keys: what such a dictionary may hold; the first is the text.

    Returns:
        The text.

    Raises:
        TypeError: it is no text.
        ValueError: the dictionary holds no text, or something else.
    """
    held = mapping_of(given, keys)
    return text_of(given) if held is None else held_text(held, keys[0])


def read_pair(given: Any) -> tuple[str, str | None]:
    """Give the texts of an input.

    Args:
        given: a text, or a dictionary with `text` and perhaps `text_pair`.

    Returns:
        The first text, and the second or None.

    Raises:
        TypeError: it is no text.
        ValueError: the dictionary holds no text, or something else.
    """
    held = mapping_of(given, PAIR)
    if held is None:
        return text_of(given), None
    second = None if held.get(PAIR[1]) is None else held_text(held, PAIR[1])
    return held_text(held, PAIR[0]), second


def held_text(held: Mapping[str, Any], key: str) -> str:
    """Give a text of a dictionary.

    Args:
        held: an input.
        key: of the text.

    Returns:
        The text.

    Raises:
        TypeError: it is no text.
        ValueError: it is not there.
    """
    if key not in held:
        raise ValueError(f"an input that is a dictionary must hold {key!r}.")
    return text_of(held[key], key)


def short(text: str) -> str:
    """Give a text, or its beginning, for an error text."""
    return text if len(text) <= 60 else f"{text[:57]}..."
