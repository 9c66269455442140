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
_MAX_PLAN_BYTES = 1 << 22
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
                held.callback(_clear, staged)
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
    while True:
        settle(folder)
        with _locked(folder, shared=True):
            # While this waited for the lock, a writer may have been killed.
            if not any(_has_plan(staged) for staged in _stagings(folder)):
                yield
                return


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
    for staged in _stagings(folder):
        with _locked(folder):
            if _has_plan(staged):
                _carry_out(folder, staged)
            elif not _is_held(staged):
                shutil.rmtree(staged, ignore_errors=True)


def _stagings(folder: Path) -> list[Path]:
    return [path for path in sorted(folder.glob(_PREFIX + "*")) if _is_folder(path)]


def _has_plan(staged: Path) -> bool:
    return (staged / _PLAN).is_file()


def _commit(target: Path, staged: Path, outdated: Sequence[str]) -> None:
    written = sorted(path.name for path in staged.iterdir())
    for name in written:
        with open(staged / name, "rb") as file:
            os.fsync(file.fileno())
    with _locked(target):
        removed = {
            path.name
            for pattern in outdated
            for path in target.glob(pattern)
            if not _is_folder(path)
        }
        for name in written:
            if _is_folder(target / name):
                raise IsADirectoryError(
                    errno.EISDIR,
                    "a folder is where a file shall be; nothing was changed",
                    str(target / name),
                )
        plan = {"put": written, "remove": sorted(removed.difference(written))}
        write_text(staged / _PLAN, json.dumps(plan))
        _carry_out(target, staged)


def _clear(staged: Path) -> None:
    """Remove what a save left, unless others must finish it."""
    if not _has_plan(staged):
        shutil.rmtree(staged, ignore_errors=True)


def _carry_out(folder: Path, staged: Path) -> None:
    """Do what the plan says, from wherever a writer was killed."""
    put, remove = _read_plan(folder, staged)
    try:
        _sync(staged)
        for name in put:
            # What is not there any more has been moved already.
            if (staged / name).is_file():
                os.replace(staged / name, folder / name)
        for name in remove:
            (folder / name).unlink(missing_ok=True)
        _sync(folder)
        (staged / _PLAN).unlink()
    except OSError as error:
        raise _UnfinishedError(
            error.errno,
            f"{error.strerror}: the files were written, but not all have taken their "
            f"places; they will when the folder can be written to and is opened again",
            str(folder),
        ) from None
    shutil.rmtree(staged, ignore_errors=True)


class _UnfinishedError(OSError):
    pass


def _read_plan(folder: Path, staged: Path) -> tuple[list[str], list[str]]:
    path = staged / _PLAN
    foreign = ValueError(
        f"{str(path)!r} was not written by this package; remove its folder."
    )
    if path.stat().st_size > _MAX_PLAN_BYTES:
        raise foreign
    try:
        plan: Any = json.loads(path.read_text("utf-8"))
        put, remove = list[Any](plan["put"]), list[Any](plan["remove"])
    except (ValueError, KeyError, TypeError, RecursionError):
        raise foreign from None
    for name in (*put, *remove):
        # No folder is ever replaced, and no link followed.
        if not _is_plain(name) or _is_folder(folder / name):
            raise foreign
        if (staged / name).is_symlink():
            raise foreign
    return put, remove


def _is_plain(name: object) -> bool:
    """Whether it is the name of a file beside the plan's folder."""
    return (
        isinstance(name, str)
        and Path(name).name == name
        and name not in ("", ".", "..", _PLAN)
        and "\0" not in name
        and not name.startswith(_PREFIX)
    )


def _is_folder(path: Path) -> bool:
    return path.is_dir() and not path.is_symlink()


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
    try:
        handle = os.open(folder, os.O_RDONLY)
    except FileNotFoundError:  # its writer has just ended
        return True
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return True
    finally:
        os.close(handle)
    return False


def _explained(error: OSError, folder: Path) -> OSError:
    if error.errno not in _REFUSED or isinstance(error, _UnfinishedError):
        return error
    return type(error)(
        error.errno,
        f"{error.strerror}: nothing in the folder was changed; free some space, or "
        f"give a folder that you may write to",
        str(folder),
    )
