"""What is asked for, and how it is judged."""

import pytest

from benchmarks import contenders, suite, targets
from benchmarks.alternate import Ratio
from benchmarks.targets import AIM_MISSED, GROUPS, MET, MISSED, NOISY, SAID, SHAPES


def test_verdicts():
    assert targets.verdict(Ratio(2.0, 0.1), 1.5) == MET
    assert targets.verdict(Ratio(1.0, 0.1), 1.5) == MISSED
    assert targets.verdict(Ratio(1.0, 0.1), 1.5, aim=True) == AIM_MISSED
    assert targets.verdict(Ratio(1.45, 0.1), 1.5) == NOISY
    assert targets.verdict(Ratio(1.0, 9.0), None) == SAID


@pytest.mark.parametrize(
    ("verdicts", "code"),
    [
        ([MET, SAID, AIM_MISSED], 0),
        ([MET, NOISY], 2),
        ([NOISY, MISSED, MET], 1),
        ([], 0),
    ],
)
def test_exit_codes(verdicts, code):
    lines = [
        targets.Line(1, "", "", "", "", 1.0, 0.0, 1.0, verdict) for verdict in verdicts
    ]
    assert targets.exit_code(lines) == code


def test_what_could_not_be_measured_is_missed():
    line = targets.failed(4, "pipeline", "8x128", "no memory")
    assert line.verdict == MISSED
    written = " ".join(str(line).split())
    assert written == "4 pipeline 8x128 - - - MISSED (no memory)"


def test_the_ratio_at_the_peak():
    assert targets.permitted(2.0, 1e9, 5e9) == 10.0


def test_the_targets_of_the_issue():
    """Every contender exists, and the shares are given where the peak bounds."""
    rows = [row for group in GROUPS.values() for row in group]
    for row in rows:
        assert row.ours[0] in contenders.TABLE
        assert row.peer[0] in contenders.TABLE
        assert set(row.wanted) <= {*SHAPES, suite.QUICK.training, suite.FULL.training}
        assert set(row.share) <= set(row.wanted)
        assert bool(row.share) == (row.peak is not None)
    wanted = {
        (row.what, row.peer): list(row.wanted.values())
        for row in rows
        if row.what == "PyTorch float32"
    }
    assert wanted[("PyTorch float32", ("transformers-pt", "forward"))] == [
        3.3,
        2.4,
        2.3,
        2.1,
    ]
