"""Every example of the documents does what the documents say."""

import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
DOCUMENTS = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/*.md")])
BLOCK = re.compile(r"```(\w+)\n(.*?)```(?:\n\n```text\n(.*?)```)?", re.S)

# What no test can run inside itself; .ci/run, tests/conformance and
# tests/common/test_memory.py do.
ELSEWHERE = (
    'python -m pip install -c constraints.txt -e ".[all]" && albert demo',
    'python -m pip install -c constraints.txt -e ".[all,test]" && python -m pytest',
    "python -m conformance",
    "python -m conformance.mutants",
    "python -m conformance.fuzz",
    "python -m benchmarks.loading memory",
    "python -m benchmarks.checkpointing",
    "python -m benchmarks.quantising albert-demo sentences.jsonl",
)


def _blocks(*languages):
    return [
        pytest.param(code, output, id=f"{path.name}-{number}")
        for path in DOCUMENTS
        for number, (language, code, output) in enumerate(
            BLOCK.findall(path.read_text())
        )
        if language in languages
    ]


@pytest.mark.parametrize(("code", "output"), _blocks("python"))
def test_python_example(code, output, capsys, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    exec(compile(code, "example", "exec"), {"__name__": "example"})
    assert capsys.readouterr().out == output


@pytest.mark.parametrize(("code", "output"), _blocks("sh"))
def test_shell_example(code, output):
    for line in code.strip().splitlines():
        if line in ELSEWHERE:
            continue
        command = shlex.split(line)
        if "|" in command:
            albert = f'albert() {{ {shlex.quote(sys.executable)} -m albert "$@"; }}'
            command = ["bash", "-c", f"set -o pipefail; {albert}; {line}"]
        elif command[0] == "albert":
            command = [sys.executable, "-m", "albert", *command[1:]]
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
        # diff tells by its status that the files differ
        assert done.returncode in ((0, 1) if command[0] == "diff" else (0,)), (
            done.stderr
        )
        assert done.stdout


def test_documents_have_examples():
    assert len(_blocks("python")) >= 4
    assert len(_blocks("sh")) >= 4


def test_every_language_of_an_example_is_run():
    languages = {
        language
        for path in DOCUMENTS
        for language, _, _ in BLOCK.findall(path.read_text())
    }
    assert languages <= {"python", "sh", "text"}


def test_ci_runs_the_second_command_of_the_readme():
    install, tests = ELSEWHERE[1].split(" && ")
    script = (ROOT / ".ci" / "run").read_text()
    assert install.replace("pip install", "pip install -q") in script
    assert tests in script


def test_links_between_documents():
    for path in DOCUMENTS:
        for target in re.findall(r"\]\(([^)#:]+)\)", path.read_text()):
            assert (path.parent / target).exists(), (path.name, target)
