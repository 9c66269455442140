"""What the tests of all parts share: a hub on the loopback, checkpoints for tasks."""

import importlib.util
import os
from importlib.metadata import version

import pytest

from conformance.tasks import checkpoints

from .common.hub_server import Hub, real_client

# Most of the tests' time is compiling, and XLA spends six times as long on a program
# for a CPU with its optimisations and its newer emitters. This is read when frameworks
# are loaded, here and in the processes that tests start; test_suite.py has one as users
# have it. The flags are those of jaxlib 0.10: XLA ends a process that has one which it
# does not know.
QUICK_COMPILATION = {"JAX_DISABLE_MOST_OPTIMIZATIONS": "1"}
if importlib.util.find_spec("jaxlib") and version("jaxlib").startswith("0.10."):
    QUICK_COMPILATION["XLA_FLAGS"] = (
        "--xla_cpu_use_fusion_emitters=false --xla_cpu_parallel_codegen_split_count=1"
    )
for name, value in QUICK_COMPILATION.items():
    os.environ.setdefault(name, value)
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
