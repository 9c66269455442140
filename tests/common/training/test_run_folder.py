import json
import os

import numpy as np
import pytest

from albert.common.training.run_folder import RunFolder, step_of
from albert.common.training.settings import TrainingSettings

SETTINGS = TrainingSettings(steps=50, keep=2)


@pytest.fixture
def folder(tmp_path):
    return RunFolder(tmp_path / "run", SETTINGS, {"data": "a"})


def _model(folder):
    (folder / "model.safetensors").write_bytes(b"weights")


def _save(folder, step):
    arrays = {"first/x": np.arange(3, dtype=np.float32) + step}
    return folder.save(_model, arrays, {"step": step, "summed": 0.1})


def test_gives_back_what_was_saved(folder):
    path = _save(folder, 7)
    assert folder.checkpoints() == [path]
    assert step_of(path) == 7
    assert (path / "model.safetensors").read_bytes() == b"weights"
    arrays, state = folder.load(path)
    np.testing.assert_array_equal(arrays["first/x"], [7, 8, 9])
    assert state == {"step": 7, "summed": 0.1}


def test_keeps_the_newest(folder):
    for step in (5, 20, 100):
        _save(folder, step)
    assert [step_of(path) for path in folder.checkpoints()] == [20, 100]
    assert sorted(path.name for path in folder.path.glob("checkpoint-*")) == [
        "checkpoint-00000020",
        "checkpoint-00000100",
    ]


def test_a_half_removed_checkpoint_is_none_and_is_written_anew(folder):
    path = _save(folder, 5)
    (path / "training_state.json").unlink()
    assert folder.checkpoints() == []
    _save(folder, 5)
    assert folder.checkpoints() == [path]


def test_what_a_killed_run_left_is_cleared_away(folder):
    kept = _save(folder, 5)
    (folder.path / "mine").mkdir()
    (folder.path / ".albert-export-mine").mkdir()
    (folder.path / ".albert-run-link").symlink_to(folder.path / "mine")
    left = folder.path / ".albert-run-x8ud_a2v"
    # What is being written is so named, and what is being removed.
    with folder.new("checkpoint-00000010") as staged:
        assert staged.name.startswith(".albert-run-")
    folder.remove(folder.path / "checkpoint-00000010")
    left.mkdir()
    (left / "model.safetensors").write_bytes(b"half")
    (folder.path / ".log.jsonl.x8ud_a2v").write_text("half")
    RunFolder(folder.path, SETTINGS, {"data": "a"}, writes=False)
    assert left.exists()
    again = RunFolder(folder.path, SETTINGS, {"data": "a"})
    assert again.checkpoints() == [kept]
    assert sorted(path.name for path in folder.path.iterdir()) == [
        ".albert-export-mine",
        ".albert-run-link",
        "checkpoint-00000005",
        "mine",
        "run.json",
    ]


def test_a_run_that_is_refused_changes_nothing(folder):
    left = folder.path / ".albert-run-x8ud_a2v"
    left.mkdir()
    with pytest.raises(ValueError, match="holds a run with another data"):
        RunFolder(folder.path, SETTINGS, {"data": "b"})
    assert left.exists()


def test_a_save_that_fails_leaves_the_checkpoints_before(folder):
    _save(folder, 5)

    def full(target):
        (target / "model.safetensors").write_bytes(b"half")
        raise OSError(28, os.strerror(28))

    with pytest.raises(OSError, match="No space left on device"):
        folder.save(full, {}, {"step": 10})
    assert [step_of(path) for path in folder.checkpoints()] == [5]
    assert not list(folder.path.glob("checkpoint-00000010*"))
    assert not list(folder.path.glob(".albert*"))


def test_says_which_checkpoint_is_damaged(folder):
    path = _save(folder, 5)
    (path / "training_state.safetensors").write_bytes(b"no")
    with pytest.raises(ValueError) as error:
        folder.load(path)
    assert str(error.value).startswith(f"the checkpoint {str(path)!r} cannot be read: ")
    assert str(error.value).endswith(
        " Remove it, and the run goes on from the one before."
    )


def test_goes_on_with_the_same_run_only(folder):
    again = TrainingSettings(steps=50, keep=7, log_every=3)
    assert RunFolder(folder.path, again, {"data": "a"}).path == folder.path
    for settings, data, what in (
        (TrainingSettings(steps=51, seed=3), "a", "steps, seed"),
        (SETTINGS, "b", "data"),
    ):
        with pytest.raises(ValueError) as error:
            RunFolder(folder.path, settings, {"data": data})
        assert str(error.value) == (
            f"{str(folder.path)!r} holds a run with another {what}; continue it with "
            f"the same, or give another folder."
        )


def test_a_folder_with_something_else_is_refused(tmp_path):
    (tmp_path / "mine.txt").write_text("mine")
    with pytest.raises(ValueError) as error:
        RunFolder(tmp_path, SETTINGS, {})
    assert str(error.value) == (
        f"{str(tmp_path)!r} holds files, but no run; give a new folder."
    )
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]


def test_the_log_forgets_later_steps_and_a_line_that_was_cut_off(folder):
    for step in (1, 2, 3):
        folder.log({"step": step, "loss": 0.1 * step})
    with open(folder.path / "log.jsonl", "a") as file:
        file.write('{"step": 4, "lo')
    assert [line["step"] for line in folder.lines()] == [1, 2, 3]
    folder.forget_after(2)
    folder.log({"step": 3, "loss": 9.0})
    lines = (folder.path / "log.jsonl").read_text().splitlines()
    assert [json.loads(line) for line in lines] == [
        {"step": 1, "loss": 0.1},
        {"step": 2, "loss": 0.2},
        {"step": 3, "loss": 9.0},
    ]
