"""The command as a whole process: what it imports, and how it ends."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from albert.cli import _COMMANDS, main

ROOT = Path(__file__).resolve().parents[2]
OTHERS = {
    "torch": {"tensorflow", "keras", "jax", "flax"},
    "tensorflow": {"torch", "flax"},  # TensorFlow itself tries to import JAX
    "jax": {"tensorflow", "keras", "torch"},
}
MODULES = {"pt": "torch", "tf": "tensorflow", "flax": "jax"}
NEVER = {"huggingface_hub", "sentencepiece", "tqdm", "pyarrow", "h5py", "onnx"}
ANSWER = b'{"text": "Paris is the [MASK] of France.", "answer": [{"score": '


def process(*arguments, **options):
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    return subprocess.run(
        [sys.executable, *arguments], env=environment, capture_output=True, **options
    )


def end_with(program, **options):
    """Run the command, its `main` replaced by a program that gives a status."""
    lines = "".join(f"    {line}\n" for line in program.splitlines())
    return process(
        "-c",
        "import albert.cli, atexit, sys, threading, time\n"
        f"def main():\n{lines}"
        "albert.cli.main = main\n"
        "albert.cli.command()\n",
        **options,
    )


def imported(bare, loaded):
    """Give the packages that are loaded, without those that `bare` loads anyway."""
    return {name.split(".")[0] for name in loaded} - {
        name.split(".")[0] for name in bare
    }


@pytest.mark.parametrize("framework", MODULES)
def test_an_answer_imports_nothing_that_it_does_not_need(framework):
    """Modules are counted; on a shared machine time says little."""
    pytest.importorskip(MODULES[framework])
    more = ", keras" if framework == "tf" else ", flax.linen"
    name = MODULES[framework] + (more if framework != "pt" else "")
    sentence = "Paris is the [MASK] of France."
    done = process(
        "-c",
        f"import sys, {name}; bare = set(sys.modules)\n"
        "from albert.cli import main\n"
        f"main(['run', '--task', 'fill-mask', '--framework', {framework!r}, "
        f"{sentence!r}])\n"
        "print(*bare)\n"
        "print(*sys.modules)\n",
        check=True,
    )
    answer, bare, loaded = done.stdout.splitlines()
    assert answer.startswith(ANSWER)
    bare, loaded = bare.decode().split(), loaded.decode().split()
    assert imported(bare, loaded) & (NEVER | OTHERS[MODULES[framework]]) == set()
    commands = {f"albert.cli.{name}" for name in _COMMANDS}
    assert commands & set(loaded) == {"albert.cli.run"}


@pytest.mark.parametrize("name", _COMMANDS)
def test_a_command_has_the_same_help_alone_as_among_the_others(name, capsys):
    with pytest.raises(SystemExit) as end:
        main([name, "--help"])
    assert end.value.code == 0
    assert capsys.readouterr().out.startswith(f"usage: albert {name} [-h]")


def test_help_and_errors_name_all_commands(capsys):
    with pytest.raises(SystemExit) as end:
        main(["--help"])
    assert end.value.code == 0
    shown = capsys.readouterr().out
    assert all(f"\n    {name}" in shown for name in _COMMANDS)
    with pytest.raises(SystemExit) as end:
        main(["train"])
    assert end.value.code == 2
    error = capsys.readouterr().err
    assert error.startswith("albert: argument COMMAND: invalid choice: 'train' (choose")
    assert all(name in error for name in _COMMANDS)


@pytest.mark.parametrize("status", [0, 1, 2, 130])
def test_the_status_is_that_of_main(status):
    assert end_with(f"return {status}").returncode == status


def test_all_that_python_does_at_its_end_is_done():
    done = end_with(
        "atexit.register(print, 'registered')\n"
        "def late():\n"
        "    time.sleep(0.2)\n"
        "    print('thread')\n"
        "threading.Thread(target=late).start()\n"
        "print('x' * 10**6)\n"
        "sys.stderr.write('error')\n"
        "return 3"
    )
    assert done.stdout.split() == [b"x" * 10**6, b"thread", b"registered"]
    assert (done.stderr, done.returncode) == (b"error", 3)


def test_nothing_is_taken_apart():
    program = (
        "class Last:\n    def __del__(self): print('taken apart')\n"
        "global last\nlast = Last()\nreturn 0"
    )
    assert end_with(program).stdout == b""


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="is of Linux")
def test_an_answer_that_cannot_be_written_is_no_success():
    with open("/dev/full", "wb") as full:
        environment = {**os.environ, "PYTHONPATH": str(ROOT), "PYTHONUNBUFFERED": ""}
        program = (
            "import albert.cli; albert.cli.main = lambda: print('x') or 0;"
            "albert.cli.command()"
        )
        command = [sys.executable, "-c", program]
        done = subprocess.run(
            command, stdout=full, stderr=subprocess.PIPE, env=environment, check=False
        )
    assert done.returncode == 120
    assert b"No space left on device" in done.stderr


def test_python_m_albert_ends_with_the_status():
    done = process("-m", "albert", "run", "--task", "fill-mask", "--resume", "x")
    assert done.returncode == 2
    assert done.stderr == b"albert: --resume and --overwrite are for --output.\n"
