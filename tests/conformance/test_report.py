"""The report's three files say what was found, and nothing breaks them."""

import json
import math
import re
from dataclasses import replace
from html.parser import HTMLParser
from xml.etree import ElementTree

import pytest

from albert.common.config import AlbertConfig
from conformance import __main__ as command
from conformance import report, walking
from conformance.cases import Case
from conformance.differences import Difference
from conformance.families import Family
from conformance.report import browse, summary
from conformance.report.page import number, share
from conformance.report.plot import plot
from conformance.rows import Leg, NotRun, Row, as_json, row_of
from conformance.run import Result
from conformance.subjects import Subject

NUMPY = "conformance.examples.numpy_float32:build"
STEPS = tuple(
    (name, error, 2e-5)
    for name, error in [
        ("hidden_states.0", 1e-7),
        ("hidden_states.1", 0.0),
        ("loss", 1),
    ]
)
HOSTILE = "<script>alert('&\"')</script>\x07\ud800"


def _row(framework="pt", **more):
    given = {
        "framework": framework,
        "device": "cpu",
        "dtype": "float32",
        "group": "forward",
        "class_name": "AlbertModel",
        "family": "inputs",
        "name": "ids alone",
        "error": 1e-6,
        "tolerance": 2e-5,
        "steps": STEPS,
    }
    return Row(**{**given, **more})


FAILED = _row(
    name=HOSTILE,
    error=math.inf,
    failure=f"ValueError: {HOSTILE}",
    diverging=Difference("loss", math.nan, 2e-5, (0, 3), (1.5, math.nan), (2.0, 1.0)),
    command="python -m conformance --case 'a b'",
)
LEGS = [
    Leg("pt", "cpu", {"torch": "2.13", "devices": ["cpu", "gpu"]}, [_row(), FAILED]),
    Leg("tf", "cpu", {}, [_row("tf", class_name="AlbertForMaskedLM", note="compiled")]),
    Leg(
        "flax",
        "gpu",
        not_run=[
            NotRun("flax", "gpu", "all", "everything", "no GPU is there", True),
            NotRun("flax", "gpu", "all", "files", "nobody asked"),
        ],
    ),
]


class Page(HTMLParser):
    """Collects text, tags, and what is not closed."""

    def __init__(self):
        super().__init__()
        self.words, self.tags, self.open, self.ids = [], [], [], []

    def handle_starttag(self, tag, attributes):
        given = dict(attributes)
        self.tags.append((tag, given))
        self.ids += [given["id"]] if "id" in given else []
        if tag not in ("meta", "link", "br", "input"):
            self.open.append(tag)

    def handle_startendtag(self, tag, attributes):
        self.tags.append((tag, dict(attributes)))

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.words.append(data)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("report") / "new"
    report.write(folder, LEGS, False)
    return folder


@pytest.fixture(scope="module")
def page(folder):
    parsed = Page()
    parsed.feed((folder / "index.html").read_text("utf-8"))
    assert parsed.open == []
    return parsed


def test_page_is_whole_and_asks_for_nothing(folder, page):
    assert len(set(page.ids)) == len(page.ids)
    for tag, given in page.tags:
        assert "src" not in given
        assert not any(name.startswith("on") for name in given), tag
        if tag in ("a", "link"):
            assert given["href"].startswith(("#", "data:"))
            if given["href"].startswith("#"):
                assert given["href"][1:] in page.ids
    text = (folder / "index.html").read_text("utf-8")
    assert "http" not in re.sub("<meta http-equiv", "", text)
    assert "default-src 'none'" in text


def test_page_says_it_in_words(page):
    text = " ".join(" ".join(page.words).split())
    assert "\u2717 FAILED 3 results, 1 failed, 2 families not run." in text
    assert "\u2717 FAILED infinite of 2.0e-05 inputs" in text
    assert "\u2713 ok 1.0e-06 of 2.0e-05" in text
    assert "\u2013 not run" in text
    assert "first step beyond its tolerance: loss at index 0, 3" in text.lower()
    assert "python -m conformance --case 'a b'" in text
    assert "counts as a failure: no GPU is there" in text
    assert "nobody asked" in text
    assert "(compiled)" in text
    assert "torch 2.13" in text
    assert "cpu, gpu" in text


