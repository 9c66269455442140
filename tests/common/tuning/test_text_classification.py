import numpy as np
import pytest

from albert.common.tuning.kind import Example, TaskSettings
from albert.common.tuning.text_classification import TextKind


def _kind(tokenizer, config, targets, **settings):
    chosen = TaskSettings(**settings)
    examples = [
        Example(f"row {at}", {"text": "the sea"}, target)
        for at, target in enumerate(targets, 1)
    ]
    changes = TextKind.changes(examples, config(), chosen)
    return TextKind(tokenizer, config(**changes), chosen), examples


def _scored(kind, examples, logits):
    outputs = [[{"logits": np.array(row, np.float32)}] for row in logits]
    return kind.score(examples, [kind.encode(one) for one in examples], outputs)


def test_pairs_are_rows_of_two_segments(tokenizer, config):
    kind, _ = _kind(tokenizer, config, ["a", "b"], max_length=8)
    pair = Example("row 1", {"text": "the sea", "text_pair": "a shell"}, "b")
    (feature,) = kind.features(pair)
    assert feature.labels == {"labels": 1}
    (row,) = feature.rows
    assert len(row.input_ids) <= 8
    assert row.token_type_ids.max() == 1


def test_one_label(tokenizer, config):
    kind, examples = _kind(tokenizer, config, ["b", "a", "b"])
    assert kind.config.problem_type == "single_label_classification"
    scored = _scored(kind, examples, [[0, 2], [1, 0], [3, 0]])
    losses = np.log1p(np.exp([-2.0, -1.0, 3.0]))
    assert scored.figures["task_loss"] == pytest.approx(losses.mean())
    assert scored.figures["accuracy"] == pytest.approx(2 / 3)
    assert scored.predictions[2] == {
        "label": "a",
        "score": pytest.approx(1 / (1 + np.exp(-3.0))),
        "expected": "b",
    }
    assert scored.constant is None
    assert _scored(kind, examples, [[1, 0]] * 3).constant == "the label 'a'"


def test_several_labels(tokenizer, config):
    kind, examples = _kind(
        tokenizer, config, [["a", "c"], "b; c", []], problem="multi-label"
    )
    assert kind.config.problem_type == "multi_label_classification"
    labels = [kind.features(one)[0].labels["labels"].tolist() for one in examples]
    assert labels == [[1, 0, 1], [0, 1, 1], [0, 0, 0]]
    logits = np.array([[2.0, -1, 1], [-1, 1, 1], [-1, -1, 1]])
    scored = _scored(kind, examples, logits)
    signs = np.where(np.array(labels) == 1, -1, 1)
    expected = np.log1p(np.exp(signs * logits)).mean()
    assert scored.figures["task_loss"] == pytest.approx(expected)
    assert scored.figures["exact"] == pytest.approx(2 / 3)
    assert scored.predictions[2]["labels"] == ["c"]
    flat = _scored(kind, examples, [[1, -1, -1]] * 3)
    assert flat.constant == "the labels ['a']"


def test_numbers(tokenizer, config):
    kind, examples = _kind(tokenizer, config, ["1.5", 3, 2.0], problem="regression")
    assert (kind.config.num_labels, kind.main) == (1, "spearman")
    assert kind.features(examples[0])[0].labels == {"labels": 1.5}
    scored = _scored(kind, examples, [[1.0], [4.0], [2.0]])
    assert scored.figures["task_loss"] == pytest.approx((0.25 + 1) / 3)
    assert scored.figures["spearman"] == pytest.approx(1)
    assert scored.predictions[0] == {"score": 1.0, "expected": 1.5}
    assert _scored(kind, examples, [[2.0], [2.0], [2.001]]).constant == "about 2"


@pytest.mark.parametrize(
    ("problem", "target", "error"),
    [
        (
            "regression",
            "high",
            (
                "row 1: label must be a finite number, since the problem is "
                "regression, but is 'high'."
            ),
        ),
        (
            "multi-label",
            3,
            (
                "row 1: label must be a list, or names with ';' between them, since "
                "the problem is multi-label, but is 3."
            ),
        ),
        ("multi-label", [], "no row of the training data has a label."),
    ],
)
def test_wrong_targets(tokenizer, config, problem, target, error):
    with pytest.raises(ValueError) as found:
        kind, (example,) = _kind(tokenizer, config, [target], problem=problem)
        kind.features(example)
    assert str(found.value) == error
