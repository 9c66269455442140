"""`albert env`: what is there, what is missing, what is broken; quietly."""

import json
import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

import albert
from albert.cli import main

ROOT = Path(__file__).parents[2]
BROKEN = "raise RuntimeError('no /home/ann/lib/libcuda.so.1: gone\\nsecond line')"


@pytest.fixture
def env(tmp_path):
    """Run the command, which must be quiet, with modules in the way of others."""

    def env(*arguments, **modules):
        for name, code in modules.items():
            (tmp_path / f"{name}.py").write_text(code)
        path = os.pathsep.join([str(tmp_path), str(ROOT)])
        done = subprocess.run(
            [sys.executable, "-m", "albert", "env", *arguments],
            env={**os.environ, "PYTHONPATH": path, "CUDA_VISIBLE_DEVICES": ""},
            capture_output=True,
            text=True,
            check=True,
        )
        assert done.stderr == ""
        return done.stdout

    return env


def test_everything_that_is_there(capsys):
    import jax
    import keras
    import numpy as np
    import tensorflow as tf
    import torch

    assert main(["env", "--json"]) == 0
    printed = capsys.readouterr()
    assert printed.err == ""
    found = json.loads(printed.out)
    assert found["albert"]["albert"] == albert.__version__
    assert found["albert"]["Python"] == sys.version.split()[0]
    assert found["libraries"]["numpy"] == np.__version__
    assert found["pt"]["torch"] == torch.__version__
    assert "cpu" in found["pt"]["devices"]
    assert found["pt"]["threads"] >= 1
    assert found["pt"]["float32_matmul_precision"] == "highest"
    assert found["pt"]["cuda.matmul.allow_tf32"] is False
    assert found["pt"]["cudnn.allow_tf32"] is True
    assert found["tf"]["tensorflow"] == tf.__version__
    assert found["tf"]["keras"] == keras.__version__
    assert found["tf"]["tensor_float_32"] is True
    assert found["tf"]["Keras floatx"] == "float32"
    assert found["tf"]["Keras dtype policy"] == "float32"
    assert "CPU:0" in found["tf"]["devices"]
    assert found["flax"]["jax"] == jax.__version__
    assert found["flax"]["devices"]
    assert found["flax"]["jax_default_matmul_precision"] == "not set"
    assert found["flax"]["jax_enable_x64"] is False


def test_missing_broken_crashing_and_flags(env):
    printed = env(
        torch="raise ModuleNotFoundError('none', name='torch')",
        tensorflow=BROKEN,
        flax="import os; print('hello'); os.kill(os.getpid(), 11)",
        h5py=BROKEN,
    )
    lines = [line.split(maxsplit=1) for line in printed.splitlines()]
    found = {line[0]: line[1] for line in lines if len(line) == 2}
    assert found["torch"] == "not installed"
    assert [line[1] for line in lines if line[0] == "broken"] == [
        "RuntimeError: no libcuda.so.1: gone",
        "it ends Python with status -11",
    ]
    assert "/home" not in printed
    assert "second line" not in printed
    assert socket.gethostname() not in printed
    assert str(Path.home()) not in printed


def test_flags_that_are_set(env, monkeypatch):
    monkeypatch.setenv("JAX_ENABLE_X64", "1")
    monkeypatch.setenv("JAX_DEFAULT_MATMUL_PRECISION", "float32")
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    missing = "raise ModuleNotFoundError('none', name='tensorflow')"
    found = json.loads(env("--json", tensorflow=missing))
    assert found["flax"]["jax_enable_x64"] is True
    assert found["flax"]["jax_default_matmul_precision"] == "float32"
    assert found["albert"]["OMP_NUM_THREADS"] == "1"
    assert found["pt"]["threads"] == 1
    assert found["tf"]["tensorflow"] == "not installed"


def test_a_framework_that_does_not_answer(monkeypatch, capsys):
    monkeypatch.setattr("albert.cli.env._SECONDS", 0.01)
    assert main(["env", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    for framework in ("pt", "tf", "flax"):
        why = "it does not answer within 0.01 seconds"
        assert found[framework]["broken"] == why


def test_help_has_an_example(capsys):
    with pytest.raises(SystemExit) as stopped:
        main(["env", "--help"])
    assert stopped.value.code == 0
    assert "example: albert env --json" in capsys.readouterr().out
