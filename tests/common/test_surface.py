"""The three backends look alike: held by parsing them, with no framework loaded.

The permitted differences are those of the one table in `docs/architecture.md`, which
this test reads, so that table and code cannot drift apart.
"""

import ast
import re
from pathlib import Path

import pytest

from albert.common.names import PARTS

ROOT = Path(__file__).parents[2]
PREFIXES = {"pt": "", "tf": "TF", "flax": "Flax"}
OTHERS = ("tf", "flax")
CALLS = {"pt": "forward", "tf": "call", "flax": "__call__"}


def _files(framework):
    return sorted(path.name for path in (ROOT / "albert" / framework).glob("*.py"))


def _tree(framework, file):
    return ast.parse((ROOT / "albert" / framework / file).read_text())


def _permitted(framework):
    """What the framework's column of the table permits: {name: arguments}.

    `name(one=, two=)` permits arguments, `name()` a function, `…Suffix` classes.
    """
    text = (ROOT / "docs" / "architecture.md").read_text()
    section = text.split("## Permitted differences")[1].split("\n## ")[0]
    rows = [line for line in section.splitlines() if line.startswith("|")]
    header = [cell.strip() for cell in rows[0].split("|")]
    column = header.index(f"`albert.{framework}`")
    permitted = {}
    for row in rows[2:]:
        for name in re.findall(r"`([^`]+)`", row.split("|")[column]):
            name, opened, arguments = name.partition("(")
            if opened or name.startswith("…"):
                held = permitted.setdefault(name, set())
                held.update(re.findall(r"(\w+)=", arguments) or {"everything"})
    return permitted


def _neutral(name, framework):
    prefix = PREFIXES[framework]
    return name.removeprefix(prefix)


def _arguments(function):
    spec = function.args
    names = [a.arg for a in (*spec.posonlyargs, *spec.args, *spec.kwonlyargs)]
    return names + [a.arg for a in (spec.vararg, spec.kwarg) if a]


def _functions(body, framework):
    """Public functions and the call, by PyTorch's names: {name: arguments}."""
    return {
        "forward" if _is_call(node, framework) else node.name: _arguments(node)
        for node in body
        if isinstance(node, ast.FunctionDef)
        and (not node.name.startswith("_") or _is_call(node, framework))
    }


def _is_call(node, framework):
    """What is no layer has `__call__` everywhere; one that hands all on is none."""
    plain = node.name == "__call__" and node.args.vararg is None
    return plain or node.name == CALLS[framework]


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
        if not any(p[0] == "…" and name.endswith(p[1:]) for p in permitted)
    ]
    assert found == list(_classes("pt", file))


@pytest.mark.parametrize("file", _files("pt"))
@pytest.mark.parametrize("framework", OTHERS)
def test_same_functions_and_arguments(framework, file):
    found = _functions(_tree(framework, file).body, framework)
    ours = _functions(_tree("pt", file).body, "pt")
    assert _known(found, framework) == _known(ours, "pt")
    for name in _known(ours, "pt"):
        left = _without(found[name], name, framework)
        assert left == _without(ours[name], name, "pt"), name


@pytest.mark.parametrize("file", _files("pt"))
@pytest.mark.parametrize("framework", OTHERS)
def test_same_methods_and_arguments(framework, file):
    theirs = _classes(framework, file)
    for name, ours in _classes("pt", file).items():
        pt = _functions(ours.body, "pt")
        other = _functions(theirs[name].body, framework)
        assert _known(other, framework) == _known(pt, "pt"), name
        for method in _known(pt, "pt"):
            left = _without(other[method], method, framework)
            assert left == _without(pt[method], method, "pt"), (name, method)


@pytest.mark.parametrize("file", _files("pt"))
@pytest.mark.parametrize("framework", OTHERS)
def test_docstrings_name_the_same_arguments(framework, file):
    theirs = _classes(framework, file)
    for name, ours in _classes("pt", file).items():
        for method in _known(_functions(ours.body, "pt"), "pt"):
            documented = _documented(ours, method, "pt")
            if documented:
                left = _documented(theirs[name], method, framework)
                left = _without(left, method, framework)
                assert left == _without(documented, method, "pt"), (name, method)


@pytest.mark.parametrize("file", _files("pt"))
@pytest.mark.parametrize("framework", OTHERS)
def test_same_constructors(framework, file):
    """A linen module has fields instead, of which `config` comes first."""
    theirs = _classes(framework, file)
    for name, ours in _classes("pt", file).items():
        pt, other = _constructor(ours), _constructor(theirs[name])
        if pt and other:
            left = _without(other, "__init__", framework)
            assert left == _without(pt, "__init__", "pt"), name
        elif pt and framework == "tf":
            pytest.fail(f"{name} has no constructor")


def _constructor(node):
    for item in node.body:
        if isinstance(item, ast.FunctionDef) and item.name == "__init__":
            return _arguments(item)
    return []


def test_the_test_sees_something():
    """Each framework has its seven models, each with its call and its labels."""
    for framework in PREFIXES:
        models = _classes(framework, "models.py")
        for name in PARTS:
            found = _functions(models[name].body, framework)["forward"]
            assert found[:2] == ["self", "input_ids"]
            assert "input_ids" in _documented(models[name], "forward", framework)


def _known(methods, framework):
    """Without what the table permits."""
    permitted = _permitted(framework)
    return [name for name in methods if "everything" not in permitted.get(name, ())]


def _without(arguments, function, framework):
    permitted = _permitted(framework)
    name = CALLS[framework] if function == "forward" else function
    extra = permitted.get(name, ())
    return [name for name in arguments if name not in extra]


def _documented(node, method, framework):
    for item in node.body:
        if isinstance(item, ast.FunctionDef) and (
            item.name == method or (method == "forward" and _is_call(item, framework))
        ):
            text = ast.get_docstring(item) or ""
            section = re.search(r"Args:\n(.*?)(\n\n|\Z)", text, re.S)
            if section:
                return re.findall(r"^    \*{0,2}(\w+):", section[1], re.M)
    return []
