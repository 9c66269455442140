"""The harness's command line.

    python -m benchmarks quick                   the targets, in less than five minutes
    python -m benchmarks full --json FILE        everything at full size, and growth
    python -m benchmarks report FILE             FILE into docs/performance.md
    python -m benchmarks gpu                     half precision on a CUDA machine
    python -m benchmarks environments DIR        only build the peers' environments

Exits with 0 if every target was met, 1 if one was missed, 2 if noise left one open.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from collections.abc import Sequence
from functools import partial
from pathlib import Path

from albert.common.files import write_text
from benchmarks import environments, gpu, report, suite, targets
from benchmarks.session import Session
from benchmarks.targets import MET, Line

DATA = Path("..") / "shared" / "data"
DOCUMENT = Path("docs") / "performance.md"
MOST_OF_OTHERS = 0.05
"""Of the cores; beyond it a figure says little."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command.

    Args:
        arguments: of the command line; None reads the process's own.

    Returns:
        The exit status.
    """
    chosen = parser().parse_args(arguments)
    try:
        return run(chosen)
    except (OSError, ValueError, RuntimeError) as error:
        print(f"benchmarks: {error}", file=sys.stderr)
        return 1


def run(chosen: argparse.Namespace) -> int:
    """Run what was parsed.

    Args:
        chosen: of the command line.

    Returns:
        The exit status.

    Raises:
        OSError: a file cannot be read or written.
        ValueError: the document has no place for a report.
        RuntimeError: an environment cannot be built.
    """
    if chosen.command == "environments":
        environments.build(chosen.folder, environments.pins(), chosen.index)
        return 0
    if chosen.command == "report":
        report.write(chosen.results, chosen.document)
        return 0
    if chosen.command == "gpu" and chosen.device == "cuda" and gpu.missing():
        print(gpu.missing(), file=sys.stderr)
        return 1
    with tempfile.TemporaryDirectory() as scratch:
        session = Session(
            suite.QUICK if chosen.command == "quick" else suite.FULL,
            chosen.environments,
            chosen.data if chosen.data and chosen.data.is_dir() else None,
            Path(scratch),
        )
        if chosen.command == "gpu":
            _gpu(session, chosen)
        else:
            suite.build(session, chosen.index)
            # Saved as it goes: what ends a run of an hour must not end its figures.
            items = set(chosen.item) if chosen.item else None
            suite.run(session, items, partial(save, session, chosen))
    save(session, chosen)
    print(summary(session.lines))
    if (others := session.others()) > MOST_OF_OTHERS:
        print(f"other processes used {others:.0%} of the cores: measure again alone")
    return targets.exit_code(session.lines)


def save(session: Session, chosen: argparse.Namespace) -> None:
    """Write what a run has found so far, if a file for it was named.

    Args:
        session: of the run.
        chosen: of the command line.

    Raises:
        OSError: the file cannot be written.
    """
    if chosen.json is not None:
        found = suite.result(session, written(chosen))
        write_text(chosen.json, json.dumps(found, indent=1) + "\n")


def parser() -> argparse.ArgumentParser:
    """Give the parser of the command line."""
    made = argparse.ArgumentParser(prog="python -m benchmarks")
    commands = made.add_subparsers(dest="command", required=True)
    for name in ("quick", "full", "gpu"):
        one = commands.add_parser(name)
        one.add_argument(
            "--environments",
            type=Path,
            default=environments.DEFAULT,
            help="folder of the peers' environments; what is missing is built",
        )
        one.add_argument("--json", type=Path, help="file for the result")
        one.add_argument(
            "--data",
            type=Path,
            default=DATA,
            help="folder with ud_english_ewt and squad; without it texts are made up",
        )
        if name == "gpu":
            one.add_argument(
                "--compile", action="store_true", help="torch.compile, too"
            )
            one.add_argument("--graphs", action="store_true", help="CUDA graphs, too")
            one.add_argument("--device", default="cuda", help=argparse.SUPPRESS)
        else:
            one.add_argument("--index", help="a further package index")
            one.add_argument(
                "--item", type=int, action="append", help="only this one of the issue"
            )
    build = commands.add_parser("environments")
    build.add_argument("folder", type=Path)
    build.add_argument("--index", help="a further package index")
    write = commands.add_parser("report")
    write.add_argument("results", type=Path, nargs="+", metavar="RESULT")
    write.add_argument("--document", type=Path, default=DOCUMENT)
    return made


def written(chosen: argparse.Namespace) -> str:
    """Give the command without this machine's folders, which say nothing elsewhere."""
    items = [f"--item {one}" for one in getattr(chosen, "item", None) or ()]
    flags = [f"--{one}" for one in ("compile", "graphs") if getattr(chosen, one, False)]
    return " ".join(["python -m benchmarks", chosen.command, *items, *flags])


def summary(lines: Sequence[Line]) -> str:
    """Say in one line how many targets were met."""
    judged = [line.verdict for line in lines if line.verdict != targets.SAID]
    counts = {one: judged.count(one) for one in dict.fromkeys([MET, *judged])}
    return ", ".join(f"{count} {one}" for one, count in counts.items())


def _gpu(session: Session, chosen: argparse.Namespace) -> None:
    environments.build(session.environments, ["transformers-5"])
    names = ["albert-pt"]
    names += ["albert-pt-compiled"] if chosen.compile else []
    names += ["albert-pt-graphs"] if chosen.graphs else []
    if chosen.device == "cpu" or gpu.jax_has_gpu():
        names.append("albert-flax")
    else:
        session.add(targets.failed(9, "JAX", "", "JAX sees no GPU here"))
    gpu.measure(session, names, chosen.device)


if __name__ == "__main__":
    sys.exit(main())
