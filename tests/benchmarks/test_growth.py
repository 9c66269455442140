"""Series, their arithmetic and the check of their steps."""

from itertools import pairwise

import pytest

from benchmarks import contenders, growth, machine
from benchmarks.growth import SERIES, Place, Point
from benchmarks.targets import MET, MISSED


def test_slope_and_worst_step():
    assert growth.slope([(1, 3), (2, 6), (8, 24)]) == pytest.approx(1)
    assert growth.slope([(1, 1), (10, 100)]) == pytest.approx(2)
    assert growth.worst_step([(1, 1), (2, 1.5), (4, 4.5)]) == pytest.approx(1.5)


@pytest.mark.parametrize("axis", SERIES)
def test_the_arithmetic_of_a_series_grows(axis):
    flops = []
    for place in SERIES[axis]:
        config = contenders.settings("albert-base-v2", **place.config)
        found = machine.forward_flops(config, place.batch, place.length)
        flops.append(found / (place.cores or 1))
    assert all(before < after for before, after in pairwise(flops))


def _points(seconds, peaks=(1e6, 1e6, 1e6)):
    return [
        Point(str(number), 2.0**number, some, 2.0**number, peak)
        for number, (some, peak) in enumerate(zip(seconds, peaks, strict=True))
    ]


def test_lines():
    (line,) = growth.lines("albert-pt", "batch", _points([1.0, 1.9, 4.0]))
    assert (line.what, line.shape) == ("time by batch", "0 to 2")
    assert line.verdict == MET
    assert line.ours == "albert-pt slope 1.00"
    assert line.note == "its worst step grows 1.05 x as much as the arithmetic"
    (line,) = growth.lines("albert-pt", "batch", _points([1.0, 2.0, 6.0]))
    assert line.verdict == MISSED
    assert line.ratio == pytest.approx(1 / 1.5)


def test_lines_of_memory():
    points = _points([1.0, 2.0, 4.0], [1e6, 20e6, 100e6])
    memory = list(growth.lines("albert-pt", "length", points))[1]
    assert (memory.what, memory.verdict) == ("memory by length", MISSED)
    assert memory.ours == "albert-pt slope 2.32"


def test_measuring(session, stubs, monkeypatch):
    series = {
        "batch": (Place("1", 1, 8), Place("2", 2, 8)),
        "depth": tuple(
            Place(str(depth), 1, 8, {"num_hidden_layers": depth}) for depth in (1, 2)
        ),
        "cores": (Place("1", 1, 8, cores=1),),
    }
    monkeypatch.setattr(growth, "SERIES", series)
    monkeypatch.setattr(growth, "lines", lambda *_: [])
    growth.measure(session)
    found = session.notes["growth"]
    assert {axis: list(some) for axis, some in found.items()} == {
        axis: ["albert-pt"] for axis in series
    }
    one, two = found["batch"]["albert-pt"]
    assert two["flops"] == pytest.approx(2 * one["flops"])
    assert two["held"] == 2 * one["held"]
    assert one["seconds"] == 0.002
    assert [point["label"] for point in found["depth"]["albert-pt"]] == ["1", "2"]
