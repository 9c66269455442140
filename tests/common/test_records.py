"""Inputs as records: every form, every way a file can be wrong, a bounded memory."""

import csv
import datetime
import io
import itertools
import json
import sys
import tracemalloc

import pytest

from albert.common.records import read_file, read_stdin, read_texts


def columns(records):
    return [record.columns for record in records]


def file_of(tmp_path, name, content):
    path = tmp_path / name
    path.write_bytes(content)
    return path


def read(tmp_path, form, content):
    return list(read_file(file_of(tmp_path, f"a.{form}", content), form))


def test_lines_of_a_text(tmp_path):
    content = "\ufeffone\r\n\n  \t\r\n two \nthr\u2028ee\x0b\x85\n\ufefffour".encode()
    records = read(tmp_path, "txt", content)
    assert columns(records) == [
        {"text": "one"},
        {"text": " two "},
        {"text": "thr\u2028ee\x0b\x85"},
        {"text": "\ufefffour"},
    ]
    places = [record.place.removeprefix(str(tmp_path)) for record in records]
    assert places == [f"/a.txt, line {number}" for number in (1, 4, 5, 6)]


def test_arguments():
    records = list(read_texts(["one", "", "two\nlines"], "txt"))
    assert columns(records) == [{"text": "one"}, {"text": "two\nlines"}]
    assert [record.place for record in records] == ["argument 1", "argument 3"]
    assert columns(read_texts(['{"a": [1]}'], "jsonl")) == [{"a": [1]}]


def test_arguments_in_a_locale_without_utf_8():
    given = ["Caf\udcc3\udca9", "caf\udce9"]
    assert columns(read_texts(given[:1], "txt")) == [{"text": "Café"}]
    with pytest.raises(ValueError) as raised:
        list(read_texts(given, "txt"))
    assert str(raised.value) == "argument 2: its byte 4 (0xe9) is not UTF-8."


def test_stdin(monkeypatch):
    given = io.TextIOWrapper(io.BytesIO("ä\r\nb".encode()), encoding="ascii")
    monkeypatch.setattr(sys, "stdin", given)
    records = list(read_stdin("txt"))
    assert columns(records) == [{"text": "ä"}, {"text": "b"}]
    assert records[1].place == "stdin, line 2"


@pytest.mark.parametrize("form", ["txt", "jsonl", "csv"])
def test_what_is_not_utf_8(tmp_path, form):
    with pytest.raises(ValueError) as raised:
        read(tmp_path, form, b'{"a":1}\n{"a":"\xe9"}\n')
    assert str(raised.value) == (
        f"{tmp_path}/a.{form}, line 2: its byte 7 (0xe9) is not UTF-8."
    )


def test_json_lines(tmp_path):
    content = '\ufeff{"text": "a", "n": 1.5}\r\n\n{"text": "\\ud800é"}'.encode()
    records = read(tmp_path, "jsonl", content)
    assert columns(records) == [{"text": "a", "n": 1.5}, {"text": "\ud800é"}]
    assert records[1].place.endswith("a.jsonl, line 3")


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ('"a"', "must be a JSON object with the columns, but is '\"a\"'."),
        ("{", "is no JSON: Expecting property name enclosed in double quotes: line 1 "),
        ('{"a": NaN}', "is no JSON: there is no NaN in JSON"),
        ("[" * 100_000, "is no JSON: maximum recursion depth exceeded"),
    ],
)
def test_what_is_no_json_line(tmp_path, line, message):
    with pytest.raises(ValueError) as raised:
        read(tmp_path, "jsonl", f'{{"a": 1}}\n{line}'.encode())
    assert str(raised.value).startswith(f"{tmp_path}/a.jsonl, line 2: {message}")


