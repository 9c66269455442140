"""Published weights: a tiny checkpoint under a published name, on a loopback hub."""

from pathlib import Path

import numpy as np
import pytest

from albert.common.config import AlbertConfig
from albert.common.hub import find_files
from albert.common.opening import open_checkpoint
from albert.common.saving import save_arrays
from albert.common.tokenization import AlbertTokenizer
from conformance import __main__ as command
from conformance import oracle, pretrained
from conformance.cases import random_weights
from conformance.run import Missing

NAME = "albert/albert-base-v2"


@pytest.fixture(scope="module")
def published(tmp_path_factory):
    """The files of a checkpoint with the demo's vocabulary, and its own scores."""
    folder = tmp_path_factory.mktemp("published")
    demo = find_files("albert-demo").fetch(["spiece.model"])
    tokenizer = AlbertTokenizer.from_pretrained(demo)
    config = AlbertConfig(
        vocab_size=len(tokenizer),
        embedding_size=6,
        hidden_size=12,
        num_hidden_layers=2,
        num_attention_heads=3,
        intermediate_size=20,
        max_position_embeddings=32,
    )
    weights = random_weights(config, pretrained.CLASS, 4)
    save_arrays(folder, config, weights, pretrained.CLASS)
    files = {path.name: path.read_bytes() for path in folder.iterdir()}
    files["spiece.model"] = (Path(demo) / "spiece.model").read_bytes()
    return files, _scores(open_checkpoint(folder), tokenizer)


def _scores(checkpoint, tokenizer):
    """Give the five best words of each sentence, by the oracle."""
    weights = {n: a.read().astype(np.float64) for n, a in checkpoint.arrays.items()}
    found = {}
    for sentence in pretrained.SENTENCES:
        row = tokenizer(sentence)
        inputs = {name: np.array([row[name]]) for name in row}
        outputs = oracle.MODELS[pretrained.CLASS](checkpoint.config, weights, inputs)
        place = row["input_ids"].index(tokenizer.mask_token_id)
        scores = oracle.softmax(outputs["logits"][0, place])
        best = np.argsort(-scores)[:5].tolist()
        pieces = tokenizer.convert_ids_to_tokens(best)
        found[sentence] = dict(zip(pieces, scores[best].tolist(), strict=True))
    return found


@pytest.fixture
def served(hub, published, monkeypatch):
    """A hub that has it, and a card with its scores."""
    files, scores = published
    hub.add(NAME, files)
    monkeypatch.setattr(pretrained, "MARK", "")
    monkeypatch.setitem(pretrained.SCORES, NAME, scores)
    return scores


def test_scores_and_states_agree(served, capsys):
    assert command.main(["--framework", "pt", "--pretrained", NAME]) == 0
    printed = capsys.readouterr().out
    assert "published weights      6 cases" in printed
    assert printed.endswith("conformance: passed\n")


def test_what_is_in_the_cache_is_checked_offline(served, hub_offline):
    assert all(one.passed for one in pretrained.run("pt", [NAME]))
    with hub_offline():
        results = list(pretrained.run("pt", [NAME]))
    assert len(results) == 6
    assert all(one.passed for one in results)


def test_another_score_fails(served, monkeypatch, capsys):
    sentence = pretrained.SENTENCES[1]
    word, score = next(iter(served[sentence].items()))
    wrong = {**served, sentence: {**served[sentence], word: score + 2e-4}}
    monkeypatch.setitem(pretrained.SCORES, NAME, wrong)
    assert command.main(["--framework", "pt", "--pretrained", NAME]) == 1
    printed = capsys.readouterr().out
    assert printed.count("FAILED") == 2
    assert f"      {NAME}: scores of {sentence!r}: 2.0e-04 \n" in printed


def test_other_words_fail(served, monkeypatch):
    sentence = pretrained.SENTENCES[0]
    word, score = list(served[sentence].items())[-1]
    others = {name: value for name, value in served[sentence].items() if name != word}
    wrong = {**served, sentence: {**others, "[CLS]": score}}
    monkeypatch.setitem(pretrained.SCORES, NAME, wrong)
    failed = [one for one in pretrained.run("pt", [NAME]) if not one.passed]
    assert len(failed) == 1
    assert failed[0].failure.startswith("the best words are ")


def test_other_states_fail(served, monkeypatch):
    def wrong(framework):
        def load(class_name, folder):
            def run(inputs, detailed):
                found = right(class_name, folder)(inputs, detailed)
                first, *rest = found["hidden_states"]
                return {**found, "hidden_states": (first * 1.001, *rest)}

            return run

        return load

    right = pretrained.loader("pt")
    monkeypatch.setattr(pretrained, "loader", wrong)
    failed = [one for one in pretrained.run("pt", [NAME]) if not one.passed]
    assert len(failed) == 3
    assert failed[0].error == pytest.approx(1e-3, rel=1e-2)


def test_a_hub_without_it_is_not_run(hub, capsys):
    assert command.main(["--framework", "pt", "--pretrained", NAME]) == 1
    printed = capsys.readouterr().out
    assert (
        f"pt    cpu float32 published weights, {NAME}: not run: {NAME!r} is neither a "
        "folder on this machine nor a repository that you can see on the hub"
    ) in printed
    assert printed.endswith("conformance: FAILED\n")
    assert "passed" not in printed


def test_an_empty_cache_is_not_run(hub_offline):
    with hub_offline():
        (one,) = pretrained.run("pt", [NAME])
    assert isinstance(one, Missing)
    assert "is not in the cache" in one.reason


def test_a_damaged_file_fails(hub, published):
    files, _ = published
    hub.add(NAME, {**files, "model.safetensors": b"no such thing"})
    (one,) = pretrained.run("pt", [NAME])
    assert not isinstance(one, Missing)
    assert not one.passed
    assert "Error: " in one.failure


def test_the_card_s_scores_are_those_of_the_best_five():
    for card in pretrained.SCORES.values():
        for sentence, scores in card.items():
            assert sentence in pretrained.SENTENCES
            assert len(scores) == 5
            assert list(scores.values()) == sorted(scores.values(), reverse=True)
