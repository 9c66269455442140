"""From a result to a document and its plots."""

import json
from xml.etree import ElementTree

import pytest

from benchmarks import plots, report

LINE = {
    "item": 1,
    "what": "PyTorch float32",
    "shape": "8x128",
    "ours": "albert-pt 400 ms",
    "peer": "transformers-pt forward 1000 ms",
    "ratio": 2.5,
    "spread": 0.04,
    "wanted": 2.3,
    "verdict": "met",
    "note": "0.91 of the peak",
}
POINT = {"label": "1", "flops": 1e9, "seconds": 0.01, "held": 1e6, "peak": 2e6}
RESULT = {
    "date": "2026-11-21",
    "command": "python -m benchmarks full",
    "machine": {
        "processor": "A processor",
        "cores": 2,
        "memory_bytes": 24e9,
        "system": "Linux x86_64",
    },
    "others": 0.01,
    "versions": {"albert-pt": {"torch": "2.13.0", "python": "3.11.7"}},
    "peaks": {"float32": 490e9},
    "lines": [
        LINE,
        {
            **LINE,
            "ratio": None,
            "wanted": None,
            "spread": 0,
            "verdict": "for information",
            "note": "",
        },
        {**LINE, "item": 8, "spread": 0.0},
    ],
    "samples": [],
    "notes": {
        "growth": {
            "batch": {
                "albert-pt": [POINT, {**POINT, "flops": 8e9, "seconds": 0.07}],
                "albert-tf": [POINT, {**POINT, "flops": 8e9, "peak": 0.0}],
            },
            "cores": {"albert-pt": [POINT, {**POINT, "flops": 2e9}]},
        }
    },
}
EXPECTED = """Before.

<!-- measured: begin -->

`python -m benchmarks full` on 2026-11-21: A processor, 2 cores, 24 GB, Linux x86_64. \
Matrix peak in this run: 490 GFLOP/s in float32. Other processes used 1% of the cores.

| item | what | at | ours | peer | ratio | wanted | |
|---|---|---|---|---|---|---|---|
| 1 | PyTorch float32 | 8x128 | albert-pt 400 ms | transformers-pt forward 1000 ms | \
2.50 ± 0.04 | 2.30 | met; 0.91 of the peak |
| 1 | PyTorch float32 | 8x128 | albert-pt 400 ms | transformers-pt forward 1000 ms |  \
|  | for information |
| 8 | PyTorch float32 | 8x128 | albert-pt 400 ms | transformers-pt forward 1000 ms | \
2.50 | 2.30 | met; 0.91 of the peak |

| contender | versions |
|---|---|
| albert-pt | torch 2.13.0, python 3.11.7 |

![ratios](performance/ratios.svg)

![time-batch](performance/time-batch.svg)

![memory-batch](performance/memory-batch.svg)

![time-cores](performance/time-cores.svg)

<!-- measured: end -->
After.
"""


@pytest.fixture
def files(tmp_path):
    (tmp_path / "result.json").write_text(json.dumps(RESULT))
    (tmp_path / "performance.md").write_text(
        f"Before.\n\n{report.BEGIN}\nold\n{report.END}\nAfter.\n"
    )
    return tmp_path / "result.json", tmp_path / "performance.md"


def test_document(files):
    result, document = files
    for _ in range(2):
        report.write([result], document)
        assert document.read_text() == EXPECTED
    drawn = sorted((document.parent / "performance").iterdir())
    assert [path.name for path in drawn] == [
        "memory-batch.svg",
        "ratios.svg",
        "time-batch.svg",
        "time-cores.svg",
    ]
    for path in drawn:
        assert ElementTree.parse(path).getroot().tag.endswith("svg")


def test_a_document_without_marks(files):
    result, document = files
    document.write_text("nothing")
    with pytest.raises(ValueError) as caught:
        report.write([result], document)
    assert str(caught.value) == (
        f"{document} must hold the lines <!-- measured: begin --> and "
        f"<!-- measured: end -->."
    )


def test_growth_is_drawn_on_logarithmic_axes():
    drawn = plots.growth("a & b", "x", "y", {"one": [(1, 1), (10, 10), (100, 100)]})
    root = ElementTree.fromstring(drawn)
    marks = [
        (float(one.get("cx", 0)), float(one.get("cy", 0)))
        for one in root.iter("{http://www.w3.org/2000/svg}circle")
    ]
    (left, low), (middle, half), (right, high) = marks
    assert right - middle == pytest.approx(middle - left, abs=0.2)
    assert low - half == pytest.approx(half - high, abs=0.2)
    assert left < right
    assert low > high


def test_bars_are_as_long_as_the_ratios():
    root = ElementTree.fromstring(
        plots.bars("t", [("a", 2.0, 9.0, True), ("b", 1.0, 2.0, False)])
    )
    bars = list(root.iter("{http://www.w3.org/2000/svg}rect"))[1:]
    wide = [float(one.get("width", 0)) for one in bars]
    assert wide[0] == pytest.approx(2 * wide[1], abs=0.2)
    assert len({one.get("fill") for one in bars}) == 2


def test_several_results_have_a_table_each(tmp_path):
    document = tmp_path / "performance.md"
    document.write_text(f"{report.BEGIN}\n{report.END}\n")
    paths = [tmp_path / name for name in ("a.json", "b.json")]
    other = {**RESULT, "command": "python -m benchmarks quick", "notes": {}}
    for path, found in zip(paths, (other, RESULT), strict=True):
        path.write_text(json.dumps(found))
    report.write(paths, document)
    text = document.read_text()
    assert text.count("| item | what |") == 2
    assert text.index("benchmarks quick") < text.index("benchmarks full")
    assert (tmp_path / "performance" / "time-batch.svg").exists()
