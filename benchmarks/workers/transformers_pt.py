"""transformers in PyTorch, with the attention that it chooses (sdpa)."""

from __future__ import annotations

from typing import Any

from protocol import Calls, on_texts, serve


def make(options: dict[str, Any]) -> Calls:
    """Make the calls; see `albert_pt`, but for `int8` and `agreement`."""
    import torch
    import transformers
    from torch_calls import forward_calls, training_calls

    transformers.logging.set_verbosity_error()
    config = transformers.AlbertConfig(**options["config"])
    device, dtype = options.get("device", "cpu"), options.get("dtype", "float32")
    if "checkpoint" in options:
        return {"pipeline": _pipeline(options["checkpoint"], device, dtype)}
    model = transformers.AlbertModel(config).to(device, getattr(torch, dtype)).eval()
    makers = {
        "train": lambda: transformers.AlbertForSequenceClassification(config),
        "pretrain": lambda: transformers.AlbertForPreTraining(config),
    }
    return {
        **forward_calls(model, config, options),
        **training_calls(makers, config),
    }


def _pipeline(folder: str, device: str, dtype: str) -> Any:
    import transformers

    asked = transformers.pipeline(
        "text-classification",
        folder,
        batch_size=32,
        device=device,
        dtype=dtype,
        truncation=True,
        max_length=512,
    )
    return on_texts(asked)


if __name__ == "__main__":
    import sys

    timer = None
    if '"cuda' in sys.argv[1]:
        from torch_calls import cuda_timer as timer
    serve(make, ("transformers", "torch", "numpy"), timer)
