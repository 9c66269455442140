"""Layers that are computed again for the gradient, and layers that are kept."""

from __future__ import annotations

import numpy as np

from conformance.backends import make_model
from conformance.differentiation import Differentiate, Way
from conformance.invariances.subject import Pair, Subject


def recomputed(subject: Subject) -> Pair:
    """Every weight's gradient with and without checkpointing, in training."""
    one = subject.case
    random = np.random.default_rng(7)
    pieces = random.integers(0, one.config.vocab_size, one.inputs["input_ids"].shape)
    inputs = {**one.inputs, "labels": pieces.astype(np.int32)}
    model = make_model(subject.framework, one.class_name, one.config, one.weights())
    differentiate = Differentiate(subject.framework, model, one.class_name)
    found = differentiate(inputs, Way(training=True, checkpointing=True), {})
    right = differentiate(inputs, Way(training=True, checkpointing=False), {})
    return Pair(found, right, bitwise=True)
