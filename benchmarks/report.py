"""From a result's JSON to the table and the plots of docs/performance.md."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from albert.common.files import write_text
from benchmarks import plots
from benchmarks.targets import MET

BEGIN = "<!-- measured: begin -->"
END = "<!-- measured: end -->"


def write(results: Sequence[Path], document: Path) -> None:
    """Write what was measured between the marks of a document, and its plots.

    Args:
        results: JSON of `quick` or `full`; of several runs, each has its table.
        document: with both marks; the plots go into the folder of its name beside it.

    Raises:
        ValueError: the document lacks a mark.
        OSError: a file cannot be read or written.
    """
    found = [json.loads(one.read_text(encoding="utf-8")) for one in results]
    text = document.read_text(encoding="utf-8")
    if BEGIN not in text or END not in text.partition(BEGIN)[2]:
        raise ValueError(f"{document} must hold the lines {BEGIN} and {END}.")
    folder = document.with_suffix("")
    folder.mkdir(exist_ok=True)
    together = {
        **found[0],
        "lines": [line for one in found for line in one["lines"]],
        "notes": {name: note for one in found for name, note in one["notes"].items()},
    }
    drawn = dict(drawings(together))
    for name, drawing in drawn.items():
        write_text(folder / name, drawing)
    images = [f"![{name[:-4]}]({folder.name}/{name})" for name in drawn]
    before, _, rest = text.partition(BEGIN)
    blocks = [block for one in found for block in paragraphs(one)]
    middle = "\n\n".join([BEGIN, *blocks, *images, END])
    write_text(document, before + middle + rest.partition(END)[2])


def paragraphs(found: Mapping[str, Any]) -> Iterator[str]:
    """Write what was measured, where and how.

    Args:
        found: a result.

    Yields:
        Blocks of Markdown.
    """
    machine = found["machine"]
    peaks = ", ".join(
        f"{rate / 1e9:.0f} GFLOP/s in {kind}" for kind, rate in found["peaks"].items()
    )
    yield (
        f"`{found['command']}` on {found['date']}: {machine['processor']}, "
        f"{machine['cores']} cores, {machine['memory_bytes'] / 1e9:.0f} GB, "
        f"{machine['system']}. Matrix peak in this run: {peaks or 'not measured'}. "
        f"Other processes used {found['others']:.0%} of the cores."
    )
    yield "\n".join(table(found["lines"]))
    rows = [
        f"| {name} | "
        + ", ".join(f"{one} {which}" for one, which in some.items())
        + " |"
        for name, some in found["versions"].items()
    ]
    yield "\n".join(["| contender | versions |", "|---|---|", *rows])


def table(lines: list[dict[str, Any]]) -> Iterator[str]:
    """Write the lines of a result as a table.

    Args:
        lines: fields of `benchmarks.targets.Line`.

    Yields:
        Lines of Markdown.
    """
    yield "| item | what | at | ours | peer | ratio | wanted | |"
    yield "|---|---|---|---|---|---|---|---|"
    for line in lines:
        ratio = "" if line["ratio"] is None else f"{line['ratio']:.2f}"
        ratio += f" ± {line['spread']:.2f}" if ratio and line["spread"] else ""
        wanted = "" if line["wanted"] is None else f"{line['wanted']:.2f}"
        verdict = "; ".join(one for one in (line["verdict"], line["note"]) if one)
        cells = (line["item"], line["what"], line["shape"], line["ours"], line["peer"])
        yield "| " + " | ".join(map(str, (*cells, ratio, wanted, verdict))) + " |"


def drawings(found: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Draw the ratios that were asked for, and the growth, if it was measured.

    Args:
        found: a result.

    Yields:
        The file's name and its SVG.
    """
    rows = [
        (
            f"{line['what']} {line['shape']} / {line['peer'].split()[0]}",
            line["ratio"],
            line["wanted"],
            line["verdict"] == MET,
        )
        for line in found["lines"]
        if line["item"] != 8 and None not in (line["ratio"], line["wanted"])
    ]
    if rows:
        title = "ratio to the peer (bar; blue: met) and what is wanted (mark)"
        yield "ratios.svg", plots.bars(title, rows)
    for axis, series in found["notes"].get("growth", {}).items():
        unit = "GFLOP for each core" if axis == "cores" else "GFLOP"
        cores = 1 if axis == "cores" else found["machine"]["cores"]
        times = {
            name: [(cores * p["flops"] / 1e9, 1e3 * p["seconds"]) for p in points]
            for name, points in series.items()
        }
        title = f"time against {axis}; dashed: the arithmetic"
        yield f"time-{axis}.svg", plots.growth(title, unit, "ms", times)
        memory = {
            name: [(p["held"] / 1e6, p["peak"] / 1e6) for p in points if p["peak"]]
            for name, points in series.items()
        }
        memory = {name: points for name, points in memory.items() if points}
        if axis != "cores" and memory:
            title = f"peak memory against {axis}; dashed: the arithmetic"
            drawing = plots.growth(title, "MB that a layer holds", "MB", memory)
            yield f"memory-{axis}.svg", drawing
