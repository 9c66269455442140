"""Stubs in every contender's place, so that the harness runs in no time."""

from pathlib import Path

import pytest

from benchmarks import cold_start, contenders, growth, suite
from benchmarks.contenders import Contender
from benchmarks.session import Plan, Session

STUB = Path(__file__).with_name("stub.py")
TINY = {
    "vocab_size": 8192,
    "embedding_size": 8,
    "hidden_size": 16,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "intermediate_size": 32,
}


def stub(**options):
    return Contender(str(STUB), "own", options, {"PYTHONPATH": str(contenders.WORKERS)})


@pytest.fixture
def plan():
    return Plan(
        overrides=TINY,
        rounds=(2, 2),
        turn=0.0,
        first_calls=1,
        texts=40,
        long_texts=4,
        pipeline_layers=1,
        pipeline_turns=2,
        pretraining=(2, 8),
        cold_starts={"pt": 2},
        sentences=3,
    )


@pytest.fixture
def session(plan, tmp_path):
    return Session(plan, tmp_path / "environments", None, tmp_path)


@pytest.fixture
def stubs(monkeypatch, plan):
    """Put stubs in the table, whose options a test changes by name."""
    table = {name: stub() for name in contenders.TABLE}
    monkeypatch.setattr(contenders, "TABLE", table)
    monkeypatch.setattr(suite, "QUICK", plan)
    monkeypatch.setattr(suite, "FULL", plan)
    monkeypatch.setattr(suite, "build", lambda session, index: None)
    monkeypatch.setattr(
        cold_start, "run_command", lambda framework: ["python3", "-c", "pass"]
    )
    monkeypatch.setattr(cold_start, "IMPORTS", {"pt": "json"})
    monkeypatch.setattr(growth, "CONTENDERS", ("albert-pt",))
    return table
