"""From a name to local files: a folder, the package's checkpoint, or a repository.

Nothing here asks the network for a folder, nor for a repository while offline.
"""

from __future__ import annotations

import json
import logging
import os
import re
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, fields
from pathlib import Path, PurePosixPath
from typing import Any, cast

from albert._version import __version__
from albert.common.files import write_text
from albert.common.hub_errors import OFFLINE_ADVICE, HubUnreachableError, explained
from albert.common.replacing import settle

DEMO_NAME = "albert-demo"
"""The checkpoint inside the package: `from_pretrained("albert-demo")`."""

LIBRARY: Any = {"library_name": "albert-models", "library_version": __version__}
"""What the hub is told of who asks."""

_ASSETS = Path(__file__).resolve().parent.parent / "assets"
_COMMIT = re.compile(r"[0-9a-f]{40}")

_log = logging.getLogger("albert")


@dataclass(frozen=True)
class Location:
    """Where in a repository, and how to get it.

    Args:
        revision: a branch, tag or commit; None for "main".
        token: the hub's token; True for the machine's, False for none, None for the
            machine's if there is one.
        cache_dir: the cache; None for huggingface_hub's own.
        local_files_only: whether only the cache may be used.
        subfolder: a folder inside the repository or folder; "" for the top.
        force_download: whether to download what the cache has already.

    Raises:
        TypeError: a value is of another type.
        ValueError: the subfolder leads outside, or a value cannot be meant.
    """

    revision: str | None = None
    token: str | bool | None = field(default=None, repr=False)
    cache_dir: str | os.PathLike[str] | None = None
    local_files_only: bool = False
    subfolder: str = ""
    force_download: bool = False

    def __post_init__(self) -> None:
        for name, (kinds, words) in _KINDS.items():
            if not isinstance(getattr(self, name), kinds):
                given = type(getattr(self, name)).__name__
                raise TypeError(f"{name} must be {words}, but is of type {given}.")
        if isinstance(self.token, str) and not re.fullmatch(r"[!-~]+", self.token):
            raise ValueError("token must be printable ASCII without white space.")
        if self.revision is not None and _leads_outside(self.revision):
            raise ValueError(
                f"revision must be a branch, tag or commit, but is {self.revision!r}."
            )
        if self.subfolder and _leads_outside(self.subfolder):
            raise ValueError(
                f"subfolder must be a path inside the repository or folder, such as "
                f"'checkpoints/last', but is {self.subfolder!r}."
            )
        if self.force_download and self.local_files_only:
            raise ValueError("force_download and local_files_only exclude each other.")

    @classmethod
    def take(cls, arguments: dict[str, Any]) -> Location:
        """Take what says where out of keyword arguments, and leave the others there.

        Args:
            arguments: keyword arguments of a `from_pretrained`; changed in place.

        Returns:
            The location.

        Raises:
            TypeError: a value is of another type.
            ValueError: the subfolder leads outside, or a value cannot be meant.
        """
        names = [each.name for each in fields(cls) if each.name in arguments]
        values = {name: arguments.pop(name) for name in names}
        if values.get("subfolder", "") is None:
            del values["subfolder"]
        return cls(**values)


_KINDS: dict[str, tuple[tuple[type, ...], str]] = {
    "revision": ((str, type(None)), "a string or None"),
    "token": ((str, bool, type(None)), "a string, True, False or None"),
    "cache_dir": ((str, os.PathLike, type(None)), "a path or None"),
    "local_files_only": ((bool,), "True or False"),
    "subfolder": ((str,), "a string"),
    "force_download": ((bool,), "True or False"),
}


@dataclass(frozen=True)
class Files:
    """The files of one folder, on this machine or on the hub.

    Args:
        label: what to call the folder in errors.
        names: its files; those in folders inside it are left out.
        bring: brings files to this machine and gives the folder they are in.
    """

    label: str
    names: tuple[str, ...]
    bring: Callable[[Sequence[str]], Path] = field(repr=False)

    def fetch(self, names: Iterable[str]) -> Path:
        """Bring files to this machine, if they are not here.

        Args:
            names: some of `names`, at least one.

        Returns:
            The folder that has them.

        Raises:
            FileNotFoundError: there is no such file.
            OSError: the hub does not give it; the text says why.
        """
        wanted = list(dict.fromkeys(names))
        lacking = [name for name in wanted if name not in self.names]
        if lacking or not wanted:
            listed = ", ".join(map(repr, lacking)) or "none of the files needed"
            raise FileNotFoundError(
                f"{self.label} holds {'no ' if lacking else ''}{listed}."
            )
        return self.bring(wanted)


