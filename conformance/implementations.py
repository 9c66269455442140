"""An implementation that is none of this package's, given as one Python callable."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path
from typing import Any, cast

from albert.common import names
from albert.common.loading import load_arrays, prepare
from conformance.backends import Build, Load, Run


def given(text: str) -> Build:
    """Find the callable.

    Args:
        text: "module:callable"; the module may lie in the folder that this process
            was started in.

    Returns:
        The callable, a `conformance.backends.Build`.

    Raises:
        ValueError: the text has another form, or names no callable.
        ImportError: there is no such module, or it cannot be imported.
    """
    module, _, name = text.partition(":")
    if not (module and name):
        raise ValueError(
            f"--implementation must be module:callable, such as mine.model:build, but "
            f"is {text!r}."
        )
    here = str(Path.cwd())
    if here not in sys.path:
        sys.path.insert(0, here)
    build: Any = getattr(importlib.import_module(module), name, None)
    if not callable(build):
        raise ValueError(
            f"--implementation must name a callable, but {module} has no callable "
            f"{name!r}."
        )
    return cast(Build, build)


def loading_with(build: Build) -> Load:
    """Read checkpoints for an implementation that takes arrays.

    Args:
        build: the implementation.

    Returns:
        The function `load(class_name, folder)`.
    """

    def load(class_name: str, folder: str | Path) -> Run:
        checkpoint, config = prepare(folder, None, {})
        rows = names.weights(config, class_name)
        lazy, _ = load_arrays(checkpoint, config, rows)
        arrays = {name: lazy[name].read().astype("f4") for name in lazy}
        return build(class_name, config, arrays)

    return load
