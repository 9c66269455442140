"""The parent's side of a worker: start, ask, and stop it while another is measured."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from types import TracebackType
from typing import Any


class WorkerError(RuntimeError):
    """A worker could not be started, or could not do what it was asked for."""


class Worker:
    """A process that answers one request at a time.

    Between requests it is stopped by the system, so that threads which wait by turning
    in circles take no core from the one that is measured.

    Args:
        name: for errors.
        command: that starts it.
        variables: of its environment, added to this process's.

    Raises:
        WorkerError: there is no such program.
    """

    def __init__(
        self, name: str, command: Sequence[str], variables: Mapping[str, str]
    ) -> None:
        self.name = name
        # Open until `close`, because the worker writes into it until then.
        self._said = tempfile.TemporaryFile("w+", encoding="utf-8")  # noqa: SIM115
        try:
            self._process = subprocess.Popen(
                command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=self._said,
                text=True,
                env={**os.environ, **variables},
            )
        except OSError as error:
            self._said.close()
            raise WorkerError(f"{name} cannot be started: {error}") from None
        self._ready: dict[str, Any] | None = None

    def ready(self) -> dict[str, Any]:
        """Wait until it has made its models.

        Returns:
            `seconds` that it took, and `versions` of its packages.

        Raises:
            WorkerError: it ended before.
        """
        if self._ready is None:
            self._ready = self._answer()
            self._process.send_signal(signal.SIGSTOP)
        return self._ready

    def ask(self, **request: Any) -> dict[str, Any]:
        """Let it run one request.

        Args:
            **request: see `benchmarks.workers.protocol.answer_to`.

        Returns:
            Its answer.

        Raises:
            WorkerError: it could not do it, or ended.
        """
        self.ready()
        assert self._process.stdin is not None
        self._process.send_signal(signal.SIGCONT)
        self._process.stdin.write(json.dumps(request) + "\n")
        self._process.stdin.flush()
        answer = self._answer()
        self._process.send_signal(signal.SIGSTOP)
        if "error" in answer:
            raise WorkerError(f"{self.name}: {answer['error']}")
        return answer

    def close(self) -> None:
        """End it."""
        for pipe in (self._process.stdin, self._process.stdout):
            assert pipe is not None
            pipe.close()
        self._process.kill()
        self._process.wait()
        self._said.close()

    def __enter__(self) -> Worker:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def _answer(self) -> dict[str, Any]:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if line:
            return json.loads(line)
        self._process.wait()
        self._said.seek(0)
        last = (self._said.read().strip().splitlines() or ["it said nothing"])[-1]
        raise WorkerError(f"{self.name} ended: {last}")
