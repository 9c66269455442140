"""Public names that load when they are asked for, and what to say if they cannot."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable, Mapping
from typing import Any

# Backend -> what it is called, the extra that installs it, the packages it needs.
_NEEDS: dict[str, tuple[str, str, tuple[str, ...]]] = {
    "albert.pt": ("PyTorch", "pt", ("torch",)),
    "albert.tf": ("TensorFlow and Keras 3", "tf", ("tensorflow", "keras")),
    "albert.flax": ("JAX and Flax", "flax", ("jax", "jaxlib", "flax", "optax")),
}


def attribute_loader(
    package: str, public: Mapping[str, tuple[str, ...]]
) -> Callable[[str], Any]:
    """Make a package's `__getattr__`.

    Args:
        package: its name, for the error text.
        public: module -> the public names that it holds.

    Returns:
        A function that imports the module of a name and gives the name's object.
    """
    module_of = {name: module for module, held in public.items() for name in held}

    def load(name: str) -> Any:
        if name not in module_of:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        module = module_of[name]
        try:
            return getattr(importlib.import_module(module), name)
        except ModuleNotFoundError as error:
            raise _explained(name, module, error) from None

    return load


def _explained(name: str, module: str, error: ModuleNotFoundError) -> ImportError:
    backend = ".".join(module.split(".")[:2])
    title, extra, packages = _NEEDS.get(backend, ("", "", ()))
    package = (error.name or "").split(".")[0]
    # A package that is there but lacks a module of its own is damaged, not absent.
    damaged = sys.modules.get(package) is not None
    if package not in packages or damaged:
        return error
    return ImportError(
        f"{name} needs {title}, and {package} is not installed: "
        f'pip install "albert-models[{extra}]"',
        name=package,
    )
