"""Complete checkpoints for the tasks, from albert-demo and small heads.

A head is two files of `fixtures/tasks/heads`: `<name>.json`, the fields of the
configuration that differ from albert-demo's, and `<name>.safetensors`, the weights
that do. The rest of the encoder is albert-demo's. No framework is needed.
"""

from __future__ import annotations

import json
import os
from pathlib import Path

from albert.common.checkpoint.safetensors import open_file
from albert.common.hub import DEMO_NAME
from albert.common.names import weights
from albert.common.opening import open_checkpoint
from albert.common.saving import save_arrays
from albert.common.tokenization import AlbertTokenizer

FOLDER = Path(__file__).resolve().parents[1] / "fixtures" / "tasks"
HEADS = FOLDER / "heads"


def names() -> list[str]:
    """List the checkpoints, in alphabetical order."""
    return sorted(path.stem for path in HEADS.glob("*.json"))


def write(name: str, folder: str | os.PathLike[str]) -> None:
    """Write one checkpoint: configuration, weights and tokenizer.

    The weights come last and take their place with the configuration, so that a folder
    that can be loaded is whole.

    Args:
        name: one of `names()`.
        folder: made if need be.

    Raises:
        OSError: the folder cannot be written to.
        ValueError: there is no such checkpoint.
    """
    if name not in names():
        raise ValueError(f"name must be one of {', '.join(names())}, but is {name!r}.")
    overlay = json.loads((HEADS / f"{name}.json").read_text(encoding="utf-8"))
    (class_name,) = overlay.pop("architectures")
    demo = open_checkpoint(DEMO_NAME)
    config = demo.config.replace(**overlay)
    arrays = {**demo.arrays, **open_file(HEADS / f"{name}.safetensors")}
    needed = {
        row.canonical: arrays[row.canonical].read()
        for row in weights(config, class_name)
    }
    AlbertTokenizer.from_pretrained(DEMO_NAME).save_pretrained(folder)
    save_arrays(folder, config, needed, class_name)


def write_all(folder: str | os.PathLike[str]) -> list[Path]:
    """Write every checkpoint.

    Args:
        folder: of the folders, which are called as in `names()`; made if need be.

    Returns:
        The folders.

    Raises:
        OSError: the folder cannot be written to.
    """
    folders = [Path(folder) / name for name in names()]
    for path in folders:
        write(path.name, path)
    return folders
