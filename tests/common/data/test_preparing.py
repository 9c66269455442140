"""Runs: the same bytes however they came about, and nothing whole is ever lost."""

import errno
import json
import os
import subprocess
import sys
from collections import Counter
from dataclasses import replace
from pathlib import Path

import datasets
import pandas as pd
import pytest
from pyarrow import parquet

from albert.common.data import PrepareSettings, prepare, preparing, workers
from albert.common.data import info as infos
from albert.common.tokenization import AlbertTokenizer

from . import killing
from .conftest import SMALL, demo
from .corpus import WORDS, write_corpus

ROOT = Path(__file__).resolve().parents[3]


def content(folder):
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def run(corpus, folder, number, when=-1):
    """Prepare in a process of its own; give its exit status and what it said."""
    command = [sys.executable, "-W", "error", killing.__file__, corpus, folder]
    done = subprocess.run(
        [*command, str(number), str(when)],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=120,
    )
    return done.returncode, done.stderr


def prepared(inputs, folder, settings=SMALL, **options):
    texts = [inputs] if isinstance(inputs, str) else inputs
    return prepare(texts, folder, demo(), settings, workers=1, **options)


def refused(kind, *arguments, **options):
    with pytest.raises(kind) as caught:
        prepared(*arguments, **options)
    return str(caught.value)


def test_two_workers_one_of_them_killed_write_the_same_bytes(corpus, dataset, tmp_path):
    assert killing.SETTINGS == SMALL
    status, said = run(corpus, tmp_path / "x", 2, when=3)
    assert status == 1
    assert said.splitlines()[-1] == (
        "RuntimeError: a worker process was killed, perhaps for want of memory: whole "
        "shards stay; give the same command again, with fewer workers"
    )
    whole = content(tmp_path / "x")
    assert "data/shard-00003.parquet" not in whole
    assert run(corpus, tmp_path / "x", 2) == (0, "")
    assert content(tmp_path / "x") == content(dataset)


def test_killed_in_the_middle_and_gone_on_with(corpus, dataset, tmp_path):
    folder = tmp_path / "x"
    assert run(corpus, folder, 1, when=2)[0] == -9
    there = content(folder)
    whole = {name for name in there if name.startswith("data/shard-")}
    assert whole == {"data/shard-00000.parquet", "data/shard-00001.parquet"}
    assert any(name.startswith("data/.shard-00002") for name in there)
    times = {name: (folder / name).stat().st_mtime_ns for name in whole}
    prepared(corpus, folder)
    assert content(folder) == content(dataset)
    assert times == {name: (folder / name).stat().st_mtime_ns for name in whole}


def test_a_finished_run_is_left_alone(corpus, dataset):
    before = content(dataset)
    again = prepared(corpus, dataset)
    assert (again.seconds, again.new_documents) == (0, 0)
    assert again.info == infos.read_info(dataset)
    assert content(dataset) == before


def test_what_is_written(dataset, corpus):
    facts = json.loads((dataset / "dataset.json").read_text())
    table = parquet.read_table(dataset / "data").to_pydict()
    counts, labels = facts["counts"], Counter(table["sentence_order_label"])
    assert counts == {
        "documents": 60, "blank": 0, "rows": len(table["input_ids"]),
        "tokens": sum(map(len, table["input_ids"])), "in_order": labels[0],
        "swapped": labels[1], "one_text": labels[-100],
    }  # fmt: skip
    assert abs(labels[1] - labels[0]) < 4 * (labels[0] + labels[1]) ** 0.5
    assert labels[-100] > 0
    assert facts["run"]["settings"] == {
        "segments": "sentences", "sentence_order": True, "static": False,
        "dupe_factor": 1, "max_length": 24, "max_predictions": 4,
        "mask_probability": 0.15, "ngram": 3, "short_probability": 0.1, "seed": 3,
        "shard_bytes": 6000, "text_field": "text",
    }  # fmt: skip
    assert sum(shard["rows"] for shard in facts["shards"]) == counts["rows"]
    assert len(facts["shards"]) > 3
    assert str(dataset.parent) not in json.dumps(facts)
    for ids, types, parts, label in zip(*table.values(), strict=True):
        assert len(ids) == len(types) == len(parts) <= 24
        assert (ids[0], ids[-1]) == (2, 3)
        ends = [place for place, index in enumerate(ids) if index == 3]
        assert len(ends) == (1 if label == -100 else 2)
        assert types == [int(place > ends[0]) for place in range(len(ids))]
        assert [place for place, part in enumerate(parts) if part == 0] == [0, *ends]
        assert parts[1] == 1
        assert label == -100 or parts[ends[0] + 1] == 1


