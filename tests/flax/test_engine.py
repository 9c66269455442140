"""The mesh: what is cut, and what cannot be; tests/cli/test_several.py runs it."""

import jax
import numpy as np
import pytest
from jax.sharding import PartitionSpec

from albert import AlbertConfig
from albert.common.training.engines import EngineSettings
from albert.flax.engine import Engine


class _Device:
    """Stands for one that is not there."""


def _engine(mesh, number):
    return Engine(EngineSettings(mesh=mesh), [_Device() for _ in range(number)])


def test_a_mesh_has_all_devices():
    with pytest.raises(ValueError) as error:
        _engine("data=4,model=2", 6)
    assert str(error.value) == (
        "mesh must have as many devices as there are, 6, but data=4,model=2 has 8."
    )


@pytest.mark.parametrize(
    ("name", "value"), [("num_attention_heads", 3), ("intermediate_size", 13)]
)
def test_a_model_must_be_cut_evenly(name, value):
    sizes = {"hidden_size": 12, "num_attention_heads": 4, "intermediate_size": 16}
    engine = _engine("model=2", 2)
    engine.check(AlbertConfig(**sizes))
    with pytest.raises(ValueError) as error:
        engine.check(AlbertConfig(**{**sizes, name: value}))
    assert str(error.value) == (
        f"mesh has model=2, and the model's {name}, {value}, is no multiple of it."
    )


def test_what_says_that_another_process_is_lost():
    engine = _engine("data=2", 2)
    gone = ValueError("UNKNOWN: Gloo AllGather failed: Connection reset by peer")
    assert not engine.is_lost(gone)
    engine.world = 2
    assert engine.is_lost(gone)
    assert engine.is_lost(jax.errors.JaxRuntimeError("INTERNAL: gone"))
    assert not engine.is_lost(ValueError("batch_size must be 2"))


def test_one_device_on_a_mesh_of_one():
    engine = Engine(EngineSettings(mesh="data=1"), jax.devices()[:1])
    block = {"ffn": {"kernel": np.ones((2, 4)), "bias": np.ones(4)}}
    tree = {"block": block, "pooler": {"kernel": np.ones((2, 2))}}
    found = engine.shardings(tree)
    assert found["block"]["ffn"]["kernel"].spec == PartitionSpec(None, "model")
    assert found["block"]["ffn"]["bias"].spec == PartitionSpec("model")
    assert found["pooler"]["kernel"].spec == PartitionSpec()
    held = jax.tree.map(np.asarray, engine.whole(engine.place(tree)))
    jax.tree.map(np.testing.assert_array_equal, held, tree)
