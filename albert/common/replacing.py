"""Several files of a folder change together: all of them or none.

New files are written into a folder of their own inside the folder. One rename, that of
the plan, decides: before it the old files count; after it the new ones do, and whoever
opens the folder next finishes what a killed writer began.
"""

from __future__ import annotations

import errno
import json
import os
import shutil
import tempfile
from collections.abc import Generator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any

from albert.common.files import make_folder, write_text

try:
    import fcntl
except ImportError:  # Windows: no locks; one writer at a time there
    fcntl = None

_PREFIX = ".albert-save-"
_PLAN = "plan.json"
_REFUSED = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS, errno.EACCES)


@contextmanager
def replacing(
    folder: str | os.PathLike[str], outdated: Sequence[str] = ()
) -> Generator[Path]:
    """Give a new folder whose files take their places in `folder` all at once.

    Args:
        folder: made if need be.
        outdated: patterns of file names, such as "model-*.safetensors": files of
            `folder` that match are removed unless they were written anew.

    Yields:
        The new folder. When the `with` block raises, `folder` stays as it was.

    Raises:
        NotADirectoryError: `folder` is a file or a symbolic link.
        OSError: `folder` is read-only or full.
    """
    try:
        target = make_folder(folder)
        settle(target)
        with ExitStack() as held:
            # Locked while it is made, so that nobody takes it for a dead writer's.
            with _locked(target):
                staged = Path(tempfile.mkdtemp(prefix=_PREFIX, dir=target))
                held.callback(shutil.rmtree, staged, ignore_errors=True)
                held.enter_context(_locked(staged))
            yield staged
            _commit(target, staged, outdated)
    except OSError as error:
        raise _explained(error, Path(folder)) from None


@contextmanager
def steady(folder: Path) -> Generator[None]:
    """Hold off savers while the files of a folder are opened.

    Args:
        folder: what a killed saver left half done in it is finished first.
    """
    settle(folder)
    with _locked(folder, shared=True):
        yield


def settle(folder: Path) -> None:
    """Finish or clear away what killed savers left in a folder.

    Args:
        folder: may be read-only if there is nothing to finish.

    Raises:
        OSError: a save must be finished, but the folder cannot be written to.
        ValueError: a plan was not written by this package.
    """
    if not folder.is_dir():
        return
    for staged in sorted(folder.glob(_PREFIX + "*")):
        if staged.is_symlink() or not staged.is_dir():
            continue
        with _locked(folder):
            if (staged / _PLAN).is_file():
                try:
                    _carry_out(folder, staged)
                except OSError as error:
                    raise _explained(error, folder) from None
            elif not _is_held(staged):
                shutil.rmtree(staged, ignore_errors=True)


def _commit(target: Path, staged: Path, outdated: Sequence[str]) -> None:
    written = sorted(path.name for path in staged.iterdir())
    for name in written:
        with open(staged / name, "rb") as file:
            os.fsync(file.fileno())
    removed = {path.name for pattern in outdated for path in target.glob(pattern)}
    plan = {"put": written, "remove": sorted(removed.difference(written))}
    with _locked(target):
        write_text(staged / _PLAN, json.dumps(plan))
        _carry_out(target, staged)


def _carry_out(folder: Path, staged: Path) -> None:
    """Do what the plan says, from wherever a writer was killed."""
    put, remove = _read_plan(staged / _PLAN)
    for name in put:
        # What is not there any more has been moved already.
        if (staged / name).is_file():
            os.replace(staged / name, folder / name)
    for name in remove:
        (folder / name).unlink(missing_ok=True)
    _sync(folder)
    (staged / _PLAN).unlink()
    shutil.rmtree(staged, ignore_errors=True)


def _read_plan(path: Path) -> tuple[list[str], list[str]]:
    foreign = ValueError(
        f"{str(path)!r} was not written by this package; remove its folder."
    )
    try:
        plan: Any = json.loads(path.read_text("utf-8"))
        put, remove = list[Any](plan["put"]), list[Any](plan["remove"])
    except (ValueError, KeyError, TypeError, RecursionError):
        raise foreign from None
    for name in (*put, *remove):
        plain = isinstance(name, str) and Path(name).name == name
        if not plain or (path.parent / name).is_symlink():
            raise foreign
    return put, remove


def _sync(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


@contextmanager
def _locked(folder: Path, shared: bool = False) -> Generator[None]:
    """Hold a lock, which the system frees when the process ends, however it ends."""
    if fcntl is None:
        yield
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        # A file system without locks must not stop anybody from saving.
        with suppress(OSError):
            fcntl.flock(handle, fcntl.LOCK_SH if shared else fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


def _is_held(folder: Path) -> bool:
    """Whether a living writer holds the lock."""
    if fcntl is None:
        return True
    handle = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return True
    finally:
        os.close(handle)
    return False


def _explained(error: OSError, folder: Path) -> OSError:
    if error.errno not in _REFUSED or "nothing in the folder" in str(error):
        return error
    return type(error)(
        error.errno,
        f"{error.strerror}: nothing in the folder was changed; free some space, or "
        f"give a folder that you may write to",
        str(folder),
    )