def test_other_tools_read_it(dataset):
    frame = pd.read_parquet(dataset / "data")
    loaded = datasets.Dataset.from_parquet(
        sorted(str(path) for path in (dataset / "data").iterdir()),
        cache_dir=str(dataset.parent / "cache"),
    )
    assert loaded.column_names == list(frame.columns)
    assert len(loaded) == len(frame)
    assert loaded[5]["input_ids"] == frame["input_ids"][5].tolist()


def test_pairs_are_consecutive_text(corpus, dataset, tokenizer):
    """Each row, put in order again, stands in one document."""
    table = parquet.read_table(dataset / "data" / "shard-00000.parquet").to_pydict()
    texts = Path(corpus).read_text().split("\n\n")
    documents = [
        [
            index
            for line in text.split("\n")
            for index in tokenizer.encode(line, add_special_tokens=False)
        ]
        for text in texts[:30]
    ]
    joined = [" ".join(map(str, ids)) + " " for ids in documents]
    for ids, types, label in zip(
        table["input_ids"],
        table["token_type_ids"],
        table["sentence_order_label"],
        strict=True,
    ):
        first = [i for i, kind in zip(ids, types, strict=True) if kind == 0][1:-1]
        second = [i for i, kind in zip(ids, types, strict=True) if kind == 1][:-1]
        parts = [" ".join(map(str, part)) + " " for part in (first, second) if part]
        if label == 1:
            parts.reverse()
        assert any(
            text.find(parts[0]) >= 0
            and text.find(parts[-1], text.find(parts[0])) >= text.find(parts[0])
            for text in joined
        )


def test_masked_words_only(corpus, tmp_path, tokenizer):
    settings = replace(SMALL, sentence_order=False, short_probability=0.0)
    prepared(corpus, tmp_path / "x", settings)
    table = parquet.read_table(tmp_path / "x" / "data").to_pydict()
    assert set(table["sentence_order_label"]) == {-100}
    assert {kind for types in table["token_type_ids"] for kind in types} == {0}
    found = [index for ids in table["input_ids"] for index in ids if index > 3]
    text = " ".join(Path(corpus).read_text().split())
    expected = tokenizer(text, add_special_tokens=False, verbose=False)
    assert found == expected["input_ids"]


def test_stored_masks(static):
    table = parquet.read_table(static / "data").to_pydict()
    masked = kept = 0
    for ids, places, labels in zip(
        table["input_ids"], table["masked_lm_positions"], table["labels"], strict=True
    ):
        assert 0 < len(places) == len(labels) <= 4
        assert places == sorted(set(places))
        masked += sum(ids[place] == 4 for place in places)
        known = zip(places, labels, strict=True)
        kept += sum(ids[place] == label for place, label in known)
    total = sum(map(len, table["labels"]))
    assert abs(masked / total - 0.8) < 4 * (0.16 / total) ** 0.5
    assert abs(kept / total - 0.1) < 4 * (0.09 / total) ** 0.5
    counts = infos.read_info(static).counts
    assert counts["documents"] == 60
    # Each document is gone through twice, in other pairs.
    assert counts["rows"] > 500


