"""What both workers with PyTorch do with a model, whoever's it is."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import torch
from protocol import Step, pretraining_labels, token_inputs


def inputs_of(request: dict[str, Any], config: Any, device: str) -> dict[str, Any]:
    """Make the inputs of a request, int64 [B, S] each."""
    made = token_inputs(request, config.vocab_size)
    return {name: torch.tensor(rows, device=device) for name, rows in made.items()}


def forward_calls(
    model: Any, config: Any, options: dict[str, Any]
) -> dict[str, Callable[[dict[str, Any]], Step]]:
    """Give the calls without gradients.

    Args:
        model: of the bare class, on its device, in evaluation mode.
        config: its configuration.
        options: `device`; `compile` for `torch.compile`, and `graphs` for replays of
            a CUDA graph of each shape.

    Returns:
        `forward`.
    """
    device = options.get("device", "cpu")
    run = torch.compile(model) if options.get("compile") else model

    def forward(request: dict[str, Any]) -> Step:
        inputs = inputs_of(request, config, device)

        def step() -> Any:
            with torch.no_grad():
                return run(**inputs)

        return _as_graph(step) if options.get("graphs") else step

    return {"forward": forward}


def training_calls(
    makers: Mapping[str, Callable[[], Any]], config: Any
) -> dict[str, Callable[[dict[str, Any]], Step]]:
    """Give the calls that train: forward, backward and AdamW's step.

    Args:
        makers: of the models, by call: `train` for sequence classification, `pretrain`
            for both tasks of pre-training. A model is made when it is first asked for.
        config: their configuration.

    Returns:
        The calls by the same names.
    """
    made: dict[str, tuple[Any, torch.optim.Optimizer]] = {}

    def call(name: str, request: dict[str, Any]) -> Step:
        if name not in made:
            model = makers[name]().train()
            made[name] = model, torch.optim.AdamW(model.parameters(), lr=1e-6)
        model, optimizer = made[name]
        inputs = inputs_of(request, config, "cpu")
        order = torch.zeros(request["batch"], dtype=torch.long)
        if name == "pretrain":
            rows = inputs["input_ids"].tolist()
            inputs["labels"] = torch.tensor(pretraining_labels(rows))
            inputs["sentence_order_label"] = order
        else:
            inputs["labels"] = order

        def step() -> None:
            model(**inputs).loss.backward()
            optimizer.step()
            optimizer.zero_grad()

        return step

    return {name: lambda request, name=name: call(name, request) for name in makers}


def cuda_timer(step: Step) -> float:
    """Give the seconds that a step takes on the GPU, by its own clock."""
    start, end = (torch.cuda.Event(enable_timing=True) for _ in range(2))
    torch.cuda.synchronize()
    start.record()
    held = step()
    end.record()
    end.synchronize()
    del held
    return start.elapsed_time(end) / 1000


def _as_graph(step: Step) -> Step:
    """Record a step as a CUDA graph; give what replays it."""
    side = torch.cuda.Stream()
    side.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(side):
        for _ in range(3):
            step()
    torch.cuda.current_stream().wait_stream(side)
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        held = step()

    def replay() -> Any:
        graph.replay()
        return held

    return replay
