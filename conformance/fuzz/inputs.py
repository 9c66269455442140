"""From a number to an input: the hand-made attacks first, then random damage."""

from __future__ import annotations

import random
from collections.abc import Iterator
from itertools import count
from pathlib import Path

from conformance.fuzz.attacks import ATTACKS
from conformance.fuzz.mutations import Input, mutated
from conformance.fuzz.seeds import READERS, all_seeds


def reader_of(number: int) -> str:
    """Name the reader that an input is for."""
    if number < len(ATTACKS):
        return ATTACKS[number].reader
    return READERS[(number - len(ATTACKS)) % len(READERS)]


def numbers(inputs: int, reader: str | None = None) -> list[int]:
    """List the first numbers.

    Args:
        inputs: how many.
        reader: whose inputs; None for all.

    Returns:
        The numbers.
    """
    found: list[int] = []
    candidates: Iterator[int] = count()
    while len(found) < inputs:
        number = next(candidates)
        if reader in (None, reader_of(number)):
            found.append(number)
    return found


def make(seed: int, number: int, outside: Path) -> Input:
    """Make one input.

    Args:
        seed: of the random numbers.
        number: of the input.
        outside: a folder beside the input's, which hostile inputs name; a whole
            shard of the attacked checkpoint may be put there.

    Returns:
        The input.
    """
    if number < len(ATTACKS):
        attack = ATTACKS[number]
        original = all_seeds()[attack.reader][0]
        files = attack.make(original, outside)
        return Input(attack.reader, f"attack: {attack.name}", files, True, original)
    return mutated(random.Random(f"{seed}/{number}"), reader_of(number))
