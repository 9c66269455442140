"""From a name to local files: a folder, or the checkpoint that ships in the package.

Repositories on the Hugging Face hub are to be resolved here too, and nowhere else.
"""

from __future__ import annotations

import os
from pathlib import Path

DEMO_NAME = "albert-demo"
"""The checkpoint inside the package: `from_pretrained("albert-demo")`."""

_ASSETS = Path(__file__).resolve().parent.parent / "assets"


def local_folder(name_or_path: str | os.PathLike[str]) -> Path:
    """Find the folder that holds a checkpoint.

    A folder of the user's comes first, so nothing in the package can shadow it.

    Args:
        name_or_path: path of a folder, or "albert-demo" for the embedded checkpoint.

    Returns:
        The folder's path.

    Raises:
        NotADirectoryError: the path is a file.
        FileNotFoundError: there is no such folder, and it is not "albert-demo".
    """
    name = os.fspath(name_or_path)
    folder = Path(name).expanduser()
    if folder.is_dir():
        return folder
    if folder.exists():
        raise NotADirectoryError(
            f"{name!r} is a file; give the path of the folder that holds it."
        )
    if name == DEMO_NAME:
        return _ASSETS / DEMO_NAME
    raise FileNotFoundError(
        f"{name!r} is no folder on this machine, and this version does not download "
        f"from the hub: give the path of a folder with config.json and its weights, "
        f"or {DEMO_NAME!r} for the checkpoint in the package."
    )
