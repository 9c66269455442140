"""One class, compiled for one target."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from albert.common.config import AlbertConfig
from albert.common.probe import LENGTH, make_inputs
from conformance.cases import SIZES
from conformance.tpu.products import (
    Product,
    asked_products,
    compiled_products,
    is_narrow,
    messages,
    wrong_products,
)
from conformance.tpu.targets import Target, find_devices

BATCH = 8
"""Rows: a multiple of every mesh's `data`."""

# Heads and the feed-forward step's width can be halved.
CONFIG = AlbertConfig(
    **{**SIZES, "num_hidden_groups": 2, "num_hidden_layers": 2, "intermediate_size": 38}
)


class Program(NamedTuple):
    """What is compiled.

    Fields:
        class_name: PyTorch's name of the class.
        way: "inference", or "training": the loss and every gradient.
        target: for what.
        dtype: of the arithmetic.
        precision: of products, that is asked for.
    """

    class_name: str
    way: str
    target: Target
    dtype: str = "float32"
    precision: str = "highest"


class Compiled(NamedTuple):
    """What became of it.

    Fields:
        asked: products of the program as JAX wrote it.
        products: of the compiled program.
        narrow: whether the compiled program has any array of bfloat16 or float16.
        messages: number of messages between devices, by kind.
        memory: bytes on each device: "arguments", "outputs", "temporary", "code".
    """

    asked: list[Product]
    products: list[Product]
    narrow: bool
    messages: dict[str, int]
    memory: dict[str, int]


def compile_program(program: Program) -> Compiled:
    """Compile a program with libtpu.

    Args:
        program: what is compiled; `targets.describe_tpu` must have run.

    Returns:
        What was compiled.

    Raises:
        RuntimeError: libtpu refuses it.
    """
    import jax
    import jax.numpy as jnp
    from jax.sharding import NamedSharding, PartitionSpec, SingleDeviceSharding

    import albert.flax
    from albert.common.training.engines import EngineSettings
    from albert.flax.engine import Engine

    devices = find_devices(program.target)
    engine = Engine(EngineSettings(mesh=program.target.mesh), devices)
    mesh = engine.mesh
    model_class = getattr(albert.flax, f"Flax{program.class_name}")
    model = model_class(CONFIG, dtype=jnp.dtype(program.dtype), _do_init=False)
    one = SingleDeviceSharding(devices[0])

    def shaped(array: Any, sharding: Any) -> Any:
        return jax.ShapeDtypeStruct(array.shape, array.dtype, sharding=sharding)

    params = jax.eval_shape(model.init_weights, jax.random.key(0))
    whole = jax.tree.map(lambda _: one, params)
    shardings = whole if mesh is None else engine.shardings(params)
    rows = one if mesh is None else NamedSharding(mesh, PartitionSpec("data"))
    given = (
        jax.tree.map(shaped, params, shardings),
        {name: shaped(array, rows) for name, array in inputs_of(program).items()},
    )

    def infer(params: Any, inputs: Any) -> Any:
        return model(**inputs, params=params).to_tuple()

    def differentiate(params: Any, inputs: Any) -> Any:
        def loss(params: Any) -> Any:
            key = jax.random.key(0)
            return model(**inputs, params=params, train=True, dropout_rng=key).loss

        value, gradients = jax.value_and_grad(loss)(params)
        return value, engine.keep(gradients)

    function = infer if program.way == "inference" else differentiate
    with jax.default_matmul_precision(program.precision):
        lowered = jax.jit(function).trace(*given).lower(lowering_platforms=("tpu",))
    compiled = lowered.compile()
    text, used = compiled.as_text(), compiled.memory_analysis()
    assert text is not None and used is not None
    return Compiled(
        list(asked_products(lowered.as_text())),
        list(compiled_products(text)),
        is_narrow(text),
        messages(text),
        {
            "arguments": used.argument_size_in_bytes,
            "outputs": used.output_size_in_bytes,
            "temporary": used.temp_size_in_bytes,
            "code": used.generated_code_size_in_bytes,
        },
    )


def wrong(program: Program, compiled: Compiled) -> list[str]:
    """Say what is wrong with a compiled program.

    Args:
        program: what was compiled.
        compiled: what came of it.

    Returns:
        One text for each; empty if it is as it was asked for.
    """
    dtype, precision = program.dtype, program.precision
    found = [
        f"as JAX wrote it: {one}"
        for one in wrong_products(compiled.asked, dtype, precision)
    ]
    found += wrong_products(compiled.products, dtype, precision)
    if dtype == "float32" and precision != "default" and compiled.narrow:
        found.append("it has arrays that are narrower than float32")
    mesh = program.target.mesh or ""
    # Rows alone need no message until their gradients are added up.
    talks = "model=" in mesh or (mesh and program.way == "training")
    if bool(talks) != bool(compiled.messages):
        sent = "nothing" if talks else ", ".join(compiled.messages)
        found.append(f"its devices send each other {sent}")
    return found


def ways(class_name: str) -> tuple[str, ...]:
    """Give the ways in which a class is compiled: the bare model has no loss."""
    return ("inference",) if class_name == "AlbertModel" else ("inference", "training")


def inputs_of(program: Program) -> dict[str, np.ndarray]:
    """Make a program's inputs, of which only shapes and types are used."""
    found = make_inputs(CONFIG, program.class_name, 0, LENGTH, BATCH)
    return found if program.way == "inference" else found | _labels(program.class_name)


def _labels(class_name: str) -> dict[str, np.ndarray]:
    words, one = np.zeros((BATCH, LENGTH), np.int32), np.zeros(BATCH, np.int32)
    if class_name == "AlbertForPreTraining":
        return {"labels": words, "sentence_order_label": one}
    if class_name == "AlbertForQuestionAnswering":
        return {"start_positions": one, "end_positions": one}
    by_word = ("AlbertForMaskedLM", "AlbertForTokenClassification")
    return {"labels": words if class_name in by_word else one}
