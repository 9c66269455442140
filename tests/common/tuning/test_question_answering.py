import numpy as np
import pytest

from albert.common.records import Record
from albert.common.tuning.kind import TaskSettings, read_examples
from albert.common.tuning.question_answering import QuestionKind

CONTEXT = "She sells sea shells on the shore. The shells she sells are sea shells. " * 2
ANSWER = "are sea shells"


def _example(answers):
    row = {"question": "Which?", "context": CONTEXT, "answers": answers, "id": "7"}
    return read_examples(QuestionKind, "x", [Record("row 1", row)], {})[0]


@pytest.fixture
def kind(tokenizer, config):
    return QuestionKind(tokenizer, config(), TaskSettings(max_length=24, stride=6))


def test_each_window_has_the_answer_or_cls(kind, tokenizer):
    start = CONTEXT.index(ANSWER)
    example = _example([{"text": ANSWER + " ", "answer_start": start}][:0])
    assert {tuple(one.labels.values()) for one in kind.features(example)} == {(0, 0)}
    example = _example({"text": [ANSWER], "answer_start": [start]})
    features = kind.features(example)
    assert len(features) > 2
    held = [one for one in features if one.labels["start_positions"]]
    assert held and len(held) < len(features)
    for feature in held:
        first, last = feature.labels.values()
        ids = feature.rows[0].input_ids[first : last + 1].tolist()
        assert tokenizer.decode(ids) == ANSWER


def test_an_answer_begins_inside_a_piece(kind, tokenizer):
    start = CONTEXT.index("hells on")
    example = _example([{"text": "hells", "answer_start": start}])
    feature = next(
        one for one in kind.features(example) if one.labels["start_positions"]
    )
    first, last = feature.labels.values()
    found = tokenizer.decode(feature.rows[0].input_ids[first : last + 1].tolist())
    assert "shells" in found or found == "hells"


def test_scores_answers(kind):
    start = CONTEXT.index(ANSWER)
    example = _example([{"text": ANSWER, "answer_start": start}])
    encoded = kind.encode(example)
    outputs = []
    for feature in kind.features(example):
        size = len(feature.rows[0].input_ids)
        first, last = feature.labels.values()
        outputs.append(
            {
                "start_logits": np.eye(size)[first] * 9 * (first > 0),
                "end_logits": np.eye(size)[last] * 9 * (first > 0),
            }
        )
    scored = kind.score([example], [encoded], [outputs])
    assert scored.figures == {"exact": 1.0, "f1": 1.0}
    (found,) = scored.predictions
    assert (found["id"], found["answer"], found["expected"]) == ("7", ANSWER, [ANSWER])
    assert CONTEXT[found["start"] : found["end"]] == ANSWER


def test_no_answer_is_one_if_some_have_none(kind):
    example = _example([])
    encoded = kind.encode(example)
    sizes = [len(row.input_ids) for row in encoded.rows]
    outputs = [
        {name: np.eye(size)[0] * 9 for name in ("start_logits", "end_logits")}
        for size in sizes
    ]
    other = _example([{"text": "She", "answer_start": 0}])
    scored = kind.score([example, other], [encoded] * 2, [outputs] * 2)
    assert scored.figures == {"exact": 0.5, "f1": 0.5}
    assert scored.constant == "the answer ''"
