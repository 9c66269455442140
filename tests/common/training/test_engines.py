"""How a run is spread: what is asked for, who goes first, who is told what."""

import os
import threading

import numpy as np
import pytest

from albert.common.training.engines import (
    Alone,
    EngineSettings,
    check_batch,
    leader_first,
    parse_mesh,
    telling_of_the_lost,
)
from albert.common.training.objectives import pretraining
from albert.common.training.run_folder import RunFolder
from albert.common.training.settings import TrainingSettings


class _Pair(Alone):
    """Two threads as two processes."""

    def __init__(self, rank, gate):
        self.rank, self.world, self.gate = rank, 2, gate

    def barrier(self):
        self.gate.wait(10)

    def is_lost(self, error):
        return isinstance(error, OSError)


def test_process_0_goes_first():
    seen, gate = [], threading.Barrier(2)

    def work(rank):
        with leader_first(_Pair(rank, gate)):
            seen.append(rank)

    other = threading.Thread(target=work, args=(1,))
    other.start()
    work(0)
    other.join()
    assert seen == [0, 1]


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("Peer closed\nmore", "Peer closed"),
        ('Graph error:\n  File "a", line 1\n\nGone: reset\n [op]', "Gone: reset"),
        ("", "OSError"),
    ],
)
def test_a_lost_process_is_told_of(text, reason):
    with pytest.raises(RuntimeError) as error, telling_of_the_lost(_Pair(1, None)):
        raise OSError(text)
    assert str(error.value) == (
        f"process 1 of 2 cannot go on: {reason} If another one has ended, its own "
        f"output says why. Start all of them again: the run goes on from its last "
        f"checkpoint."
    )
    with pytest.raises(OSError, match="mine"), telling_of_the_lost(Alone()):
        raise OSError("mine")
    with pytest.raises(ValueError, match="mine"), telling_of_the_lost(_Pair(1, None)):
        raise ValueError("mine")


def test_axes_of_a_mesh():
    assert parse_mesh("data=4,model=2") == (4, 2)
    assert parse_mesh("model=3") == (1, 3)


@pytest.mark.parametrize("text", ["4", "data=0", "rows=2", "data=2,data=2", "data=a"])
def test_what_is_no_mesh(text):
    with pytest.raises(ValueError) as error:
        parse_mesh(text)
    assert str(error.value) == (
        f"mesh must give sizes of the axes data and model, as 'data=4,model=2' does, "
        f"but is {text!r}."
    )


def test_a_batch_is_cut_into_equal_slices():
    check_batch(16, 2, 8)
    with pytest.raises(ValueError) as error:
        check_batch(12, 2, 4)
    assert str(error.value) == (
        "batch_size must be a multiple of the 4 slices over devices times "
        "accumulation, 4 x 2 = 8, but is 12."
    )


def test_each_framework_has_its_own_words():
    EngineSettings(mesh="data=2").check("flax")
    with pytest.raises(ValueError) as error:
        EngineSettings(strategy="mirrored").check("pt")
    assert str(error.value) == (
        "strategy is for framework 'tf', but the framework is 'pt'."
    )
    with pytest.raises(ValueError) as error:
        EngineSettings(strategy="parameter-server")
    assert str(error.value) == (
        "strategy must be 'mirrored', 'multi-worker' or 'tpu', but is "
        "'parameter-server'."
    )


def test_shares_of_slices_are_of_the_whole_batch():
    rows = {
        "labels": np.array([[3, -100], [4, 5], [6, 7], [-100, -100]]),
        "sentence_order_label": np.array([0, 1, -100, 1]),
    }
    halves = [{name: rows[name][at : at + 2] for name in rows} for at in (0, 2)]
    objective = pretraining(1.0)
    known = objective.shares([rows], rows)
    assert known == [{"mlm": 1.0, "sop": 1.0}]
    found = [
        objective.shares([half], half, lambda _: {"mlm": 5.0, "sop": 3.0})[0]
        for half in halves
    ]
    assert found == [{"mlm": 3 / 5, "sop": 2 / 3}, {"mlm": 2 / 5, "sop": 1 / 3}]


def test_only_process_0_writes(tmp_path):
    settings, path = TrainingSettings(steps=3), tmp_path / "run"
    with pytest.raises(ValueError) as error:
        RunFolder(path, settings, {}, writes=False)
    assert str(error.value) == (
        f"{str(path)!r} is not what process 0 writes to: all machines must see the "
        f"same folder."
    )
    RunFolder(path, settings, {}).log({"step": 1})
    before = {name: os.stat(path / name).st_mtime_ns for name in os.listdir(path)}
    other, given = RunFolder(path, settings, {}, writes=False), []
    other.log({"step": 2})
    other.forget_after(0)
    other.save(given.append, {}, {"step": 3})
    assert given == [None]
    assert other.lines() == [{"step": 1}]
    after = {name: os.stat(path / name).st_mtime_ns for name in os.listdir(path)}
    assert after == before
