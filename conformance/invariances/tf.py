"""TensorFlow's ways of computing the same."""

from __future__ import annotations

import importlib
from functools import partial
from typing import Any

import tensorflow as tf

from albert.tf import fast
from conformance.invariances.recomputed import recomputed
from conformance.invariances.subject import Check, Pair, Subject


def _without(subject: Subject, **switches: bool) -> Pair:
    """A quick way switched off."""
    with fast.using(**switches):
        gave = subject.call(subject.case.inputs)
    return Pair(gave, subject.outputs)


def _graph(subject: Subject, xla: bool) -> Pair:
    """The call as one function, with XLA or without."""
    runner: Any = importlib.import_module("albert.tf.runner")

    def compute(inputs: dict[str, tf.Tensor]) -> dict[str, Any]:
        return dict(subject.model(**inputs, return_dict=True, training=False))

    function: Any = tf.function(compute, jit_compile=xla, autograph=False)
    tensors = {n: tf.constant(one) for n, one in subject.case.inputs.items()}
    outputs = function(tensors)
    gave = {name: runner._to_numpy(value) for name, value in outputs.items()}
    return Pair(gave, subject.outputs)


CHECKS: dict[str, Check] = {
    "all quick ways off": partial(_without, compiled=False, packed=False),
    "tf.function, XLA off": partial(_graph, xla=False),
    "tf.function, XLA on": partial(_graph, xla=True),
    "computed again": recomputed,
}
