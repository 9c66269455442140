"""Hands inputs to worker processes and watches these from outside."""

from __future__ import annotations

import json
import queue
import select
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from conformance.fuzz.inputs import reader_of
from conformance.fuzz.worker import READY, SECONDS, Answer

COMMAND = (sys.executable, "-m", "conformance.fuzz.worker")

_ROOT = Path(__file__).resolve().parents[2]
_START_SECONDS = 180
_WALL_SECONDS = 60


class _Worker:
    """A worker process; a new one takes its place when it dies.

    Args:
        command: starts one; the seed and an empty folder are put behind.
        seed: of the random numbers.
        wall_seconds: after which one input is given up.
    """

    def __init__(self, command: Sequence[str], seed: int, wall_seconds: float):
        self._command = command
        self._seed = seed
        self._wall_seconds = wall_seconds
        self._process: subprocess.Popen[str] | None = None

    def __enter__(self) -> _Worker:
        return self

    def __exit__(self, *_: object) -> None:
        self._end()

    def answer(self, number: int) -> Answer:
        """Let the worker open one input, and say how it ended if it does not."""
        process = self._process or self._start()
        assert process.stdin is not None
        process.stdin.write(f"{number}\n")
        process.stdin.flush()
        line = self._line(process, self._wall_seconds)
        if line is None:
            text = f"no answer in {self._wall_seconds} seconds"
        elif line:
            return Answer(*json.loads(line))
        else:
            text = f"the process ended: {self._how(process)}"
        self._end()
        return Answer(number, reader_of(number), "", "fault", text, SECONDS, 0)

    def _line(self, process: subprocess.Popen[str], seconds: float) -> str | None:
        """Read a line: "" if the process has ended, None if it says nothing."""
        assert process.stdout is not None
        if not select.select([process.stdout], [], [], seconds)[0]:
            return None
        return process.stdout.readline()

    def _start(self) -> subprocess.Popen[str]:
        self._folder = tempfile.TemporaryDirectory(ignore_cleanup_errors=True)
        self._errors = Path(self._folder.name, "errors")
        with open(self._errors, "wb") as errors:
            process = self._process = subprocess.Popen(
                [*self._command, str(self._seed), self._folder.name],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=errors,
                cwd=_ROOT,
                text=True,
            )
        if self._line(process, _START_SECONDS) != READY + "\n":
            process.kill()
            raise RuntimeError(f"a worker does not start: {self._how(process)}")
        return process

    def _how(self, process: subprocess.Popen[str]) -> str:
        status = process.wait()
        if status == -signal.SIGPROF:
            return f"it took over {SECONDS} seconds of processor time"
        said = self._errors.read_text("utf-8", "replace")[-500:]
        if status < 0:
            return f"{signal.Signals(-status).name} {said}"
        return f"status {status} {said}"

    def _end(self) -> None:
        if self._process is None:
            return
        process, self._process = self._process, None
        process.kill()
        process.communicate()
        self._folder.cleanup()


def run(
    numbers: Sequence[int],
    *,
    seed: int = 0,
    workers: int = 2,
    seconds: float | None = None,
    command: Sequence[str] = COMMAND,
    wall_seconds: float = _WALL_SECONDS,
) -> Iterator[Answer]:
    """Open inputs in worker processes.

    Args:
        numbers: of the inputs.
        seed: of the random numbers.
        workers: how many processes.
        seconds: after which no further input is begun; None for no end.
        command: starts a worker.
        wall_seconds: after which one input is given up.

    Yields:
        What became of each input, in no order.
    """
    waiting: queue.SimpleQueue[int] = queue.SimpleQueue()
    for number in numbers:
        waiting.put(number)
    done: queue.SimpleQueue[Answer | Exception | None] = queue.SimpleQueue()
    deadline = None if seconds is None else time.monotonic() + seconds

    def work() -> None:
        try:
            with _Worker(command, seed, wall_seconds) as worker:
                while deadline is None or time.monotonic() < deadline:
                    done.put(worker.answer(waiting.get_nowait()))
        except queue.Empty:
            pass
        except Exception as error:  # it must not be lost in the thread
            done.put(error)
        done.put(None)

    for _ in range(workers):
        threading.Thread(target=work, daemon=True).start()
    left = workers
    while left:
        answer = done.get()
        if isinstance(answer, Exception):
            raise answer
        if answer is None:
            left -= 1
        else:
            yield answer
