"""Turns, medians, ratios and what noise forbids to conclude."""

import pytest

from benchmarks import alternate, contenders
from benchmarks.alternate import Ratio, Seat

from .conftest import stub


class Fake:
    """A worker that remembers what it was asked for."""

    def __init__(self, name, seconds, asked):
        self.name, self.seconds, self.asked = name, seconds, asked

    def ask(self, times, warm=0, **request):
        self.asked.append((self.name, warm, times))
        return {"seconds": [self.seconds] * times}


def _run(rounds, turn, enough=lambda samples: True, seconds=(1.0, 2.0)):
    asked = []
    seats = {
        name: Seat(Fake(name, some, asked), {"call": "forward"})
        for name, some in zip("AB", seconds, strict=True)
    }
    return alternate.alternate(seats, rounds, turn, enough), asked


def test_turns_alternate_after_a_warm_up_of_each():
    samples, asked = _run((3, 3), 0.0)
    assert [name for name, *_ in asked] == list("AB" + "AB" * 3)
    assert asked[:2] == [("A", 1, 0), ("B", 1, 0)]
    assert asked[2:] == [("A", 0, 1), ("B", 0, 1)] * 3
    assert samples == {"A": [1.0] * 3, "B": [2.0] * 3}


def test_short_calls_fill_a_turn_and_start_warm():
    _, asked = _run((1, 1), 0.4, seconds=(0.1, 1.0))
    assert asked[2:] == [("A", 0, 1), ("A", 1, 1), ("A", 1, 4), ("B", 0, 1)]
    _, asked = _run((2, 2), 0.4, seconds=(0.1, 1.0))
    assert asked[6:] == [("A", 1, 4), ("B", 0, 1)]
    _, asked = _run((1, 1), 1e9)
    assert asked[3][2] == 50


def test_rounds_go_on_while_it_is_open():
    assert len(_run((2, 5), 0.0, lambda samples: False)[0]["A"]) == 5
    assert len(_run((2, 5), 0.0, lambda samples: len(samples["A"]) > 2)[0]["A"]) == 3


def test_ratio():
    found = alternate.ratio([1.0, 2.0, 1.0], [2.0, 4.0, 2.0])
    assert found == Ratio(2.0, 0.0)
    assert alternate.ratio([1.0], [3.0]) == Ratio(3.0, 0.3)
    # ratios 1, 2, 3, 4, 5: quartiles 2 and 4
    found = alternate.ratio([1.0] * 5, [1.0, 2.0, 3.0, 4.0, 5.0])
    assert found.value == 3.0
    assert found.spread == pytest.approx(1.57 * 2 / 5**0.5)
    assert found.clear_of(1.5)
    assert not found.clear_of(2.5)


def test_with_processes(stubs, tmp_path):
    log = tmp_path / "log"
    stubs["albert-pt"] = stub(log=str(log))
    stubs["transformers-pt"] = stub(log=str(log), seconds=0.02)
    names = ["albert-pt", "transformers-pt"]
    with contenders.started(names, tmp_path, {}) as workers:
        seats = {name: Seat(workers[name], {"call": "forward"}) for name in names}
        samples = alternate.alternate(seats, (2, 2), 0.0, lambda found: True)
    turns = [name for name in names for _ in range(2)]
    assert log.read_text().split() == [*names, *turns, *names]
    assert alternate.ratio(*samples.values()).value == 10
