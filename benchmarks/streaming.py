"""Whether memory stays flat while a long stream runs through a pipeline.

    python -m benchmarks.streaming --framework pt --inputs 100000
    python -m benchmarks.streaming --task feature-extraction --framework flax

A generator makes texts of many lengths, which the checkpoint in the package answers.
Printed is the process's peak memory after each quarter of the stream, as a ratio to
that after the first: what a stream leaves behind would raise the last. Then the time
of inputs one by one, as a ratio to that in the stream, compilation included.
"""

from __future__ import annotations

import argparse
import random
import resource
import sys
import time
from collections.abc import Iterator, Sequence

from albert.common.tasks.pipeline import Pipeline, pipeline

TASKS = ("fill-mask", "feature-extraction")
WORDS = ("time", "people", "water", "light", "house", "letter", "river", "music")
ALONE = 200


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure and print.

    Args:
        arguments: of the command line; None reads the process's own.

    Returns:
        0.
    """
    parser = argparse.ArgumentParser(prog="python -m benchmarks.streaming")
    parser.add_argument("--framework", choices=("pt", "tf", "flax"))
    parser.add_argument("--inputs", type=int, default=100_000)
    parser.add_argument("--task", choices=TASKS, default=TASKS[0])
    chosen = parser.parse_args(arguments)
    if chosen.inputs < 4:
        parser.error("inputs must be at least 4")
    asked = pipeline(chosen.task, "albert-demo", framework=chosen.framework)
    start = time.perf_counter()
    peaks = list(quarter_peaks(asked, chosen.inputs))
    each = (time.perf_counter() - start) / chosen.inputs
    for quarter, peak in enumerate(peaks, start=1):
        print(f"{asked.framework:5} {quarter}/4 peak memory {peak / peaks[0]:.3f}")
    print(f"{asked.framework:5} one by one / stream {alone(asked) / each:.2f} of time")
    return 0


def texts(number: int) -> Iterator[str]:
    """Make texts of 1 to 100 words, most of them short."""
    draw = random.Random(0)
    for _ in range(number):
        words: list[str] = draw.choices(
            WORDS, k=min(1 + int(draw.expovariate(0.08)), 100)
        )
        words.insert(draw.randint(0, len(words)), "[MASK]")
        yield " ".join(words)


def quarter_peaks(asked: Pipeline, number: int) -> Iterator[int]:
    """Run a stream; give the process's peak memory after each quarter of it."""
    answers = asked(texts(number), progress=False)
    for answered, _ in enumerate(answers, start=1):
        if answered * 4 // number > (answered - 1) * 4 // number:
            yield resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


def alone(asked: Pipeline) -> float:
    """Give the seconds of an input that is asked for by itself."""
    seconds = 0.0
    # Once before, for the shapes that are still to be compiled.
    for _ in range(2):
        start = time.perf_counter()
        for text in texts(ALONE):
            asked(text)
        seconds = (time.perf_counter() - start) / ALONE
    return seconds


if __name__ == "__main__":
    sys.exit(main())
