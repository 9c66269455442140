"""No framework is loaded here: classes that say where they are from stand in."""

import os
import sys
from types import ModuleType, SimpleNamespace

import pytest

import albert
from albert.common.tasks import backend


def model_of(module, name):
    """An object of a class of that name in that module."""
    return type(name, (), {"__module__": module})()


@pytest.fixture
def only(monkeypatch):
    """Make it look as if only these packages were installed."""

    def install(*packages):
        monkeypatch.setattr(
            "importlib.util.find_spec",
            lambda name: SimpleNamespace() if name in packages else None,
        )

    return install


@pytest.mark.parametrize(
    ("packages", "found"),
    [
        (("torch", "tensorflow", "flax"), ["pt", "tf", "flax"]),
        (("tensorflow", "flax"), ["tf", "flax"]),
        (("flax",), ["flax"]),
        ((), []),
    ],
)
def test_the_first_that_is_installed_is_chosen(packages, found, only):
    only(*packages)
    assert backend.installed() == found
    for framework in backend.PREFIXES:
        assert backend.choose(framework) == framework
    if found:
        assert backend.choose(None) == found[0]


def test_none_installed(only):
    only()
    with pytest.raises(ImportError) as caught:
        backend.choose(None)
    assert str(caught.value) == (
        'no framework is installed: pip install "albert-models[pt]" (or tf, flax)'
    )


@pytest.mark.parametrize("framework", ["torch", "", 1])
def test_an_unknown_framework_is_refused(framework):
    with pytest.raises(ValueError) as caught:
        backend.choose(framework)
    assert str(caught.value) == (
        f"framework must be 'pt', 'tf' or 'flax', but is {framework!r}."
    )


@pytest.mark.parametrize(
    ("framework", "name"),
    [("pt", "AlbertModel"), ("tf", "TFAlbertModel"), ("flax", "FlaxAlbertModel")],
)
def test_classes_by_pytorchs_name(framework, name, monkeypatch):
    held = object()
    monkeypatch.setitem(vars(albert), name, held)
    monkeypatch.delenv("TF_CPP_MIN_LOG_LEVEL", raising=False)
    assert backend.model_class(framework, "AlbertModel") is held
    quiet = os.environ.get("TF_CPP_MIN_LOG_LEVEL")
    assert quiet == ("3" if framework == "tf" else None)


def test_a_chosen_log_level_stays(monkeypatch):
    monkeypatch.setitem(vars(albert), "TFAlbertModel", object())
    monkeypatch.setenv("TF_CPP_MIN_LOG_LEVEL", "0")
    backend.model_class("tf", "AlbertModel")
    assert os.environ["TF_CPP_MIN_LOG_LEVEL"] == "0"


@pytest.mark.parametrize(
    ("module", "name", "framework", "class_name"),
    [
        ("albert.pt.models", "AlbertForMaskedLM", "pt", "AlbertForMaskedLM"),
        ("albert.tf.models", "TFAlbertModel", "tf", "AlbertModel"),
        ("albert.flax.models", "FlaxAlbertModel", "flax", "AlbertModel"),
        ("albert.pt.encoder", "AlbertTransformer", "pt", None),
        ("albert.common.config", "AlbertConfig", None, None),
        ("albert", "AlbertModel", None, None),
        ("alberta.pt.models", "AlbertModel", None, None),
        ("transformers.models.albert", "AlbertModel", None, None),
    ],
)
def test_what_a_model_is(module, name, framework, class_name):
    model = model_of(module, name)
    assert backend.framework_of(model) == framework
    assert backend.class_of(model) == class_name
    # A subclass of a user's is what its parent is.
    child = type("Mine", (type(model),), {"__module__": "mine"})()
    assert backend.framework_of(child) == framework
    assert backend.class_of(child) == class_name


@pytest.mark.parametrize("framework", backend.PREFIXES)
def test_the_runner_of_a_model(framework, monkeypatch):
    name = f"albert.{framework}.runner"
    module = ModuleType(name)
    module.Runner = lambda model: ("runner", model)
    monkeypatch.setitem(sys.modules, f"albert.{framework}", ModuleType("package"))
    monkeypatch.setitem(sys.modules, name, module)
    model = model_of(f"albert.{framework}.models", "Any")
    assert backend.make_runner(model) == ("runner", model)


def test_no_runner_of_another_model():
    with pytest.raises(TypeError) as caught:
        backend.make_runner(7)
    assert (
        str(caught.value) == "model must be one of this package's, but is of type int."
    )
