"""Writing files so that a reader sees the old content or the new one, never a part."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any


@contextmanager
def atomic_path(path: str | os.PathLike[str]) -> Generator[Path]:
    """Give a temporary path beside `path` that takes its place when all went well.

    Args:
        path: where the file shall stand; its folder must exist.

    Yields:
        A path in the same folder. Write it inside the `with` block. When the block
        raises, the temporary file is removed and `path` stays as it was.
    """
    target = Path(path)
    handle, name = tempfile.mkstemp(prefix=f".{target.name}.", dir=target.parent)
    os.close(handle)
    temporary = Path(name)
    try:
        yield temporary
        # mkstemp makes private files; a saved checkpoint gets the usual mode.
        umask = os.umask(0)
        os.umask(umask)
        temporary.chmod(0o666 & ~umask)
        with open(temporary, "rb") as written:
            os.fsync(written.fileno())
        os.replace(temporary, target)
    finally:
        temporary.unlink(missing_ok=True)


def write_text(path: str | os.PathLike[str], text: str) -> None:
    """Write `text` as UTF-8 to `path`, whole or not at all."""
    with atomic_path(path) as temporary:
        temporary.write_text(text, encoding="utf-8", newline="\n")


def make_folder(path: str | os.PathLike[str]) -> Path:
    """Make a folder, and its parents, if it is not there.

    Args:
        path: where it shall be.

    Returns:
        The same path.

    Raises:
        ValueError: `path` is none.
        NotADirectoryError: `path` or a part of it is a file, or `path` is a symbolic
            link.
        OSError: it cannot be made.
    """
    given: Any = path
    if not isinstance(given, str | os.PathLike) or not os.fspath(path):
        raise ValueError(f"save_directory must be a folder's path, but is {path!r}.")
    folder = Path(path).expanduser()
    if folder.is_symlink():
        # Where it points to may be shared or a cache, which saving would change.
        raise NotADirectoryError(
            f"save_directory {str(folder)!r} is a symbolic link to "
            f"{os.readlink(folder)!r}; give the folder itself."
        )
    if folder.exists() and not folder.is_dir():
        raise NotADirectoryError(
            f"save_directory {str(folder)!r} is a file; give the path of a folder."
        )
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except (NotADirectoryError, FileExistsError):
        raise NotADirectoryError(
            f"save_directory {str(folder)!r} lies below a file; give another path."
        ) from None
    return folder
