"""The peers' environments: built where they are missing, never mixed with ours."""

from __future__ import annotations

import shutil
import subprocess
import sys
import tomllib
import venv
from collections.abc import Iterable
from pathlib import Path

PINS = Path(__file__).with_name("pins.toml")
OWN = "own"
"""The environment of the Python that runs the harness."""

DEFAULT = Path(".venv") / "benchmarks"


def pins() -> dict[str, list[str]]:
    """Give the packages of each environment, by its name."""
    with PINS.open("rb") as file:
        return tomllib.load(file)


def python_of(folder: Path, name: str) -> Path:
    """Give the Python of an environment; `own` is the harness's.

    Args:
        folder: that holds the environments, each in a folder of its name.
        name: of the environment.

    Returns:
        The path. Links are not followed: Python finds its packages by it.
    """
    if name == OWN:
        return Path(sys.executable)
    return folder.absolute() / name / "bin" / "python"


def build(folder: Path, names: Iterable[str], index: str | None = None) -> None:
    """Build those environments that are not there.

    Args:
        folder: that holds them.
        names: of the environments; `own` is always there.
        index: address of a further package index, such as that of PyTorch's wheels
            for the CPU.

    Raises:
        RuntimeError: packages cannot be installed; the half-built one is removed.
    """
    for name in sorted(set(names) - {OWN}):
        if python_of(folder, name).exists():
            continue
        print(f"building the environment {name} in {folder}", file=sys.stderr)
        place = folder / name
        venv.create(place, with_pip=True)
        command = [str(place / "bin" / "pip"), "install", "--quiet", *pins()[name]]
        command += ["--extra-index-url", index] if index else []
        done = subprocess.run(command, capture_output=True, text=True)
        if done.returncode:
            shutil.rmtree(place)
            last = (done.stderr.strip().splitlines() or ["pip gave no reason"])[-1]
            raise RuntimeError(f"environment {name} cannot be built: {last}")
