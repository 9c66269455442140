"""This package in PyTorch, by its ordinary calls."""

from __future__ import annotations

import warnings
from typing import Any

from protocol import Calls, on_texts, serve, texts_of


def make(options: dict[str, Any]) -> Calls:
    """Make the calls.

    Args:
        options: `config`; `dtype`, `device`, `int8`, `compile`, `graphs`;
            `checkpoint`, a folder for `pipeline`; `agreement` for that call alone.

    Returns:
        `forward`, `train`, `pretrain`, `pipeline`, `agreement`.
    """
    import torch
    from torch_calls import forward_calls, training_calls

    import albert

    config = albert.AlbertConfig(**options["config"])
    device, dtype = options.get("device", "cpu"), options.get("dtype", "float32")
    if "checkpoint" in options:
        return {"pipeline": _pipeline(options["checkpoint"], device, dtype)}
    if options.get("agreement"):
        return {"agreement": _agreement}
    model = albert.AlbertModel(config).to(device, getattr(torch, dtype)).eval()
    if options.get("int8"):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            model = torch.ao.quantization.quantize_dynamic(
                model, {torch.nn.Linear}, dtype=torch.qint8
            )
    makers = {
        "train": lambda: albert.AlbertForSequenceClassification(config),
        "pretrain": lambda: albert.AlbertForPreTraining(config),
    }
    return {
        **forward_calls(model, config, options),
        **training_calls(makers, config),
    }


def _pipeline(folder: str, device: str, dtype: str) -> Any:
    import albert

    asked = albert.pipeline(
        "text-classification",
        folder,
        framework="pt",
        batch_size=32,
        device=device,
        dtype=dtype,
    )
    return on_texts(asked)


def _agreement(request: dict[str, Any]) -> Any:
    """Compare int8 with float32 on sentences, with the model in the package."""
    import albert
    from benchmarks.quantising import compare, quantise

    model = albert.AutoModelForMaskedLM.from_pretrained("albert-demo")
    tokenizer = albert.AutoTokenizer.from_pretrained("albert-demo")
    texts = texts_of(request)

    def step() -> dict[str, float]:
        same, masks, error, sure = compare(model, quantise(model), tokenizer, texts)
        return {"same": same / masks, "masks": masks, "error": error, "sure": sure}

    return step


if __name__ == "__main__":
    import sys

    timer = None
    if '"cuda' in sys.argv[1]:
        from torch_calls import cuda_timer as timer
    serve(make, ("albert-models", "torch", "numpy"), timer)
