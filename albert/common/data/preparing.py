"""`albert prepare`: documents in, shards and dataset.json out.

The run's own folder, inside the output, holds what was asked for and the documents.
A shard is written under another name and renamed, so that each is whole; what a killed
run has left is gone on with by the same call.
"""

from __future__ import annotations

import errno
import json
import os
import shutil
import warnings
from collections import Counter
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from tqdm import tqdm

from albert.common.data import info, shards
from albert.common.data.cutting import Cutter
from albert.common.data.documents import import_arrow
from albert.common.data.examples import ShardWriter
from albert.common.data.info import Info, Shard
from albert.common.data.progress import Progress
from albert.common.data.settings import PrepareSettings
from albert.common.data.sources import Reading, Source, documents_of, open_sources
from albert.common.data.spool import Part, write_parts
from albert.common.data.workers import run_all
from albert.common.files import make_folder, write_text

try:
    import fcntl
except ImportError:  # Windows: no locks; one run at a time there
    fcntl = None

_WORK = ".preparing"
_RUN = "run.json"
_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


@dataclass(frozen=True)
class Prepared:
    """What a run has done.

    Args:
        info: what dataset.json holds.
        seconds: the run took; 0 if all was there already.
        new_documents: that this run has made examples of.
        new_tokens: in these examples.
    """

    info: Info
    seconds: float = 0.0
    new_documents: int = 0
    new_tokens: int = 0


def prepare(
    inputs: Sequence[str | os.PathLike[str]],
    output: str | os.PathLike[str],
    tokenizer: Any,
    settings: PrepareSettings | None = None,
    reading: Reading | None = None,
    *,
    workers: int | None = None,
    progress: bool = False,
) -> Prepared:
    """Make examples for pre-training, or go on with a run that was stopped.

    The bytes that are written depend on inputs, tokenizer and settings alone. Memory
    does not grow with the inputs: each process holds one shard, and all documents
    stand, compressed, in the output folder until it is whole.

    Args:
        inputs: paths of files, of folders that `datasets` has saved, or names of
            datasets on the hub.
        output: a folder that is new or empty, or that of the same run.
        tokenizer: an `AlbertTokenizer` or `AlbertTokenizerFast`.
        settings: how examples are made; None for the defaults.
        reading: how inputs are read; None for the defaults.
        workers: processes; None for as many as this process may use cores.
        progress: whether to show on stderr how far it is.

    Returns:
        What was done.

    Raises:
        ImportError: pyarrow or datasets is not installed.
        OSError: an input is not there, or the disk is full; whole shards stay, and
            the same call goes on.
        RuntimeError: a process was killed; likewise.
        ValueError: an input cannot be read, holds no text, or is not what it was when
            this run began; a setting is out of range.
    """
    import_arrow()
    workers = _check_workers(workers)
    settings, reading = settings or PrepareSettings(), reading or Reading()
    settings = replace(settings, max_predictions=settings.masking.max_predictions)
    sources = open_sources([os.fspath(each) for each in inputs], reading)
    run = _describe(tokenizer, settings, sources, reading)
    folder = make_folder(output)
    if (folder / info.FILE).is_file():
        found = info.read_info(folder)
        _check_same(run, found.run, folder)
        # Killed just before its end.
        shutil.rmtree(folder / _WORK, ignore_errors=True)
        return Prepared(found)
    with _explained(folder):
        work = _begin(folder, run)
        with _alone(work):
            return _go_on(
                folder, work, run, tokenizer, settings, sources, workers, progress
            )


def _go_on(
    folder: Path,
    work: Path,
    run: dict[str, Any],
    tokenizer: Any,
    settings: PrepareSettings,
    sources: Sequence[Source],
    workers: int,
    progress: bool,
) -> Prepared:
    (folder / shards.FOLDER).mkdir(exist_ok=True)
    for half in (folder / shards.FOLDER).glob(".shard-*"):
        half.unlink()
    texts = tqdm(
        documents_of(sources), "reading", unit=" documents", disable=not progress
    )
    parts, blank = write_parts(texts, work, settings.shard_bytes)
    if not parts:
        raise ValueError(
            f"there is no text in the inputs: {blank} documents, all of them blank."
        )
    todo = [part for part in parts if not _path(folder, part).is_file()]
    writer = ShardWriter(tokenizer, settings, folder, work)
    paths = {part.number: _path(folder, part) for part in parts}
    with Progress(paths, [part.number for part in todo], shown=progress) as watched:
        run_all(writer.write, [part._asdict() for part in todo], workers)
    whole = Info(run, _count(folder, parts, blank), _list(folder, parts))
    info.write_info(folder, whole)
    shutil.rmtree(work)
    _warn_of_no_pairs(whole, settings)
    new = watched.counts
    return Prepared(whole, watched.seconds, new["documents"], new["tokens"])


