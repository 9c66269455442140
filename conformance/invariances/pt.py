"""PyTorch's ways of computing the same."""

from __future__ import annotations

import importlib
import warnings
from functools import partial
from typing import Any

import torch

from albert.pt import fast
from albert.pt.runner import Runner
from conformance.backends import make_model
from conformance.invariances.recomputed import recomputed
from conformance.invariances.subject import Check, Pair, Subject
from conformance.invariances.texts import ORDER, WORDS, real


def eager(subject: Subject) -> Pair:
    """Attention written out, and the fused kernel."""
    one = subject.case
    config = one.config.replace(attn_implementation="eager")
    model = make_model("pt", one.class_name, config, one.weights())
    model.config.attn_implementation = "eager"
    return Pair(subject.call(one.inputs, model), subject.outputs)


def _without(subject: Subject, **switches: bool) -> Pair:
    """A quick way switched off."""
    with fast.using(**switches):
        gave = subject.call(subject.case.inputs)
    return Pair(gave, subject.outputs)


def padding_left_out(subject: Subject) -> Pair:
    """Padding left out, which the tasks' way does, and not."""
    inputs = subject.case.inputs
    quick = Runner(subject.model)(inputs, (WORDS, ORDER))
    with fast.using(unpadded=False):
        plain = Runner(subject.model)(inputs, (WORDS, ORDER))
    return Pair(real(quick, inputs), real(plain, inputs))


def pytorch_without_onednn(subject: Subject) -> Pair:
    """PyTorch's own switch of oneDNN off."""
    with warnings.catch_warnings():
        # The switch sets all others, too, and PyTorch speaks of Intel's GPUs.
        warnings.filterwarnings("ignore", "TF32", UserWarning)
        with torch.backends.mkldnn.flags(enabled=False):
            gave = subject.call(subject.case.inputs)
    return Pair(gave, subject.outputs)


def _compiled(subject: Subject, backend: str) -> Pair:
    """`torch.compile`, in one graph."""
    runner: Any = importlib.import_module("albert.pt.runner")
    model = torch.compile(subject.model, fullgraph=True, backend=backend)
    tensors = runner._tensors(subject.model, subject.case.inputs)
    with torch.no_grad():
        outputs: Any = model(**tensors, return_dict=True)
    gave = {name: value.numpy() for name, value in outputs.items()}
    return Pair(gave, subject.outputs)


def with_gradients(subject: Subject) -> Pair:
    """With gradients wanted, which takes other products, and without."""
    runner: Any = importlib.import_module("albert.pt.runner")
    tensors = runner._tensors(subject.model, subject.case.inputs)
    outputs = subject.model(**tensors, return_dict=True)
    gave = {name: value.detach().numpy() for name, value in outputs.items()}
    return Pair(gave, subject.outputs)


CHECKS: dict[str, Check] = {
    "eager attention": eager,
    "oneDNN off": partial(_without, onednn=False),
    "matrices not packed": partial(_without, packed=False),
    "all quick ways off": partial(_without, onednn=False, packed=False, unpadded=False),
    "padding left out": padding_left_out,
    "PyTorch's oneDNN off": pytorch_without_onednn,
    "with gradients": with_gradients,
    "computed again": recomputed,
    "torch.compile, captured": partial(_compiled, backend="aot_eager"),
}

LONG_CHECKS: dict[str, Check] = {
    "torch.compile": partial(_compiled, backend="inductor"),
}
"""What needs a C++ compiler, and half a minute of it."""