def test_nothing_hostile_gets_through(folder, page):
    assert sum(tag == "script" for tag, _ in page.tags) == 1
    assert "alert(" in " ".join(page.words)
    root = ElementTree.fromstring((folder / "junit.xml").read_text("utf-8"))
    names = [case.get("name") for case in root.iter("testcase")]
    assert "AlbertModel-inputs-<script>alert('&\"')</script>??" in names


def test_junit_counts(folder):
    root = ElementTree.fromstring((folder / "junit.xml").read_text("utf-8"))
    suites = {suite.get("name"): suite for suite in root}
    counts = {
        name: [int(suite.get(n)) for n in ("tests", "failures", "errors", "skipped")]
        for name, suite in suites.items()
    }
    assert counts == {
        "pt cpu": [2, 1, 0, 0],
        "tf cpu": [1, 0, 0, 0],
        "flax gpu": [2, 1, 0, 1],
    }
    for name, suite in suites.items():
        assert len(suite.findall("testcase")) == counts[name][0]
        assert len(suite.findall("testcase/failure")) == counts[name][1]
        assert len(suite.findall("testcase/skipped")) == counts[name][3]
    failure = suites["pt cpu"].find("testcase/failure")
    assert failure.get("message") == "inf of 2.000e-05"
    assert "first at loss[0, 3]" in failure.text


def test_json_holds_everything(folder):
    def refuse(constant):
        raise AssertionError(constant)

    text = (folder / "report.json").read_text("utf-8")
    found = json.loads(text, parse_constant=refuse)
    assert (found["format"], found["passed"]) == (1, False)
    assert {"date", "albert", "Python", "platform"} <= found.keys()
    first, failed = found["legs"][0]["rows"]
    assert (first["passed"], first["error"], first["steps"]) == (
        True,
        1e-6,
        [list(step) for step in STEPS],
    )
    assert (failed["passed"], failed["error"]) == (False, None)
    assert failed["diverging"]["found"] == [1.5, None]
    assert found["legs"][0]["environment"]["torch"] == "2.13"
    assert found["legs"][2]["not_run"][0]["reason"] == "no GPU is there"


def test_command_writes_it(monkeypatch, tmp_path, capsys):
    case = Case("inputs", "one", "AlbertModel", AlbertConfig(), {})
    results = [Result(case, 1e-6)]
    table = [Family("given", lambda subject: iter(results), any_build=True)]
    monkeypatch.setattr(walking, "families_of", lambda subject: table)
    arguments = ["--implementation", NUMPY, "--report", str(tmp_path)]
    for passed in (True, False):
        assert command.main(arguments) == (0 if passed else 1)
        assert json.loads((tmp_path / "report.json").read_text())["passed"] is passed
        assert ("\u2713 Passed" if passed else "\u2717 FAILED") in (
            (tmp_path / "index.html").read_text("utf-8")
        )
        results.append(Result(case, math.nan))
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "index.html",
        "junit.xml",
        "report.json",
    ]


def test_an_empty_run_has_a_page():
    parsed = Page()
    facts = report.facts_of_run()
    parsed.feed(report.render_page([], False, facts))
    assert "Nothing ran." in " ".join(parsed.words)
    assert "No result tells of layers." in " ".join(parsed.words)


def test_worst_is_the_one_nearest_its_own_tolerance():
    column = summary.Column("pt", "cpu", "float32")
    small = _row(error=4.0, tolerance=5.0)
    rows = [_row(error=1e-6), small, _row(error=1e-5)]
    found = summary.line(column, "AlbertModel", "inputs", rows)
    assert (found.worst, found.verdict, found.number) == (small, "ok", 3)
    for error in (math.nan, math.inf, 1e-4):
        found = summary.line(column, "c", "f", [*rows, _row(error=error)])
        assert (found.verdict, found.failed) == ("FAILED", 1)
        assert found.worst.error is error
    assert summary.line(column, "c", "f", []).verdict == "not run"


