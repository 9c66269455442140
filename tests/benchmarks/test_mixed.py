"""Texts of mixed lengths."""

import json
from statistics import median

import pytest

from benchmarks import mixed
from benchmarks.targets import MET

from .conftest import stub


def test_made_up_texts():
    texts, source = mixed.corpus(None, 420, 90)
    assert source == "made-up words"
    assert len(texts) == 510
    assert texts == mixed.corpus(None, 420, 90)[0]
    words = sorted(len(text.split()) for text in texts)
    assert 8 < median(words[:420]) < 16
    assert 80 < median(words[420:]) < 160


def test_real_texts(tmp_path):
    (tmp_path / "ud_english_ewt").mkdir()
    (tmp_path / "squad").mkdir()
    sentences = [f"sentence {number}" for number in range(10)]
    (tmp_path / "ud_english_ewt" / "test.jsonl").write_text(
        "".join(json.dumps({"text": one}) + "\n" for one in sentences)
    )
    paragraphs = [{"context": f"paragraph {number}"} for number in range(4)]
    article = {"paragraphs": paragraphs}
    (tmp_path / "squad" / "devset-v1.1.eval.json").write_text(
        json.dumps({"data": [article]})
    )
    texts, source = mixed.corpus(tmp_path, 5, 2)
    assert source == "UD EWT and SQuAD"
    assert sum(text.startswith("sentence") for text in texts) == 5
    assert sum(text.startswith("paragraph") for text in texts) == 2
    assert len(set(texts)) == 7


def test_parts_end_between_batches():
    assert mixed.parts(96, 2) == [(0, 64), (64, 96)]
    assert mixed.parts(510, 4) == [(0, 128), (128, 256), (256, 384), (384, 510)]
    assert mixed.parts(40, 9) == [(0, 32), (32, 40)]


def test_the_peer_answers_each_text_once(session, stubs):
    stubs["transformers-pt"] = stub(seconds=0.05)
    mixed.measure(session)
    samples = {one["seat"]: one["seconds"] for one in session.samples}
    assert {len(seconds) for seconds in samples.values()} == {2}
    line = session.lines[0]
    assert line.ratio is not None
    ours = sorted(samples["albert-pt"])
    assert line.ratio * sum(ours) / 2 == pytest.approx(sum(samples["transformers-pt"]))


def test_lines(session, stubs):
    stubs["transformers-pt"] = stub(seconds=0.1)
    mixed.measure(session)
    assert [line.ours.split()[0] for line in session.lines] == list(mixed.WANTED)
    assert {line.verdict for line in session.lines} == {MET}
    notes = {line.note for line in session.lines}
    assert notes == {"made-up texts of the same lengths, 1 layers"}
    written = (session.scratch / "classifier" / "config.json").read_text()
    assert json.loads(written)["num_hidden_layers"] == 1
    found = session.notes["mixed texts"]
    assert found["number"] == 40
    assert found["tokens in batches of 32 as they come"] > 2 * found["tokens"]
    assert (session.scratch / "classifier" / "model.safetensors").exists()