def test_csv(tmp_path):
    content = (
        '\ufefftext,"a ""b"""\r\n"one, \r\nand ""more""",1\r\n\r\n  two ,\r\n'
        f'"{"x" * 200_000}",3'
    )
    records = read(tmp_path, "csv", content.encode())
    assert columns(records) == [
        {"text": 'one, \r\nand "more"', 'a "b"': "1"},
        {"text": "  two ", 'a "b"': ""},
        {"text": "x" * 200_000, 'a "b"': "3"},
    ]
    lines = [record.place.rpartition(" ")[2] for record in records]
    assert lines == ["2", "5", "6"]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("a,b\n1,2\n1\n", "line 3: has 1 columns, but the header has 2."),
        ("a\n\n1,2\n", "line 3: has 2 columns, but the header has 1."),
        ("a,b,a\n", "line 1: names the column 'a' twice."),
        (
            'a\n1\n"2\n3\n',
            "line 3: is no CSV up to line 4: unexpected end of data.",
        ),
        ('a\n"1"2\n', "line 2: is no CSV up to line 2: ',' expected after '\"'."),
    ],
)
def test_what_is_no_csv(tmp_path, content, message):
    with pytest.raises(ValueError) as raised:
        read(tmp_path, "csv", content.encode())
    assert str(raised.value) == f"{tmp_path}/a.csv, {message}"


@pytest.mark.parametrize("form", ["txt", "jsonl", "csv"])
def test_an_empty_file(tmp_path, form):
    assert read(tmp_path, form, b"") == []


def test_parquet(tmp_path):
    pa = pytest.importorskip("pyarrow")
    from pyarrow import parquet

    day = datetime.date(2026, 1, 2)
    table = pa.table({"text": ["a", None] * 1500, "day": [day] * 3000})
    parquet.write_table(table, tmp_path / "a.parquet", row_group_size=700)
    records = list(read_file(tmp_path / "a.parquet", "parquet"))
    assert len(records) == 3000
    assert records[2].columns == {"text": "a", "day": day}
    assert records[2999].columns["text"] is None
    assert records[2999].place.endswith("a.parquet, row 3000")


def test_damaged_parquet(tmp_path):
    pytest.importorskip("pyarrow")
    with pytest.raises(ValueError) as raised:
        read(tmp_path, "parquet", b"PAR1 and nothing more of it PAR1")
    message = f"'{tmp_path}/a.parquet' cannot be read as Parquet after row 0: "
    assert str(raised.value).startswith(message)


def test_parquet_without_pyarrow(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(ImportError) as raised:
        list(read_file(tmp_path / "a.parquet", "parquet"))
    assert str(raised.value) == (
        'reading Parquet needs pyarrow: pip install "albert-models[parquet]"'
    )


@pytest.mark.parametrize("form", ["txt", "jsonl", "csv"])
def test_memory_is_bounded(tmp_path, form):
    path = tmp_path / f"a.{form}"
    with open(path, "w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["text"])
        for number in range(20_000):
            row = f"{number} {'x' * 100}"
            if form == "csv":
                writer.writerow([row])
            else:
                file.write(f"{row if form == 'txt' else json.dumps({'text': row})}\n")
    if form == "jsonl":
        path.write_text(path.read_text().removeprefix("text\n"))
    tracemalloc.start()
    number = sum(1 for _ in read_file(path, form))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert number >= 20_000
    assert peak < 300_000 < path.stat().st_size


def test_parquet_is_read_in_parts(tmp_path):
    pa = pytest.importorskip("pyarrow")
    from pyarrow import parquet

    path = tmp_path / "a.parquet"
    schema = pa.schema({"text": pa.string()})
    with parquet.ParquetWriter(path, schema, compression="none") as writer:
        for group in range(20):
            texts = [f"{group} {number} {'x' * 500}" for number in range(2000)]
            writer.write_table(pa.table({"text": texts}))
    before = pa.total_allocated_bytes()
    most = 0
    for _ in itertools.islice(read_file(path, "parquet"), 0, None, 500):
        most = max(most, pa.total_allocated_bytes() - before)
    assert 0 < most < path.stat().st_size / 4
