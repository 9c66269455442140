"""How a worker is asked and answers: a JSON object on each line, in and out.

    {"call": "forward", "batch": 8, "length": 128, "warm": 1, "times": 2}
    {"seconds": [0.412, 0.409]}

A worker is a script of its own, run by the Python of the environment that it measures.
It makes its models once, says that it is ready, and answers until its input ends. This
file needs the standard library only, because every environment reads it.
"""

from __future__ import annotations

import ctypes
import importlib.metadata
import json
import os
import signal
import sys
import time
import traceback
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from peak_memory import no_heaps, peak_of

Step = Callable[[], Any]
"""One measured call; what it gives is kept until the clock has been read."""

Calls = Mapping[str, Callable[[dict[str, Any]], Step]]
"""What a worker can do, by name: from a request, a step that is ready to run."""


def serve(
    make: Callable[[dict[str, Any]], Calls],
    packages: Iterable[str],
    timer: Callable[[Step], float] | None = None,
) -> None:
    """Answer requests until there are no more.

    Args:
        make: makes the calls from the options, which are the script's argument. The
            framework is imported there, after the cores have been chosen.
        packages: whose versions are reported.
        timer: gives the seconds that a step takes; None for the wall clock.
    """
    answers = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)  # What libraries print is no answer.
    _end_with_the_parent()
    options = json.loads(sys.argv[1])
    _keep_to(options.get("cores"))
    if options.get("no_heaps"):
        no_heaps()
    start = time.perf_counter()
    calls = make(options)
    ready = {"seconds": time.perf_counter() - start, "versions": versions(packages)}
    print(json.dumps(ready), file=answers)
    for line in sys.stdin:
        try:
            answer = answer_to(calls, json.loads(line), timer or wall)
        except Exception as error:
            traceback.print_exc()
            answer = {"error": f"{type(error).__name__}: {error}".splitlines()[0]}
        print(json.dumps(answer), file=answers)


def answer_to(
    calls: Calls, request: dict[str, Any], timer: Callable[[Step], float]
) -> dict[str, Any]:
    """Run what is asked for.

    Args:
        calls: what the worker can do.
        request: `call`, its arguments, `warm` (runs before the clock starts, 0 by
            default) and `times` (runs with it, 1 by default); or `memory`: true for
            the peak of one run instead of its time.
        timer: gives the seconds that a step takes.

    Returns:
        `seconds`, one for each run; or `bytes`; and `result`, what the last warm run
            gave, if that is a plain dictionary.
    """
    step = calls[request["call"]](request)
    found: Any = None
    for _ in range(request.get("warm", 0)):
        found = step()
    answer: dict[str, Any] = {"result": found} if type(found) is dict else {}
    del found
    if request.get("memory"):
        return {**answer, "bytes": peak_of(step)}
    return {**answer, "seconds": [timer(step) for _ in range(request.get("times", 1))]}


def wall(step: Step) -> float:
    """Give the seconds that a step takes by the wall clock."""
    start = time.perf_counter()
    held = step()
    seconds = time.perf_counter() - start
    del held
    return seconds


def versions(packages: Iterable[str]) -> dict[str, str]:
    """Give the versions of those packages that are installed, and Python's."""
    found = {"python": sys.version.split()[0]}
    for name in packages:
        try:
            found[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            continue
    return found


def token_inputs(request: dict[str, Any], vocabulary: int) -> dict[str, Any]:
    """Make what a tokenizer gives for texts of one length.

    Args:
        request: with `batch` and `length`.
        vocabulary: number of tokens.

    Returns:
        Lists of lists: `input_ids`, `attention_mask` (all 1), `token_type_ids`.
    """
    batch, length = request["batch"], request["length"]
    first = min(5, vocabulary - 1)
    return {
        "input_ids": [
            [
                first + (row * 7919 + place * 104729) % (vocabulary - first)
                for place in range(length)
            ]
            for row in range(batch)
        ],
        "attention_mask": [[1] * length for _ in range(batch)],
        "token_type_ids": [[0] * length for _ in range(batch)],
    }


def pretraining_labels(rows: list[list[int]]) -> list[list[int]]:
    """Give masked-LM labels: of each seven tokens one, -100 elsewhere."""
    return [
        [token if place % 7 == 3 else -100 for place, token in enumerate(row)]
        for row in rows
    ]


def on_texts(asked: Callable[[list[str]], Any]) -> Callable[[dict[str, Any]], Step]:
    """Give the call that answers texts.

    Args:
        asked: a pipeline.

    Returns:
        A call, see `texts_of`.
    """

    def prepare(request: dict[str, Any]) -> Step:
        texts = texts_of(request)
        return lambda: asked(texts)

    return prepare


def texts_of(request: dict[str, Any]) -> list[str]:
    """Read the texts of a request.

    Args:
        request: `texts` names a JSON file; of it, those from `first` to before `last`.

    Returns:
        The texts.
    """
    with open(request["texts"], encoding="utf-8") as file:
        return json.load(file)[request.get("first") : request.get("last")]


def _keep_to(cores: int | None) -> None:
    """Use that many of the cores, in this process and in its libraries."""
    if cores is not None:
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:cores])
        os.environ["OMP_NUM_THREADS"] = str(cores)


def _end_with_the_parent() -> None:
    """Also if this process is stopped at that moment and reads no input."""
    ctypes.CDLL(None).prctl(1, signal.SIGKILL)
