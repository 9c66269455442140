"""Pre-training: what fits, and the lines."""

from benchmarks import contenders, machine, pretraining
from benchmarks.targets import MET, MISSED

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
    left, _, right = time.note.partition("; ")
    assert left == memory.note == "2x8 does not fit in memory"
    assert "of the peak; at the peak" in right
    assert memory.what == "pre-training, peak memory"
    assert memory.wanted == 1 / 0.6
    assert memory.ours.endswith(" MB")


def test_by_the_peak(session, stubs, monkeypatch):
    """The peer takes 1.2 times what a step at the peak would: 1.5 is out of reach."""
    labelled = 2 * 8 * pretraining.LABELLED
    flops = machine.training_flops(session.config(), 2, 8, labelled)
    monkeypatch.setattr(machine, "peak_of", lambda *_: flops / 0.05)
    stubs["albert-pt"] = stub(seconds=0.0625)
    stubs["transformers-pt"] = stub(seconds=0.06)
    pretraining.measure(session)
    time, _ = session.lines
    assert (time.verdict, time.wanted) == (MET, 1.5)
    assert time.note == (
        "judged by the machine's peak: 0.80 of it, wanted 0.52; "
        "the ratio at the peak would be 1.20"
    )
