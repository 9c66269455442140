"""Lines of calls at fixed shapes, and when the machine's peak judges them."""

import dataclasses

import pytest

from benchmarks import forward, machine, targets
from benchmarks.alternate import Ratio
from benchmarks.targets import GROUPS, MET, MISSED, NOISY

from .conftest import stub

ROW = GROUPS["PyTorch float32"][0]
SHAPE = (8, 128)
JUDGED = (
    "judged by the machine's peak: {:.2f} of it, wanted 0.85; "
    "the ratio at the peak would be {:.2f}"
)


def _samples(ours, peer):
    return {"albert-pt forward": [ours] * 3, "transformers-pt forward": [peer] * 3}


@pytest.mark.parametrize(
    ("ours", "peer", "note", "verdict"),
    [
        (2.0, 4.0, "0.50 of the peak; at the peak 4.00", None),
        (
            1.1,
            2.0,
            JUDGED.format(0.91, 2),
            MET,
        ),
        (
            2.0,
            2.5,
            JUDGED.format(0.5, 2.5),
            MISSED,
        ),
    ],
)
def test_by_the_peak(session, ours, peer, note, verdict):
    """At the peak a pass takes one second here; a ratio of 2.3 is wanted."""
    session.peaks["float32"] = machine.forward_flops(session.config(), *SHAPE)
    _, said, judged = forward._by_the_peak(session, ROW, SHAPE, _samples(ours, peer))
    assert said == note
    assert judged == verdict


@pytest.mark.parametrize(
    ("peer", "note", "verdict"),
    [
        (2.0, "0.80 of the peak; at the peak 2.00", None),
        (
            1.6,
            JUDGED.replace("0.85", "0.62").format(0.8, 1.6),
            MET,
        ),
    ],
)
def test_training_by_the_peak(session, peer, note, verdict):
    """A step has the arithmetic of three passes; a ratio of 1.7 is wished for."""
    session.peaks["float32"] = machine.training_flops(session.config(), *SHAPE)
    (row,) = GROUPS["PyTorch training"]
    samples = {"albert-pt train": [1.25] * 3, "transformers-pt train": [peer] * 3}
    _, said, judged = forward._by_the_peak(session, row, SHAPE, samples)
    assert said == note
    assert judged == verdict


def test_lines_of_a_group(session, stubs):
    stubs["transformers-pt"] = stub(seconds=0.05)
    stubs["onnxruntime"] = stub(seconds=0.05)
    forward.measure(session, "PyTorch float32")
    assert [(line.shape, line.peer.split()[0]) for line in session.lines[:2]] == [
        ("1x16", "transformers-pt"),
        ("1x16", "onnxruntime"),
    ]
    shares = [line for line in session.lines if line.what.endswith("of the peak")]
    assert [line.shape for line in shares] == ["8x128"]
    assert len(session.lines) == 9
    assert session.peaks["float32"] > 0
    assert set(session.versions) == {
        "albert-pt",
        "transformers-pt",
        "onnxruntime",
        "matrix",
    }
    assert {one["seat"] for one in session.samples} == {
        "albert-pt forward",
        "transformers-pt forward",
        "onnxruntime forward",
        "matrix 1024x768x3072",
        "matrix 1024x3072x768",
    }
    ratios = [line for line in session.lines if line.peer.startswith("onnx")]
    assert {line.verdict for line in ratios} == {MET}
    assert targets.exit_code(ratios) == 0


def test_no_more_rounds_when_patience_is_used_up(session, stubs, monkeypatch):
    shapes = ((1, 128),)
    plan = dataclasses.replace(session.plan, rounds=(2, 4), shapes=shapes)
    open_still = forward._Judged(Ratio(1.0, 1.0), NOISY, "", None)
    monkeypatch.setattr(forward, "_judged", lambda *_: open_still)
    for patience, rounds in ((1e9, 4), (0.0, 2)):
        session.plan = dataclasses.replace(plan, patience=patience)
        session.samples.clear()
        forward.measure(session, "PyTorch bfloat16")
        assert {len(one["seconds"]) for one in session.samples} == {rounds}
