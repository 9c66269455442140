"""Pre-training: what fits, and the lines."""

from benchmarks import contenders, pretraining
from benchmarks.targets import MISSED

from .conftest import stub


def test_what_fits_in_memory():
    config = contenders.settings("albert-base-v2")
    assert pretraining.fitting((32, 512), config, 64e9) == (32, 512)
    assert pretraining.fitting((32, 512), config, 22e9) == (16, 512)
    assert pretraining.fitting((32, 512), config, 1.0) == (1, 512)


def test_lines(session, stubs, monkeypatch):
    stubs["albert-pt"] = stub(seconds=0.05)
    monkeypatch.setattr(pretraining, "fitting", lambda shape, *_: (1, shape[1]))
    pretraining.measure(session)
    time, memory = session.lines
    assert (time.what, time.shape) == ("pre-training step", "1x8")
    assert time.verdict == MISSED
    assert time.note == "2x8 does not fit in memory"
    assert memory.what == "pre-training, peak memory"
    assert memory.wanted == 1 / 0.6
    assert memory.ours.endswith(" MB")
