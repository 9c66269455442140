"""What PyTorch's engine refuses; tests/cli/test_several.py runs it."""

import pytest

from albert.common.training.engines import EngineSettings
from albert.pt.engine import Engine


def test_slices_need_several_processes(monkeypatch):
    monkeypatch.delenv("WORLD_SIZE", raising=False)
    with pytest.raises(ValueError) as error:
        Engine(EngineSettings(shard=True))
    assert str(error.value) == (
        "shard needs several processes: start the command with torchrun."
    )


def test_a_trainer_made_by_hand_is_alone(monkeypatch):
    """A notebook in a process of torchrun's joins nobody unasked."""
    monkeypatch.setenv("WORLD_SIZE", "2")
    engine = Engine()
    assert (engine.rank, engine.world, engine.part) == (0, 1, (0, 1))
    assert engine.add_up({"a": 2.0}) == {"a": 2.0}
    engine.barrier()
    engine.close()
