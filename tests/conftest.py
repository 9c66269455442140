"""What the tests of all parts share: a hub on the loopback, checkpoints for tasks."""

import os

import pytest

from conformance.tasks import checkpoints

from .common.hub_server import Hub, real_client

# Most of the tests' time is compiling, and XLA spends twice as long on a program with
# its optimisations, and twice as long again with its newer emitters, whose tanh is more
# exact by 4e-6. Read when JAX is loaded, here and in processes that tests start. The
# fixture `optimised` has the optimisations on; tests/users.py starts a process that has
# everything as users do.
QUICK_COMPILATION = {
    "JAX_DISABLE_MOST_OPTIMIZATIONS": "1",
    "XLA_FLAGS": "--xla_cpu_use_fusion_emitters=false",
}
AS_USERS_HAVE_IT = {"JAX_DISABLE_MOST_OPTIMIZATIONS": "0", "XLA_FLAGS": ""}
for name, value in QUICK_COMPILATION.items():
    os.environ.setdefault(name, value)
# pytest has a process for each core. Threads of one that wait for each other while the
# other computes take several times as long as one thread.
os.environ.setdefault("OMP_NUM_THREADS", "1")


@pytest.fixture
def optimised():
    """Have XLA's optimisations on, with programs compiled anew."""
    import jax

    name = "jax_disable_most_optimizations"
    before = jax.config.values[name]
    jax.clear_caches()
    jax.config.update(name, False)
    yield
    jax.config.update(name, before)


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
