"""Seed a defect: a small change of a source, made while it is imported.

Nothing is written to disk. A defect of a backend takes that backend's modules anew; one
of `albert.common`, which conformance itself uses, takes all of `albert` and
`conformance` anew.
"""

from __future__ import annotations

import importlib
import importlib.machinery
import importlib.util
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import Any, NamedTuple

COMMON = "common"
"""In place of a framework: a defect that shows without any."""

_BOTH = ("albert", "conformance")
_ALBERT = Path(__file__).resolve().parents[2] / "albert"


class Mutant(NamedTuple):
    """One defect.

    Fields:
        name: what is wrong.
        file: the backend's file that gets it; or "common/...", a file of that part.
        changes: (right, wrong) source text for all frameworks, or one for each that can
            have it; "common" for a defect that shows without a framework.
        first: what is to catch it, as `conformance.mutants.checks` reads it.
    """

    name: str
    file: str
    changes: tuple[str, str] | Mapping[str, tuple[str, str]]
    first: str = "AlbertModel"

    def fits(self, framework: str) -> bool:
        """Whether the framework can have it."""
        if isinstance(self.changes, Mapping):
            return framework in self.changes
        return framework != COMMON

    def change(self, framework: str) -> tuple[str, str]:
        """Give the right and the wrong source text."""
        if isinstance(self.changes, Mapping):
            return self.changes[framework]
        return self.changes

    def path(self, framework: str) -> Path:
        """Give the file, as this package is installed."""
        return _ALBERT / self._place(framework)

    def module(self, framework: str) -> str:
        """Give the module that gets the defect."""
        return ".".join(["albert", *Path(self._place(framework)).with_suffix("").parts])

    def _place(self, framework: str) -> str:
        return self.file if self.is_common else f"{framework}/{self.file}"

    @property
    def is_common(self) -> bool:
        """Whether it lies in what the frameworks share."""
        return self.file.startswith("common/")


@contextmanager
def mutated(framework: str, mutant: Mutant) -> Iterator[None]:
    """Import anew with a defect; put what was there back afterwards.

    Args:
        framework: "pt", "tf" or "flax"; "common" for none.
        mutant: the defect.

    Yields:
        While the defect is there. Modules must be looked up anew.

    Raises:
        ValueError: the right source text is not in the file.
    """
    packages = _BOTH if mutant.is_common else _of(framework)
    sound = {name: sys.modules[name] for name in sys.modules if _within(name, packages)}
    # The output classes stay: frameworks keep them by name, the last of a name only.
    for name in sound:
        if name.rpartition(".")[2] != "outputs":
            del sys.modules[name]
    registered = _keras_classes()
    known = dict(registered)
    finder = _Finder(mutant.module(framework), *mutant.change(framework))
    sys.meta_path.insert(0, finder)
    try:
        # Here and not on first use, so that a text that is not found raises.
        importlib.import_module(finder.target)
        yield
    finally:
        sys.meta_path.remove(finder)
        for name in [name for name in sys.modules if _within(name, packages)]:
            del sys.modules[name]
        sys.modules.update(sound)
        registered.clear()
        registered.update(known)
        _bind(sound)


def _of(framework: str) -> tuple[str, ...]:
    """Name the packages that hold a backend's classes and functions."""
    return (f"albert.{framework}", f"conformance.learners.{framework}")


def _bind(sound: Mapping[str, ModuleType]) -> None:
    """Make each module its package's attribute again, as `import` does."""
    for name, module in sound.items():
        parent, _, own = name.rpartition(".")
        if parent in sys.modules:
            setattr(sys.modules[parent], own, module)


def _within(name: str, packages: tuple[str, ...]) -> bool:
    return any(name == one or name.startswith(f"{one}.") for one in packages)


def _keras_classes() -> dict[str, Any]:
    """Give Keras' own list of the classes that it can load by name, if it is there."""
    keras = sys.modules.get("keras")
    return {} if keras is None else keras.saving.get_custom_objects()


class _Finder:
    """Finds one module, and changes its source on the way."""

    def __init__(self, target: str, right: str, wrong: str) -> None:
        self.target, self.right, self.wrong = target, right, wrong

    def find_spec(
        self, name: str, path: Any = None, target: ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        if name != self.target:
            return None
        found = importlib.machinery.PathFinder.find_spec(name, path)
        if found is None or found.origin is None:
            return None
        loader = _Loader(name, found.origin)
        loader.right, loader.wrong = self.right, self.wrong
        return importlib.util.spec_from_file_location(name, found.origin, loader=loader)


class _Loader(importlib.machinery.SourceFileLoader):
    right = wrong = ""

    def get_code(self, fullname: str) -> Any:
        # Past the cache of compiled files, which must never hold a defect.
        source = Path(self.path).read_text(encoding="utf-8")
        if self.right not in source:
            raise ValueError(f"{self.path} does not hold {self.right!r}")
        return compile(source.replace(self.right, self.wrong), self.path, "exec")
