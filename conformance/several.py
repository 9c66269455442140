"""Runs of several processes beside the run of one: `python -m conformance.several`.

Each case trains a tiny model on this machine, in processes that talk over loopback, and
prints the largest relative difference of any number of the log from what one process
logs with the same batches. Cases with a kill lose a process to `kill -9`, and go on.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import redirect_stdout
from dataclasses import dataclass
from functools import partial
from io import StringIO
from pathlib import Path

import numpy as np

from albert.cli import main as albert
from albert.common.auto import AutoTokenizer
from albert.common.config import AlbertConfig
from albert.common.data.preparing import prepare
from albert.common.data.settings import PrepareSettings

TOLERANCE = 1e-5
"""Relative; of sums of float32 in another order."""
STEPS, EVERY, DIES = 6, 2, 5
SPREAD = {
    "pt": (),
    "tf": ("--strategy", "multi-worker"),
    "flax": ("--mesh", "data={}"),
}
REFUSED = (
    "batch_size must be a multiple of the 3 slices over devices times accumulation, "
    "3 x 1 = 3, but is 8."
)
"""What three processes say of a batch of eight."""
_LIMIT = 600
_ABORTED = "the JAX distributed service detected fatal errors"
_LOST = "Start all of them again: the run goes on from its last checkpoint."


@dataclass(frozen=True)
class Ended:
    """A process that has ended.

    Fields:
        status: of its end, less than 0 for a signal.
        printed: to the output.
        errors: to the error output.
    """

    status: int
    printed: str
    errors: str


def write_data(root: Path) -> None:
    """Write shards of made-up text, and a configuration without dropout.

    Args:
        root: gets folders "shards" and "config".
    """
    words = ("the", "cat", "and", "a", "dog", "sat", "on", "mats", "while", "rain")
    texts = [
        " ".join(f"{' '.join(words[n % 7 :])} {n}.".capitalize() for n in range(m, 30))
        for m in range(6)
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


def arguments(root: Path, output: Path, framework: str, *more: str) -> list[str]:
    """Give the arguments of a run.

    Args:
        root: of `write_data`.
        output: of the run.
        framework: "pt", "tf" or "flax".
        *more: added to them.

    Returns:
        What stands behind `albert`.
    """
    given = {
        "framework": framework,
        "config": root / "config",
        "tokenizer": "albert-demo",
        "data": root / "shards",
        "output": output,
        "steps": STEPS,
        "batch-size": 8,
        "learning-rate": 0.01,
        "save-every": EVERY,
        "eval-every": EVERY,
        "log-every": 1,
    }
    pairs = [text for name in given for text in (f"--{name}", str(given[name]))]
    return ["pretrain", *pairs, *more]


def start(
    framework: str,
    given: Sequence[str],
    processes: int = 2,
    dies: tuple[int, int] = (-1, -1),
    devices: int = 1,
) -> list[Ended]:
    """Run the processes of a run, and wait for them.

    Args:
        framework: "pt", "tf" or "flax".
        given: the arguments of `albert`.
        processes: how many.
        dies: rank and step of `conformance.watched`.
        devices: that JAX has in each process.

    Returns:
        How each ended.
    """
    places = _free_places(processes)
    how = [part.format(processes) for part in SPREAD[framework]]
    watched = [sys.executable, "-m", "conformance.watched", *map(str, dies)]
    command = [*watched, *given, *([] if how and how[0] in given else how)]
    return _finish(
        [command] * processes,
        [
            {
                **(environment(framework, rank, places) if processes > 1 else {}),
                **_having(devices),
            }
            for rank in range(processes)
        ],
    )


def torchrun(given: Sequence[str], processes: int = 2, hosts: int = 1) -> list[Ended]:
    """Run PyTorch's processes as a user does.

    Args:
        given: the arguments of `albert`.
        processes: how many on each host.
        hosts: that this one stands for.

    Returns:
        How the parents ended, one on each host.
    """
    (place,) = _free_places(1)
    launcher = [sys.executable, "-m", "torch.distributed.run"]
    # Its usual port may be taken.
    launcher += [] if hosts > 1 else ["--master-port", place.partition(":")[2]]
    return _finish(
        [
            [*launcher, *torchrun_words(processes, hosts, rank, place), *given]
            for rank in range(hosts)
        ],
        [{}] * hosts,
    )


def torchrun_words(processes: int, hosts: int, rank: int, place: str) -> list[str]:
    """Give what stands between `torchrun` and `pretrain`.

    Args:
        processes: on each host.
        hosts: how many.
        rank: of this host.
        place: host and port of the first one.

    Returns:
        The words.
    """
    address, _, port = place.partition(":")
    each = ["--nproc-per-node", str(processes)]
    if hosts > 1:
        nodes = ["--nnodes", str(hosts), "--node-rank", str(rank)]
        each = [*nodes, *each, "--master-addr", address, "--master-port", port]
    return [*each, "-m", "albert"]


def eight_devices(given: Sequence[str]) -> list[Ended]:
    """Run JAX with eight devices in one process.

    Args:
        given: the arguments of `albert`.

    Returns:
        How it ended.
    """
    return _finish([[sys.executable, "-m", "albert", *given]], [_having(8)])


def log_of(output: Path) -> list[dict[str, float]]:
    """Read a run's log.

    Args:
        output: of the run.

    Returns:
        Its lines.
    """
    text = (output / "log.jsonl").read_text()
    return [json.loads(line) for line in text.splitlines()]


def difference(output: Path, alone: Path) -> float:
    """Compare the logs of two runs.

    Args:
        output: of one.
        alone: of the one that is right.

    Returns:
        The largest relative difference; infinite if lines or names differ.
    """
    found, right = log_of(output), log_of(alone)
    if [list(line) for line in found] != [list(line) for line in right]:
        return math.inf
    ours, theirs = (
        np.array([line[name] for line in lines for name in line])
        for lines in (found, right)
    )
    scale = np.where(theirs == 0, 1, np.abs(theirs))
    return float(np.max(np.abs(ours - theirs) / scale))


def check_done(ended: Sequence[Ended]) -> None:
    """See that all processes ended well, and that the first one alone spoke.

    Args:
        ended: how they did.

    Raises:
        AssertionError: they did not.
    """
    assert all(each.status == 0 for each in ended), ended
    assert ["wrote" in each.printed for each in ended] == [
        not rank for rank in range(len(ended))
    ], ended


def check_lost(ended: Sequence[Ended], killed: int, output: Path) -> None:
    """See that a killed process ended the others, and what they left.

    Args:
        ended: how they did.
        killed: the process that was.
        output: of the run.

    Raises:
        AssertionError: they went on, said nothing, or left no checkpoint.
    """
    assert ended[killed].status == -signal.SIGKILL, ended
    for rank, each in enumerate(ended):
        if rank == killed:
            continue
        # JAX aborts at its end, when it cannot part from the others; where its process
        # 0 is gone, perhaps before Python is told.
        aborted = each.status == -signal.SIGABRT and _ABORTED in each.errors
        assert each.status == 1 or aborted, ended
        if aborted and not killed:
            continue
        text = f"albert: RuntimeError: process {rank} of {len(ended)} cannot go on: "
        assert text in each.errors, ended
        assert _LOST in each.errors, ended
    assert max(line["step"] for line in log_of(output)) in (DIES - 1, DIES)
    there = sorted(path.name for path in output.glob("checkpoint-*"))
    assert there == ["checkpoint-00000002", "checkpoint-00000004"]


def check_refused(
    ended: Sequence[Ended], output: Path, before: dict[str, bytes]
) -> None:
    """See that three processes refuse a batch of eight, and lose nothing.

    Args:
        ended: how they did.
        output: of the run.
        before: `contents` of it.

    Raises:
        AssertionError: they do not, or do.
    """
    for each in ended:
        assert each.status == 1, ended
        assert REFUSED in each.errors, ended
    assert contents(output) == before


def lose_and_go_on(
    framework: str,
    given: Sequence[str],
    output: Path,
    killed: int,
    after: int,
    more: Sequence[str] = (),
    devices: int = 1,
) -> None:
    """Kill a process of two, and start again.

    Args:
        framework: "pt", "tf" or "flax".
        given: the arguments of `albert`.
        output: of the run.
        killed: the process that is killed.
        after: how many processes go on; one is this process, without an engine.
        more: arguments about the engine.
        devices: that JAX has in each process.

    Raises:
        AssertionError: something went otherwise than it should.
    """
    spread = [*given, *more]
    ended = start(framework, spread, dies=(killed, DIES), devices=devices)
    check_lost(ended, killed, output)
    if after > 1:
        check_done(start(framework, spread, after, devices=devices))
    else:
        assert albert(list(given)) == 0


def _cases(framework: str) -> Iterator[tuple[str, Callable[..., None]]]:
    """Give what is run: a name, and what does it with arguments and their output."""

    def ends(run: Callable[..., list[Ended]], *more: str) -> Callable[..., None]:
        return lambda given, _: check_done(run([*given, *more]))

    def loses(killed: int, after: int, *more: str) -> Callable[..., None]:
        return lambda given, output: lose_and_go_on(
            framework, given, output, killed, after, more
        )

    spread = partial(start, framework)
    yield "2 processes", ends(spread)
    yield "process 0 killed, 2 go on", loses(0, 2)
    yield "process 1 killed, 1 goes on", loses(1, 1)
    if framework == "pt":
        yield "torchrun, 2 processes", ends(torchrun)
        yield "torchrun, 2 hosts", ends(partial(torchrun, processes=1, hosts=2))
        yield "4 processes", ends(partial(spread, processes=4))
        yield "2 processes with slices", ends(spread, "--shard")
        yield "with slices, process 1 killed, 2 go on", loses(1, 2, "--shard")
    if framework == "tf":
        yield "mirrored", ends(partial(spread, processes=1), "--strategy", "mirrored")
    if framework == "flax":
        yield "2 processes, model=2", ends(spread, "--mesh", "model=2")
        yield (
            "2 processes of 2 devices, data=2,model=2",
            ends(partial(spread, devices=2), "--mesh", "data=2,model=2"),
        )
        yield (
            "8 devices, data=4,model=2",
            ends(eight_devices, "--mesh", "data=4,model=2"),
        )


def _run(framework: str, root: Path) -> bool:
    """Run all cases of a framework; print a line for each; tell if all passed."""
    passed, alone = True, root / framework / "alone"
    evaluated = "--eval-data", str(root / "shards")
    with redirect_stdout(StringIO()):
        assert albert(arguments(root, alone, framework, *evaluated)) == 0
    for name, run in _cases(framework):
        output = root / framework / name.replace(" ", "-")
        try:
            with redirect_stdout(StringIO()):
                run(arguments(root, output, framework, *evaluated), output)
            apart = difference(output, alone)
            told = f"{apart:.1e}"
            passed = passed and apart <= TOLERANCE
        except AssertionError as error:
            passed, told = False, f"failed: {error}"
        print(f"{framework:6}{name:42}{told}", flush=True)
    before = contents(alone)
    check_refused(start(framework, arguments(root, alone, framework), 3), alone, before)
    print(f"{framework:6}{'3 processes are refused':42}", flush=True)
    return passed


def main(given: Sequence[str] | None = None) -> int:
    """Run all cases.

    Args:
        given: arguments; None for the command line's.

    Returns:
        0 if all numbers are those of one process, else 1.
    """
    parser = argparse.ArgumentParser(
        prog="python -m conformance.several", description=(__doc__ or "").split("\n")[0]
    )
    parser.add_argument("--framework", action="append", choices=tuple(SPREAD))
    chosen = parser.parse_args(given).framework or list(SPREAD)
    with tempfile.TemporaryDirectory() as folder:
        write_data(Path(folder))
        passed = [_run(framework, Path(folder)) for framework in chosen]
    return 0 if all(passed) else 1


def contents(folder: Path) -> dict[str, bytes]:
    """Read all files of a folder.

    Args:
        folder: of a run.

    Returns:
        By path.
    """
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def environment(framework: str, rank: int, places: Sequence[str]) -> dict[str, str]:
    """Give the environment of a process that its framework finds the others by.

    Args:
        framework: "pt", "tf" or "flax".
        rank: of the process.
        places: host and port of each.

    Returns:
        The variables.
    """
    if framework == "pt":
        address, _, port = places[0].partition(":")
        return {
            "RANK": str(rank),
            "WORLD_SIZE": str(len(places)),
            "MASTER_ADDR": address,
            "MASTER_PORT": port,
        }
    if framework == "flax":
        return {
            "JAX_COORDINATOR_ADDRESS": places[0],
            "JAX_NUM_PROCESSES": str(len(places)),
            "JAX_PROCESS_ID": str(rank),
        }
    task = {"type": "worker", "index": rank}
    described = {"cluster": {"worker": list(places)}, "task": task}
    return {"TF_CONFIG": json.dumps(described)}


def _having(devices: int) -> dict[str, str]:
    flags = f"--xla_force_host_platform_device_count={devices}"
    given = os.environ.get("XLA_FLAGS", "")
    return {} if devices == 1 else {"XLA_FLAGS": f"{given} {flags}".strip()}


def _free_places(number: int) -> list[str]:
    sockets = [socket.create_server(("localhost", 0)) for _ in range(number)]
    ports = [each.getsockname()[1] for each in sockets]
    for each in sockets:
        each.close()
    return [f"localhost:{port}" for port in ports]


def _finish(
    commands: Sequence[Sequence[str]], more: Sequence[Mapping[str, str]]
) -> list[Ended]:
    """Run commands at the same time, each with more in its environment."""
    started = [
        subprocess.Popen(
            command,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env={**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3", **added},
        )
        for command, added in zip(commands, more, strict=True)
    ]
    try:
        told = [each.communicate(timeout=_LIMIT) for each in started]
    finally:
        for each in started:
            each.kill()
    return [
        Ended(each.returncode, *texts)
        for each, texts in zip(started, told, strict=True)
    ]


if __name__ == "__main__":
    sys.exit(main())
