"""A preset in several parts comes from the hub whole."""

from albert.common.opening import open_checkpoint
from conformance.written import FOLDER


def test_parts_of_a_keras_hub_preset(hub):
    folder = FOLDER / "keras-hub-0.32.0" / "backbone-sharded"
    hub.add("o/preset", {p.name: p.read_bytes() for p in folder.iterdir()})
    found, right = (open_checkpoint(place).arrays for place in ("o/preset", folder))
    assert found.keys() == right.keys()
    for name, array in right.items():
        assert found[name].read().tobytes() == array.read().tobytes()
    parts = [f"model_0000{number}.weights.h5" for number in range(3)]
    assert hub.downloads == ["config.json", "model.weights.json", *parts]
