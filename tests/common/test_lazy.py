"""Public names load when they are asked for; the package itself loads nothing."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import albert
from albert.common.lazy import attribute_loader

PACKAGE = Path(albert.__file__).parent

CLASSES = (
    "AlbertPreTrainedModel",
    "AlbertModel",
    "AlbertForPreTraining",
    "AlbertForMaskedLM",
    "AlbertForSequenceClassification",
    "AlbertForMultipleChoice",
    "AlbertForTokenClassification",
    "AlbertForQuestionAnswering",
    "AlbertForPreTrainingOutput",
    "AutoModel",
    "AutoModelForPreTraining",
    "AutoModelForMaskedLM",
    "AutoModelForSequenceClassification",
    "AutoModelForMultipleChoice",
    "AutoModelForTokenClassification",
    "AutoModelForQuestionAnswering",
)
PREFIXES = {"pt": "", "tf": "TF", "flax": "Flax"}
PUBLIC = [
    "AutoConfig",
    "AutoTokenizer",
    "AlbertConfig",
    "export",
    "KeyDataset",
    "KeyPairDataset",
    "Pipeline",
    "pipeline",
    "InputError",
    "AlbertTokenizer",
    "AlbertTokenizerFast",
    "BatchEncoding",
    "PolynomialDecay",
    *(prefix + name for prefix in PREFIXES.values() for name in CLASSES),
    *(prefix + name for prefix in PREFIXES.values() for name in ("AdamW", "Lamb")),
]

FRAMEWORKS = ("torch", "tensorflow", "keras", "jax", "jaxlib", "flax")

BLOCKED = f"""
import sys

class Blocker:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in sys.argv[1:]:
            raise ModuleNotFoundError(f"No module named {{name!r}}", name=name)

sys.meta_path.insert(0, Blocker())
FRAMEWORKS = {FRAMEWORKS!r}
"""


def run(code, *arguments):
    """Run code in a fresh interpreter and give what it prints."""
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", code, *arguments],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_public_names():
    assert albert.__all__ == PUBLIC


def test_dir_lists_every_public_name():
    assert set(PUBLIC) <= set(dir(albert))
    assert "__version__" in dir(albert)
    assert dir(albert) == sorted(dir(albert))


def test_version():
    parts = albert.__version__.split(".")
    assert len(parts) >= 2
    assert parts[0].isdigit()


def test_unknown_attribute():
    with pytest.raises(AttributeError) as caught:
        albert.AlbertModle  # noqa: B018
    assert str(caught.value) == "module 'albert' has no attribute 'AlbertModle'"
    assert not hasattr(albert, "AlbertModle")


def test_unknown_import():
    with pytest.raises(ImportError, match=r"^cannot import name 'AlbertModle' from"):
        from albert import AlbertModle  # noqa: F401


@pytest.mark.parametrize("framework", PREFIXES)
def test_every_backend_exports_the_same_names(framework):
    tree = ast.parse((PACKAGE / framework / "__init__.py").read_text("utf-8"))
    (exported,) = [
        ast.literal_eval(node.value)
        for node in tree.body
        if isinstance(node, ast.Assign) and node.targets[0].id == "__all__"
    ]
    assert exported == sorted(PREFIXES[framework] + name for name in CLASSES)


def test_importing_the_package_imports_no_framework():
    code = (
        "import sys; before = set(sys.modules); import albert;"
        "print(*sorted({m.split('.')[0] for m in set(sys.modules) - before}))"
    )
    heavy = {*FRAMEWORKS, "numpy", "sentencepiece", "tokenizers", "safetensors"}
    loaded = set(run(code).split())
    assert "albert" in loaded
    assert loaded & heavy == set()


def test_importing_the_package_is_quick():
    code = (
        "import time; start = time.perf_counter(); import albert;"
        "print(time.perf_counter() - start)"
    )
    # The least of several: another process may have held the machine up.
    assert min(float(run(code)) for _ in range(4)) < 0.15


@pytest.mark.parametrize(
    ("framework", "name"),
    [
        ("torch", "AlbertModel"),
        ("tensorflow, keras", "TFAlbertModel"),
        ("jax, flax.linen", "FlaxAlbertModel"),
    ],
)
def test_a_class_costs_no_more_than_its_framework(framework, name):
    """Nothing is imported beside the framework and this package.

    Time itself is not asserted: on a shared machine it says little.
    """
    code = (
        f"import sys, {framework}; before = set(sys.modules);"
        f"from albert import {name};"
        "print(*(m for m in set(sys.modules) - before))"
    )
    loaded = set(run(code).splitlines()[-1].split())
    assert "albert" in loaded
    assert {module.split(".")[0] for module in loaded} == {"albert"}


def test_common_needs_no_framework():
    code = """
import pkgutil, importlib, albert.common
modules = pkgutil.walk_packages(albert.common.__path__, "albert.common.")
names = [module.name for module in modules]
for name in names:
    importlib.import_module(name)
