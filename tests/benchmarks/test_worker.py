"""The parent's side: one runs, the others are stopped."""

import os
import time
from pathlib import Path

import pytest

from benchmarks import contenders
from benchmarks.worker import Worker, WorkerError

from .conftest import stub


def _state(pid):
    return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0]


def test_a_worker_is_stopped_between_requests(stubs, tmp_path):
    with contenders.started(["albert-pt", "albert-tf"], tmp_path, {}) as workers:
        pids = [worker._process.pid for worker in workers.values()]
        for worker in workers.values():
            assert worker.ask(call="forward")["seconds"]
            time.sleep(0.05)
            assert [_state(pid) for pid in pids] == ["T", "T"]
    assert not any(Path(f"/proc/{pid}").exists() for pid in pids)


def test_a_worker_starts_once_for_each_name(stubs, tmp_path):
    with contenders.started(["albert-pt"] * 3, tmp_path, {}) as workers:
        assert list(workers) == ["albert-pt"]


def test_what_goes_wrong(stubs, tmp_path):
    stubs["albert-pt"] = stub(broken="no memory")
    with (
        contenders.started(["albert-pt"], tmp_path, {}) as workers,
        pytest.raises(WorkerError, match=r"^albert-pt: RuntimeError: no memory$"),
    ):
        workers["albert-pt"].ask(call="forward")
    with (
        Worker("x", ["python3", "-c", "raise SystemExit('no framework')"], {}) as one,
        pytest.raises(WorkerError, match=r"^x ended: no framework$"),
    ):
        one.ready()
    with (
        Worker("x", ["python3", "-c", "import os; os._exit(1)"], {}) as one,
        pytest.raises(WorkerError, match=r"^x ended: it said nothing$"),
    ):
        one.ready()
    with pytest.raises(WorkerError, match=r"^x cannot be started: .*No such file"):
        Worker("x", [os.fspath(tmp_path / "nothing")], {})
