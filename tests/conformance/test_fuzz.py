"""Damaged checkpoints of every form, and the harness itself with planted defects."""

import random
import sys
from collections import Counter

import pytest

from conformance.fuzz import __main__ as command
from conformance.fuzz.attacks import ATTACKS
from conformance.fuzz.inputs import make, numbers, reader_of
from conformance.fuzz.mutations import json_damaged
from conformance.fuzz.run import run
from conformance.fuzz.seeds import READERS, all_seeds

INPUTS = 900


def test_only_clear_errors():
    answers = list(run(numbers(INPUTS), seed=0))
    faults = [answer for answer in answers if answer.outcome == "fault"]
    assert not faults, "\n".join(
        f"--seed 0 --only {one.number}: {one.label}: {one.text}" for one in faults
    )
    assert sorted(answer.number for answer in answers) == list(range(INPUTS))
    found = Counter((answer.reader, answer.outcome) for answer in answers)
    for reader in READERS:
        assert found[reader, "refused"] > 10, reader
        assert found[reader, "opened"] + found[reader, "changed"] > 0, reader
    # What has no checksum may come out changed.
    assert found["safetensors", "changed"] > 0


PLANTED = """
import os, sys, time
sys.path.insert(0, os.getcwd())
from conformance.fuzz import worker

def planted(folder):
{body}

worker.open_checkpoint = planted
worker.Worker._digests = lambda *_: {{}}
worker.warm = lambda: None
worker.SECONDS = 1
worker.main()
"""
DEFECTS = {
    "raise KeyError('x')": "KeyError: 'x'",
    "raise RecursionError('deep')": "RecursionError: deep",
    "raise MemoryError": "MemoryError: ",
    "raise ValueError": "the error names neither a file nor a setting: ",
    "raise ValueError('a' * 6000)": "a text of 6000 letters: ",
    "b'\\xff'.decode()": "UnicodeDecodeError: 'utf-8' codec can't decode",
    "a = bytearray(1 << 29); raise ValueError(folder)": "MiB of memory (refused: ",
    "bytearray(1 << 40)": "MemoryError",
    "while True: pass": "it took over 5 seconds of processor time",
    "time.sleep(60)": "no answer in 1 seconds",
    "os._exit(0)": "the process ended: status 0",
    "os.kill(os.getpid(), 11)": "the process ended: SIGSEGV",
    "os.system('true')": "os.system (b'true',)",
    "import subprocess; subprocess.run(['true'])": "subprocess.Popen ('true', ",
    "import pickle; pickle.loads(b'cos\\nsystem\\n.')": "pickle.find_class ",
    "exec(compile('1', 'plant', 'exec'))": "exec of 'plant'",
    "open('/etc/hostname').read()": "open of '/etc/hostname' (r)",
    "open('here', 'w').close()": "files outside: ['here']",
    "open(folder / 'more', 'w').close()": "files were left in the folder or beside",
    "import socket; socket.create_connection(('127.0.0.1', 9))": "socket.",
}


@pytest.mark.parametrize("defect", DEFECTS)
def test_catches_a_defect(tmp_path, defect):
    script = tmp_path / "planted.py"
    script.write_text(PLANTED.format(body=f"    {defect}\n"))
    number = next(n for n in numbers(400) if reader_of(n) == "msgpack" and n > 300)
    (answer,) = run(
        [number],
        workers=1,
        wall_seconds=1 if "sleep" in defect else 60,
        command=(sys.executable, str(script)),
    )
    assert (answer.number, answer.reader, answer.outcome) == (
        number,
        "msgpack",
        "fault",
    )
    assert DEFECTS[defect] in answer.text


def test_hostile_input_that_is_opened(tmp_path):
    script = tmp_path / "planted.py"
    body = "    return None\nworker.read = lambda folder: {}\n"
    script.write_text(PLANTED.format(body=body))
    (answer,) = run([0], workers=1, command=(sys.executable, str(script)))
    assert answer.outcome == "fault"
    assert answer.text == "it was opened, but must be refused"


def test_workers_that_cannot_start():
    with pytest.raises(RuntimeError, match=r"does not start: status 1 no such worker"):
        list(run(range(99), command=(sys.executable, "-c", "exit('no such worker')")))


@pytest.mark.parametrize("reader", READERS)
def test_numbers_stand_for_inputs(tmp_path, reader):
    """The same number is the same input, and another seed another."""
    found = numbers(60, reader)
    assert len(set(found)) == 60
    number = next(number for number in found if number >= len(ATTACKS))
    one, again, other = (make(seed, number, tmp_path) for seed in (3, 3, 4))
    assert one == again
    assert (one.label, one.files) != (other.label, other.files)
    assert one.reader == reader
    assert one.seed in all_seeds()[reader]


def test_every_reader_is_attacked():
    attacked = {attack.reader for attack in ATTACKS}
    assert attacked >= {*READERS} - {"h5", "keras-hub", "saved-model"}


def test_damage_to_json_is_often_json():
    rng = random.Random(0)
    results = {json_damaged(rng, b'{"a": [1, {"b": "c"}]}')[1] for _ in range(300)}
    assert len(results) > 100
    assert any(text.count(b'"a"') == 2 for text in results)


def test_command(capsys):
    assert command.main(["--inputs", "8", "--reader", "msgpack", "--seed", "5"]) == 0
    head, row, end = capsys.readouterr().out.splitlines()
    assert head.split() == [
        *("reader", "inputs", "refused", "opened", "changed", "faults", "slowest"),
        "memory",
    ]
    assert row.split()[:6] == ["msgpack", "8", "8", "0", "0", "0"]
    assert end.startswith("fuzz: 8 inputs of seed 5, ")
    assert end.endswith(" s: passed")


def test_command_tells_of_a_fault(capsys, monkeypatch):
    answer = command.Answer(7, "h5", "a label", "fault", "a text", 0.5, 1 << 20)
    monkeypatch.setattr(command, "run", lambda *_, **__: iter([answer]))
    assert command.main(["--inputs", "1"]) == 1
    told = capsys.readouterr().out
    assert "fault: h5, --seed 0 --only 7: a label\n    a text\n" in told
    assert told.endswith("1 FAULTS\n")


def test_command_without_inputs(capsys):
    assert command.main(["--seconds", "0"]) == 1
    assert "fuzz: 0 inputs" in capsys.readouterr().out
