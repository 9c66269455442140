"""Answers as tables on a terminal."""

import io

import numpy as np
import pytest

from albert.cli.table import Tables
from albert.common.records import Record

FILLINGS = [{"score": 0.51234, "token_str": "a"}, {"score": 0.1, "token_str": "bcd"}]
TABLE = "  score   token_str\n  0.5123  a\n  0.1000  bcd\n"


def printed(answer, columns=None, encoding="utf-8"):
    file = io.TextIOWrapper(io.BytesIO(), encoding=encoding)
    tables = Tables(file)
    tables.write(Record("somewhere", columns or {"text": "A text."}), answer)
    assert file.buffer.getvalue() == b""
    tables.flush()
    return file.buffer.getvalue().decode(encoding)


def test_a_list_of_answers():
    assert printed(FILLINGS) == f"A text.\n{TABLE}\n"


def test_several_masks():
    assert printed([FILLINGS, FILLINGS]) == (f"A text.\n  (1)\n{TABLE}  (2)\n{TABLE}\n")


@pytest.mark.parametrize(
    ("answer", "table"),
    [
        ({"label": "good", "score": 0.25}, "  label  score\n  good   0.2500\n"),
        (
            {"sequence": "A text.", "labels": ["a", "b"], "scores": [0.75, 0.25]},
            "  labels  scores\n  a       0.7500\n  b       0.2500\n",
        ),
        ({"error": "too long"}, "  error\n  too long\n"),
        ([], "  (none)\n"),
        ([[[0.5, 1.0], [2.0, 3.0], [4.0, 5.0]]], None),
        (np.arange(6.0, dtype=np.float32).reshape(1, 3, 2), None),
    ],
)
def test_other_answers(answer, table):
    found = printed(answer)
    if table is None:
        assert "  answer\n  [1, 3, 2]: " in found
        assert found.endswith(", …\n\n")
    else:
        assert found == f"A text.\n{table}\n"


def test_columns_are_named():
    columns = {"question": "Who?", "id": 3}
    assert printed([], columns) == "question: Who?\nid: 3\n  (none)\n\n"


def test_what_moves_the_cursor_is_left_out():
    assert printed([], {"text": "a\x1b[2Jb\nc"}) == "a [2Jb c\n  (none)\n\n"


def test_an_encoding_that_lacks_a_letter():
    assert printed([], {"text": "é"}, "ascii") == "?\n  (none)\n\n"


def test_the_width_of_the_terminal(monkeypatch):
    monkeypatch.setenv("COLUMNS", "10")
    assert printed([], {"text": "0123456789"}) == "0123456789\n  (none)\n\n"
    assert printed([], {"text": "0123456789a"}) == "012345678…\n  (none)\n\n"
