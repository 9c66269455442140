"""Documents to shards of examples: what each process does."""

from __future__ import annotations

import os
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from albert.common.data import shards
from albert.common.data.cutting import Cutter
from albert.common.data.masking import draw_positions, replace
from albert.common.data.pairs import Row, Span, make_rows, pack_rows
from albert.common.data.randomness import PAIRS, stream
from albert.common.data.sentences import split_document
from albert.common.data.settings import PrepareSettings
from albert.common.data.spool import Part, read_part
from albert.common.data.words import BEGINS, GOES_ON, NEVER


class Examples:
    """Makes the rows of documents.

    Args:
        tokenizer: an `AlbertTokenizer` or `AlbertTokenizerFast`.
        settings: of the run.
    """

    def __init__(self, tokenizer: Any, settings: PrepareSettings) -> None:
        self._cutter = Cutter(tokenizer)
        self._settings = settings
        identity = self._cutter.identity
        self._special = identity.special
        self._kinds = self._cutter.kinds()
        every = np.arange(identity.vocab_size, dtype=np.int32)
        self._ordinary = np.setdiff1d(every, identity.never_masked)

    def add(self, text: str, number: int, rows: shards.ShardRows) -> None:
        """Add all rows of a document.

        Args:
            text: the document.
            number: of the document, which decides what is drawn.
            rows: where they are added.
        """
        settings = self._settings
        cut = self._cutter.cut(split_document(text, settings.segments))
        segments = [ids for ids in cut if ids]
        ends = np.cumsum(list(map(len, segments)))
        ids = np.array([index for part in segments for index in part], np.int32)
        make = make_rows if settings.sentence_order else pack_rows
        for visit in range(settings.dupe_factor):
            generator = stream(settings.seed, PAIRS, number, visit)
            drawn = make(
                ends, settings.max_length, settings.short_probability, generator
            )
            for row in drawn:
                self._add_row(ids, row, generator, rows)

    def _add_row(
        self,
        ids: np.ndarray,
        row: Row,
        generator: np.random.Generator,
        rows: shards.ShardRows,
    ) -> None:
        spans = [row.first] if row.second is None else [row.first, row.second]
        tokens, kinds = self._with_special(ids, spans)
        types = np.zeros(len(tokens), np.int8)
        types[row.first.length + 2 :] = 1
        if not self._settings.static:
            rows.add(
                row.label, input_ids=tokens, token_type_ids=types, word_parts=kinds
            )
            return
        masking = self._settings.masking
        positions = draw_positions(kinds, masking, generator)
        labels = tokens[positions]
        mask = self._special["mask"]
        tokens[positions] = replace(labels, mask, self._ordinary, generator)
        rows.add(
            row.label,
            input_ids=tokens,
            token_type_ids=types,
            masked_lm_positions=positions,
            labels=labels,
        )

    def _with_special(
        self, ids: np.ndarray, spans: list[Span]
    ) -> tuple[np.ndarray, np.ndarray]:
        """Put [CLS] and [SEP] around texts; give the ids, and what each piece is."""
        size = 1 + sum(span.length + 1 for span in spans)
        tokens = np.full(size, self._special["sep"], np.int32)
        tokens[0] = self._special["cls"]
        kinds = np.full(size, NEVER, np.int8)
        at = 1
        for span in spans:
            part = slice(at, at + span.length)
            tokens[part] = ids[span.begin : span.end]
            kinds[part] = self._kinds[tokens[part]]
            if kinds[at] == GOES_ON:
                kinds[at] = BEGINS
            at = part.stop + 1
        return tokens, kinds


class ShardWriter:
    """Writes shards of a run, in any process.

    Args:
        tokenizer: an `AlbertTokenizer` or `AlbertTokenizerFast`.
        settings: of the run.
        output: the dataset's folder.
        work: the run's own folder, with the documents.
    """

    def __init__(
        self, tokenizer: Any, settings: PrepareSettings, output: Path, work: Path
    ) -> None:
        self._tokenizer, self._settings = tokenizer, settings
        self._output, self._work = output, work
        self._leader = os.getpid()

    @cached_property
    def _examples(self) -> Examples:
        return Examples(self._tokenizer, self._settings)

    def write(self, number: int, first: int, documents: int) -> None:
        """Write a shard, if it is not there.

        Args:
            number: of the shard.
            first: number of its first document.
            documents: how many it has.

        Raises:
            OSError: the disk is full.
        """
        path = self._output / shards.name_of(number)
        if path.is_file():
            return
        columns = shards.STATIC if self._settings.static else shards.DYNAMIC
        rows = shards.ShardRows(columns)
        texts = read_part(self._work, Part(number, first, documents))
        for place, text in enumerate(texts):
            self._end_with_leader()
            self._examples.add(text, first + place, rows)
        rows.write(path, documents=documents)

    def _end_with_leader(self) -> None:
        """End this process if the one that began the run was killed: no pool does."""
        if self._leader not in (os.getpid(), os.getppid()):
            os._exit(1)
