"""Batches depend on their step alone."""

import pickle
import shutil

import numpy as np
import pytest
from pyarrow import parquet

from albert.common.data import HeldOutData, PretrainingData, order
from albert.common.data.words import NEVER
from albert.common.tokenization import AlbertTokenizer

NAMES = {
    "input_ids": 24, "attention_mask": 24, "token_type_ids": 24,
    "masked_lm_positions": 4, "labels": 4, "sentence_order_label": None,
}  # fmt: skip


@pytest.fixture(autouse=True)
def small_windows(monkeypatch):
    """Let one row group be read at a time, so that batches cross windows."""
    monkeypatch.setattr(order, "WINDOW_GROUPS", 1)


def table_of(folder):
    return parquet.read_table(folder / "data").to_pydict()


def same(first, second):
    assert first.keys() == second.keys()
    return all((first[name] == second[name]).all() for name in first)


def restored(batch, row):
    """Give the ids of a row without padding and masks."""
    length = batch["attention_mask"][row].sum()
    ids = batch["input_ids"][row].copy()
    known = batch["labels"][row] != -100
    ids[batch["masked_lm_positions"][row][known]] = batch["labels"][row][known]
    return tuple(ids[:length].tolist())


def test_shapes_and_padding(dataset):
    data = PretrainingData(dataset, batch_size=5, vocab_size=8192)
    for step in range(6):
        batch = data.batch(step)
        for name, width in NAMES.items():
            assert batch[name].dtype == np.int32
            assert batch[name].shape == ((5, width) if width else (5,))
        padding = batch["attention_mask"] == 0
        assert (batch["input_ids"][padding] == 0).all()
        assert (batch["token_type_ids"][padding] == 0).all()
        unused = batch["labels"] == -100
        assert (batch["masked_lm_positions"][unused] == 0).all()
        assert (batch["masked_lm_positions"][~unused] > 0).all()
        two = batch["token_type_ids"].max(1) == 1
        assert (two == (batch["sentence_order_label"] != -100)).all()


def test_an_epoch_has_every_row_once(dataset):
    rows = [tuple(ids) for ids in table_of(dataset)["input_ids"]]
    data = PretrainingData(dataset, batch_size=1, seed=2)
    assert len(data) == data.num_rows == len(rows) > 300
    epochs = [
        [restored(data.batch(epoch * len(data) + step), 0) for step in range(len(data))]
        for epoch in (0, 1)
    ]
    for found in epochs:
        assert sorted(found) == sorted(rows)
        assert found != rows
    assert epochs[0] != epochs[1]


def test_any_step_at_once_and_other_masks_each_epoch(dataset):
    data = PretrainingData(dataset, batch_size=16, seed=1)
    steps = [0, len(data) - 1, len(data), 3 * len(data) + 2, 7]
    batches = {step: data.batch(step) for step in steps}
    again = pickle.loads(pickle.dumps(PretrainingData(dataset, batch_size=16, seed=1)))
    for step in reversed(steps):
        assert same(again.batch(step), batches[step])
    other = PretrainingData(dataset, batch_size=16, seed=2)
    assert not same(other.batch(0), batches[0])
    masks = {}
    for step in range(2 * len(data)):
        batch = data.batch(step)
        for row in range(16):
            positions = tuple(batch["masked_lm_positions"][row].tolist())
            masks.setdefault(restored(batch, row), set()).add(positions)
    both = [places for places in masks.values() if len(places) > 1]
    assert len(both) > 0.8 * len(masks)


def test_masks_are_of_candidates_only(dataset):
    table = table_of(dataset)
    parts = dict(zip(map(tuple, table["input_ids"]), table["word_parts"], strict=True))
    data = PretrainingData(dataset, batch_size=32)
    batch = data.batch(0)
    for row in range(32):
        ids = restored(batch, row)
        known = batch["labels"][row] != -100
        assert 1 <= known.sum() <= max(1, round(0.15 * len(ids)))
        for place in batch["masked_lm_positions"][row][known]:
            assert parts[ids][place] != NEVER
    # Nothing else is changed, and no special token is put in at random.
    special = (batch["input_ids"] < 4).sum()
    truth = [restored(batch, row) for row in range(32)]
    padding = (batch["attention_mask"] == 0).sum()
    assert special - padding == sum(sum(index < 4 for index in ids) for ids in truth)


@pytest.mark.parametrize("kind", [PretrainingData, HeldOutData])
def test_parts_make_up_the_whole(kind, dataset):
    data = kind(dataset, batch_size=12)
    for world in (1, 2, 3, 4, 6, 12):
        parts = [data.part(rank, world) for rank in range(world)]
        assert [len(part) for part in parts] == [len(data)] * world
        for step in (0, 9, len(data) - 1):
            each = [part.batch(step) for part in parts]
            joined = {
                name: np.concatenate([batch[name] for batch in each])
                for name in each[0]
            }
            assert same(joined, data.batch(step))


