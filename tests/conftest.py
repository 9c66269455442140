"""What the tests of all parts share: a hub on the loopback, checkpoints for tasks."""

import os

import pytest

from conformance.tasks import checkpoints

from .common.hub_server import Hub, real_client

# XLA's optimisations take a third of the tests' time. tests/conformance/test_suite.py
# has them on, as users do. Read when JAX is imported, here and in the processes below.
os.environ.setdefault("JAX_DISABLE_MOST_OPTIMIZATIONS", "1")
# pytest has a process for each core. Threads of one that wait for each other while the
# other computes take several times as long as one thread.
os.environ.setdefault("OMP_NUM_THREADS", "1")


@pytest.fixture(scope="session")
def _hub_server(tmp_path_factory):
    with Hub() as hub:
        yield hub


@pytest.fixture
def hub(_hub_server, tmp_path):
    """An empty hub that huggingface_hub's client talks to, with an empty cache."""
    _hub_server.clear()
    home = tmp_path / "hf-home"
    with real_client(HF_ENDPOINT=_hub_server.url, HF_HOME=str(home)):
        yield _hub_server


@pytest.fixture
def hub_offline(_hub_server, tmp_path):
    """Make a context in which the same cache is used with HF_HUB_OFFLINE=1."""

    def offline():
        return real_client(
            HF_ENDPOINT=_hub_server.url,
            HF_HOME=str(tmp_path / "hf-home"),
            HF_HUB_OFFLINE="1",
        )

    return offline


@pytest.fixture(scope="session")
def task_checkpoints(tmp_path_factory):
    """A folder with a checkpoint for each task, as `python -m conformance.tasks`."""
    root = tmp_path_factory.mktemp("task-checkpoints")
    checkpoints.write_all(root)
    return root
