"""ONNX Runtime on what `torch.onnx.export` makes of transformers' model."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

from protocol import Calls, serve, token_inputs


def make(options: dict[str, Any]) -> Calls:
    """Make the calls.

    Args:
        options: `config`; `cache`, a folder where an export is kept.

    Returns:
        `forward`.
    """
    import numpy as np
    import onnxruntime

    config = options["config"]
    name = hashlib.sha256(json.dumps(config, sort_keys=True).encode()).hexdigest()[:16]
    path = Path(options["cache"]) / f"{name}.onnx"
    if not path.exists():
        export(config, path)
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])

    def forward(request: dict[str, Any]) -> Any:
        made = token_inputs(request, config["vocab_size"])
        inputs = {name: np.array(rows, np.int64) for name, rows in made.items()}
        return lambda: session.run(None, inputs)

    return {"forward": forward}


def export(config: dict[str, Any], path: Path) -> None:
    """Write the model for every batch and length; all of the file or none."""
    import torch
    import transformers

    class Outputs(torch.nn.Module):
        """The two outputs as a tuple, which an exporter can name."""

        def __init__(self, model: Any) -> None:
            super().__init__()
            self.model = model

        def forward(self, input_ids: Any, attention_mask: Any, token_type_ids: Any):
            """Give last_hidden_state and pooler_output."""
            out = self.model(input_ids, attention_mask, token_type_ids)
            return out.last_hidden_state, out.pooler_output

    model = transformers.AlbertModel(transformers.AlbertConfig(**config)).eval()
    made = token_inputs({"batch": 2, "length": 16}, config["vocab_size"])
    inputs = {name: torch.tensor(rows) for name, rows in made.items()}
    axes = {0: torch.export.Dim("batch"), 1: torch.export.Dim("length", max=512)}
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_suffix(".part")
    torch.onnx.export(
        Outputs(model),
        tuple(inputs.values()),
        str(part),
        input_names=list(inputs),
        output_names=["last_hidden_state", "pooler_output"],
        dynamic_shapes=tuple(axes for _ in inputs),
        dynamo=True,
        external_data=False,
    )
    part.replace(path)


if __name__ == "__main__":
    serve(make, ("onnxruntime", "onnx", "onnxscript", "transformers", "torch"))
