"""Item 5: a step of pre-training, and the memory that it takes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from benchmarks import alternate
from benchmarks.alternate import Seat
from benchmarks.session import Session, megabytes, milliseconds, shape_text
from benchmarks.targets import Shape

OURS, PEER = "albert-pt", "transformers-pt"
FASTER, SMALLER = 1.5, 1 / 0.6


def measure(session: Session) -> None:
    """Measure and add the lines of time and memory.

    Args:
        session: of this run.
    """
    wanted = session.plan.pretraining
    shape = fitting(wanted, session.config(), _free_memory())
    note = "" if shape == wanted else f"{shape_text(wanted)} does not fit in memory"
    session.say(f"pre-training at {shape_text(shape)} {note}")
    request = {"call": "pretrain", "batch": shape[0], "length": shape[1]}
    rounds = session.plan.pretraining_rounds
    with session.started([OURS, PEER]) as workers:
        session.seen(workers)
        seats = {name: Seat(worker, request) for name, worker in workers.items()}
        samples = alternate.alternate(seats, (rounds, rounds), 0.0, lambda _: True)
    memory: alternate.Samples = {OURS: [], PEER: []}
    for name, found in memory.items():
        with session.started([name]) as workers:
            # What a first step leaves behind, such as AdamW's state, is no peak.
            workers[name].ask(call="pretrain", batch=1, length=min(16, shape[1]))
            found.append(workers[name].ask(**request, memory=True)["bytes"])
    for what, kept, least, show in (
        ("pre-training step", samples, FASTER, milliseconds),
        ("pre-training, peak memory", memory, SMALLER, megabytes),
    ):
        session.keep(what, shape_text(shape), kept)
        session.compare(
            5,
            what,
            shape_text(shape),
            (OURS, kept[OURS]),
            (PEER, kept[PEER]),
            least,
            show,
            note=note,
        )


def fitting(shape: Shape, config: Mapping[str, Any], memory: float) -> Shape:
    """Halve a batch until the peer's step fits in memory.

    Args:
        shape: batch and length.
        config: of the model.
        memory: bytes that are free.

    Returns:
        The greatest shape whose estimate stays below 0.8 of the memory.
    """
    batch, length = shape
    hidden, inner = config["hidden_size"], config["intermediate_size"]
    layers = config["num_hidden_layers"] * (11 * hidden + 3 * inner)
    token = 4 * (layers + 5 * config["vocab_size"])
    while batch > 1 and batch * length * token > 0.8 * memory:
        batch //= 2
    return batch, length


def _free_memory() -> float:
    """Give the bytes that processes may still take, the files' cache included."""
    with open("/proc/meminfo") as file:
        words = next(line for line in file if line.startswith("MemAvailable")).split()
    return float(words[1]) * 1024
