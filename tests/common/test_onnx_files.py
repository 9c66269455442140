"""ONNX files: what int8 does to a file; the rest is tested where it is written."""

import importlib.util
import logging

import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import TensorProto, helper, numpy_helper

from albert.common import onnx_files

V, E, H = 50, 40, 70


def tensors(random):
    return {
        "table": random.standard_normal((V, E), np.float32),
        "turned": random.standard_normal((H, E), np.float32),
    }


def graph(held):
    """Look up, multiply twice by one matrix that stands turned, score by the table."""
    nodes = [
        helper.make_node("Gather", ["table", "ids"], ["x"]),
        helper.make_node("Transpose", ["turned"], ["m"], perm=[1, 0]),
        helper.make_node("MatMul", ["x", "m"], ["y1"]),
        helper.make_node("MatMul", ["x", "m"], ["y2"]),
        helper.make_node("Add", ["y1", "y2"], ["y"]),
        helper.make_node("Transpose", ["table"], ["t"], perm=[1, 0]),
        helper.make_node("MatMul", ["x", "t"], ["z"]),
    ]
    return helper.make_model(
        helper.make_graph(
            nodes,
            "test",
            [helper.make_tensor_value_info("ids", TensorProto.INT64, ["b", "s"])],
            [
                helper.make_tensor_value_info("y", TensorProto.FLOAT, ["b", "s", H]),
                helper.make_tensor_value_info("z", TensorProto.FLOAT, ["b", "s", V]),
            ],
            [numpy_helper.from_array(array, name) for name, array in held.items()],
        ),
        opset_imports=[helper.make_opsetid("", 20)],
        ir_version=10,
    )


def test_turned_once_and_rounded_once(tmp_path):
    held = tensors(np.random.default_rng(0))
    model = graph(held)
    model.graph.node[0].doc_string = "noise"
    model.metadata_props.add(key="noise", value="noise")
    onnx_files.save(model, tmp_path / "a.onnx", ("batch", "sequence"))
    saved = onnx.load(tmp_path / "a.onnx")
    assert b"noise" not in saved.SerializeToString()
    ports = [*saved.graph.input, *saved.graph.output]
    for port in ports:
        dims = port.type.tensor_type.shape.dim
        assert [dim.dim_param for dim in dims][:2] == ["batch", "sequence"]
    shapes = {each.name: tuple(each.dims) for each in saved.graph.initializer}
    assert shapes == {"table": (V, E), "turned": (E, H)}
    assert [n.input[0] for n in saved.graph.node if n.op_type == "Transpose"] == [
        "table"
    ]
    ids = np.array([[3, 4, 49], [0, 1, 2]], np.int32)
    x = held["table"][ids]
    right = {"y": 2 * x @ held["turned"].T, "z": x @ held["table"].T}
    found = onnx_files.run(tmp_path / "a.onnx")({"ids": ids})
    for name, expected in right.items():
        np.testing.assert_allclose(found[name], expected, atol=1e-4)

    handlers, level = logging.root.handlers[:], logging.root.level
    onnx_files.quantise(tmp_path / "a.onnx", tmp_path / "b.onnx")
    assert (logging.root.handlers, logging.root.level) == (handlers, level)
    rounded = onnx.load(tmp_path / "b.onnx").graph
    # The matrix, padded to blocks of 32, and the table, each once, and no float copy.
    bytes_held = [each for each in rounded.initializer if each.data_type in (2, 3)]
    sizes = sorted(int(np.prod(each.dims)) for each in bytes_held)
    assert sizes == sorted([V * E, H * 64])
    floats = [each for each in rounded.initializer if each.data_type == 1]
    assert sum(int(np.prod(each.dims)) for each in floats) <= V + 2 * H
    found = onnx_files.run(tmp_path / "b.onnx")({"ids": ids})
    for name, expected in right.items():
        apart = np.abs(found[name] - expected).max() / np.abs(expected).max()
        assert 0 < apart < 0.02, name


def test_a_row_of_zeros_stays_zero(tmp_path):
    held = tensors(np.random.default_rng(0))
    held["table"][7] = 0
    onnx_files.save(graph(held), tmp_path / "a.onnx", ("b", "s"))
    onnx_files.quantise(tmp_path / "a.onnx", tmp_path / "b.onnx")
    found = onnx_files.run(tmp_path / "b.onnx")({"ids": np.array([[7]])})
    assert not found["y"].any()
    assert not found["z"].any()


def test_runs_on_the_cpu(tmp_path, monkeypatch):
    model = graph(tensors(np.random.default_rng(0)))
    onnx_files.save(model, tmp_path / "a.onnx", ("b", "s"))
    made = []
    session = onnxruntime.InferenceSession

    def make(*given, **named):
        made.append(named)
        return session(*given, **named)

    monkeypatch.setattr(onnxruntime, "InferenceSession", make)
    onnx_files.run(tmp_path / "a.onnx")
    assert made == [{"providers": ["CPUExecutionProvider"]}]


@pytest.mark.parametrize("package", onnx_files.NEEDED)
def test_a_package_that_is_missing(package, monkeypatch):
    onnx_files.check_installed()
    find = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util,
        "find_spec",
        lambda name: None if name == package else find(name),
    )
    with pytest.raises(ImportError) as caught:
        onnx_files.check_installed()
    assert str(caught.value) == (
        f"an export to onnx needs {package}, which is not installed: "
        f'pip install "albert-models[export]"'
    )
    assert caught.value.name == package
