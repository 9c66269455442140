"""How much memory a training step takes, with gradient checkpointing and without.

    python -m benchmarks.checkpointing

Each step runs in a process of its own, which has computed a step on one short text
(JAX: has compiled) before. What is printed is the peak of the process's memory during
the step beyond what it held before, gradients included, and how long the step took.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

import albert
from albert import AlbertConfig
from benchmarks.workers.peak_memory import peak_of

CLASS = "AlbertForSequenceClassification"
PREFIXES = {"pt": "", "tf": "TF", "flax": "Flax"}


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure and print.

    Args:
        arguments: of the command line; None reads the process's own.

    Returns:
        0.
    """
    parser = argparse.ArgumentParser(prog="python -m benchmarks.checkpointing")
    parser.add_argument("--preset", default="albert-base-v2")
    parser.add_argument("--batch", type=int, default=4)
    parser.add_argument("--length", type=int, default=128)
    parser.add_argument("--step", nargs=2, help=argparse.SUPPRESS)
    chosen = parser.parse_args(arguments)
    if chosen.step:
        framework, switch = chosen.step
        shape = (chosen.batch, chosen.length)
        print(*measure(framework, chosen.preset, shape, switch == "on"))
        return 0
    for framework in PREFIXES:
        found = {}
        for switch in ("off", "on"):
            command = [sys.executable, "-m", "benchmarks.checkpointing"]
            command += ["--preset", chosen.preset, "--batch", str(chosen.batch)]
            command += ["--length", str(chosen.length), "--step", framework, switch]
            done = subprocess.run(command, capture_output=True, text=True, check=True)
            found[switch] = [float(word) for word in done.stdout.split()]
        (memory, took), (less, longer) = found["off"], found["on"]
        print(
            f"{framework:5} {memory / 1e6:6.0f} MB, with checkpointing "
            f"{less / 1e6:6.0f} MB, in {longer / took:.2f} of the time"
        )
    return 0


def measure(
    framework: str, preset: str, shape: tuple[int, int], checkpointing: bool
) -> tuple[int, float]:
    """Run one step; give its peak memory in bytes, and its seconds."""
    model: Any = getattr(albert, PREFIXES[framework] + CLASS)(
        AlbertConfig.preset(preset)
    )
    if checkpointing:
        model.gradient_checkpointing_enable()
    random = np.random.default_rng(0)
    ids = random.integers(5, 1000, shape)
    step = STEPS[framework](model, ids)
    took = 0.0

    def timed() -> Any:
        nonlocal took
        begun = time.perf_counter()
        held = step()
        took = time.perf_counter() - begun
        return held

    return peak_of(timed), took


def pt_step(model: Any, ids: np.ndarray) -> Callable[[], Any]:
    """Give a function that computes the gradients once, and has been warmed up."""
    import torch

    model.train()

    def step(ids: np.ndarray) -> None:
        labels = torch.zeros(len(ids), dtype=torch.long)
        model(torch.tensor(ids), labels=labels).loss.backward()

    step(ids[:1, :8])
    model.zero_grad()
    return lambda: step(ids)


def tf_step(model: Any, ids: np.ndarray) -> Callable[[], Any]:
    """Do so in TensorFlow."""
    import tensorflow as tf

    weights = [weight.value for weight in model.trainable_weights]

    @tf.function(input_signature=[tf.TensorSpec((None, None), tf.int32)])
    def step(ids: Any) -> Any:
        labels = tf.zeros(tf.shape(ids)[:1], tf.int32)
        with tf.GradientTape() as tape:
            loss = model(ids, labels=labels, training=True).loss
        return tape.gradient(loss, weights)

    step(tf.constant(ids[:1, :8], tf.int32))
    return lambda: step(tf.constant(ids, tf.int32))


def flax_step(model: Any, ids: np.ndarray) -> Callable[[], Any]:
    """Do so in JAX."""
    import jax

    def loss(params: Any, ids: Any) -> Any:
        labels = np.zeros(len(ids), np.int32)
        key = jax.random.key(0)
        outputs = model(ids, labels=labels, params=params, train=True, dropout_rng=key)
        return outputs.loss

    step = jax.jit(jax.grad(loss)).lower(model.params, ids).compile()
    return lambda: jax.block_until_ready(step(model.params, ids))


STEPS = {"pt": pt_step, "tf": tf_step, "flax": flax_step}


if __name__ == "__main__":
    sys.exit(main())
