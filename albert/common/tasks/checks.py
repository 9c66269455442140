"""Checks of what a caller chose, and of what is to be processed."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from numbers import Integral
from typing import Any, cast


def check_count(name: str, value: Any, least: int = 1) -> None:
    """Refuse what is no whole number, or too small a one.

    Args:
        name: of the argument.
        value: its value.
        least: the smallest that is allowed.

    Raises:
        ValueError: it is none.
    """
    if isinstance(value, bool) or not isinstance(value, Integral) or value < least:
        raise ValueError(
            f"{name} must be a whole number of at least {least}, but is {value!r}."
        )


def check_flag(name: str, value: Any) -> None:
    """Refuse what is neither True nor False."""
    if not isinstance(value, bool):
        raise ValueError(f"{name} must be True or False, but is {value!r}.")


def check_number(name: str, value: Any) -> None:
    """Refuse what is no finite number."""
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise ValueError(f"{name} must be a number, but is {value!r}.")
    if not math.isfinite(value):
        raise ValueError(f"{name} must be a finite number, but is {value!r}.")


def check_choice(name: str, value: Any, choices: Sequence[Any]) -> None:
    """Refuse what is none of a few values."""
    if value not in choices:
        listed = ", ".join(repr(choice) for choice in choices)
        raise ValueError(f"{name} must be one of {listed}, but is {value!r}.")


def text_of(given: Any, name: str = "the input") -> str:
    """Give a text, or refuse what is none.

    Args:
        given: a text.
        name: what it is, for the error text.

    Returns:
        The same.

    Raises:
        TypeError: it is of another type.
        ValueError: it holds half a character, which no tokenizer can read.
    """
    if not isinstance(given, str):
        raise TypeError(
            f"{name} must be a text, but is of type {type(given).__name__}."
        )
    try:
        given.encode()
    except UnicodeEncodeError as error:
        raise ValueError(
            f"{name} holds half of a surrogate pair at character {error.start}, which "
            f"is no text."
        ) from None
    return given


def mapping_of(given: Any, known: Sequence[str]) -> dict[str, Any] | None:
    """Give a dictionary with known keys; None for what is no dictionary.

    Args:
        given: anything.
        known: the keys that it may hold.

    Returns:
        The dictionary.

    Raises:
        ValueError: it has another key.
    """
    if not isinstance(given, Mapping):
        return None
    held = dict(cast(Mapping[str, Any], given))
    for key in held:
        if key not in known:
            raise ValueError(
                f"an input may hold {', '.join(known)}, but holds {key!r}, too."
            )
    return held
