"""The process that opens the inputs: watched from inside, and from outside by `run`.

A number comes in on each line of its input; a line of JSON goes out for it. Whoever
wants to open something that is not the input's own is noted by an audit hook.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import resource
import shutil
import signal
import sys
import sysconfig
import tempfile
import time
import warnings
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

from albert.common import names
from albert.common.checkpoint.lazy import FLOATS
from albert.common.config import AlbertConfig
from albert.common.loading import load_arrays
from albert.common.opening import open_checkpoint
from conformance.fuzz.inputs import make
from conformance.fuzz.mutations import Files, Folder, Input, Link
from conformance.fuzz.seeds import all_seeds

MEMORY = 1 << 28
"""Bytes of growth that are a fault; the largest checkpoint here has a hundred KiB."""

SECONDS = 5
"""Processor time for one input; what takes longer is ended."""

READY = "ready"
"""The first line, when all is imported."""

_ADDRESSES = 1 << 32
_FIELDS = ("num_labels", "model_type")
_LINES, _LETTERS = 210, 5000
_REFUSALS = (ValueError, FileNotFoundError, ImportError)
_FORBIDDEN = re.compile(
    r"os\.(system|exec|posix_spawn|spawn|fork|forkpty|putenv|kill|remove|rename|rmdir"
    r"|mkdir|link|symlink|chmod|chown|truncate)|subprocess\.Popen|pickle\.find_class"
    r"|socket\..*|shutil\..*|ctypes\.dlopen|urllib\..*|pty\..*"
)


class Answer(NamedTuple):
    """What became of one input.

    Fields:
        number: of the input.
        reader: a key of `seeds.READERS`.
        label: what the input is.
        outcome: "opened", "changed" (opened with other values), "refused" or "fault".
        text: the error, or what is wrong.
        seconds: of processor time.
        memory: bytes by which the process grew at most.
    """

    number: int
    reader: str
    label: str
    outcome: str
    text: str
    seconds: float
    memory: int


class Watch:
    """Notes what a reader does beyond reading its own files.

    Attributes:
        events: what was noted since `begin`.
    """

    def __init__(self) -> None:
        self.events: list[str] = []
        self._on = False
        self._own: tuple[str, ...] = ()
        paths = sysconfig.get_paths()
        python = {paths["stdlib"], paths["purelib"], paths["platlib"], sys.prefix}
        package = str(Path(__file__).resolve().parents[2])
        self._others = (*python, sys.base_prefix, package, "/proc/self", "/dev/null")
        sys.addaudithook(self._hook)

    def begin(self, *own: Path) -> None:
        """Start to note.

        Args:
            *own: folders that may be opened: the input's, and one for temporary files,
                where files may also be made and removed.
        """
        self.events = []
        self._own = tuple(map(str, own))
        self._on = True

    def end(self) -> list[str]:
        """Stop, and give what was noted."""
        self._on = False
        return self.events

    def _hook(self, event: str, arguments: tuple[Any, ...]) -> None:
        if not self._on:
            return
        if event == "open":
            self._on_open(*arguments)
        elif event == "exec" and not self._known(arguments[0].co_filename):
            self.events.append(f"exec of {arguments[0].co_filename!r}")
        elif _FORBIDDEN.fullmatch(event) and not self._temporary(arguments):
            self.events.append(f"{event} {str(arguments)[:200]}")

    def _on_open(self, path: Any, mode: Any, flags: Any) -> None:
        if isinstance(path, int):
            return
        place = os.path.abspath(os.fsdecode(path))
        inside = place.startswith(self._own)
        writes = flags & (os.O_WRONLY | os.O_RDWR | os.O_CREAT)
        if not (inside or self._known(place)) or (
            writes and not place.startswith(self._own[1])
        ):
            self.events.append(f"open of {place!r} ({mode or flags})")

    def _known(self, place: str) -> bool:
        return place.startswith((*self._others, "<frozen", "<string>"))

    def _temporary(self, arguments: tuple[Any, ...]) -> bool:
        return bool(arguments) and str(arguments[0]).startswith(self._own[1])


def _status(field: str) -> int:
    with open("/proc/self/status", encoding="ascii") as file:
        lines = dict(line.split(":", 1) for line in file)
    return int(lines[field].split()[0]) * 1024


def _forget_peak() -> None:
    with open("/proc/self/clear_refs", "w", encoding="ascii") as file:
        file.write("5")


def write(folder: Path, files: Files) -> None:
    """Write an input into an empty folder."""
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if isinstance(content, Folder):
            path.mkdir()
        elif isinstance(content, Link):
            path.symlink_to(content.target)
        else:
            path.write_bytes(content)


def read(folder: Path) -> dict[str, str]:
    """Open a checkpoint as models do, and read every array.

    Args:
        folder: of the checkpoint.

    Returns:
        Canonical name -> digest of the values.

    Raises:
        ValueError: the checkpoint is refused.
    """
    checkpoint = open_checkpoint(folder)
    digests = {}
    for name, array in checkpoint.arrays.items():
        if array.dtype not in FLOATS:
            raise ValueError(f"{name} in {str(folder)!r} is of type {array.dtype}.")
        digests[name] = hashlib.sha256(array.read().tobytes()).hexdigest()
    config = checkpoint.config
    listed = config.architectures if isinstance(config.architectures, list) else []
    chosen = next((name for name in names.PARTS if name in listed), "AlbertModel")
    load_arrays(checkpoint, config, names.weights(config, chosen))
    return digests


def _named(text: str, folder: Path, given: Input) -> bool:
    """Whether an error says which file or which setting is wrong."""
    known = {str(folder), *given.files, *vars(AlbertConfig()), *_FIELDS}
    for name in given.seed.settings:
        known.update(re.findall(r'"(\w+)":', given.seed.files[name].decode()))
    return any(name in text for name in known)


class Worker:
    """Opens inputs in a folder of its own.

    Args:
        seed: of the random numbers.
        place: an empty folder; nothing else may be written to.
    """

    def __init__(self, seed: int, place: Path):
        self._seed = seed
        self._place = place
        self._temporary = place / "temporary"
        self._outside = place / "outside"
        for folder in (self._temporary, self._outside):
            folder.mkdir()
        tempfile.tempdir = str(self._temporary)
        os.chdir(self._outside)
        self._original = cache(self._digests)
        self._watch = Watch()

    def answer(self, number: int) -> Answer:
        """Make an input, open it and say what became of it."""
        given = make(self._seed, number, self._outside)
        original = self._original(given.seed.reader, given.seed.name)
        if isinstance(original, str):
            return Answer(number, given.reader, given.label, "fault", original, 0.0, 0)
        folder = self._folder(given.files)
        before = _listing(folder)
        start, held = time.process_time(), _status("VmRSS")
        _forget_peak()
        signal.setitimer(signal.ITIMER_PROF, SECONDS)
        self._watch.begin(folder, self._temporary)
        outcome, text = self._outcome(folder, given)
        events = self._watch.end()
        signal.setitimer(signal.ITIMER_PROF, 0)
        seconds, memory = time.process_time() - start, _status("VmHWM") - held
        if memory > MEMORY:
            events.append(f"{memory >> 20} MiB of memory ({outcome}: {text[:200]})")
        if _listing(folder) != before or any(self._temporary.iterdir()):
            events.append("files were left in the folder or beside it")
        if set(os.listdir(self._outside)) - {"shard"}:
            events.append(f"files outside: {os.listdir(self._outside)}")
        shutil.rmtree(folder)
        if events:
            outcome, text = "fault", "; ".join(events)
        return Answer(
            number, given.reader, given.label, outcome, text, seconds, max(0, memory)
        )

    def _folder(self, files: Files) -> Path:
        folder = self._place / "input"
        folder.mkdir()
        write(folder, files)
        return folder

    def _outcome(self, folder: Path, given: Input) -> tuple[str, str]:
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                digests = read(folder)
        except BaseException as error:
            return self._error(error, folder, given)
        if given.hostile:
            return "fault", "it was opened, but must be refused"
        same = digests == self._original(given.seed.reader, given.seed.name)
        return ("opened" if same else "changed"), ""

    def _error(
        self, error: BaseException, folder: Path, given: Input
    ) -> tuple[str, str]:
        text = str(error)
        clear = isinstance(error, _REFUSALS) and not isinstance(error, UnicodeError)
        if isinstance(error, OSError) and str(error.filename).startswith(str(folder)):
            clear = True  # the system's own words, and the file
        if not clear:
            return "fault", f"{type(error).__name__}: {text[:500]}"
        lines = text.splitlines()
        # A model that does not fit has a line for each weight.
        if len(lines) > _LINES or max(map(len, lines), default=0) > _LETTERS:
            return "fault", f"a text of {len(text)} letters: {text[:500]}"
        if not _named(text, folder, given):
            return "fault", f"the error names neither a file nor a setting: {text}"
        if "allocate" in text or "MemoryError" in text:
            return "fault", f"it ran out of memory: {text}"
        return "refused", text

    def _digests(self, reader: str, name: str) -> dict[str, str] | str:
        (seed,) = (one for one in all_seeds()[reader] if one.name == name)
        folder = self._folder(dict(seed.files))
        try:
            return read(folder)
        except Exception as error:
            return f"without any damage: {type(error).__name__}: {error}"
        finally:
            shutil.rmtree(folder)


def _listing(folder: Path) -> list[tuple[str, int]]:
    return sorted(
        (str(path.relative_to(folder)), path.lstat().st_size)
        for path in folder.rglob("*")
    )


def warm() -> None:
    """Import what the readers import when they are first used."""
    import h5py  # noqa: F401 # pyright: ignore[reportMissingTypeStubs]
    import torch

    torch.set_num_threads(1)


def main() -> None:
    """Answer until the input ends."""
    # What libraries print must not get between the answers.
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    warm()
    worker = Worker(int(sys.argv[1]), Path(sys.argv[2]))
    limit = _status("VmSize") + _ADDRESSES
    resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    print(READY, file=answers, flush=True)
    for line in sys.stdin:
        answer = worker.answer(int(line))
        answers.write(json.dumps(answer) + "\n")
        answers.flush()


if __name__ == "__main__":
    main()