def test_curves_are_of_one_family_and_in_order():
    blocks = (("blocks.1.full_layer_layer_norm", 1e-3, 1e-2), ("logits", 1.0, 2.0))
    other = _row(group="precisions", steps=(*blocks, ("hidden_states.1", 5.0, 1e-9)))
    worse = _row(steps=(("hidden_states.1", math.nan, 1e-5), ("attentions.0", 9, 1)))
    legs = [Leg("pt", "cpu", rows=[_row(), other, worse])]
    (curve,) = summary.curves(legs)
    assert curve.points == (
        ("mapped", 1e-7, 2e-5),
        ("1", math.inf, 1e-5),
        ("loss", 1, 2e-5),
    )
    legs = [Leg("pt", "cpu", rows=[_row(steps=()), other])]
    (curve,) = summary.curves(legs)
    assert [point.step for point in curve.points] == ["1", "2", "scores"]
    assert summary.curves([Leg("pt", "cpu", rows=[_row(steps=())])]) == []


def test_plot_stays_inside_itself():
    legs = [Leg(str(i), "cpu", rows=[_row(str(i)), FAILED]) for i in range(7)]
    drawn = plot(summary.curves(legs))
    assert len(drawn.drawn) == 8
    assert [name for name, _ in drawn.steps] == ["mapped", "1", "loss"]
    for path in (drawn.tolerance, *(one.path for one in drawn.drawn)):
        points = re.findall(r"([\d.]+) ([\d.]+)", path)
        assert len(points) == 3
        for x, y in points:
            assert drawn.left <= float(x) <= drawn.right
            assert drawn.top - 1 <= float(y) <= drawn.bottom + 1
    # What is larger stands higher, and 0 at the bottom.
    (_, low), (_, zero), (_, high) = re.findall(
        r"([\d.]+) ([\d.]+)", drawn.drawn[0].path
    )
    assert float(high) < float(low) < float(zero)
    assert len({(one.dash, one.marks) for one in drawn.drawn[:6]}) == 6
    assert plot([]) is None


@pytest.mark.parametrize(
    ("value", "text"),
    [(1e-6, "1.0e-06"), (math.inf, "infinite"), (math.nan, "not a number")],
)
def test_numbers(value, text):
    assert number(value) == text


@pytest.mark.parametrize(
    ("ratio", "text"),
    [(0.054, "5 %"), (43.0, "4300 %"), (1e4, "1.0e+04 times"), (math.inf, "infinite")],
)
def test_shares(ratio, text):
    assert share(ratio) == text


def test_row_takes_any_kind_of_step():
    class Other:
        name, error, tolerance, place, found, right = "s", 1.0, 0.5, (0, 4), 2.5, None

    case = Case("inputs", "it's", "AlbertModel", AlbertConfig(), {})
    result = Result(case, 1.0, steps=(Other(),))
    row = row_of(
        replace(result, failure="\ud800"), Subject("pt", level="quick"), "forward"
    )
    assert row.failure == "\\ud800"
    assert row.diverging == Difference("s", 1.0, 0.5, (0, 4), (2.5,), (), first=4)
    assert row.command == (
        "python -m conformance --framework pt --device cpu --dtype float32 "
        "--level quick --family forward --case 'AlbertModel-inputs-it'\"'\"'s'"
    )
    assert as_json(row)["steps"] == [["s", 1.0, 0.5]]
    assert row_of(Result(case, 0.0), Subject("pt"), "forward").diverging is None


def test_browse_has_a_command():
    with pytest.raises(SystemExit) as stopped:
        browse.parser().parse_args([])
    assert stopped.value.code == 2
    assert str(browse.parser().parse_args(["somewhere"]).folder) == "somewhere"
