"""`python -m conformance.fuzz`: from damaged checkpoints only clear errors come."""

from __future__ import annotations

import argparse
import sys
import time
from collections import Counter
from collections.abc import Iterable, Sequence

from conformance.fuzz.attacks import ATTACKS
from conformance.fuzz.inputs import numbers
from conformance.fuzz.run import run
from conformance.fuzz.seeds import READERS
from conformance.fuzz.worker import Answer


def main(arguments: Sequence[str] | None = None) -> int:
    """Fuzz the readers.

    Args:
        arguments: of the command line; None reads the process's own.

    Returns:
        0 if there was no fault and every reader asked for was reached; else 1.
    """
    options = _options(arguments)
    chosen = [options.only] if options.only is not None else None
    begin = time.monotonic()
    answers: list[Answer] = []
    for answer in run(
        chosen or numbers(options.inputs, options.reader),
        seed=options.seed,
        workers=1 if chosen else options.workers,
        seconds=options.seconds,
    ):
        answers.append(answer)
        if answer.outcome == "fault" or chosen:
            _tell(answer, options.seed)
    _table(answers)
    faults = sum(answer.outcome == "fault" for answer in answers)
    print(
        f"fuzz: {len(answers)} inputs of seed {options.seed}, {len(ATTACKS)} of them "
        f"made by hand, in {time.monotonic() - begin:.0f} s: "
        f"{f'{faults} FAULTS' if faults or not answers else 'passed'}"
    )
    return 1 if faults or not answers else 0


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser("python -m conformance.fuzz", description=__doc__)
    add = parser.add_argument
    add("--inputs", type=int, default=20_000, help="how many (default: 20000)")
    add("--seed", type=int, default=0, help="of the random numbers (default: 0)")
    add("--reader", choices=READERS, help="fuzz this one only")
    add("--seconds", type=float, help="begin no further input after so long")
    add("--only", type=int, metavar="N", help="open this input only, and tell of it")
    add("--workers", type=int, default=2, help="processes (default: 2)")
    return parser.parse_args(arguments)


def _tell(answer: Answer, seed: int) -> None:
    print(
        f"{answer.outcome}: {answer.reader}, --seed {seed} --only {answer.number}: "
        f"{answer.label}\n    {answer.text}",
        flush=True,
    )


def _table(answers: Iterable[Answer]) -> None:
    rows: dict[str, list[Answer]] = {}
    for answer in answers:
        rows.setdefault(answer.reader, []).append(answer)
    heads = ("inputs", "refused", "opened", "changed", "faults", "slowest", "memory")
    print(f"{'reader':20}" + "".join(f"{head:>9}" for head in heads))
    for reader in (reader for reader in READERS if reader in rows):
        found = Counter(answer.outcome for answer in rows[reader])
        counts = [found[kind] for kind in ("refused", "opened", "changed", "fault")]
        slowest = max(answer.seconds for answer in rows[reader])
        memory = max(answer.memory for answer in rows[reader]) / (1 << 20)
        print(
            f"{reader:20}{len(rows[reader]):9}"
            + "".join(f"{count:9}" for count in counts)
            + f"{slowest:7.2f} s{memory:5.0f} MiB"
        )


if __name__ == "__main__":
    sys.exit(main())
