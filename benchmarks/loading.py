"""How long a checkpoint takes to load, and how much memory while it does.

    python -m benchmarks.loading time --vs .venv/transformers/bin/python
    python -m benchmarks.loading memory

`time` loads an ALBERT-base folder in new processes, imports included, in turn with
transformers' `AlbertModel` in another environment, and prints the ratio of each pair.
`memory` loads an ALBERT-xxlarge folder in each framework and prints the peak beyond the
framework's own memory, as a multiple of the weights. The folders are made of zeros,
which take no space on most disks.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from albert.common import names
from albert.common.config import AlbertConfig

CLASS = "AlbertForPreTraining"
PREFIXES = {"pt": "", "tf": "TF", "flax": "Flax"}

_LOAD = "from {0} import AlbertModel; AlbertModel.from_pretrained({1!r})"
_WATCH = """
import sys
import albert
from benchmarks.workers.peak_memory import peak_of

model_class = getattr(albert, sys.argv[1])
model_class.from_pretrained("albert-demo")
made = []
peak = peak_of(lambda: made.append(model_class.from_pretrained(sys.argv[2])))
print(peak / (4 * made[0].num_parameters()))
"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure and print.

    Args:
        arguments: of the command line; None reads the process's own.

    Returns:
        0.
    """
    parser = argparse.ArgumentParser(prog="python -m benchmarks.loading")
    parser.add_argument("what", choices=("time", "memory"))
    parser.add_argument("--vs", help="Python of an environment with transformers")
    parser.add_argument("--runs", type=int, default=7)
    chosen = parser.parse_args(arguments)
    if chosen.what == "time" and chosen.vs is None:
        parser.error("time needs --vs")
    with tempfile.TemporaryDirectory() as folder:
        if chosen.what == "memory":
            write_zeros(Path(folder), AlbertConfig.preset("albert-xxlarge-v2"))
            for framework in PREFIXES:
                print(f"{framework:5} {peak(framework, folder):.2f} of the weights")
        else:
            write_zeros(Path(folder), AlbertConfig.preset("albert-base-v2"))
            print_times(folder, chosen.vs, chosen.runs)
    return 0


def write_zeros(folder: Path, config: AlbertConfig) -> None:
    """Write a checkpoint of zeros without holding it in memory."""
    header: dict[str, object] = {"__metadata__": {"format": "pt"}}
    end = 0
    for row in names.weights(config, CLASS):
        start, end = end, end + 4 * int(np.prod(row.shape(config)))
        shape = list(row.shape(config))
        header[row.canonical] = {
            "dtype": "F32",
            "shape": shape,
            "data_offsets": [start, end],
        }
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    with open(folder / "model.safetensors", "wb") as file:
        file.write(len(text).to_bytes(8, "little") + text)
        file.truncate(8 + len(text) + end)
    config.save_pretrained(folder)


def peak(framework: str, folder: str) -> float:
    """Load in a new process; give its peak memory in multiples of the weights'."""
    command = [sys.executable, "-c", _WATCH, PREFIXES[framework] + CLASS, folder]
    root = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[1])}
    result = subprocess.run(
        command, capture_output=True, text=True, check=True, env=root
    )
    return float(result.stdout)


def print_times(folder: str, other: str, runs: int) -> None:
    """Run the two in turn and print the ratios of CPU and of wall time."""
    ratios = []
    for _ in range(runs + 1):
        ours = seconds([sys.executable, "-c", _LOAD.format("albert", folder)])
        theirs = seconds([other, "-c", _LOAD.format("transformers", folder)])
        ratios.append((ours[0] / theirs[0], ours[1] / theirs[1]))
    for index, title in enumerate(("cpu", "wall")):
        found = [ratio[index] for ratio in ratios[1:]]
        print(
            f"{title:4} time, this package / transformers: median "
            f"{statistics.median(found):.2f}, from {min(found):.2f} to {max(found):.2f}"
        )


def seconds(command: Sequence[str]) -> tuple[float, float]:
    """Give CPU and wall seconds of a process."""
    before, start = os.times(), time.perf_counter()
    subprocess.run(command, check=True, capture_output=True)
    after, wall = os.times(), time.perf_counter() - start
    cpu = after.children_user + after.children_system
    return cpu - before.children_user - before.children_system, wall


if __name__ == "__main__":
    sys.exit(main())
