"""Files to documents, and what is said of bad ones."""

import gzip
import json
from pathlib import Path

import pyarrow as pa
import pytest
from pyarrow import parquet

from albert.common.data.documents import form_of, import_arrow, read_documents


def read(path, form=None, field="text"):
    return list(read_documents(path, form or form_of(path), field))


def refused(path, text, **options):
    with pytest.raises(ValueError) as caught:
        read(path, **options)
    assert str(caught.value) == text


@pytest.mark.parametrize("zipped", [False, True])
def test_text(zipped, tmp_path):
    raw = b"\xef\xbb\xbf\n\nOne.\r\nTwo.\n  \n\nThree\x85\xe2\x80\xa8.".replace(
        b"\x85", "\x85".encode()
    )
    path = tmp_path / ("a.txt.gz" if zipped else "a.TXT")
    path.write_bytes(gzip.compress(raw) if zipped else raw)
    assert read(path) == ["One.\nTwo.", "Three\x85\u2028."]


@pytest.mark.parametrize("zipped", [False, True])
def test_json_lines(zipped, tmp_path):
    lines = [{"body": "One.\nTwo."}, {"body": None, "x": 1}, {"body": ""}]
    raw = "\n\n".join(map(json.dumps, lines)).encode()
    path = tmp_path / ("a.jsonl.gz" if zipped else "a.jsonl")
    path.write_bytes(gzip.compress(raw) if zipped else raw)
    assert read(path, field="body") == ["One.\nTwo.", "", ""]


def test_parquet(tmp_path):
    path = tmp_path / "a.parquet"
    texts = [f"text {number}" for number in range(600)] + [None]
    parquet.write_table(pa.table({"n": range(601), "text": texts}), path)
    assert read(path) == [*texts[:-1], ""]


def test_forms():
    names = ("a.txt", "a.txt.gz", "a.jsonl.GZ", "a.parquet", "a.csv", "txt")
    assert [form_of(Path(name)) for name in names] == [
        "txt", "txt", "jsonl", "parquet", None, None,
    ]  # fmt: skip


def test_lines_that_are_no_text(tmp_path):
    path = tmp_path / "a.jsonl"
    for line, text in (
        (b"[1]", "must be a JSON object, but is '[1]'."),
        (b'{"text": 3}', "'text' must be a text, but is int."),
        (b"\xff", "its byte 1 (0xff) is not UTF-8."),
        (
            b'{"a": "x", "b": 2}',
            (
                "has no field 'text'; its fields are 'a', 'b': give the one with the "
                "text as text_field."
            ),
        ),
        (
            b'{"text": "\\ud800"}',
            (
                "text holds the lone surrogate U+D800 at character 0, which is no "
                "text: decode the bytes it came from with errors='replace'."
            ),
        ),
    ):
        path.write_bytes(b'{"text": ""}\n' + line)
        refused(path, f"{path}, line 2: {text}")
    path.write_bytes(b"{")
    with pytest.raises(ValueError) as caught:
        read(path)
    assert str(caught.value).startswith(f"{path}, line 1: is no JSON: ")


def test_a_file_that_ends_too_soon(tmp_path):
    path = tmp_path / "a.txt.gz"
    lines = "".join(f"{number * number}\n" for number in range(9000))
    path.write_bytes(gzip.compress(lines.encode())[:-900])
    with pytest.raises(ValueError) as caught:
        read(path)
    assert str(caught.value).startswith(f"'{path}' cannot be unpacked after line ")
    path.write_bytes(b"no gzip")
    refused(
        path,
        f"'{path}' cannot be unpacked after line 0: Not a gzipped file (b'no')",
    )


def test_parquet_that_is_none(tmp_path):
    path = tmp_path / "a.parquet"
    path.write_bytes(b"PAR1 and more")
    with pytest.raises(ValueError) as caught:
        read(path)
    text = f"'{path}' cannot be read as Parquet after row 0: "
    assert str(caught.value).startswith(text)
    parquet.write_table(pa.table({"n": [1]}), path)
    refused(
        path,
        f"{path}: has no field 'text'; its fields are 'n': give the one with the text "
        f"as text_field.",
    )


def test_without_pyarrow(monkeypatch):

    def without(name, *rest, **named):
        raise ModuleNotFoundError(f"No module named {name!r}", name=name)

    monkeypatch.setattr("albert.common.data.documents.import_module", without)
    with pytest.raises(ImportError) as caught:
        import_arrow()
    assert str(caught.value) == (
        'pre-training data needs pyarrow: pip install "albert-models[train]"'
    )
