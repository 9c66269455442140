"""A model as files that run without this package.

Letters: B batch, C choices, S sequence.
"""

import logging
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn
from torch.export import Dim

from albert.common import onnx_files
from albert.common.exporting import FILES, INPUTS, Run, example

_FOLDED = 64


class _Named(nn.Module):
    """A model that takes the three inputs and gives its outputs by name."""

    def __init__(self, model: Any) -> None:
        super().__init__()
        self.model = model

    def forward(
        self,
        input_ids: torch.Tensor,
        attention_mask: torch.Tensor,
        token_type_ids: torch.Tensor,
    ) -> dict[str, torch.Tensor]:
        outputs = self.model(
            input_ids=input_ids,
            attention_mask=attention_mask,
            token_type_ids=token_type_ids,
            output_attentions=False,
            output_hidden_states=False,
            return_dict=True,
        )
        return dict(outputs.items())


def write(model: Any, folder: Path, to: str) -> None:
    """Write a model's file; every size of B, C and S goes into it.

    Args:
        model: one of this package's models, of float32.
        folder: a new one.
        to: what to write, "onnx" or "torch-export".

    Raises:
        ValueError: the weights are too large for the format.
    """
    writers = {"onnx": _write_onnx, "torch-export": _write_program}
    with _hushed():
        writers[to](model, folder / FILES[to])


def read(folder: Path, to: str) -> Run:
    """Open what `write` wrote, as somebody without this package would.

    Args:
        folder: where it is.
        to: what it is.

    Returns:
        A function from NumPy inputs to NumPy outputs, both by name.
    """
    readers: dict[str, Callable[[Path], Run]] = {
        "onnx": onnx_files.run,
        "torch-export": _read_program,
    }
    with _hushed():
        return readers[to](folder / FILES[to])


def _program(model: Any) -> tuple[torch.export.ExportedProgram, list[str]]:
    """Trace a model; give the names of its outputs, too."""
    sample, axes = example(model)
    tensors = {name: torch.tensor(sample[name], dtype=torch.long) for name in INPUTS}
    longest = model.config.max_position_embeddings
    sizes = {
        axis: Dim(name, min=1, max=longest if name == "sequence" else None)
        for axis, name in enumerate(axes)
    }
    named = _Named(model).eval()
    with torch.no_grad():
        fields = list(named(**tensors))
        program = torch.export.export(
            named,
            (),
            tensors,
            dynamic_shapes=dict.fromkeys(INPUTS, sizes),
            strict=False,
        )
    return program, fields


def _write_program(model: Any, path: Path) -> None:
    torch.export.save(_program(model)[0], path)


def _read_program(path: Path) -> Run:
    module = torch.export.load(path).module()

    def run(inputs: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        tensors = {
            name: torch.tensor(array, dtype=torch.long)
            for name, array in inputs.items()
        }
        with torch.no_grad():
            return {name: out.numpy() for name, out in module(**tensors).items()}

    return run


def _write_onnx(model: Any, path: Path) -> None:
    from onnxscript import optimizer

    size = 4 * model.num_parameters()
    if size > onnx_files.MAX_BYTES:
        raise ValueError(
            f"the weights have {size:,} bytes as float32, but an ONNX file holds at "
            f"most {onnx_files.MAX_BYTES:,}: export to torch-export instead."
        )
    program, fields = _program(model)
    onnx_program = torch.onnx.export(
        program, dynamo=True, optimize=False, verbose=False, output_names=fields
    )
    assert onnx_program is not None
    # Folds sizes, but no matrix: one that is turned would stand in the file twice.
    optimizer.optimize(
        onnx_program.model, input_size_limit=_FOLDED, output_size_limit=_FOLDED
    )
    onnx_files.save(onnx_program.model_proto, path, example(model)[1])


@contextmanager
def _hushed() -> Iterator[None]:
    """Leave out what PyTorch's exporter says of its own parts."""
    logs = [
        logging.getLogger(name)
        for name in logging.root.manager.loggerDict
        if name.startswith(("torch.onnx", "onnxscript", "onnx_ir"))
    ]
    logs.append(logging.getLogger("torch.onnx._internal.exporter._registration"))
    levels = [log.level for log in logs]
    for log in logs:
        log.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        for log, level in zip(logs, levels, strict=True):
            log.setLevel(level)
