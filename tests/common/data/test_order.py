"""The order of an epoch: everything once, mixed, any place at once."""

import numpy as np

from albert.common.data import order
from albert.common.data.order import Group, Order, groups_of


def rows_in_order(arranged, epoch, number):
    """Give rows by going through the places."""
    found = []
    for window_number in arranged.windows_of(epoch, 0, number):
        window = arranged.window(epoch, window_number)
        assert window.begin == len(found)
        rows = [np.arange(g.first, g.first + g.rows) for g in window.groups]
        found += np.concatenate(rows)[window.order].tolist()
    return found


def test_groups():
    assert groups_of([300, 0, 256, 5]) == [
        Group(0, 0, 0, 256), Group(0, 1, 256, 44), Group(2, 0, 300, 256),
        Group(3, 0, 556, 5),
    ]  # fmt: skip


def test_each_epoch_has_every_row_once_in_another_order(monkeypatch):
    monkeypatch.setattr(order, "WINDOW_GROUPS", 2)
    groups = groups_of([700, 300, 20, 600])
    arranged = Order(groups, seed=5)
    epochs = [rows_in_order(arranged, epoch, 1620) for epoch in range(3)]
    for found in epochs:
        assert sorted(found) == list(range(1620))
    assert epochs[0] != epochs[1] != epochs[2]
    assert rows_in_order(Order(groups, seed=5), 1, 1620) == epochs[1]
    assert rows_in_order(Order(groups, seed=6), 1, 1620) != epochs[1]
    # Rows of one group are taken together with those of one more group only.
    last = arranged.window(0, arranged.windows - 1)
    assert sum(group.rows for group in last.groups) == len(last.order)


def test_places_lead_to_windows(monkeypatch):
    monkeypatch.setattr(order, "WINDOW_GROUPS", 1)
    arranged = Order(groups_of([600]), seed=None)
    assert list(arranged.windows_of(0, 0, 256)) == [0]
    assert list(arranged.windows_of(0, 255, 257)) == [0, 1]
    assert list(arranged.windows_of(0, 511, 600)) == [1, 2]
    assert rows_in_order(arranged, 3, 600) == list(range(600))
