"""What TensorFlow's engine refuses; tests/cli/test_several.py runs it."""

import pytest
import tensorflow as tf

from albert.common.training.engines import EngineSettings
from albert.tf.engine import Engine


def test_several_processes_need_to_be_named(monkeypatch):
    monkeypatch.delenv("TF_CONFIG", raising=False)
    with pytest.raises(ValueError) as error:
        Engine(EngineSettings(strategy="multi-worker"))
    assert str(error.value) == (
        "strategy 'multi-worker' needs the environment variable TF_CONFIG, which says "
        "which processes there are."
    )


def test_sums_over_the_devices_of_a_process():
    engine = Engine(EngineSettings(strategy="mirrored"))
    slices = [tf.constant(float(2 + n)) for n in range(engine.replicas)]
    summed = engine.compiled(lambda value: {"a": value * 3})(engine.spread(slices))
    assert float(summed["a"]) == 3 * sum(float(one) for one in slices)
    assert (engine.slices, engine.part) == (engine.replicas, (0, 1))
