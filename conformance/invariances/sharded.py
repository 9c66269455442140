"""A process with eight devices: load a model, spread it, call it, write its outputs.

    python -m conformance.invariances.sharded FOLDER MESH

`conformance.invariances.flax` starts it; FOLDER has `model` and `inputs.npz`, and gets
`outputs.npz`. It prints over how many devices the outputs' rows or weights were cut.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np

BATCH = 8


def main(folder: str, mesh: str) -> None:
    """Compute the outputs of the inputs' rows, repeated to a batch of eight.

    Args:
        folder: with `model` and `inputs.npz`.
        mesh: such as "data=4,model=2".
    """
    import jax

    from albert.common.training.engines import EngineSettings
    from albert.flax import FlaxAlbertForPreTraining
    from albert.flax.engine import Engine

    place = Path(folder)
    model = FlaxAlbertForPreTraining.from_pretrained(place / "model")
    engine = Engine(EngineSettings(mesh=mesh), devices=jax.devices()[:8])
    engine.check(model.config)
    params = engine.place(model.params)
    with np.load(place / "inputs.npz") as given:
        inputs = {name: given[name] for name in given}
    rows = len(inputs["input_ids"])
    chosen = np.arange(BATCH) % rows
    batch = engine.spread({name: one[chosen] for name, one in inputs.items()})

    def compute(params: object, batch: dict[str, jax.Array]) -> dict[str, jax.Array]:
        found = model.module.apply(
            {"params": params}, **batch, deterministic=True, return_dict=True
        )
        return {"prediction_logits": found[0], "sop_logits": found[1]}

    outputs = jax.jit(compute)(params, batch)
    devices = {
        device
        for leaf in jax.tree.leaves((params, batch))
        for device in leaf.sharding.device_set
    }
    whole = {name: np.asarray(engine.whole(one)) for name, one in outputs.items()}
    for name, one in whole.items():
        if not np.array_equal(one[:rows], one[rows : 2 * rows]):
            raise ValueError(f"{name} differs between equal rows on other devices")
    first = {name: one[:rows] for name, one in whole.items()}
    np.savez(place / "outputs.npz", allow_pickle=False, **first)
    print(json.dumps({"devices": len(devices)}))


if __name__ == "__main__":
    main(*sys.argv[1:])
