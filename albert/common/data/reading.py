"""Shards to batches: any step at once, the same whoever asks and whenever."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from albert.common.data import info, shards
from albert.common.data.info import Info
from albert.common.data.masking import draw_positions, replace
from albert.common.data.order import Order, groups_of
from albert.common.data.pairs import NO_ORDER
from albert.common.data.randomness import HELD_OUT, MASKS, check_seed, stream
from albert.common.data.rows import Held, Windows

IGNORED = -100
"""The label of what is not predicted."""

Batch = dict[str, np.ndarray]


class _Data:
    """What training and evaluation have in common.

    Args:
        folder: that `albert prepare` has written.
        batch_size: rows of a global batch, over all processes.
        seed: of order and masks.
        shuffled: whether rows are mixed.
        vocab_size: of the model; None checks nothing.
        max_position_embeddings: of the model; None checks nothing.
        tokenizer: whose ids the rows must hold; None checks nothing.
    """

    _purpose: int

    def __init__(
        self,
        folder: str | os.PathLike[str],
        batch_size: int,
        seed: int,
        shuffled: bool,
        vocab_size: int | None,
        max_position_embeddings: int | None,
        tokenizer: Any,
    ) -> None:
        path = Path(folder).expanduser()
        self.info = info.read_info(path)
        if batch_size < 1:
            raise ValueError(f"batch_size must be at least 1, but is {batch_size}.")
        check_seed(seed)
        _check_model(self.info, path, vocab_size, max_position_embeddings)
        if tokenizer is not None:
            _check_tokenizer(self.info, path, tokenizer)
        self.batch_size, self.seed = batch_size, seed
        self.num_rows = self.info.counts["rows"]
        if not self.num_rows:
            raise ValueError(f"{str(path)!r} holds no row: prepare longer documents.")
        settings, identity = self.info.run["settings"], self.info.run["tokenizer"]
        self._length: int = settings["max_length"]
        self._special: Mapping[str, int] = identity["special"]
        every = np.arange(identity["vocab_size"], dtype=np.int32)
        self._ordinary = np.setdiff1d(every, identity["never_masked"])
        self._static: bool = settings["static"]
        self._masking = self.info.masking
        rows = [shard.rows for shard in self.info.shards]
        self._order = Order(groups_of(rows), seed if shuffled else None)
        columns = shards.STATIC if self._static else shards.DYNAMIC
        paths = [path / shard.file for shard in self.info.shards]
        self._windows = Windows(paths, self._order, columns[:-1])

    def part(self, rank: int, world: int) -> Part:
        """Give a process its slice of each global batch.

        Args:
            rank: of the process, from 0.
            world: the number of processes.

        Returns:
            What has the same steps, with `batch_size` / `world` rows each: those
            behind the rows of the processes in front.

        Raises:
            ValueError: `batch_size` is no multiple of `world`, or there is no such
                rank.
        """
        if world < 1 or self.batch_size % world:
            raise ValueError(
                f"batch_size {self.batch_size} must be a multiple of world, the number "
                f"of processes, which is {world}."
            )
        if not 0 <= rank < world:
            raise ValueError(f"rank must be 0 to {world - 1}, but is {rank}.")
        size = self.batch_size // world
        return Part(self, rank * size, (rank + 1) * size)

    def batch(self, step: int) -> Batch:
        """Give a global batch.

        Args:
            step: its number, from 0.

        Returns:
            int32 arrays: `input_ids`, `attention_mask` and `token_type_ids` of [B, S],
            S being the `max_length` of the data; `masked_lm_positions` and `labels` of
            [B, P], P being its `max_predictions`, 0 and -100 where there is nothing to
            predict; `sentence_order_label` of [B], -100 for rows of one text.

        Raises:
            IndexError: there is no such step.
            OSError: a shard cannot be read.
        """
        return self.rows(step, 0, self.batch_size)

    def rows(self, step: int, first: int, last: int) -> Batch:
        """Give some rows of a global batch.

        Args:
            step: the batch's number.
            first: the first row.
            last: one past the last one.

        Returns:
            As `batch`, with these rows only.
        """
        epoch, begin, end = self._places(step, first, last)
        batch = self._empty(last - first)
        for number in self._order.windows_of(epoch, begin, end) if end > begin else ():
            held = self._windows.get(epoch, number)
            window = held.window
            inside = range(
                max(begin, window.begin), min(end, window.begin + len(window.order))
            )
            for place in inside:
                row = int(window.order[place - window.begin])
                self._fill(batch, place - begin, held, row, epoch)
        return batch

    def _places(self, step: int, first: int, last: int) -> tuple[int, int, int]:
        """Give the epoch of rows of a step, and their places in its order."""
        raise NotImplementedError

    def _empty(self, size: int) -> Batch:
        """Make rows that hold [CLS] and [SEP] and have no labels."""
        special, most = self._special, self._masking.max_predictions
        ids = np.full((size, self._length), special["pad"], np.int32)
        mask = np.zeros_like(ids)
        ids[:, :2] = special["cls"], special["sep"]
        mask[:, :2] = 1
        return {
            "input_ids": ids,
            "attention_mask": mask,
            "token_type_ids": np.zeros_like(ids),
            "masked_lm_positions": np.zeros((size, most), np.int32),
            "labels": np.full((size, most), IGNORED, np.int32),
            "sentence_order_label": np.full(size, NO_ORDER, np.int32),
        }

    def _fill(self, batch: Batch, at: int, held: Held, row: int, epoch: int) -> None:
        columns = {name: column.of(row) for name, column in held.columns.items()}
        tokens = columns["input_ids"]
        if self._static:
            positions = columns["masked_lm_positions"]
            labels = columns["labels"]
        else:
            number = int(held.numbers[row])
            generator = stream(self.seed, self._purpose, number, epoch)
            kinds = columns["word_parts"]
            positions = draw_positions(kinds, self._masking, generator)
            labels = tokens[positions]
            mask = self._special["mask"]
            tokens = tokens.copy()
            tokens[positions] = replace(labels, mask, self._ordinary, generator)
        batch["input_ids"][at, : len(tokens)] = tokens
        batch["attention_mask"][at, : len(tokens)] = 1
        batch["token_type_ids"][at, : len(tokens)] = columns["token_type_ids"]
        batch["masked_lm_positions"][at, : len(positions)] = positions
        batch["labels"][at, : len(positions)] = labels
        batch["sentence_order_label"][at] = held.labels[row]


class PretrainingData(_Data):
    """Batches to train with.

    In each epoch the rows come in another order, of (`seed`, epoch); masks that are
    not stored are drawn of (`seed`, epoch, number of the row). So a batch depends on
    its step alone: a run that goes on reads what it would have read. The rows of an
    epoch that do not fill a batch, other ones each time, are left out.

    Args:
        folder: that `albert prepare` has written.
        batch_size: rows of a global batch, over all processes.
        seed: of order and masks.
        vocab_size: of the model; None checks nothing.
        max_position_embeddings: of the model; None checks nothing.
        tokenizer: whose ids the rows must hold; None checks nothing.

    Raises:
        FileNotFoundError: the folder or a shard is not there, or not whole.
        ValueError: the data do not go with the model or the tokenizer, or are fewer
            rows than a batch.
    """

    _purpose = MASKS

    def __init__(
        self,
        folder: str | os.PathLike[str],
        *,
        batch_size: int,
        seed: int = 0,
        vocab_size: int | None = None,
        max_position_embeddings: int | None = None,
        tokenizer: Any = None,
    ) -> None:
        super().__init__(
            folder,
            batch_size,
            seed,
            True,
            vocab_size,
            max_position_embeddings,
            tokenizer,
        )
        if self.num_rows < batch_size:
            raise ValueError(
                f"batch_size is {batch_size}, and {str(folder)!r} has only "
                f"{self.num_rows} rows: take a smaller batch_size, or prepare more "
                f"text."
            )

    def __len__(self) -> int:
        """Return the number of steps in an epoch."""
        return self.num_rows // self.batch_size

    def _places(self, step: int, first: int, last: int) -> tuple[int, int, int]:
        if step < 0:
            raise IndexError(f"step must be at least 0, but is {step}.")
        epoch, inside = divmod(step, len(self))
        begin = inside * self.batch_size
        return epoch, begin + first, begin + last


class HeldOutData(_Data):
    """Batches to evaluate with: every row once, in order, with masks that stay.

    All batches have the same shape: the last one is filled up with rows that hold
    nothing but [CLS] and [SEP] and have no labels.

    Args:
        folder: that `albert prepare` has written.
        batch_size: rows of a global batch, over all processes.
        seed: of the masks, if they are not stored.
        vocab_size: of the model; None checks nothing.
        max_position_embeddings: of the model; None checks nothing.
        tokenizer: whose ids the rows must hold; None checks nothing.

    Raises:
        FileNotFoundError: the folder or a shard is not there, or not whole.
        ValueError: the data do not go with the model or the tokenizer.
    """

    _purpose = HELD_OUT

    def __init__(
        self,
        folder: str | os.PathLike[str],
        *,
        batch_size: int,
        seed: int = 0,
        vocab_size: int | None = None,
        max_position_embeddings: int | None = None,
        tokenizer: Any = None,
    ) -> None:
        super().__init__(
            folder,
            batch_size,
            seed,
            False,
            vocab_size,
            max_position_embeddings,
            tokenizer,
        )

    def __len__(self) -> int:
        """Return the number of batches."""
        return -(-self.num_rows // self.batch_size)

    def _places(self, step: int, first: int, last: int) -> tuple[int, int, int]:
        if not 0 <= step < len(self):
            raise IndexError(f"step must be 0 to {len(self) - 1}, but is {step}.")
        begin = step * self.batch_size + first
        return 0, begin, min(begin + last - first, self.num_rows)


class Part:
    """One process' slice of each global batch; `_Data.part` makes it.

    Args:
        data: the whole.
        first: the first row.
        last: one past the last one.
    """

    def __init__(self, data: _Data, first: int, last: int) -> None:
        self._data, self._first, self._last = data, first, last

    def __len__(self) -> int:
        """Return the number of steps in an epoch."""
        return len(self._data)  # pyright: ignore[reportArgumentType]

    def batch(self, step: int) -> Batch:
        """Give this process' rows of a global batch; see `PretrainingData.batch`."""
        return self._data.rows(step, self._first, self._last)


def _check_model(
    found: Info, folder: Path, vocab_size: int | None, length: int | None
) -> None:
    ids, longest = (
        found.run["tokenizer"]["vocab_size"],
        found.run["settings"]["max_length"],
    )
    if vocab_size is not None and ids > vocab_size:
        raise ValueError(
            f"{str(folder)!r} was prepared with a tokenizer of {ids} ids, and the "
            f"model's vocab_size is {vocab_size}: use the tokenizer of this model, or "
            f"set vocab_size to {ids}."
        )
    if length is not None and longest > length:
        raise ValueError(
            f"{str(folder)!r} has rows of up to {longest} tokens, and the model's "
            f"max_position_embeddings is {length}: prepare it with max_length {length}."
        )


def _check_tokenizer(found: Info, folder: Path, tokenizer: Any) -> None:
    from albert.common.data.cutting import Cutter

    if Cutter(tokenizer).identity.sha256 != found.run["tokenizer"]["sha256"]:
        raise ValueError(
            f"{str(folder)!r} was prepared with another tokenizer than the one given: "
            f"its ids mean other pieces."
        )
