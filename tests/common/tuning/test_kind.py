import pytest

from albert.common.records import Record
from albert.common.tuning.kind import TaskSettings, read_examples
from albert.common.tuning.registry import TASKS, kind_of


def _read(task, *rows, columns=None):
    records = [Record(f"x.csv, line {at}", row) for at, row in enumerate(rows, 2)]
    return read_examples(kind_of(task), "x.csv", records, columns or {})


def test_columns_have_defaults_and_can_be_named():
    row = {"premise": "a", "hypothesis": "b", "label": "c", "gold": "d"}
    (found,) = _read("text-classification", row)
    assert found.given == {"text": "a", "text_pair": "b"}
    assert found.target == "c"
    (found,) = _read("text-classification", row, columns={"label": "gold"})
    assert found.target == "d"


@pytest.mark.parametrize(
    ("task", "row", "columns", "error"),
    [
        (
            "text-classification",
            {"text": "a", "kind": "b"},
            {},
            (
                "x.csv, line 2: has no column 'label' for label; it has text, kind. "
                "Say which it is, such as --column label=text."
            ),
        ),
        (
            "text-classification",
            {"text": "a", "label": "b"},
            {"text_pair": "other"},
            (
                "x.csv, line 2: has no column 'other' for text_pair; it has text, "
                "label. Say which it is, such as --column text_pair=text."
            ),
        ),
        (
            "text-classification",
            {"text": " ", "label": "b"},
            {},
            "x.csv, line 2: text must be a text that is not empty, but is ' '.",
        ),
        (
            "fill-mask",
            {"text": "a"},
            {"label": "a"},
            "columns must be among text for fill-mask, but has 'label'.",
        ),
        (
            "token-classification",
            {"tokens": "a b", "tags": ["O"]},
            {},
            "x.csv, line 2: has 2 tokens, but 1 tags.",
        ),
        (
            "token-classification",
            {"tokens": [], "tags": []},
            {},
            (
                "x.csv, line 2: tokens must be a list, or a text with blanks between, "
                "that is not empty, but is []."
            ),
        ),
        (
            "multiple-choice",
            {"prompt": "a", "choices": ["b", "c"], "label": 2},
            {},
            "x.csv, line 2: label must be a whole number from 0 to 1, but is 2.",
        ),
        (
            "multiple-choice",
            {"prompt": "a", "choices": "b", "label": 0},
            {},
            "x.csv, line 2: choices must be a list of texts, but is 'b'.",
        ),
        (
            "multiple-choice",
            {"choices": ["b"], "label": 0},
            {},
            "x.csv, line 2: must have a question, a context or both.",
        ),
        (
            "question-answering",
            {
                "question": "Q?",
                "context": "a b",
                "answers": {"text": ["b"], "answer_start": [1]},
            },
            {},
            (
                "x.csv, line 2: the answer 'b' does not begin at character 1 of the "
                "context, where ' ' stands."
            ),
        ),
        (
            "question-answering",
            {"question": "Q?", "context": "a", "answers": "a"},
            {},
            (
                "x.csv, line 2: answers must be a list of answers with text and "
                "answer_start, empty for none, but is 'a'."
            ),
        ),
    ],
)
def test_what_is_wrong_is_said_with_its_place(task, row, columns, error):
    with pytest.raises(ValueError) as found:
        _read(task, row, columns=columns)
    assert str(found.value) == error


def test_an_empty_input():
    with pytest.raises(ValueError) as found:
        _read("fill-mask")
    assert str(found.value) == "input 'x.csv' holds no row: give one with examples."


def test_every_task_has_a_name_and_a_model():
    for task in TASKS:
        assert kind_of(task).name == task
    with pytest.raises(ValueError) as found:
        kind_of("summarization")
    assert str(found.value) == (
        "task must be one of text-classification, token-classification, "
        "question-answering, multiple-choice, fill-mask, but is 'summarization'."
    )


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        (
            {"problem": "ranking"},
            (
                "problem must be one of single-label, multi-label, regression, but is "
                "'ranking'."
            ),
        ),
        (
            {"mask_probability": 1.0},
            "mask_probability must be above 0 and below 1, but is 1.0.",
        ),
    ],
)
def test_settings_are_checked(changes, error):
    with pytest.raises(ValueError) as found:
        TaskSettings(**changes)
    assert str(found.value) == error