@pytest.mark.parametrize(
    ("change", "text"),
    [
        ({"max_length": 32}, "max_length is 32, and was 24"),
        ({"seed": 4}, "seed is 4, and was 3"),
        ({"mask_probability": 0.2}, "max_predictions is 5, and was 4"),
    ],
)
def test_other_settings_are_refused(change, text, corpus, dataset):
    assert refused(ValueError, corpus, dataset, replace(SMALL, **change)) == (
        f"output {str(dataset)!r} holds another run's data: {text}. Give a new folder, "
        f"or remove this one."
    )


def test_other_input_and_tokenizer_are_refused(corpus, dataset, tmp_path):
    other = write_corpus(tmp_path / "other.txt", 2)
    start = f"output {str(dataset)!r} holds another run's data: "
    end = ". Give a new folder, or remove this one."
    assert refused(ValueError, other, dataset) == (
        f"{start}the input 'other.txt' is not what 'corpus.txt' was{end}"
    )
    assert refused(ValueError, [corpus, other], dataset) == (
        f"{start}there are 2 inputs, and were 1{end}"
    )
    cased = AlbertTokenizer.from_pretrained("albert-demo", do_lower_case=False)
    with pytest.raises(ValueError) as caught:
        prepare([corpus], dataset, cased, SMALL, workers=1)
    assert str(caught.value) == f"{start}the tokenizer is another one{end}"
    # The name of a file does not matter.
    renamed = tmp_path / "renamed.txt"
    renamed.write_bytes(Path(corpus).read_bytes())
    assert prepared(str(renamed), dataset).seconds == 0


def test_a_full_disk_loses_nothing_whole(corpus, dataset, tmp_path, monkeypatch):
    folder, write = tmp_path / "x", parquet.write_table

    def full(table, path, **options):
        if "shard-00002" in Path(path).name:
            Path(path).write_bytes(b"half")
            raise OSError(errno.ENOSPC, "Error writing bytes to file")
        write(table, path, **options)

    with monkeypatch.context() as patched:
        patched.setattr(parquet, "write_table", full)
        assert refused(OSError, corpus, folder) == (
            f"[Errno {errno.ENOSPC}] No space left on device: whole shards stay; free "
            f"some space and give the same command again: {str(folder)!r}"
        )
    names = {name for name in content(folder) if name.startswith("data/")}
    assert names == {"data/shard-00000.parquet", "data/shard-00001.parquet"}
    with monkeypatch.context() as patched:
        patched.setattr(
            parquet, "write_table", lambda *_, **__: (_ for _ in ()).throw(OSError(5))
        )
        assert refused(OSError, corpus, folder) == "5"
    prepared(corpus, folder)
    assert content(folder) == content(dataset)


def test_an_input_that_cannot_be_read_to_its_end(corpus, dataset, tmp_path):
    folder, bad = tmp_path / "x", tmp_path / "bad.jsonl"
    bad.write_text('{"text": "One. Two."}\n{"no": "text"}\n')
    text = refused(ValueError, [corpus, str(bad)], folder)
    assert text.startswith(f"{bad}, line 2: has no field 'text'")
    assert not any(name.startswith("data/") for name in content(folder))
    (folder / "data" / ".shard-00000.parquet.x").write_text("half")
    # Nothing was whole yet, so that the mended input may take the bad one's place.
    bad.write_text('{"text": ""}\n')
    done = prepared([corpus, str(bad)], folder)
    assert done.info.counts["blank"] == 1
    for name in content(dataset):
        if name.startswith("data/"):
            assert content(folder)[name] == content(dataset)[name]


