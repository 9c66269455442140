"""`albert pretrain` in two processes, and on eight devices: the run of one of them."""

import json
import os
import signal
import socket
import subprocess
import sys
import time

import numpy as np
import pytest
from safetensors.numpy import load_file

from albert.cli import main
from albert.common.auto import AutoTokenizer
from albert.common.config import AlbertConfig
from albert.common.data.preparing import prepare
from albert.common.data.settings import PrepareSettings

SPREAD = {"pt": (), "tf": ("--strategy", "multi-worker"), "flax": ("--mesh", "data=2")}


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    """Shards of made-up text, and a configuration without dropout."""
    root = tmp_path_factory.mktemp("several")
    words = ("the", "cat", "and", "a", "dog", "sat", "on", "mats", "while", "rain")
    texts = [
        " ".join(f"{' '.join(words[n % 7 :])} {n}.".capitalize() for n in range(m, 30))
        for m in range(20)
    ]
    (root / "text.txt").write_text("\n\n".join(texts))
    tokenizer = AutoTokenizer.from_pretrained("albert-demo")
    settings = PrepareSettings(max_length=16)
    prepare([root / "text.txt"], root / "shards", tokenizer, settings, workers=1)
    AlbertConfig(
        vocab_size=8192,
        embedding_size=4,
        hidden_size=8,
        num_attention_heads=2,
        intermediate_size=12,
        num_hidden_layers=2,
        max_position_embeddings=16,
        hidden_dropout_prob=0.0,
        attention_probs_dropout_prob=0.0,
    ).save_pretrained(root / "config")
    return root


@pytest.fixture(scope="module")
def alone(root):
    """The run of one process."""
    assert main(_arguments(root, root / "alone", "pt")) == 0
    return root / "alone"


def _arguments(root, output, framework, *more, steps=4):
    given = {
        "framework": framework,
        "config": root / "config",
        "tokenizer": "albert-demo",
        "data": root / "shards",
        "output": output,
        "steps": steps,
        "batch-size": 8,
        "learning-rate": 0.01,
        "save-every": 2,
        "log-every": 1,
    }
    pairs = [text for name in given for text in (f"--{name}", str(given[name]))]
    return ["pretrain", *pairs, *more]


def _ports(number):
    sockets = [socket.create_server(("localhost", 0)) for _ in range(number)]
    ports = [each.getsockname()[1] for each in sockets]
    for each in sockets:
        each.close()
    return ports


def _environment(framework, rank, ports):
    if framework == "pt":
        return {
            "RANK": str(rank),
            "WORLD_SIZE": "2",
            "MASTER_ADDR": "localhost",
            "MASTER_PORT": str(ports[0]),
        }
    if framework == "flax":
        return {
            "JAX_COORDINATOR_ADDRESS": f"localhost:{ports[0]}",
            "JAX_NUM_PROCESSES": "2",
            "JAX_PROCESS_ID": str(rank),
        }
    workers = [f"localhost:{port}" for port in ports]
    task = {"type": "worker", "index": rank}
    return {"TF_CONFIG": json.dumps({"cluster": {"worker": workers}, "task": task})}


def _start(arguments, framework="pt"):
    ports = _ports(2)
    return [
        subprocess.Popen(
            [sys.executable, "-m", "albert", *arguments],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env={
                **os.environ,
                "TF_CPP_MIN_LOG_LEVEL": "3",
                **_environment(framework, rank, ports),
            },
        )
        for rank in (0, 1)
    ]


def _lines(output):
    file = output / "log.jsonl"
    texts = file.read_text().splitlines() if file.exists() else []
    return [json.loads(text) for text in texts]


def _check_same(output, alone):
    found, right = _lines(output), _lines(alone)
    assert len(found) == len(right) == 4
    for one, other in zip(found, right, strict=True):
        assert one == pytest.approx(other, rel=1e-5)
    for file in ("model.safetensors", "training_state.safetensors"):
        name = f"checkpoint-00000004/{file}"
        ours, theirs = load_file(output / name), load_file(alone / name)
        assert list(ours) == list(theirs)
        for weight in ours:
            np.testing.assert_allclose(
                ours[weight], theirs[weight], atol=5e-6, err_msg=weight
            )


@pytest.mark.parametrize("framework", SPREAD)
def test_two_processes_give_the_numbers_of_one(root, alone, tmp_path, framework):
    output = tmp_path / "run"
    arguments = _arguments(root, output, framework, *SPREAD[framework])
    started = _start(arguments, framework)
    done = [process.communicate(timeout=300) for process in started]
    assert [process.returncode for process in started] == [0, 0], done
    # Only process 0 says how it went.
    assert ["wrote" in printed for printed, _ in done] == [True, False]
    _check_same(output, alone)


def test_killed_in_two_processes_with_slices_it_goes_on_in_one(root, tmp_path):
    steps, whole, output = 60, tmp_path / "whole", tmp_path / "run"
    assert main(_arguments(root, whole, "pt", steps=steps)) == 0
    first, second = _start(_arguments(root, output, "pt", "--shard", steps=steps))
    limit = time.monotonic() + 200
    while len(_lines(output)) < 5 and time.monotonic() < limit:
        time.sleep(0.01)
    second.send_signal(signal.SIGKILL)
    _, errors = first.communicate(timeout=60)
    second.communicate()
    assert first.returncode == 1, errors
    assert "albert: RuntimeError: process 0 of 2 cannot go on: " in errors
    assert "the run goes on from its last checkpoint." in errors
    done = len(_lines(output))
    assert 5 <= done < steps
    assert len(list(output.glob("checkpoint-*"))) == 2
    assert main(_arguments(root, output, "pt", steps=steps)) == 0
    for one, other in zip(_lines(output), _lines(whole), strict=True):
        assert one == pytest.approx(other, rel=1e-3)


def test_eight_devices_give_the_numbers_of_one(root, alone, tmp_path):
    """Rows over four, heads and width over two."""
    output = tmp_path / "run"
    done = subprocess.run(
        [
            *(sys.executable, "-m", "albert"),
            *_arguments(root, output, "flax", "--mesh", "data=4,model=2"),
        ],
        capture_output=True,
        text=True,
        env={**os.environ, "XLA_FLAGS": "--xla_force_host_platform_device_count=8"},
    )
    assert done.returncode == 0, done.stderr
    _check_same(output, alone)
