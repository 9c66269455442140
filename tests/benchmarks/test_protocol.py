"""The workers' side: lines in, lines out."""

import ast
import json
import subprocess
import sys

import pytest

from benchmarks.contenders import WORKERS

from .conftest import STUB

OURS = {"albert_pt.py", "albert_tf.py", "albert_flax.py", "matrix_peak.py"}


def _lines(options, *requests):
    done = subprocess.run(
        [sys.executable, str(STUB), json.dumps(options)],
        input="".join(json.dumps(one) + "\n" for one in requests),
        capture_output=True,
        text=True,
        check=True,
        env={"PYTHONPATH": str(WORKERS)},
    )
    return [json.loads(line) for line in done.stdout.splitlines()], done.stderr


def test_requests_are_answered_in_order(tmp_path):
    (tmp_path / "texts.json").write_text('["a", "b", "c"]')
    texts = str(tmp_path / "texts.json")
    found, _ = _lines(
        {"seconds": 0.01},
        {"call": "forward", "batch": 1, "length": 2, "times": 3},
        {"call": "pipeline", "texts": texts, "last": 2, "warm": 1, "times": 0},
        {"call": "forward", "memory": True},
    )
    ready, timed, warm, memory = found
    assert ready["versions"]["python"] == sys.version.split()[0]
    assert set(ready["versions"]) == {"python", "pip"}
    assert timed["seconds"] == [0.01] * 3
    assert warm["seconds"] == []
    assert warm["result"]["texts"] == 2
    assert set(memory) == {"bytes"}


def test_an_error_is_an_answer_and_the_worker_goes_on():
    found, said = _lines(
        {"broken": "no such thing\nand more"}, {"call": "forward"}, {"call": "forward"}
    )
    assert found[1:] == [{"error": "RuntimeError: no such thing"}] * 2
    assert "Traceback" in said


def test_what_libraries_print_is_no_answer():
    code = (
        "from protocol import serve\n"
        "def make(options):\n"
        "    print('a library')\n"
        "    return {}\n"
        "serve(make, ())\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, '{"cores": 1}'],
        input="",
        capture_output=True,
        text=True,
        check=True,
        env={"PYTHONPATH": str(WORKERS)},
    )
    assert list(json.loads(done.stdout)) == ["seconds", "versions"]
    assert "a library" in done.stderr


def test_inputs_and_labels(monkeypatch):
    monkeypatch.syspath_prepend(WORKERS)
    from protocol import pretraining_labels, token_inputs

    made = token_inputs({"batch": 2, "length": 10}, 50)
    assert list(made) == ["input_ids", "attention_mask", "token_type_ids"]
    for rows in made.values():
        assert [len(row) for row in rows] == [10, 10]
    ids = [one for row in made["input_ids"] for one in row]
    assert min(ids) >= 5
    assert max(ids) < 50
    assert len(set(ids)) > 5
    labels = pretraining_labels(made["input_ids"])
    assert [place for place, one in enumerate(labels[0]) if one != -100] == [3]
    assert labels[1][3] == made["input_ids"][1][3]


@pytest.mark.parametrize("path", sorted(WORKERS.glob("*.py")), ids=lambda one: one.name)
def test_peers_know_nothing_of_this_package(path):
    tree = ast.parse(path.read_text(encoding="utf-8"))
    imported = {
        name.split(".")[0]
        for node in ast.walk(tree)
        for name in (
            [one.name for one in node.names]
            if isinstance(node, ast.Import)
            else [node.module or ""]
            if isinstance(node, ast.ImportFrom)
            else []
        )
    }
    if path.name not in OURS:
        assert not imported & {"albert", "benchmarks", "conformance"}


def test_the_peak_of_memory(monkeypatch):
    monkeypatch.syspath_prepend(WORKERS)
    import peak_memory

    size = 64_000_000

    def step():
        return len(bytearray(size))

    for permitted in (peak_memory._forget_the_peak, lambda: False):
        monkeypatch.setattr(peak_memory, "_forget_the_peak", permitted)
        assert peak_memory.peak_of(step) < 2 * size
    monkeypatch.undo()
    # What a step gives is held, so that both ways see it.
    for watch in (
        peak_memory._watched_by_the_system,
        peak_memory._watched_by_a_thread,
    ):
        before = peak_memory.resident()
        assert watch(lambda: bytearray(b"x") * size) - before > 0.9 * size


def test_what_was_freed_is_counted_again():
    """A heap would keep the 8 MB of the first call, or have holes beside them."""
    request = {"call": "forward", "memory": True}
    (_, *found), _ = _lines({"no_heaps": True}, *[request] * 3)
    assert [round(one["bytes"] / 8e6, 1) for one in found] == [1.0] * 3
