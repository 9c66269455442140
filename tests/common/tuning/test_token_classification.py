import numpy as np
import pytest

from albert.common.tokenization import AlbertTokenizer
from albert.common.tuning.kind import Example, TaskSettings
from albert.common.tuning.token_classification import TokenKind

WORDS = ["Unbelievably", ",", "she", "sold", "12,000", "shells", "\u200b", "ashore"]
TAGS = ["A", "P", "A", "B", "A", "B", "P", "A"]


def _kind(tokenizer, config, examples, **settings):
    chosen = TaskSettings(**settings)
    changes = TokenKind.changes(examples, config(), chosen)
    return TokenKind(tokenizer, config(**changes), chosen)


def test_the_first_piece_of_each_word_has_its_label(tokenizer, config):
    example = Example("row 1", WORDS, TAGS)
    kind = _kind(tokenizer, config, [example])
    (feature,) = kind.features(example)
    labels, ids = feature.labels["labels"], feature.rows[0].input_ids
    assert len(labels) == len(ids) > len(WORDS) + 2
    places = np.flatnonzero(labels != -100)
    # A word that is cleaned away has no piece.
    kept = [at for at, word in enumerate(WORDS) if word != "\u200b"]
    assert len(places) == len(kept)
    for word, start, end in zip(kept, places, [*places[1:], len(ids) - 1], strict=True):
        assert labels[start] == kind.config.label2id[TAGS[word]]
        found = tokenizer.decode(ids[start:end].tolist())
        assert found.replace(" ", "") == WORDS[word].lower(), word


def test_long_texts_are_rows_without_overlap(tokenizer, config):
    example = Example("row 1", WORDS * 3, TAGS * 3)
    kind = _kind(tokenizer, config, [example], max_length=12)
    features = kind.features(example)
    assert len(features) > 2
    assert max(len(one.rows[0].input_ids) for one in features) == 12
    labelled = sum((one.labels["labels"] != -100).sum() for one in features)
    assert labelled == 21
    words = np.concatenate(kind.encode(example).state)
    assert len(set(words.tolist())) == len(words) == 21


def test_scores_words(tokenizer, config):
    examples = [
        Example("row 1", ["she", "sold"], ["B-X", "O"]),
        Example("row 2", ["shells"], ["B-Y"]),
    ]
    kind = _kind(tokenizer, config, examples)
    assert kind.main == "f1"
    encoded = [kind.encode(one) for one in examples]
    logits = [np.eye(3)[[0, 2]], np.eye(3)[[0]]]
    outputs = [[{"logits": one.astype(np.float32)}] for one in logits]
    scored = kind.score(examples, encoded, outputs)
    assert scored.figures["f1"] == pytest.approx(1 / 2)
    assert scored.figures["accuracy"] == pytest.approx(2 / 3)
    right, wrong = np.log(np.e + 2) - 1, np.log(np.e + 2)
    assert scored.figures["task_loss"] == pytest.approx((2 * right + wrong) / 3)
    assert scored.predictions[1] == {
        "tokens": ["shells"],
        "tags": ["B-X"],
        "expected": ["B-Y"],
    }
    flat = [[{"logits": np.eye(3)[[2] * len(one)]}] for one in logits]
    assert kind.score(examples, encoded, flat).constant == "the tag 'O'"


def test_plain_tags_have_accuracy(tokenizer, config):
    assert _kind(tokenizer, config, [Example("row 1", WORDS, TAGS)]).main == "accuracy"


def test_the_slow_tokenizer_knows_no_places(config):
    example = Example("row 1", ["a"], ["A"])
    kind = _kind(AlbertTokenizer.from_pretrained("albert-demo"), config, [example])
    with pytest.raises(ValueError, match="known to AlbertTokenizerFast only"):
        kind.encode(example)
