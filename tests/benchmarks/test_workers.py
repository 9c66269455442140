"""Our own workers really compute, with the tiniest models."""

import importlib

import pytest

import albert
from benchmarks import mixed
from benchmarks.contenders import WORKERS

from .conftest import TINY

REQUEST = {"batch": 2, "length": 8, "warm": 1, "times": 2}


@pytest.fixture
def answers(monkeypatch):
    """Make a worker's calls in this process, and answer requests by them."""
    monkeypatch.syspath_prepend(WORKERS)
    protocol = importlib.import_module("protocol")

    def give(script, **options):
        calls = importlib.import_module(script).make({"config": TINY, **options})
        return lambda call, **request: protocol.answer_to(
            calls, {"call": call, **REQUEST, **request}, protocol.wall
        )

    return give


def test_pytorch(answers):
    ask = answers("albert_pt")
    assert len(ask("forward")["seconds"]) == 2
    assert len(ask("train")["seconds"]) == 2
    assert ask("pretrain", memory=True)["bytes"] >= 0
    assert len(answers("albert_pt", dtype="bfloat16")("forward")["seconds"]) == 2


def test_training_trains(answers, monkeypatch):
    torch_calls = importlib.import_module("torch_calls")
    config = albert.AlbertConfig(**TINY)
    model = albert.AlbertForPreTraining(config)
    calls = torch_calls.training_calls({"pretrain": lambda: model}, config)
    before = {name: one.clone() for name, one in model.named_parameters()}
    calls["pretrain"](REQUEST)()
    unused = [name for name, one in model.named_parameters() if one.equal(before[name])]
    assert unused == []
    assert all(one.grad is None for one in model.parameters())


def test_int8(answers):
    ask = answers("albert_pt", int8=True)
    assert len(ask("forward")["seconds"]) == 2


@pytest.mark.parametrize("call", ["forward", "jit"])
def test_flax(answers, call):
    assert len(answers("albert_flax")(call)["seconds"]) == 2


def test_tensorflow(answers):
    assert len(answers("albert_tf")("forward")["seconds"]) == 2


@pytest.mark.parametrize("script", ["albert_pt", "albert_flax", "albert_tf"])
def test_pipelines(answers, script, session):
    texts = ["A short one.", "And one that is longer than that."] * 2
    folder = session.scratch / "classifier"
    real, padded = mixed.write_classifier(session, folder, texts)
    assert real < padded
    file = session.scratch / "texts.json"
    file.write_text('["A text.", "Another text."]')
    ask = answers(script, checkpoint=str(folder))
    assert len(ask("pipeline", texts=str(file), warm=0, times=1)["seconds"]) == 1


def test_agreement(answers, tmp_path):
    file = tmp_path / "texts.json"
    file.write_text('["The houses in the village were built before the war."]')
    ask = answers("albert_pt", agreement=True)
    found = ask("agreement", texts=str(file), times=0)["result"]
    assert 0 <= found["same"] <= 1
    assert found["masks"] > 0


def test_matrix_products(answers):
    ask = answers("matrix_peak")
    for kind in ("float32", "bfloat16"):
        request = {"rows": 16, "width": 32, "columns": 8, "dtype": kind}
        assert len(ask("product", **request)["seconds"]) == 2
