"""ONNX files: each weight once, run by ONNX Runtime, and made smaller with int8.

Needs the packages `onnx` and `onnxruntime`, which are loaded when they are needed.
"""

from __future__ import annotations

import importlib
import importlib.util
import logging
from collections import Counter
from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

NEEDED = ("onnx", "onnxscript", "onnxruntime")
MAX_BYTES = 2_000_000_000
"""Of the weights: a file of the format ends at 2 GiB."""

_BLOCK = 32
_MULTIPLY_IN_INT8 = 4


def check_installed() -> None:
    """Check that the packages are there.

    Raises:
        ImportError: one is not; the text says how to install it.
    """
    for package in NEEDED:
        if importlib.util.find_spec(package) is None:
            raise ImportError(
                f"an export to onnx needs {package}, which is not installed: "
                f'pip install "albert-models[export]"',
                name=package,
            )


def save(model: Any, path: Path, axes: Sequence[str]) -> None:
    """Write a model whose matrices stand as its products read them, each once.

    Args:
        model: `onnx.ModelProto`, in which weights may be turned by nodes; changed.
        path: of the file.
        axes: what to call the axes of the inputs.
    """
    onnx: Any = importlib.import_module("onnx")
    _turn(model.graph)
    _name_axes(model.graph, axes)
    _strip(model)
    onnx.checker.check_model(model)
    onnx.save(model, str(path))


def _turn(graph: Any) -> None:
    """Turn the matrices that are read turned only, so that no reader has to.

    A table that is looked up as well stays as it is: it must not stand twice.
    """
    numpy_helper: Any = importlib.import_module("onnx.numpy_helper")
    held = {each.name: each for each in graph.initializer}
    uses = Counter(name for node in graph.node for name in node.input)
    for node in list(graph.node):
        if node.op_type != "Transpose" or uses[node.input[0]] > 1:
            continue
        source = held.get(node.input[0])
        if source is not None:
            axes = next(each.ints for each in node.attribute if each.name == "perm")
            array = np.ascontiguousarray(numpy_helper.to_array(source).transpose(axes))
            # Named by its weight still, which readers of the file look for.
            turned = numpy_helper.from_array(array, source.name)
            _rename(graph, node.output[0], source.name)
            graph.node.remove(node)
            source.CopyFrom(turned)


def _rename(graph: Any, old: str, new: str) -> None:
    for node in graph.node:
        for index, name in enumerate(node.input):
            if name == old:
                node.input[index] = new


def _name_axes(graph: Any, axes: Sequence[str]) -> None:
    dims = graph.input[0].type.tensor_type.shape.dim
    names = {dim.dim_param: name for dim, name in zip(dims, axes, strict=True)}
    for each in (*graph.input, *graph.output):
        for dim in each.type.tensor_type.shape.dim:
            if dim.dim_param in names:
                dim.dim_param = names[dim.dim_param]


def _strip(model: Any) -> None:
    """Leave out what the exporter notes of its own working."""
    graph = model.graph
    del graph.value_info[:]
    for each in (model, graph, *graph.node, *graph.input, *graph.output):
        del each.metadata_props[:]
    for each in (model, graph, *graph.node):
        each.doc_string = ""


def run(path: Path) -> Callable[[Mapping[str, np.ndarray]], dict[str, np.ndarray]]:
    """Open a file in ONNX Runtime on the CPU.

    Args:
        path: of the file.

    Returns:
        A function from inputs to outputs, both by name.
    """
    runtime: Any = importlib.import_module("onnxruntime")
    options = runtime.SessionOptions()
    options.log_severity_level = 3
    session = runtime.InferenceSession(
        str(path), options, providers=["CPUExecutionProvider"]
    )
    names = [output.name for output in session.get_outputs()]

    def call(inputs: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        wide = {name: array.astype(np.int64) for name, array in inputs.items()}
        return dict(zip(names, session.run(None, wide), strict=True))

    return call


def quantise(source: Path, target: Path) -> None:
    """Write a model again with the matrices rounded to int8, each once.

    A matrix has one scale for 32 values of a column, the word embeddings have one for a
    row. Activations are rounded while they are multiplied, likewise in blocks: one
    scale for all of them, as `quantize_dynamic` has it, does not survive a single large
    one; docs/export.md has figures.

    Args:
        source: file of float32, as `save` writes it.
        target: file of int8.
    """
    onnx: Any = importlib.import_module("onnx")
    with _without_logs():
        module: Any = importlib.import_module(
            "onnxruntime.quantization.matmul_nbits_quantizer"
        )
        quantiser = module.MatMulNBitsQuantizer(
            onnx.load(str(source)),
            bits=8,
            block_size=_BLOCK,
            is_symmetric=True,
            accuracy_level=_MULTIPLY_IN_INT8,
        )
        quantiser.process()
    model = quantiser.model.model
    _quantise_largest_table(onnx, model.graph)
    onnx.checker.check_model(model)
    onnx.save(model, str(target))


@contextmanager
def _without_logs() -> Generator[None]:
    """Keep the quantiser quiet, and undo the set-up of all logs that it makes."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    disabled = logging.root.manager.disable
    logging.disable(logging.WARNING)
    try:
        yield
    finally:
        logging.disable(disabled)
        root.handlers[:] = handlers
        root.setLevel(level)


def _quantise_largest_table(onnx: Any, graph: Any) -> None:
    """Round the word embeddings; the others would save little and cost answers."""
    looked_up = {node.input[0] for node in graph.node if node.op_type == "Gather"}
    tables = [
        each
        for each in graph.initializer
        if each.name in looked_up
        and each.data_type == onnx.TensorProto.FLOAT
        and len(each.dims) == 2
    ]
    if tables:
        _quantise_table(onnx, graph, max(tables, key=lambda each: each.dims[0]))


def _quantise_table(onnx: Any, graph: Any, table: Any) -> None:
    values = onnx.numpy_helper.to_array(table)
    scales = np.maximum(np.abs(values).max(axis=1), np.float32(1e-30)) / 127
    rounded = np.rint(values / scales[:, None]).astype(np.int8)
    name = table.name
    int8, scale, axis = (f"{name}_{part}" for part in ("int8", "scale", "axis"))
    graph.initializer.remove(table)
    graph.initializer.extend(
        [
            onnx.numpy_helper.from_array(rounded, int8),
            onnx.numpy_helper.from_array(scales.astype(np.float32), scale),
            onnx.numpy_helper.from_array(np.array([-1]), axis),
        ]
    )
    make = onnx.helper.make_node
    nodes: list[Any] = []
    whole = False
    for number, node in enumerate(list(graph.node)):
        if node.op_type == "Gather" and node.input[0] == name:
            ids, output = node.input[1], node.output[0]
            own = f"{name}_{number}"
            nodes += [
                make("Gather", [int8, ids], [f"{own}_rows"]),
                make(
                    "Cast", [f"{own}_rows"], [f"{own}_wide"], to=onnx.TensorProto.FLOAT
                ),
                make("Gather", [scale, ids], [f"{own}_scales"]),
                make("Unsqueeze", [f"{own}_scales", axis], [f"{own}_column"]),
                make("Mul", [f"{own}_wide", f"{own}_column"], [output]),
            ]
            continue
        whole |= name in node.input
        nodes.append(node)
    if whole:
        nodes.insert(0, make("DequantizeLinear", [int8, scale], [name], axis=0))
    del graph.node[:]
    graph.node.extend(nodes)
