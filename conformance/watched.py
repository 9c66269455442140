"""`albert`, watched: `python -m conformance.watched RANK STEP pretrain …`.

Process RANK of the run kills itself when it would read the batch of STEP, counted from
0; -1 -1 kills none. A process other than the first that changes a file of `--output`
ends with status 9.
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NoReturn

from albert.cli import command
from albert.common.data.reading import PretrainingData
from albert.common.training import pretraining

STATUS = 9
_WRITES = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND
_CHANGES = ("os.mkdir", "os.remove", "os.rename", "os.rmdir", "shutil.rmtree")


def main(given: Sequence[str]) -> NoReturn:
    """Run a command, and end.

    Args:
        given: rank, step, and the arguments of `albert`.
    """
    dies, arguments = tuple(map(int, given[:2])), list(given[2:])
    output = Path(arguments[arguments.index("--output") + 1]).resolve()
    make_engine, read = pretraining.make_engine, PretrainingData.rows
    ranks: list[int] = []

    def watched_engine(*given: Any) -> Any:
        engine = make_engine(*given)
        ranks.append(engine.rank)
        if engine.rank:
            sys.addaudithook(lambda event, given: _forbid(output, event, given))
        return engine

    def watched_rows(self: PretrainingData, step: int, first: int, last: int) -> Any:
        if (ranks[-1], step) == dies:
            os.kill(os.getpid(), signal.SIGKILL)
        return read(self, step, first, last)

    pretraining.make_engine, PretrainingData.rows = watched_engine, watched_rows
    sys.argv = ["albert", *arguments]
    command()


def _forbid(output: Path, event: str, given: Any) -> None:
    writes = event in _CHANGES or (event == "open" and given[2] & _WRITES)
    if not writes or isinstance(given[0], int):
        return
    path = Path(os.fsdecode(given[0])).resolve()
    if path == output or output in path.parents:
        print(f"a process that may not write: {event} {path}", file=sys.stderr)
        sys.stderr.flush()
        os._exit(STATUS)


if __name__ == "__main__":
    main(sys.argv[1:])