def test_held_out_rows_come_once_in_order_with_masks_that_stay(dataset):
    rows = [tuple(ids) for ids in table_of(dataset)["input_ids"]]
    data = HeldOutData(dataset, batch_size=64)
    batches = [data.batch(step) for step in range(len(data))]
    assert len(batches) == -(-len(rows) // 64)
    found = [restored(batch, row) for batch in batches for row in range(64)]
    assert found[: len(rows)] == rows
    extra = len(found) - len(rows)
    assert extra > 0
    assert found[len(rows) :] == [(2, 3)] * extra
    assert (batches[-1]["labels"][-extra:] == -100).all()
    assert (batches[-1]["sentence_order_label"][-extra:] == -100).all()
    assert same(HeldOutData(dataset, batch_size=64).batch(0), batches[0])
    one = HeldOutData(dataset, batch_size=1)
    assert (one.batch(70)["input_ids"] == batches[1]["input_ids"][6]).all()
    assert not same(HeldOutData(dataset, batch_size=64, seed=1).batch(0), batches[0])


def test_stored_masks_are_taken_as_they_are(static):
    table = table_of(static)
    data = HeldOutData(static, batch_size=8)
    batch = data.batch(2)
    for row in range(8):
        for name in ("masked_lm_positions", "labels", "input_ids"):
            stored = table[name][16 + row]
            assert batch[name][row][: len(stored)].tolist() == stored
            assert set(batch[name][row][len(stored) :].tolist()) <= {0, -100}
    train = PretrainingData(static, batch_size=8)
    seen = [train.batch(step)["input_ids"] for step in range(2)]
    assert not (seen[0] == seen[1]).all()


def refused(kind, function, *arguments, **options):
    with pytest.raises(kind) as caught:
        function(*arguments, **options)
    return str(caught.value)


def test_data_for_another_model(dataset):
    name = repr(str(dataset))
    assert refused(ValueError, PretrainingData, dataset, batch_size=0) == (
        "batch_size must be at least 1, but is 0."
    )
    assert refused(
        ValueError, PretrainingData, dataset, batch_size=2, vocab_size=8000
    ) == (
        f"{name} was prepared with a tokenizer of 8192 ids, and the model's vocab_size "
        f"is 8000: use the tokenizer of this model, or set vocab_size to 8192."
    )
    assert refused(
        ValueError, HeldOutData, dataset, batch_size=2, max_position_embeddings=16
    ) == (
        f"{name} has rows of up to 24 tokens, and the model's max_position_embeddings "
        f"is 16: prepare it with max_length 16."
    )
    cased = AlbertTokenizer.from_pretrained("albert-demo", do_lower_case=False)
    assert refused(
        ValueError, PretrainingData, dataset, batch_size=2, tokenizer=cased
    ) == (
        f"{name} was prepared with another tokenizer than the one given: its ids mean "
        f"other pieces."
    )
    rows = PretrainingData(dataset, batch_size=1).num_rows
    assert refused(ValueError, PretrainingData, dataset, batch_size=9999) == (
        f"batch_size is 9999, and {name} has only {rows} rows: take a smaller "
        f"batch_size, or prepare more text."
    )


def test_parts_and_steps_that_are_not_there(dataset):
    data = PretrainingData(dataset, batch_size=6)
    text = "batch_size 6 must be a multiple of world, the number of processes, which is"
    assert refused(ValueError, data.part, 0, 4) == f"{text} 4."
    assert refused(ValueError, data.part, 0, 0) == f"{text} 0."
    assert refused(ValueError, data.part, 2, 2) == "rank must be 0 to 1, but is 2."
    assert refused(IndexError, data.batch, -1) == "step must be at least 0, but is -1."
    held = HeldOutData(dataset, batch_size=1000)
    assert refused(IndexError, held.batch, 1) == "step must be 0 to 0, but is 1."


def test_folders_that_are_not_whole(dataset, tmp_path):
    name = repr(str(tmp_path))
    assert refused(FileNotFoundError, PretrainingData, tmp_path, batch_size=1) == (
        f"{name} has no dataset.json: it is no folder that `albert prepare` has "
        f"written, or it is not whole yet: give that command again."
    )
    folder = tmp_path / "copy"
    shutil.copytree(dataset, folder)
    info, shard = folder / "dataset.json", folder / "data" / "shard-00001.parquet"
    size, number = shard.stat().st_size, len(list((folder / "data").iterdir()))
    shard.write_bytes(b"short")
    assert refused(ValueError, PretrainingData, folder, batch_size=1) == (
        f"the shard '{shard}' has 5 bytes, and dataset.json says {size}: copy it again "
        f"from where the data was prepared."
    )
    shard.unlink()
    assert refused(FileNotFoundError, PretrainingData, folder, batch_size=1) == (
        f"the shard '{shard}' is missing, of {number} in dataset.json: copy it from "
        f"where the data was prepared."
    )
    info.write_text('{"format": 2}')
    assert refused(ValueError, PretrainingData, folder, batch_size=1) == (
        f"'{info}' is of format 2, and this version reads 1: prepare the data again."
    )
    for text in ("{", "[]", '{"format": 1}', '{"format": 1, "shards": [{}]}'):
        info.write_text(text)
        assert refused(ValueError, PretrainingData, folder, batch_size=1) == (
            f"'{info}' cannot be read as `albert prepare` has written it."
        )


def test_a_process_that_was_forked_reads_anew(dataset, monkeypatch):
    data = PretrainingData(dataset, batch_size=4)
    first = data.batch(0)
    monkeypatch.setattr(data._windows, "_process", -1)
    assert same(data.batch(0), first)
