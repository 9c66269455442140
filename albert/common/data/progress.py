"""How far a run is: documents and tokens of the shards that are whole."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path

from tqdm import tqdm

from albert.common.data.shards import read_counts

_PAUSE = 0.5


class Progress:
    """Watches shards become whole, whatever process writes them.

    Args:
        paths: of all shards, by number.
        todo: numbers of those that this run writes.
        shown: whether there is a bar on stderr.
    """

    def __init__(
        self, paths: Mapping[int, Path], todo: Sequence[int], *, shown: bool
    ) -> None:
        self._paths, self._todo = paths, list(todo)
        self._shown = shown
        self._over = threading.Event()
        self.counts = Counter[str](documents=0, tokens=0)
        self.seconds = 0.0

    def __enter__(self) -> Progress:
        self._begun = time.perf_counter()
        done = len(self._paths) - len(self._todo)
        self._bar = tqdm(
            total=len(self._paths),
            initial=done,
            desc="preparing",
            unit=" shards",
            disable=not self._shown,
        )
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.seconds = time.perf_counter() - self._begun
        self._over.set()
        self._thread.join()
        self._look()
        self._bar.close()

    def _watch(self) -> None:
        # Waits first: the workers are forked at once, and nothing may be held then.
        while not self._over.wait(_PAUSE):
            self._look()

    def _look(self) -> None:
        whole = [number for number in self._todo if self._paths[number].is_file()]
        for number in whole:
            self._todo.remove(number)
            self.counts.update(read_counts(self._paths[number]))
        seconds = time.perf_counter() - self._begun
        self._bar.set_postfix_str(
            f"{self.counts['documents'] / seconds:,.0f} documents/s, "
            f"{self.counts['tokens'] / seconds:,.0f} tokens/s",
            refresh=False,
        )
        self._bar.update(len(whole))