def test_a_run_with_whole_shards_is_not_given_up(corpus, tmp_path, monkeypatch):
    folder = tmp_path / "x"
    with monkeypatch.context() as patched:
        patched.setattr(preparing, "_count", lambda *_: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            prepared(corpus, folder)
    text = refused(ValueError, corpus, folder, replace(SMALL, seed=9))
    assert text == (
        f"output {str(folder)!r} holds another run's data: seed is 9, and was 3. Give "
        f"a new folder, or remove this one."
    )


def test_no_text(tmp_path):
    (tmp_path / "a.txt").write_text("\n \n")
    (tmp_path / "b.jsonl").write_text('{"text": " "}\n{"text": ""}\n')
    for name, blank in (("a.txt", 0), ("b.jsonl", 2)):
        assert refused(ValueError, str(tmp_path / name), tmp_path / name[0]) == (
            f"there is no text in the inputs: {blank} documents, all of them blank."
        )


def test_documents_of_one_sentence(tmp_path):
    (tmp_path / "a.txt").write_text("\n\n".join(word.title() + "." for word in WORDS))
    text = "no row has an order of sentences: all [0-9]+ are of one text"
    with pytest.warns(UserWarning, match=text):
        done = prepared(str(tmp_path / "a.txt"), tmp_path / "x")
    assert done.info.counts["one_text"] == done.info.counts["rows"] == len(WORDS)


def test_killed_at_the_very_beginning(corpus, dataset, tmp_path):
    (tmp_path / "x" / ".preparing").mkdir(parents=True)
    prepared(corpus, tmp_path / "x")
    assert content(tmp_path / "x") == content(dataset)


def test_folders_that_are_not_free(corpus, tmp_path):
    (tmp_path / "mine").write_text("")
    assert refused(FileExistsError, corpus, tmp_path) == (
        f"output {str(tmp_path)!r} holds mine, which no run of `albert prepare` has "
        f"written; give a new folder."
    )
    assert [path.name for path in tmp_path.iterdir()] == ["mine"]


def test_two_runs_at_once(corpus, tmp_path, monkeypatch):
    folder = tmp_path / "x"
    go_on = preparing._go_on
    program = (
        "import sys; from tests.common.data.killing import *\n"
        "main(sys.argv[1], sys.argv[2], 1, -1)"
    )

    def meanwhile(*arguments):
        command = [sys.executable, "-c", program, corpus, str(folder)]
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
        assert done.stderr.splitlines()[-1] == (
            f"BlockingIOError: another run writes to {str(folder)!r}: wait for its end."
        )
        return go_on(*arguments)

    monkeypatch.setattr(preparing, "_go_on", meanwhile)
    assert prepared(corpus, folder).info.counts["documents"] == 60


def test_a_shard_that_is_none(corpus, tmp_path, monkeypatch):
    folder = tmp_path / "x"
    with monkeypatch.context() as patched:
        patched.setattr(preparing, "_count", lambda *_: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            prepared(corpus, folder)
    shard = folder / "data" / "shard-00001.parquet"
    shard.write_bytes(b"no shard")
    assert refused(ValueError, corpus, folder) == (
        f"'{shard}' is no shard that `albert prepare` has written, or is damaged: "
        f"remove it and run `albert prepare` again."
    )
    shard.unlink()
    assert prepared(corpus, folder).info.counts["documents"] == 60


def test_bad_workers(corpus, tmp_path):
    with pytest.raises(ValueError) as caught:
        prepare([corpus], tmp_path, demo(), workers=0)
    assert str(caught.value) == "workers must be at least 1, but is 0."


def test_workers_without_datasets(monkeypatch):
    def without(name):
        raise ModuleNotFoundError(f"No module named {name!r}", name=name)

    monkeypatch.setattr(workers, "import_module", without)
    with pytest.raises(ImportError) as caught:
        workers.run_all(print, [{"a": 1}, {"a": 2}], 2)
    assert str(caught.value) == (
        'more than one worker needs datasets: pip install "albert-models[train]", or '
        "give 1"
    )


def test_a_document_is_the_same_in_any_place_of_a_shard(tmp_path):
    """What is drawn for a document depends on its number, not on the shards' size."""
    corpus = write_corpus(tmp_path / "a.txt", 8)
    tables = []
    for size in (100, 10**6):
        settings = PrepareSettings(max_length=24, shard_bytes=size)
        prepared(corpus, tmp_path / str(size), settings)
        tables.append(parquet.read_table(tmp_path / str(size) / "data").to_pydict())
    assert tables[0] == tables[1]
