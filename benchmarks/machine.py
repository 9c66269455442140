"""What the machine is, and what its matrix products reach."""

from __future__ import annotations

import os
import platform
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

PRODUCTS = ((1024, 768, 3072), (1024, 3072, 768))
"""Rows, width and columns: the products of a feed-forward step at 8 x 128."""


def describe() -> dict[str, Any]:
    """Give the processor's name, the cores, the memory and the system."""
    return {
        "processor": processor(),
        "cores": len(os.sched_getaffinity(0)),
        "memory_bytes": os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"),
        "system": f"{platform.system()} {platform.machine()}",
    }


def processor() -> str:
    """Give the processor's name, with the instructions that decide about speed."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    pairs = (line.split(":", 1) for line in lines if ":" in line)
    found = {name.strip(): value.strip() for name, value in pairs}
    flags = found.get("flags", "").split()
    special = [one for one in ("avx512f", "avx512_bf16", "amx_bf16") if one in flags]
    return " ".join([found.get("model name", platform.machine()), *special])


def work() -> float:
    """Give the seconds that all cores together have worked, for whomever."""
    with open("/proc/stat") as file:
        user, nice, system, _, _, irq, softirq, steal, *_ = file.readline().split()[1:]
    ticks = sum(map(int, (user, nice, system, irq, softirq, steal)))
    return ticks / os.sysconf("SC_CLK_TCK")


def own_work() -> float:
    """Give the seconds that this process and its ended children have worked."""
    return sum(os.times()[:4])


def forward_flops(config: Mapping[str, Any], batch: int, length: int) -> float:
    """Count the arithmetic of a forward pass, in floating-point operations.

    Of a layer the four projections of attention (8 H²), the two of the feed-forward
    step (4 H I), scores and their sum (4 S H), for each token; and once the mapping
    of the embeddings.
    """
    hidden, inner = config["hidden_size"], config["intermediate_size"]
    layer = 8 * hidden**2 + 4 * hidden * inner + 4 * length * hidden
    mapping = 2 * config["embedding_size"] * hidden
    return batch * length * (config["num_hidden_layers"] * layer + mapping)


def training_flops(
    config: Mapping[str, Any], batch: int, length: int, labelled: float = 0.0
) -> float:
    """Count the arithmetic of a training step: three times that of the forward pass.

    Backward, each product becomes two: one for the gradient of its input, one for that
    of its matrix. What optimizers do is small beside it and not counted.

    Args:
        config: of the model.
        batch: number of rows.
        length: tokens of each.
        labelled: places that the masked-LM head scores: 2 H E + 2 E V each.

    Returns:
        Floating-point operations.
    """
    hidden, embedding = config["hidden_size"], config["embedding_size"]
    scored = 2 * embedding * (hidden + config["vocab_size"])
    return 3 * (forward_flops(config, batch, length) + labelled * scored)


def activation_bytes(config: Mapping[str, Any], batch: int, length: int) -> float:
    """Count what one layer holds at once, in bytes of float32, scores not kept.

    Its input and sum, queries, keys, values and their result, each H wide, and the
    two sides of the activation, I wide.
    """
    wide = 6 * config["hidden_size"] + 2 * config["intermediate_size"]
    return 4.0 * batch * length * wide


def products(
    kind: str, shapes: Sequence[tuple[int, int, int]]
) -> dict[str, dict[str, Any]]:
    """Give the requests that measure products, by the names of their seats.

    Args:
        kind: type of the numbers.
        shapes: rows, width and columns of each.
    """
    return {
        f"matrix {rows}x{width}x{columns}": {
            "call": "product",
            "rows": rows,
            "width": width,
            "columns": columns,
            "dtype": kind,
        }
        for rows, width, columns in shapes
    }


def peak_of(
    samples: Mapping[str, Sequence[float]], shapes: Sequence[tuple[int, int, int]]
) -> float:
    """Give the largest rate of the products, in operations a second.

    Args:
        samples: seconds, by seat.
        shapes: as `products` had them.
    """
    return max(
        2 * rows * width * columns / min(samples[f"matrix {rows}x{width}x{columns}"])
        for rows, width, columns in shapes
    )