def find_files(
    name_or_path: str | os.PathLike[str], location: Location = Location()
) -> Files:
    """Find the files of a folder or a repository; nothing is downloaded yet.

    A folder of the user's comes first, so nothing on the hub can shadow it.

    Args:
        name_or_path: path of a folder, "albert-demo" for the embedded checkpoint, or
            a repository such as "owner/name".
        location: where in it.

    Returns:
        The files: of a repository as the hub lists them, or as the cache has them
        when offline.

    Raises:
        NotADirectoryError: the path is a file.
        FileNotFoundError: there is no such folder or repository, revision or
            subfolder, or it is not in the cache and may not be downloaded.
        PermissionError: the repository is gated, or the token is not good.
        ConnectionError: the hub cannot be reached, and the cache has nothing.
        ValueError: it is neither a path nor a repository's name.
    """
    folder = _folder(name_or_path)
    if folder is not None:
        folder = _inside(folder, location.subfolder)
        settle(folder)
        return _listed(folder, repr(str(folder)))
    name = _repository_name(name_or_path)
    if _is_offline(location):
        return _cached(name, location, OFFLINE_ADVICE)
    try:
        return _noted(name, location) or _online(name, location)
    except HubUnreachableError as error:
        unreachable = HubUnreachableError(
            f"{name!r} is no folder on this machine, and {error}"
        )
        if location.force_download:
            raise unreachable from None
        try:
            files = _cached(name, location, "check the connection")
        except FileNotFoundError:
            raise unreachable from None
        if not _is_commit(location.revision):
            _log.warning(
                "Using the cached files of %r, which may be old: %s", name, error
            )
        return files


def _folder(name_or_path: str | os.PathLike[str]) -> Path | None:
    name = os.fspath(name_or_path)
    folder = Path(name).expanduser()
    if folder.is_dir():
        return folder
    if folder.exists():
        raise NotADirectoryError(
            f"{name!r} is a file; give the path of the folder that holds it."
        )
    return _ASSETS / DEMO_NAME if name == DEMO_NAME else None


def _inside(folder: Path, subfolder: str) -> Path:
    if not (folder / subfolder).is_dir():
        raise FileNotFoundError(f"{str(folder)!r} has no folder {subfolder!r}.")
    return folder / subfolder


def _listed(folder: Path, label: str) -> Files:
    names = sorted(path.name for path in folder.iterdir() if path.is_file())
    return Files(label, tuple(names), lambda names: folder)


def _repository_name(name_or_path: str | os.PathLike[str]) -> str:
    """Give the repository that is meant, or say why none can be."""
    name = os.fspath(name_or_path)
    like_a_path = name.startswith((".", "~", "/")) or name.count("/") > 1
    if like_a_path or not isinstance(name_or_path, str):
        raise FileNotFoundError(
            f"{name!r} is no folder on this machine; give the path of a folder, a "
            f"repository on the hub as 'owner/name', or {DEMO_NAME!r}."
        )
    if not can_be_repository(name):
        raise ValueError(
            f"{name!r} is neither a folder on this machine nor a name that a "
            f"repository on the hub can have, such as 'owner/name'."
        )
    return name


def can_be_repository(name: object) -> bool:
    """Tell whether a repository on the hub can have this name."""
    from huggingface_hub.errors import HFValidationError
    from huggingface_hub.utils import validate_repo_id

    if not isinstance(name, str):
        return False
    try:
        validate_repo_id(name)
    except HFValidationError:
        return False
    return True


def _client() -> Any:
    """Give huggingface_hub, which takes a moment to import, without its own types."""
    import huggingface_hub

    return huggingface_hub


def _is_offline(location: Location) -> bool:
    from huggingface_hub import constants

    return location.local_files_only or constants.HF_HUB_OFFLINE


def _online(name: str, location: Location) -> Files:
    """List what the hub has of a revision, and hold on to that one commit of it."""
    told = explained(name, location.revision, location.token, "give a folder")
    api = _client().HfApi(token=location.token, **LIBRARY)
    with told():
        info = api.model_info(name, revision=location.revision)
    if not _is_commit(info.sha):
        raise OSError(f"the hub names no commit for {name!r}, but {info.sha!r}.")
    paths = [file.rfilename for file in info.siblings or ()]
    return _of_commit(name, info.sha, paths, location)


def _is_commit(revision: str | None) -> bool:
    return _COMMIT.fullmatch(revision or "") is not None