assert not set(FRAMEWORKS) & {m.split(".")[0] for m in sys.modules}
print(len(names))
"""
    assert int(run(BLOCKED + code, *FRAMEWORKS)) >= 12


def test_configuration_and_tokenizers_need_no_framework():
    code = """
from albert import AlbertConfig, AlbertTokenizer, AlbertTokenizerFast, BatchEncoding
print(AlbertConfig.__name__, AlbertTokenizer.__name__, AlbertTokenizerFast.__name__,
      BatchEncoding.__name__)
"""
    assert run(BLOCKED + code, *FRAMEWORKS) == (
        "AlbertConfig AlbertTokenizer AlbertTokenizerFast BatchEncoding"
    )


def torch_text(name):
    return (
        f"{name} needs PyTorch, and torch is not installed: "
        'pip install "albert-models[pt]"'
    )


def keras_text(name, package):
    return (
        f"{name} needs TensorFlow and Keras 3, and {package} is not installed: "
        'pip install "albert-models[tf]"'
    )


def flax_text(name, package):
    return (
        f"{name} needs JAX and Flax, and {package} is not installed: "
        'pip install "albert-models[flax]"'
    )


MISSING = {
    "torch": (("torch",), "AlbertModel", torch_text("AlbertModel")),
    "torch, output": (
        ("torch",),
        "AlbertForPreTrainingOutput",
        torch_text("AlbertForPreTrainingOutput"),
    ),
    "keras": (("keras",), "TFAlbertModel", keras_text("TFAlbertModel", "keras")),
    "tensorflow": (
        ("tensorflow",),
        "TFAlbertForMaskedLM",
        keras_text("TFAlbertForMaskedLM", "tensorflow"),
    ),
    "tensorflow and keras": (
        ("keras", "tensorflow"),
        "TFAlbertModel",
        keras_text("TFAlbertModel", "keras"),
    ),
    "flax": (("flax",), "FlaxAlbertModel", flax_text("FlaxAlbertModel", "flax")),
    "jax": (("jax",), "FlaxAlbertModel", flax_text("FlaxAlbertModel", "jax")),
}

ASKING = """
for way in ("import", "attribute"):
    try:
        if way == "import":
            exec(f"from albert import {NAME}")
        else:
            import albert
            getattr(albert, NAME)
    except ImportError as error:
        print(type(error).__name__, error.name, error, sep="|")
"""


@pytest.mark.parametrize("how", ["absent", "None in sys.modules"])
@pytest.mark.parametrize("case", MISSING)
def test_missing_framework(case, how):
    missing, name, text = MISSING[case]
    start = BLOCKED if how == "absent" else "import sys\n"
    if how != "absent":
        start += "sys.modules.update(dict.fromkeys(sys.argv[1:]))\n"
    lines = run(f"{start}NAME = {name!r}\n{ASKING}", *missing).splitlines()
    package = text.split(", and ")[1].split()[0]
    assert lines == [f"ImportError|{package}|{text}"] * 2


def test_loader_loads_what_is_asked_for(tmp_path, monkeypatch):
    (tmp_path / "made_up_a.py").write_text("apple = 'an apple'\n")
    (tmp_path / "made_up_b.py").write_text("raise RuntimeError('not asked for')\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    load = attribute_loader("p", {"made_up_a": ("apple",), "made_up_b": ("pear",)})
    assert load("apple") == "an apple"
    with pytest.raises(RuntimeError, match=r"^not asked for$"):
        load("pear")
    with pytest.raises(AttributeError) as caught:
        load("plum")
    assert str(caught.value) == "module 'p' has no attribute 'plum'"


@pytest.mark.parametrize(
    ("public", "line"),
    [
        # Not a framework of this backend.
        ("albert.pt", "import made_up_absent"),
        ("albert.pt", "import tensorflow.made_up"),
        # No backend at all.
        ("made_up", "import torch.made_up"),
    ],
)
def test_other_missing_modules_are_named_as_they_are(monkeypatch, public, line):
    def fail(_):
        raise ModuleNotFoundError(f"broken by {line}", name=line.split()[1])

    monkeypatch.setattr("importlib.import_module", fail)
    load = attribute_loader("p", {public: ("name",)})
    with pytest.raises(ModuleNotFoundError) as caught:
        load("name")
    assert str(caught.value) == f"broken by {line}"


def test_damaged_framework_is_not_called_absent(monkeypatch):
    def fail(_):
        raise ModuleNotFoundError("No module named 'torch.lost'", name="torch.lost")

    monkeypatch.setattr("importlib.import_module", fail)
    load = attribute_loader("p", {"albert.pt": ("name",)})
    monkeypatch.setitem(sys.modules, "torch", object())
    with pytest.raises(ModuleNotFoundError, match=r"^No module named 'torch\.lost'$"):
        load("name")
    monkeypatch.setitem(sys.modules, "torch", None)
    with pytest.raises(ImportError) as caught:
        load("name")
    assert str(caught.value) == torch_text("name")
