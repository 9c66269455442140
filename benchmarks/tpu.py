"""Memory of a training step on TPU v5e, by compiling it: no TPU is needed or used.

    python -m benchmarks.tpu albert-base-v2 albert-large-v2 --chips 1 4 8

needs `pip install libtpu` beside the extra "flax". The whole step is compiled: forward,
backward, clipping and LAMB, in bfloat16 with float32 weights, for rows of 512 tokens
of which 77 are scored. Rows are cut over the chips, weights are whole on each.
"""

from __future__ import annotations

import argparse
import os
import sys
from importlib.util import find_spec
from typing import Any

TOKENS, SCORED, SEED = 512, 77, 0
_LAYOUTS = {1: "v5e:1x1", 4: "v5e:2x2", 8: "v5e:2x4"}
_LIMIT = 16 * 2**30


def describe_tpu() -> None:
    """Say what chips there would be, as libtpu reads it: before JAX is imported."""
    os.environ.update(
        TPU_SKIP_MDS_QUERY="1",
        TPU_ACCELERATOR_TYPE="v5litepod-4",
        TPU_WORKER_HOSTNAMES="localhost",
        TPU_WORKER_ID="0",
        JAX_PLATFORMS="cpu",
    )


def find_devices(chips: int) -> Any:
    """Describe the chips of a v5e slice.

    Args:
        chips: 1, 4 or 8.

    Returns:
        Devices to compile for.
    """
    from jax.experimental import topologies

    # A host has four chips, unless said otherwise.
    bounds = {"chips_per_host_bounds": (1, 1, 1), "num_slices": 1} if chips == 1 else {}
    return topologies.get_topology_desc(
        _LAYOUTS[chips], platform="tpu", **bounds
    ).devices


def compile_step(config: Any, rows: int, devices: Any, recompute: bool) -> Any:
    """Compile one training step.

    Args:
        config: of the model.
        rows: of the batch, over all devices.
        devices: of `find_devices`.
        recompute: whether layers are computed again in the backward pass.

    Returns:
        The compiled program.
    """
    import jax
    import jax.numpy as jnp
    from jax.sharding import NamedSharding, PartitionSpec

    from albert import FlaxAlbertForPreTraining
    from albert.common.training.engines import EngineSettings
    from albert.common.training.objectives import pretraining
    from albert.common.training.settings import TrainingSettings
    from albert.flax.engine import Engine
    from albert.flax.optimizers import make_optimizer
    from albert.flax.training import Trainer

    engine_settings = EngineSettings(mesh=f"data={len(devices)}")
    settings = TrainingSettings(steps=1, batch_size=rows, precision="bfloat16")
    engine = Engine(engine_settings, devices)
    model = FlaxAlbertForPreTraining(config, dtype=jnp.bfloat16, _do_init=False)
    if recompute:
        model.gradient_checkpointing_enable()
    # Its constructor would put weights on the devices, of which there are none here.
    trainer = Trainer.__new__(Trainer)
    trainer.model, trainer.settings, trainer.engine = model, settings, engine
    trainer.objective = pretraining(1.0)
    trainer.optimizer = make_optimizer(settings.optimizer, 1.0)

    def shaped(tree: Any, shardings: Any) -> Any:
        return jax.tree.map(
            lambda one, how: jax.ShapeDtypeStruct(one.shape, one.dtype, sharding=how),
            tree,
            shardings,
        )

    params = jax.eval_shape(model.init_weights, jax.random.key(SEED))
    held = jax.eval_shape(trainer.optimizer.init, params)
    by_rows = NamedSharding(engine.mesh, PartitionSpec("data"))
    shapes = dict.fromkeys(("input_ids", "attention_mask"), (rows, TOKENS))
    shapes["token_type_ids"] = (rows, TOKENS)
    shapes["masked_lm_positions"] = shapes["labels"] = (rows, SCORED)
    batch = {
        name: jax.ShapeDtypeStruct(shape, jnp.int32, sharding=by_rows)
        for name, shape in {**shapes, "sentence_order_label": (rows,)}.items()
    }

    def step(params: Any, held: Any, batch: Any, rate: Any) -> Any:
        shares = {"mlm": 1.0, "sop": 1.0}
        gradients, losses = trainer._differentiate(params, batch, shares, SEED, 1.0)
        return *trainer._apply(params, held, gradients, rate, 1.0), losses

    given = (
        shaped(params, engine.shardings(params)),
        shaped(held, engine.shardings(held)),
        batch,
        jnp.float32(0.001),
    )
    traced = jax.jit(step, donate_argnums=(0, 1)).trace(*given)
    return traced.lower(lowering_platforms=("tpu",)).compile()


def main(given: list[str] | None = None) -> int:
    """Print a table of bytes on each chip.

    Args:
        given: arguments; None for the command line's.

    Returns:
        0, also where libtpu is not installed.
    """
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("models", nargs="+", metavar="PRESET")
    parser.add_argument("--chips", nargs="+", type=int, choices=_LAYOUTS, default=[1])
    parser.add_argument("--rows", type=int, default=8, help="on each chip")
    chosen = parser.parse_args(given)
    if find_spec("libtpu") is None:
        print("skipped: nothing was compiled, since libtpu is not installed.")
        return 0
    describe_tpu()
    from albert.common.config import AlbertConfig

    print("| model | chips | rows | recompute | weights and moments | work | fits |")
    print("|---|---|---|---|---|---|---|")
    for name in chosen.models:
        for chips in chosen.chips:
            devices = find_devices(chips)
            for recompute in (False, True):
                config = AlbertConfig.preset(name)
                line = _line(config, chips, chosen.rows, devices, recompute)
                print(f"| {name} | {line}", flush=True)
    return 0


def _line(config: Any, chips: int, rows: int, devices: Any, recompute: bool) -> str:
    import jax

    kind = "yes" if recompute else "no"
    try:
        compiled = compile_step(config, rows * chips, devices, recompute)
    except jax.errors.JaxRuntimeError as error:
        if "RESOURCE_EXHAUSTED" not in str(error):
            raise
        used = str(error).partition("Used ")[2].split(" ")[0]
        return f"{chips} | {rows * chips} | {kind} | | {used} in all | no |"
    found = compiled.memory_analysis()
    kept, work = found.argument_size_in_bytes, found.temp_size_in_bytes
    fits = "yes" if kept + work <= _LIMIT else "no"
    return (
        f"{chips} | {rows * chips} | {kind} | {kept / 2**30:.2f} GiB | "
        f"{work / 2**30:.2f} GiB | {fits} |"
    )


if __name__ == "__main__":
    sys.exit(main())
