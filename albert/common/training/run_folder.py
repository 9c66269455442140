"""The folder of a run: its settings, checkpoints, log, events and plot."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import numpy as np

from albert.common.checkpoint import safetensors
from albert.common.files import make_folder, write_text
from albert.common.training.reporting import PLOT_FILE
from albert.common.training.settings import TrainingSettings
from albert.common.whole_folder import new_folder

STATE_FILE = "training_state.json"
ARRAYS_FILE = "training_state.safetensors"
_RUN_FILE = "run.json"
_LOG_FILE = "log.jsonl"
_PREFIX = "checkpoint-"
_PASSING = ".albert-run-"


class RunFolder:
    """The files of one run.

    A checkpoint is a folder that is written whole and then renamed, so a run that is
    killed has those before. It holds the model as `save_pretrained` writes it, the
    optimizer's averages by the weights' canonical names, and the position.

    Args:
        folder: made if need be. A run of the same settings and data is continued.
        settings: of the run.
        facts: what else decides its numbers, such as the data's identity.
        writes: whether this process does; only one of those that train together.

    Raises:
        OSError: the folder cannot be made or written to.
        ValueError: a run of other settings or data is in it.
    """

    def __init__(
        self,
        folder: str | os.PathLike[str],
        settings: TrainingSettings,
        facts: Mapping[str, Any],
        writes: bool = True,
    ) -> None:
        self.path = make_folder(folder) if writes else Path(folder).expanduser()
        self.settings, self.writes = settings, writes
        self._take(dict(facts))
        if writes:
            self._clear()

    def _take(self, facts: dict[str, Any]) -> None:
        file = self.path / _RUN_FILE
        if file.exists():
            earlier = _read(file)
            other = self.settings.differing(earlier.get("settings", {}))
            found = earlier.get("facts", {})
            other += [name for name in facts if facts[name] != found.get(name)]
            if other:
                raise ValueError(
                    f"{str(self.path)!r} holds a run with another {', '.join(other)}; "
                    f"continue it with the same, or give another folder."
                )
        elif not self.writes:
            raise ValueError(
                f"{str(self.path)!r} is not what process 0 writes to: all machines "
                f"must see the same folder."
            )
        elif any(self.path.iterdir()):
            raise ValueError(
                f"{str(self.path)!r} holds files, but no run; give a new folder."
            )
        if not self.writes:
            return
        run = {"settings": self.settings.to_dict(), "facts": facts}
        write_text(file, json.dumps(run, indent=2) + "\n")

    def checkpoints(self) -> list[Path]:
        """List the whole checkpoints, the oldest first."""
        found = [
            path
            for path in self.path.glob(_PREFIX + "*")
            if path.name.removeprefix(_PREFIX).isdecimal()
            and (path / STATE_FILE).is_file()
        ]
        return sorted(found, key=step_of)

    def save(
        self,
        write_model: Callable[[Path | None], None],
        arrays: Mapping[str, np.ndarray],
        state: Mapping[str, Any],
    ) -> Path:
        """Write a checkpoint, whole or not at all, and remove the oldest ones.

        Args:
            write_model: writes the model and its tokenizer into a folder; it is given
                None in a process that does not write.
            arrays: of the optimizer.
            state: of the loop, as JSON can hold it, with "step", the number of
                optimizer steps that are done.

        Returns:
            Its folder.

        Raises:
            OSError: the disk is full; the checkpoints before are as they were.
        """
        path = self.path / f"{_PREFIX}{state['step']:08d}"
        if not self.writes:
            write_model(None)
            return path
        with self.new(path.name) as staged:
            write_model(staged)
            safetensors.write_file(staged / ARRAYS_FILE, arrays)
            (staged / STATE_FILE).write_text(json.dumps(state))
        for old in self.checkpoints()[: -self.settings.keep]:
            self.remove(old)
        return path

    def new(self, name: str) -> AbstractContextManager[Path]:
        """Give a new folder of the run, written whole or not at all.

        Args:
            name: of the folder; an earlier one of that name is removed first.

        Returns:
            A context whose value is the folder to write into. If the process is killed
            inside, the run clears it away when it goes on.
        """
        path = self.path / name
        if path.exists():
            self.remove(path)
        return new_folder(path, _PASSING)

    def remove(self, folder: Path) -> None:
        """Remove a folder of the run at one blow.

        Args:
            folder: in the run's.
        """
        # Renamed first: a half-removed folder must not look like a whole one.
        gone = folder.with_name(_PASSING + folder.name)
        shutil.rmtree(gone, ignore_errors=True)
        folder.rename(gone)
        shutil.rmtree(gone)

    def _clear(self) -> None:
        """Clear away what a process that was killed was writing or removing."""
        for path in self.path.glob(_PASSING + "*"):
            if path.is_dir() and not path.is_symlink():
                shutil.rmtree(path, ignore_errors=True)
        for name in (_RUN_FILE, _LOG_FILE, PLOT_FILE):
            for path in self.path.glob(f".{name}.*"):
                path.unlink(missing_ok=True)

    def load(self, path: Path) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
        """Read what `save` was given.

        Args:
            path: one of `checkpoints()`.

        Returns:
            The arrays and the state.

        Raises:
            ValueError: a file of it is damaged.
        """
        try:
            arrays = safetensors.open_file(path / ARRAYS_FILE)
            state = _read(path / STATE_FILE)
            return {name: array.read() for name, array in arrays.items()}, state
        except (OSError, ValueError) as error:
            raise ValueError(
                f"the checkpoint {str(path)!r} cannot be read: {error} Remove it, and "
                f"the run goes on from the one before."
            ) from None

    def log(self, line: Mapping[str, Any]) -> None:
        """Add a line to the log.

        Args:
            line: numbers by name, "step" among them.
        """
        if not self.writes:
            return
        with open(self.path / _LOG_FILE, "a", encoding="utf-8") as file:
            file.write(json.dumps(line) + "\n")

    def lines(self) -> list[dict[str, Any]]:
        """Read the log; a last line that a killed process cut off is left out."""
        file = self.path / _LOG_FILE
        if not file.exists():
            return []
        texts = file.read_text("utf-8").split("\n")[:-1]
        return [json.loads(text) for text in texts]

    def forget_after(self, step: int) -> None:
        """Take lines of later steps out of the log: they are computed again.

        Args:
            step: the last one that stays.
        """
        if not self.writes:
            return
        kept = [line for line in self.lines() if line["step"] <= step]
        text = "".join(json.dumps(line) + "\n" for line in kept)
        write_text(self.path / _LOG_FILE, text)


def step_of(checkpoint: Path) -> int:
    """Tell after how many steps a checkpoint was written."""
    return int(checkpoint.name.removeprefix(_PREFIX))


def _read(file: Path) -> dict[str, Any]:
    try:
        return json.loads(file.read_text("utf-8"))
    except ValueError as error:
        raise ValueError(f"{str(file)!r} is damaged: {error}.") from None