def _of_commit(
    name: str, commit: str, listed: Sequence[str], location: Location
) -> Files:
    """Give the files of a commit that has these paths."""
    told = explained(name, location.revision, location.token, "give a folder")
    prefix = PurePosixPath(location.subfolder)

    def bring(files: Sequence[str]) -> Path:
        api = _client().HfApi(token=location.token, **LIBRARY)
        paths = [str(prefix / file) for file in files]
        with told():
            found = [
                api.hf_hub_download(
                    name,
                    path,
                    revision=commit,
                    cache_dir=_cache(location),
                    force_download=location.force_download,
                )
                for path in paths
            ]
        snapshot = Path(found[0]).parents[paths[0].count("/")]
        _remember(snapshot, location.revision)
        _note(snapshot, listed)
        return Path(found[0]).parent

    return Files(repr(name), _directly_in(prefix, listed, name, location), bring)


def _noted(name: str, location: Location) -> Files | None:
    """List a commit, which never changes, as the hub did when files of it came."""
    if location.force_download or not _is_commit(location.revision):
        return None
    snapshot = _snapshot(name, location)
    try:
        listed: Any = json.loads(_note_of(snapshot).read_bytes()) if snapshot else None
    except (OSError, ValueError, RecursionError):
        return None
    if snapshot is None or not isinstance(listed, list):
        return None
    paths = [path for path in cast(list[Any], listed) if isinstance(path, str)]
    return _of_commit(name, snapshot.name, paths, location)


def _note(snapshot: Path, listed: Sequence[str]) -> None:
    """Keep the paths that a commit has, beside what huggingface_hub keeps of it."""
    note = _note_of(snapshot)
    # Without it the hub is asked again.
    with suppress(OSError):
        if not note.is_file():
            note.parent.mkdir(exist_ok=True)
            write_text(note, json.dumps(list(listed)))


def _note_of(snapshot: Path) -> Path:
    return snapshot.parent.parent / "albert-models" / f"{snapshot.name}.json"


def _cache(location: Location) -> str | None:
    return None if location.cache_dir is None else os.fspath(location.cache_dir)


def _directly_in(
    prefix: PurePosixPath, paths: Sequence[str], name: str, location: Location
) -> tuple[str, ...]:
    """Give the names of the files in one folder of a repository.

    A name with a path in it is left out, so none can lead out of the cache.
    """
    inside = [
        PurePosixPath(path).name
        for path in paths
        if PurePosixPath(path).parent == prefix and not _leads_outside(path)
    ]
    if not inside and location.subfolder:
        raise FileNotFoundError(
            f"{name!r} has no files in a folder {location.subfolder!r} at revision "
            f"{location.revision or 'main'!r}."
        )
    return tuple(sorted(inside))


def _remember(snapshot: Path, revision: str | None) -> None:
    """Note the commit of a branch or tag where huggingface_hub's cache has it.

    The client does so only when it downloads by the branch's name, and then two files
    may be of two commits.
    """
    revision = revision or "main"
    if revision == snapshot.name:
        return
    note = snapshot.parent.parent / "refs" / revision
    try:
        if not note.is_file() or note.read_text("utf-8") != snapshot.name:
            note.parent.mkdir(parents=True, exist_ok=True)
            write_text(note, snapshot.name)
    except OSError as error:
        _log.warning("Loading %r offline will not work: %s", revision, error)


def _cached(name: str, location: Location, advice: str) -> Files:
    """List what the cache has of a revision, without the network."""
    revision, snapshot = location.revision or "main", _snapshot(name, location)
    if snapshot is None:
        raise FileNotFoundError(
            f"{name!r} is no folder on this machine, and its revision {revision!r} is "
            f"not in the cache: {advice}."
        )
    folder = snapshot / location.subfolder
    if not folder.is_dir():
        raise FileNotFoundError(
            f"{name!r} has no folder {location.subfolder!r} in the cache at revision "
            f"{revision!r}: {advice}."
        )
    return _listed(folder, f"{name!r}, as far as it is in the cache ({advice}),")


def _snapshot(name: str, location: Location) -> Path | None:
    """Give the folder in the cache that a revision has, if it has one."""
    try:
        # No pattern: the folder is wanted as it is, complete or not.
        found = _client().snapshot_download(
            name,
            revision=location.revision or "main",
            cache_dir=_cache(location),
            local_files_only=True,
            allow_patterns=[],
        )
    except FileNotFoundError:
        return None
    return Path(found)


def _leads_outside(path: str) -> bool:
    parts = re.split(r"[/\\]", path)
    return ".." in parts or parts[0] in ("", "~") or "\\" in path or "\0" in path
