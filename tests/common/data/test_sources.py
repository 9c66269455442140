"""Files, saved datasets and datasets of the hub, and what tells them from others."""

import hashlib

import datasets
import huggingface_hub
import pytest

from albert.common.data import sources
from albert.common.data.sources import Reading, documents_of, open_sources

ROWS = {"body": ["One. Two.", None, "Three."], "n": [1, 2, 3]}
BODY = Reading(text_field="body")


def refused(kind, given, reading=None):
    with pytest.raises(kind) as caught:
        list(documents_of(open_sources([str(given)], reading or BODY)))
    return str(caught.value)


def test_files_are_known_by_their_content(tmp_path):
    (tmp_path / "a.txt").write_text("One.\n\nTwo.")
    (tmp_path / "b").write_text('{"body": "Three."}')
    found = open_sources([str(tmp_path / "a.txt")], Reading())
    found += open_sources([str(tmp_path / "b")], Reading("body", "jsonl"))
    assert list(documents_of(found)) == ["One.", "Two.", "Three."]
    digest = hashlib.sha256(b"One.\n\nTwo.").hexdigest()
    assert found[0].identity == {"name": "a.txt", "format": "txt", "sha256": digest}
    assert found[1].identity["format"] == "jsonl"


def test_saved_datasets(tmp_path):
    dataset = datasets.Dataset.from_dict(ROWS)
    splits = datasets.DatasetDict(train=dataset, test=dataset.select([2]))
    splits.save_to_disk(tmp_path / "two")
    dataset.save_to_disk(tmp_path / "one")
    (one,) = open_sources([str(tmp_path / "one")], BODY)
    (two,) = open_sources([str(tmp_path / "two")], Reading("body", split="test"))
    assert list(one.read()) == ["One. Two.", "", "Three."]
    assert list(two.read()) == ["Three."]
    assert one.identity["fingerprint"] != two.identity["fingerprint"]
    assert refused(ValueError, tmp_path / "two", Reading("body", split="x")) == (
        f"input {str(tmp_path / 'two')!r} has no split 'x'; it has 'train', 'test'."
    )
    assert refused(ValueError, tmp_path / "one", Reading()) == (
        f"{tmp_path / 'one'}: has no field 'text'; its fields are 'body', 'n': give "
        f"the one with the text as text_field."
    )
    assert refused(ValueError, tmp_path) == (
        f"input {str(tmp_path)!r} is a folder, but no dataset that save_to_disk of "
        f"datasets has written; give the files in it."
    )


def test_the_hub_is_streamed_at_one_revision(monkeypatch):
    asked = []

    class Api:
        def dataset_info(self, name):
            asked.append(name)
            return huggingface_hub.DatasetInfo(id=name, sha="a" * 40)

    def load(*names, **options):
        asked.append((names, options))
        return datasets.Dataset.from_dict(ROWS)

    monkeypatch.setattr(huggingface_hub, "HfApi", Api)
    monkeypatch.setattr(datasets, "load_dataset", load)
    (found,) = open_sources(["owner/some-text"], Reading("body", None, "dev", "en"))
    assert list(found.read()) == ["One. Two.", "", "Three."]
    options = {"split": "dev", "revision": "a" * 40, "streaming": True}
    assert asked == ["owner/some-text", (("owner/some-text", "en"), options)]
    assert found.identity == {
        "name": "owner/some-text", "format": "hub", "subset": "en", "split": "dev",
        "revision": "a" * 40,
    }  # fmt: skip


def test_what_is_no_input(tmp_path):
    assert refused(FileNotFoundError, "no/file.txt") == (
        "input 'no/file.txt' is neither a file, nor a folder with a dataset, nor the "
        "name of a dataset on the hub."
    )
    (tmp_path / "a.csv").write_text("")
    assert refused(ValueError, tmp_path / "a.csv") == (
        f"input {str(tmp_path / 'a.csv')!r}: its ending says none of txt, jsonl, "
        f"parquet, with or without .gz; give the input_format."
    )


def test_a_hub_that_is_not_there(monkeypatch):
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_OFFLINE", True)

    class Api:
        def dataset_info(self, name):
            raise ConnectionError("no network")

    monkeypatch.setattr(huggingface_hub, "HfApi", Api)
    text = refused(ConnectionError, "owner/name")
    assert "cannot be reached for 'owner/name'" in text
    assert "or give files (ConnectionError: no network)." in text


def test_without_datasets(monkeypatch):
    def without(name):
        raise ModuleNotFoundError(f"No module named {name!r}", name=name)

    monkeypatch.setattr(sources, "import_module", without)
    assert refused(ImportError, "owner/name") == (
        'reading a dataset needs datasets: pip install "albert-models[train]"'
    )
