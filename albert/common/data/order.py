"""The order of rows: mixed, with any place of it found directly, in bounded memory.

The row groups of all shards are put in random order and taken a window at a time; the
rows of a window are put in random order.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from albert.common.data.randomness import GROUPS, ROWS, stream
from albert.common.data.shards import GROUP_ROWS

WINDOW_GROUPS = 64
"""Row groups that are in memory together."""


class Group(NamedTuple):
    """A row group.

    Fields:
        shard: number of its shard.
        place: its number inside the shard.
        first: number of its first row, counted over all shards.
        rows: how many it has.
    """

    shard: int
    place: int
    first: int
    rows: int


class Window(NamedTuple):
    """Row groups that are read together.

    Fields:
        epoch: which the window is of.
        number: of the window in its epoch.
        groups: the row groups.
        begin: place of its first row in the epoch's order.
        order: int64 [R]; which of the groups' rows, one group after the other, stands
            in each place.
    """

    epoch: int
    number: int
    groups: tuple[Group, ...]
    begin: int
    order: np.ndarray


def groups_of(rows: list[int]) -> list[Group]:
    """List row groups.

    Args:
        rows: of each shard.

    Returns:
        All row groups, in the order in which they stand.
    """
    found: list[Group] = []
    first = 0
    for shard, number in enumerate(rows):
        for place, begin in enumerate(range(0, number, GROUP_ROWS)):
            held = min(GROUP_ROWS, number - begin)
            found.append(Group(shard, place, first + begin, held))
        first += number
    return found


class Order:
    """The order of each epoch.

    Args:
        groups: all row groups.
        seed: of the order; None for the order in which rows stand.
    """

    def __init__(self, groups: list[Group], seed: int | None) -> None:
        self._groups, self._seed, self._window = groups, seed, WINDOW_GROUPS
        self._epochs: dict[int, tuple[np.ndarray, np.ndarray]] = {}
        self.windows = -(-len(groups) // WINDOW_GROUPS)

    def windows_of(self, epoch: int, begin: int, end: int) -> range:
        """Tell in which windows places are.

        Args:
            epoch: which epoch.
            begin: the first place.
            end: one past the last; above `begin`.

        Returns:
            The windows' numbers.
        """
        _, begins = self._epoch(epoch)
        first, last = np.searchsorted(begins, [begin, end - 1], "right") - 1
        return range(int(first), int(last) + 1)

    def window(self, epoch: int, number: int) -> Window:
        """Give a window.

        Args:
            epoch: which epoch.
            number: of the window in it.

        Returns:
            The window.
        """
        arranged, begins = self._epoch(epoch)
        first = number * self._window
        chosen: list[int] = arranged[first : first + self._window].tolist()
        groups = tuple(self._groups[index] for index in chosen)
        rows = sum(group.rows for group in groups)
        if self._seed is None:
            order = np.arange(rows)
        else:
            key = epoch * self.windows + number
            order = stream(self._seed, ROWS, key).permutation(rows)
        return Window(epoch, number, groups, int(begins[number]), order)

    def _epoch(self, epoch: int) -> tuple[np.ndarray, np.ndarray]:
        """Give the groups' order, and the place at which each window begins."""
        known = self._epochs.get(epoch)
        if known is None:
            known = self._make_epoch(epoch)
            # The one before may be needed for the rest of a window.
            before = self._epochs.get(epoch - 1)
            self._epochs = {epoch: known}
            if before is not None:
                self._epochs[epoch - 1] = before
        return known

    def _make_epoch(self, epoch: int) -> tuple[np.ndarray, np.ndarray]:
        arranged = np.arange(len(self._groups))
        if self._seed is not None:
            arranged = stream(self._seed, GROUPS, epoch).permutation(arranged)
        sizes = np.array([group.rows for group in self._groups])[arranged]
        before = np.concatenate([[0], np.cumsum(sizes)])
        return arranged, before[: -1 : self._window]
