"""Many processes, through the `datasets` library."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from importlib import import_module
from typing import Any


def run_all(
    do: Callable[..., None], arguments: Sequence[dict[str, int]], workers: int
) -> None:
    """Call a function for each of many arguments.

    Args:
        do: what is called; its object can be pickled.
        arguments: by name, for each call; all have the same names.
        workers: processes; with 1 it is called in this one.

    Raises:
        ImportError: `datasets` is not installed.
        RuntimeError: a process was killed.
        Exception: what a call raises.
    """
    workers = min(workers, len(arguments))
    if workers <= 1:
        for each in arguments:
            do(**each)
        return
    datasets = _import()
    shown = datasets.is_progress_bar_enabled()
    datasets.disable_progress_bars()
    try:
        datasets.Dataset.from_list(list(arguments)).map(
            _Call(do),
            num_proc=workers,
            load_from_cache_file=False,
            new_fingerprint="albert-prepare",
        )
    except RuntimeError as error:
        if "abruptly died" not in str(error):
            raise
        raise RuntimeError(
            "a worker process was killed, perhaps for want of memory: whole shards "
            "stay; give the same command again, with fewer workers"
        ) from None
    finally:
        if shown:
            datasets.enable_progress_bars()


class _Call:
    """What `map` calls with a row, and that gives none."""

    def __init__(self, do: Callable[..., None]) -> None:
        self._do = do

    def __call__(self, row: dict[str, int]) -> None:
        self._do(**row)


def _import() -> Any:
    try:
        return import_module("datasets")
    except ModuleNotFoundError as error:
        if error.name != "datasets":
            raise
        raise ImportError(
            "more than one worker needs datasets: pip install "
            '"albert-models[train]", or give 1'
        ) from None
