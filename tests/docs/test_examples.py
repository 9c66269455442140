"""Every example of the documents does what the documents say."""

import re
import shlex
import subprocess
import sys
import warnings
from pathlib import Path

import pytest

from albert.cli import main

ROOT = Path(__file__).parents[2]
DEMO = ROOT / "albert" / "assets" / "albert-demo"
DOCUMENTS = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/*.md")])
BLOCK = re.compile(r"```(\w+)\n(.*?)```(?:\n\n```text\n(.*?)```)?", re.S)

# What no test can run inside itself; .ci/run, tests/conformance, tests/benchmarks and
# tests/common/test_memory.py do.
ELSEWHERE = (
    'python -m pip install -c constraints.txt -e ".[all]" && albert demo',
    'python -m pip install -c constraints.txt -e ".[all,test]" && python -m pytest',
    "python -m conformance",
    "python -m conformance --level quick",
    "python -m conformance.mutants",
    "python -m conformance.tpu",
    "python -m conformance.fuzz",
    "python -m benchmarks.loading memory",
    "python -m benchmarks.checkpointing",
    "python -m benchmarks.quantising albert-demo sentences.jsonl",
    "python -m benchmarks quick",
    "python -m benchmarks environments .venv/benchmarks",
    "python -m benchmarks full --json docs/performance/cpu.json",
    "python -m benchmarks report docs/performance/cpu.json",
    "python -m benchmarks gpu --compile --graphs --json docs/performance/gpu.json",
)


# Its commands start several processes, or need devices; tests/cli/test_several.py does
# with two processes on one CPU.
SEVERAL = "scaling.md"

# Its examples name checkpoints of the hub, warn that there is no accelerator, and use
# what PyTorch calls deprecated.
PUBLISHED = "examples.md"


def _blocks(*languages):
    return [
        pytest.param(path.name, code, output, id=f"{path.name}-{number}")
        for path in DOCUMENTS
        for number, (language, code, output) in enumerate(
            BLOCK.findall(path.read_text())
        )
        if language in languages
    ]


@pytest.fixture
def served(request, hub):
    """The hub, if the document names checkpoints of it."""
    if request.node.callspec.params["document"] == PUBLISHED:
        files = {path.name: path.read_bytes() for path in DEMO.iterdir()}
        for name in (
            "albert-base-v2",
            "albert/albert-base-v1",
            "albert/albert-base-v2",
        ):
            hub.add(name, files)


@pytest.mark.parametrize(("document", "code", "output"), _blocks("python"))
def test_python_example(
    document, code, output, served, capsys, monkeypatch, tmp_path, task_checkpoints
):
    (tmp_path / "build").mkdir()
    # Where docs/tasks.md has them written to.
    (tmp_path / "build" / "tasks").symlink_to(task_checkpoints)
    monkeypatch.chdir(tmp_path)
    with warnings.catch_warnings():
        if document == PUBLISHED:
            warnings.simplefilter("ignore")
        exec(compile(code, "example", "exec"), {"__name__": "example"})
    # Three dots stand for what differs between machines.
    pattern = re.escape(output).replace(r"\.\.\.", ".*")
    found = capsys.readouterr().out
    assert re.fullmatch(pattern, found), found


@pytest.mark.parametrize(("document", "code", "output"), _blocks("sh"))
def test_shell_example(document, code, output, served, monkeypatch, capfd):
    monkeypatch.chdir(ROOT)
    for line in code.strip().splitlines():
        if line in ELSEWHERE or document == SEVERAL:
            continue
        command = shlex.split(line)
        if command[0] == "albert" and "|" not in command:
            status = _albert(command[1:])
        else:
            status = _another_process(line, command)
        printed, said = capfd.readouterr()
        # diff tells by its status that the files differ
        assert status in ((0, 1) if command[0] == "diff" else (0,)), said
        assert printed


def _albert(arguments):
    """Run a command here: a process that imports the frameworks takes seconds more."""
    with warnings.catch_warnings():
        warnings.simplefilter("default")
        try:
            return main(arguments)
        except SystemExit as end:  # of --help
            return end.code


def _another_process(line, command):
    if "|" in command:
        albert = f'albert() {{ {shlex.quote(sys.executable)} -m albert "$@"; }}'
        command = ["bash", "-c", f"set -o pipefail; {albert}; {line}"]
    elif command[0] == "python":
        command = [sys.executable, *command[1:]]
    return subprocess.run(command).returncode


def test_documents_have_examples():
    assert len(_blocks("python")) >= 4
    assert len(_blocks("sh")) >= 4


def test_every_language_of_an_example_is_run():
    languages = {
        language
        for path in DOCUMENTS
        for language, *_ in BLOCK.findall(path.read_text())
    }
    assert languages <= {"python", "sh", "text"}


def test_ci_runs_the_second_command_of_the_readme():
    install, tests = ELSEWHERE[1].split(" && ")
    script = (ROOT / ".ci" / "run").read_text()
    assert install.replace("pip install", "pip install -q") in script
    assert tests in script


def test_links_between_documents():
    for path in DOCUMENTS:
        for target in re.findall(r"\]\(([^)#:*]+)\)", path.read_text()):
            assert (path.parent / target).exists(), (path.name, target)
