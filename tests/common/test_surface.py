"""The three backends look alike: held by parsing them, with no framework loaded.

The permitted differences are those of the one table in `docs/architecture.md`, which
this test reads, so that table and code cannot drift apart.
"""

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PREFIXES = {"pt": "", "tf": "TF", "flax": "Flax"}
OTHERS = ("tf", "flax")


def _files(framework):
    return sorted(path.name for path in (ROOT / "albert" / framework).glob("*.py"))


def _tree(framework, file):
    return ast.parse((ROOT / "albert" / framework / file).read_text())


def _permitted(framework):
    """Names in backquotes in the framework's column of the table."""
    text = (ROOT / "docs" / "architecture.md").read_text()
    section = text.split("## Permitted differences")[1].split("\n## ")[0]
    rows = [line for line in section.splitlines() if line.startswith("|")]
    header = [cell.strip() for cell in rows[0].split("|")]
    column = header.index(f"`albert.{framework}`")
    return {
        name
        for row in rows[2:]
        for name in re.findall(r"`([^`]+)`", row.split("|")[column])
    }


def _neutral(name, framework):
    prefix = PREFIXES[framework]
    return name.removeprefix(prefix)


def _arguments(function):
    spec = function.args
    names = [a.arg for a in (*spec.posonlyargs, *spec.args, *spec.kwonlyargs)]
    return names + [a.arg for a in (spec.vararg, spec.kwarg) if a]


def _functions(body):
    return {
        node.name: _arguments(node)
        for node in body
        if isinstance(node, ast.FunctionDef) and not node.name.startswith("_")
    } | {
        "forward" if node.name in ("call", "__call__") else node.name: _arguments(node)
        for node in body
        if isinstance(node, ast.FunctionDef) and node.name in ("__call__", "call")
    }


def _classes(framework, file):
    return {
        _neutral(node.name, framework): node
        for node in _tree(framework, file).body
        if isinstance(node, ast.ClassDef) and not node.name.startswith("_")
    }


@pytest.mark.parametrize("framework", OTHERS)
def test_same_files(framework):
    assert _files("pt")
    assert _files(framework) == _files("pt")


@pytest.mark.parametrize("file", _files("pt"))
@pytest.mark.parametrize("framework", OTHERS)
def test_same_classes_in_the_same_order(framework, file):
    permitted = _permitted(framework)
    found = [
        name
        for name in _classes(framework, file)
        if not any(name.endswith(p.lstrip("…")) for p in permitted if p[0] == "…")
    ]
    assert found == list(_classes("pt", file))


@pytest.mark.parametrize("file", _files("pt"))
@pytest.mark.parametrize("framework", OTHERS)
def test_same_functions_and_arguments(framework, file):
    found = _functions(_tree(framework, file).body)
    assert list(found) == list(_functions(_tree("pt", file).body))
    for name, arguments in _functions(_tree("pt", file).body).items():
        assert _without(found[name], framework) == _without(arguments, "pt"), name


@pytest.mark.parametrize("file", _files("pt"))
@pytest.mark.parametrize("framework", OTHERS)
def test_same_methods_and_arguments(framework, file):
    theirs = _classes(framework, file)
    for name, ours in _classes("pt", file).items():
        pt = _functions(ours.body)
        other = _functions(theirs[name].body)
        assert _known(other, framework) == _known(pt, "pt"), name
        for method in _known(pt, "pt"):
            left = _without(other[method], framework)
            assert left == _without(pt[method], "pt"), (name, method)


def _known(methods, framework):
    permitted = _permitted(framework)
    return [method for method in methods if f"{method}()" not in permitted]


def _without(arguments, framework):
    permitted = _permitted(framework)
    return [name for name in arguments if f"{name}=" not in permitted]


@pytest.mark.parametrize("file", _files("pt"))
@pytest.mark.parametrize("framework", OTHERS)
def test_docstrings_name_the_same_arguments(framework, file):
    theirs = _classes(framework, file)
    for name, ours in _classes("pt", file).items():
        for method in _known(_functions(ours.body), "pt"):
            documented = _documented(ours, method)
            if documented:
                left = _without(_documented(theirs[name], method), framework)
                assert left == _without(documented, "pt"), (name, method)


def _documented(node, method):
    names = {"forward": ("forward", "call", "__call__")}.get(method, (method,))
    for item in node.body:
        if isinstance(item, ast.FunctionDef) and item.name in names:
            text = ast.get_docstring(item) or ""
            section = re.search(r"Args:\n(.*?)(\n\n|\Z)", text, re.S)
            if section:
                return re.findall(r"^    \*{0,2}(\w+):", section[1], re.M)
    return []
