"""Memory of a training step on TPU v5e, by compiling it: no TPU is needed or used.

    python -m benchmarks.tpu albert-base-v2 albert-large-v2 --chips 1 4 8

needs `pip install libtpu` beside the extra "flax". The whole step is compiled: forward,
backward, clipping and LAMB, in bfloat16 with float32 weights, for rows of 512 tokens
of which 77 are scored. Rows are cut over the chips, weights are whole on each. What
does not fit even with recomputing is tried with fewer rows.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import sys
import time
from collections.abc import Iterator
from importlib.util import find_spec
from operator import itemgetter
from pathlib import Path
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
    trainer.objective, trainer.stays = pretraining(1.0), []
    trainer.optimizer = make_optimizer(settings.optimizer, 1.0)

    def shaped(tree: Any, shardings: Any) -> Any:
        return jax.tree.map(
            lambda one, how: jax.ShapeDtypeStruct(one.shape, one.dtype, sharding=how),
            tree,
            shardings,
        )

    params = jax.eval_shape(model.init_weights, jax.random.key(SEED))
    held = jax.eval_shape(trainer.optimizer.init, params)
    assert engine.mesh is not None
    by_rows = NamedSharding(engine.mesh, PartitionSpec("data"))
    shapes = {
        "input_ids": (rows, TOKENS),
        "attention_mask": (rows, TOKENS),
        "token_type_ids": (rows, TOKENS),
        "masked_lm_positions": (rows, SCORED),
        "labels": (rows, SCORED),
        "sentence_order_label": (rows,),
    }
    batch = {
        name: jax.ShapeDtypeStruct(shape, jnp.int32, sharding=by_rows)
        for name, shape in shapes.items()
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
    return traced.lower(lowering_platforms=(devices[0].platform,)).compile()


def main(given: list[str] | None = None) -> int:
    """Print a table of bytes on each chip.

    Args:
        given: arguments; None for the command line's.

    Returns:
        0, also where libtpu is not installed.
    """
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("models", nargs="+", metavar="PRESET")
    parser.add_argument("--chips", nargs="+", type=int, choices=_LAYOUTS, default=[1])
    parser.add_argument("--rows", type=int, default=8, help="on each chip")
    parser.add_argument(
        "--output", type=Path, help="JSON lines; what it has is not compiled again"
    )
    chosen = parser.parse_args(given)
    if find_spec("libtpu") is None:
        print("skipped: nothing was compiled, since libtpu is not installed.")
        return 0
    describe_tpu()
    done = _read(chosen.output)
    print("| model | chips | rows | recompute | weights and moments | work | fits |")
    print("|---|---|---|---|---|---|---|")
    for name in chosen.models:
        for chips in chosen.chips:
            for rows, recompute in _cases(chosen.rows):
                case = (name, chips, rows * chips, recompute)
                if case not in done:
                    done[case] = _compile(*case)
                    _add(chosen.output, done[case])
                print(_line(done[case]), flush=True)
                if recompute and done[case]["fits"]:
                    break
    return 0


def _cases(rows: int) -> Iterator[tuple[int, bool]]:
    """Give rows and whether to recompute; fewer and fewer rows, until some fit."""
    yield rows, False
    while rows:
        yield rows, True
        rows //= 2


def _compile(name: str, chips: int, rows: int, recompute: bool) -> dict[str, Any]:
    import jax

    from albert.common.config import AlbertConfig

    case = {"model": name, "chips": chips, "rows": rows, "recompute": recompute}
    start = time.monotonic()
    try:
        compiled = compile_step(
            AlbertConfig.preset(name), rows, find_devices(chips), recompute
        )
    except jax.errors.JaxRuntimeError as error:
        if "RESOURCE_EXHAUSTED" not in str(error):
            raise
        return {**case, "fits": False, "error": str(error)}
    found = compiled.memory_analysis()
    kept, work = found.argument_size_in_bytes, found.temp_size_in_bytes
    return {
        **case,
        "fits": kept + work <= _LIMIT,
        "kept": kept,
        "work": work,
        "seconds": round(time.monotonic() - start),
    }


def _line(found: dict[str, Any]) -> str:
    kind = "yes" if found["recompute"] else "no"
    if "error" in found:
        used = re.search(r"[\d.]+[GM]", found["error"])
        size = f"| {used[0] if used else 'too much'} needed"
    else:
        size = f"{found['kept'] / 2**30:.2f} GiB | {found['work'] / 2**30:.2f} GiB"
    fits = "yes" if found["fits"] else "no"
    return (
        f"| {found['model']} | {found['chips']} | {found['rows']} | {kind} | {size} | "
        f"{fits} |"
    )


def _read(output: Path | None) -> dict[tuple[Any, ...], dict[str, Any]]:
    if output is None or not output.exists():
        return {}
    rows = map(json.loads, output.read_text().splitlines())
    case = itemgetter("model", "chips", "rows", "recompute")
    return {case(row): row for row in rows}


def _add(output: Path | None, found: dict[str, Any]) -> None:
    if output is not None:
        with output.open("a") as file:
            file.write(json.dumps(found) + "\n")


if __name__ == "__main__":
    sys.exit(main())
