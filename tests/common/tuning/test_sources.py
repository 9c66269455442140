import gzip
import json

import pytest

from albert.common.data.sources import Reading
from albert.common.tuning.sources import as_list, identity_of, read_records

PLAIN = Reading()


def _rows(path, reading=PLAIN):
    return [tuple(record) for record in read_records(str(path), reading)]


def test_csv_json_lines_and_parquet_give_the_same_columns(tmp_path):
    pa = pytest.importorskip("pyarrow")
    from pyarrow import parquet

    rows = [{"text": "one, two", "label": "a"}, {"text": "three", "label": "b"}]
    (tmp_path / "x.csv").write_text('text,label\n"one, two",a\nthree,b\n')
    lines = "".join(json.dumps(row) + "\n" for row in rows)
    (tmp_path / "x.jsonl.gz").write_bytes(gzip.compress(lines.encode()))
    parquet.write_table(pa.Table.from_pylist(rows), tmp_path / "x.parquet")
    for name, place in (
        ("x.csv", "line 3"),
        ("x.jsonl.gz", "line 2"),
        ("x.parquet", "row 2"),
    ):
        found = _rows(tmp_path / name)
        assert [columns for _, columns in found] == rows
        assert found[1][0] == f"{tmp_path / name}, {place}"


def test_saved_datasets_have_splits(tmp_path):
    datasets = pytest.importorskip("datasets")
    split = datasets.Dataset.from_dict({"text": ["x", "y"], "label": [0, 1]})
    datasets.DatasetDict({"train": split, "dev": split.select([1])}).save_to_disk(
        tmp_path / "saved"
    )
    given = str(tmp_path / "saved")
    found = _rows(given, Reading(split="dev"))
    assert found == [(f"{given}, row 1", {"text": "y", "label": 1})]
    assert identity_of(given, PLAIN) != identity_of(given, Reading(split="dev"))


def test_squad_of_both_versions(tmp_path):
    file = tmp_path / "squad.json"
    answer = {"text": "b", "answer_start": 2}
    asked = [
        {"id": "1", "question": "Q?", "answers": [answer]},
        {"id": "2", "question": "R?", "answers": [], "is_impossible": True},
    ]
    paragraph = {"context": "a b", "qas": asked}
    file.write_text(json.dumps({"data": [{"paragraphs": [paragraph]}]}))
    first, second = _rows(file)
    assert first == (
        f"{file}, question 1",
        {"id": "1", "question": "Q?", "context": "a b", "answers": [answer]},
    )
    assert second[1]["answers"] == []


def test_words_in_columns(tmp_path):
    plain, universal = tmp_path / "x.conll", tmp_path / "x.conllu"
    plain.write_text("-DOCSTART- O\n\nEU B-ORG\nsays O\n\n\nno O\n")
    first, second = _rows(plain)
    assert first == (f"{plain}, line 3", {"0": ["EU", "says"], "1": ["B-ORG", "O"]})
    assert second == (f"{plain}, line 7", {"0": ["no"], "1": ["O"]})
    word = "{}\t{}\t_\t{}\t_\t_\t0\t_\t_\t_\n"
    universal.write_text(
        "# text = don't\n"
        + word.format("1-2", "don't", "_")
        + word.format(1, "do", "AUX")
        + word.format(2, "n't", "PART")
    )
    ((_, columns),) = _rows(universal)
    assert (columns["1"], columns["3"]) == (["do", "n't"], ["AUX", "PART"])


@pytest.mark.parametrize(
    ("name", "text", "error"),
    [
        (
            "x.txt",
            "a",
            (
                "input '{path}': its ending says none of csv, jsonl, parquet, json, "
                "conll, conllu, iob, bio, with or without .gz; give the input_format, "
                "one of csv, jsonl, parquet, squad, conll."
            ),
        ),
        (
            "x.json",
            "[]",
            (
                "'{path}' is not as SQuAD's JSON is, data with paragraphs with qas: "
                "TypeError list indices must be integers or slices, not str."
            ),
        ),
        (
            "x.conll",
            "a O\nb\n",
            "{path}, line 2: has 1 columns, but the lines before it have 2.",
        ),
        ("x.csv", "a,b\n1\n", "{path}, line 2: has 1 columns, but the header has 2."),
    ],
)
def test_damaged_files_are_named(tmp_path, name, text, error):
    path = tmp_path / name
    path.write_text(text)
    with pytest.raises(ValueError) as found:
        _rows(path)
    assert str(found.value) == error.format(path=path)


def test_bytes_that_are_no_text(tmp_path):
    (tmp_path / "x.json").write_bytes(b"{\xff")
    with pytest.raises(ValueError, match="its byte 2 is not UTF-8"):
        _rows(tmp_path / "x.json")


def test_what_a_file_is_does_not_depend_on_its_place(tmp_path):
    for folder in ("a", "b"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "x.csv").write_text("text\nx\n")
    one, other = (identity_of(str(tmp_path / at / "x.csv"), PLAIN) for at in "ab")
    assert one == other
    with pytest.raises(FileNotFoundError, match="neither a file"):
        identity_of("nowhere.csv", PLAIN)


def test_lists():
    assert as_list((1, 2)) == [1, 2]
    assert as_list("ab") is None