def _warn_of_no_pairs(whole: Info, settings: PrepareSettings) -> None:
    counts = whole.counts
    if settings.sentence_order and counts["in_order"] + counts["swapped"] == 0:
        warnings.warn(
            f"no row has an order of sentences: all {counts['rows']} are of one text. "
            f"Are the documents of one segment each? Train on masked words only, or "
            f"give longer documents.",
            stacklevel=4,
        )


def _check_workers(workers: int | None) -> int:
    if workers is None:
        if hasattr(os, "sched_getaffinity"):
            return len(os.sched_getaffinity(0))
        return os.cpu_count() or 1
    if workers < 1:
        raise ValueError(f"workers must be at least 1, but is {workers}.")
    return workers


def _describe(
    tokenizer: Any, settings: PrepareSettings, sources: Sequence[Source], how: Reading
) -> dict[str, Any]:
    return {
        "settings": {**asdict(settings), "text_field": how.text_field},
        "tokenizer": asdict(Cutter(tokenizer).identity),
        "inputs": [source.identity for source in sources],
    }


def _check_same(run: dict[str, Any], then: Any, folder: Path) -> None:
    found = info.difference(run, then)
    if found is not None:
        raise ValueError(
            f"output {str(folder)!r} holds another run's data: {found}. Give a new "
            f"folder, or remove this one."
        )


def _begin(folder: Path, run: dict[str, Any]) -> Path:
    """Make the run's own folder, or find that of the same run."""
    work = folder / _WORK
    if (work / _RUN).is_file():
        then = json.loads((work / _RUN).read_text("utf-8"))
        if any((folder / shards.FOLDER).glob("shard-*")):
            _check_same(run, then, folder)
        if info.difference(run, then) is None:
            return work
        # It came no further than the inputs, one of which may have been mended since.
        with _alone(work):
            shutil.rmtree(folder / shards.FOLDER, ignore_errors=True)
            shutil.rmtree(work)
    strange = sorted(path.name for path in folder.iterdir() if path.name != _WORK)
    if strange:
        raise FileExistsError(
            f"output {str(folder)!r} holds {strange[0]}, which no run of `albert "
            f"prepare` has written; give a new folder."
        )
    work.mkdir(exist_ok=True)
    write_text(work / _RUN, json.dumps(run))
    return work


@contextmanager
def _alone(work: Path) -> Generator[None]:
    """Keep other runs off; the system forgets the lock when the process ends."""
    with open(work / _RUN, "rb+") as file:
        try:
            # Unlike flock's, this lock does not pass on to the workers.
            if fcntl is not None:
                fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise BlockingIOError(
                f"another run writes to '{work.parent}': wait for its end."
            ) from None
        yield


@contextmanager
def _explained(folder: Path) -> Generator[None]:
    try:
        yield
    except OSError as error:
        if error.errno not in _FULL:
            raise
        raise OSError(
            error.errno,
            f"{os.strerror(error.errno)}: whole shards stay; free some space and give "
            f"the same command again",
            str(folder),
        ) from None


def _path(folder: Path, part: Part) -> Path:
    return folder / shards.name_of(part.number)


def _count(folder: Path, parts: Sequence[Part], blank: int) -> dict[str, int]:
    total = Counter[str]()
    for part in parts:
        total.update(shards.read_counts(_path(folder, part)))
    return {"documents": total.pop("documents"), "blank": blank, **total}


def _list(folder: Path, parts: Sequence[Part]) -> tuple[Shard, ...]:
    return tuple(
        Shard(
            shards.name_of(part.number),
            shards.read_counts(_path(folder, part))["rows"],
            _path(folder, part).stat().st_size,
        )
        for part in parts
    )
