"""A folder that is written whole or not at all, with the folders inside it."""

from __future__ import annotations

import errno
import json
import os
import shutil
import tempfile
from collections.abc import Generator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, cast

LIST_FILE = "export.json"
"""Lists the folder's files, so that it is known again and may be replaced."""

_PREFIX = ".albert-export-"


def check_free(folder: str | os.PathLike[str], argument: str) -> Path:
    """Check that nothing would be lost if a folder were replaced.

    Args:
        folder: there may be none, or an empty one, or one that `new_folder` made.
        argument: what the caller calls it.

    Returns:
        Its absolute path.

    Raises:
        OSError: a file, a symbolic link or something else is there.
        ValueError: it is no path, or this process works in it.
    """
    given: Any = folder
    if not isinstance(given, str | os.PathLike) or not os.fspath(folder):
        raise ValueError(f"{argument} must be a folder's path, but is {folder!r}.")
    path = Path(os.path.abspath(Path(folder).expanduser()))
    if path.is_symlink():
        raise NotADirectoryError(
            f"{argument} {str(path)!r} is a symbolic link to {os.readlink(path)!r}; "
            f"give the folder itself."
        )
    if not path.exists():
        return path
    if not path.is_dir():
        raise NotADirectoryError(
            f"{argument} {str(path)!r} is a file; give the path of a folder."
        )
    strange = _files(path) - _listed(path)
    if strange:
        raise FileExistsError(
            f"{argument} {str(path)!r} holds {sorted(strange)[0]}, which no export "
            f"wrote; give a new folder."
        )
    if Path.cwd().is_relative_to(path.resolve()):
        raise ValueError(
            f"{argument} {str(path)!r} is the folder that you are in, which cannot be "
            f"replaced; give a folder inside it."
        )
    return path


@contextmanager
def new_folder(folder: Path, prefix: str = _PREFIX) -> Generator[Path]:
    """Give a new folder that takes the place of `folder` when all went well.

    Args:
        folder: checked by `check_free`; an earlier export in it makes way. It is
            missing for the moment between two renames; a process killed just then
            leaves it beside its place, as .albert-export-….old.
        prefix: of the folder's name while it is written; a killed process leaves it.

    Yields:
        The new folder. Write into it, `LIST_FILE` too, by `write_list`. When the
        `with` block raises, `folder` stays as it was, and is not there if it was not.

    Raises:
        OSError: the folder cannot be made; the disk is full.
    """
    made = [path for path in folder.parents if not path.exists()]
    staged = None
    try:
        staged = _staged(folder, prefix)
        yield staged
        _sync(staged)
        _put(staged, folder)
    except BaseException as error:
        if staged is not None:
            shutil.rmtree(staged, ignore_errors=True)
        for path in made:
            with suppress(OSError):
                path.rmdir()
        if isinstance(error, OSError) and error.errno is not None:
            raise _explained(error, folder) from None
        raise


def write_list(folder: Path, facts: dict[str, Any]) -> None:
    """Write `LIST_FILE` into a new folder.

    Args:
        folder: what `new_folder` gave; all other files are in it.
        facts: written beside the list of files and their sizes in bytes.
    """
    sizes = {name: (folder / name).stat().st_size for name in sorted(_files(folder))}
    text = json.dumps({**facts, "files": sizes}, indent=2)
    (folder / LIST_FILE).write_text(text + "\n", "utf-8")


def _files(folder: Path) -> set[str]:
    """List the files in a folder and in those inside it."""
    return {
        path.relative_to(folder).as_posix()
        for path in folder.rglob("*")
        if path.is_symlink() or not path.is_dir()
    }


def _listed(folder: Path) -> set[str]:
    try:
        facts: Any = json.loads((folder / LIST_FILE).read_text("utf-8"))
    except (OSError, ValueError, RecursionError):
        return set()
    listed = cast("Any", facts).get("files") if isinstance(facts, dict) else None
    if not isinstance(listed, dict):
        return set()
    return {LIST_FILE, *cast("dict[str, int]", listed)}


def _staged(folder: Path, prefix: str) -> Path:
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
    except (NotADirectoryError, FileExistsError):
        raise NotADirectoryError(
            f"{str(folder)!r} lies below a file; give another path."
        ) from None
    staged = Path(tempfile.mkdtemp(prefix=prefix, dir=folder.parent))
    umask = os.umask(0)
    os.umask(umask)
    staged.chmod(0o777 & ~umask)
    return staged


def _sync(folder: Path) -> None:
    for name in _files(folder):
        if (folder / name).is_file():
            with open(folder / name, "rb") as file:
                os.fsync(file.fileno())


def _put(staged: Path, folder: Path) -> None:
    # Again: it took long enough for somebody else to write there.
    check_free(folder, "the folder")
    if not folder.exists():
        staged.rename(folder)
        return
    old = staged.with_name(staged.name + ".old")
    folder.rename(old)
    try:
        staged.rename(folder)
    except BaseException:
        old.rename(folder)
        raise
    shutil.rmtree(old, ignore_errors=True)


def _explained(error: OSError, folder: Path) -> OSError:
    refused = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS, errno.EACCES)
    if error.errno not in refused:
        return error
    return type(error)(
        error.errno,
        f"{error.strerror}: nothing was written; free some space, or give a folder "
        f"where you may write",
        str(folder),
    )
