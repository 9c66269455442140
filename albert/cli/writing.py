"""Answers as JSON lines, into a pipe or into a file that can be gone on with."""

from __future__ import annotations

import base64
import fcntl
import json
import math
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, BinaryIO, Protocol

from albert.cli.arguments import UsageError
from albert.common.files import write_text
from albert.common.records import Record


class Sink(Protocol):
    """Where answers go."""

    def write(self, record: Record, answer: Any) -> None:
        """Take an answer; it may be kept back until `flush`."""
        ...

    def flush(self) -> None:
        """Hand on what was kept back."""
        ...


class JsonLines:
    """A JSON object for each input: its columns, and the answer.

    Args:
        file: to write to.
        answer_column: the answer's name.
    """

    def __init__(self, file: BinaryIO, answer_column: str) -> None:
        self._file, self._answer_column = file, answer_column
        self._lines: list[bytes] = []

    def write(self, record: Record, answer: Any) -> None:
        """Take an answer; it is kept back until `flush`.

        Args:
            record: the input.
            answer: to it.

        Raises:
            ValueError: the input has a column of the answer's name.
        """
        if self._answer_column in record.columns:
            raise ValueError(
                f"{record.place}: there is a column {self._answer_column!r} already; "
                f"give the answer another name with --answer-column."
            )
        row = {**record.columns, self._answer_column: answer}
        self._lines.append(encode(row) + b"\n")

    def flush(self) -> None:
        """Write what was kept back."""
        self._file.write(b"".join(self._lines))
        self._lines.clear()
        self._file.flush()


class PartFile:
    """JSON lines in a file beside the one that is wanted, whose place it takes at last.

    The settings of the run stand in a second file. Both are there as long as the run is
    not done, and a run that was killed at any moment can be gone on with.

    Args:
        path: of the file that is wanted.
        settings: of this run, in a form that JSON has; two runs with the same settings
            and inputs give the same lines.
        answer_column: the answer's name.
    """

    def __init__(
        self, path: Path, settings: Mapping[str, Any], answer_column: str
    ) -> None:
        self.path = path
        self.part = path.with_name(f"{path.name}.part")
        self._settings_path = path.with_name(f"{path.name}.part.json")
        self._settings = json.loads(json.dumps(settings))
        self._answer_column = answer_column

    def open(self, resume: bool, overwrite: bool) -> None:
        """Open the part file, and see that it is nobody else's.

        Args:
            resume: whether to go on with what is there.
            overwrite: whether to write anew what is there.

        Raises:
            UsageError: something is in the way.
            OSError: the file cannot be written.
        """
        if self.path.exists() and not (overwrite or resume):
            raise UsageError(
                f"--output: '{self.path}' is there already; --overwrite replaces it."
            )
        # Neither cut nor read before it is locked.
        self._file = os.fdopen(os.open(self.part, os.O_RDWR | os.O_CREAT, 0o666), "r+b")
        try:
            self._claim(resume, overwrite)
        except BaseException:
            self._file.close()
            raise

    def _claim(self, resume: bool, overwrite: bool) -> None:
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise UsageError(
                f"--output: another run is writing '{self.part}' now."
            ) from None
        if self._begun() and resume:
            self._check_settings()
            return
        if self._begun() and not overwrite:
            raise UsageError(
                f"--output: '{self.part}' is there from an interrupted run; --resume "
                f"goes on with it, --overwrite begins anew."
            )
        # In this order: what is not empty always has its settings beside it.
        self._file.truncate(0)
        write_text(self._settings_path, json.dumps(self._settings, indent=2) + "\n")

    def _begun(self) -> bool:
        return os.fstat(self._file.fileno()).st_size > 0

    def _check_settings(self) -> None:
        try:
            before = json.loads(self._settings_path.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            raise UsageError(
                f"--resume: '{self._settings_path}', which says how '{self.part}' was "
                f"written, cannot be read; --overwrite begins anew."
            ) from None
        for name, value in self._settings.items():
            if before.get(name) != value:
                raise UsageError(
                    f"--resume: {name} was {json.dumps(before.get(name))} and is now "
                    f"{json.dumps(value)}; give the same, or --overwrite to begin anew."
                )

    def skip(self, records: Iterator[Record], window: int) -> tuple[int, int]:
        """Pass over the inputs that are answered already.

        Args:
            records: the inputs from the first on; the answered ones are taken off.
            window: inputs that are computed together. Answers of a window that is not
                whole are dropped, so that the same inputs are computed together as
                without an interruption, and round alike.

        Returns:
            How many inputs were passed over, and how many of these are errors.

        Raises:
            UsageError: the answers in the file are not those to these inputs.
        """
        whole = sum(line.endswith(b"\n") for line in self._file)
        number, errors = whole - whole % window, 0
        self._file.seek(0)
        for index in range(number):
            record, row = next(records, None), _object(self._file.readline())
            answer = row.pop(self._answer_column, None)
            if record is None or row != _object(encode(record.columns)):
                raise UsageError(
                    f"--resume: line {index + 1} of '{self.part}' does not answer "
                    f"input {index} of this run; --overwrite begins anew."
                )
            errors += is_error(answer)
        self._file.truncate()
        return number, errors

    def lines(self) -> JsonLines:
        """Give what writes answers to the end of the file."""
        return JsonLines(self._file, self._answer_column)

    def finish(self) -> None:
        """Put the file in its place."""
        os.fsync(self._file.fileno())
        os.replace(self.part, self.path)
        self._settings_path.unlink(missing_ok=True)

    def close(self) -> None:
        """Let go of the file; one that holds nothing is removed."""
        with self._file:
            if not self._begun() and self.part.exists():
                self.part.unlink()
                self._settings_path.unlink(missing_ok=True)


def _object(line: bytes) -> dict[str, Any]:
    """Read a line; what is no object is as good as an empty one."""
    try:
        found = json.loads(line)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def is_error(answer: Any) -> bool:
    """Tell whether an answer says that there is none."""
    return isinstance(answer, dict) and answer.keys() == {"error"}


def encode(row: Mapping[str, Any]) -> bytes:
    """Write JSON that every reader understands, on one line.

    Args:
        row: what Parquet and tasks hold. Arrays become lists, dates their ISO form,
            bytes base64, what else is no JSON a text; NaN and infinities null.

    Returns:
        UTF-8.
    """
    try:
        text = json.dumps(row, ensure_ascii=False, allow_nan=False, default=_plain)
    except ValueError:
        plain = json.loads(json.dumps(row, default=_plain))
        text = json.dumps(_finite(plain), ensure_ascii=False, allow_nan=False)
    try:
        return text.encode()
    except UnicodeEncodeError:
        # Half of a surrogate pair, which JSON can spell but UTF-8 cannot.
        return json.dumps(json.loads(text)).encode()


def _plain(value: Any) -> Any:
    if isinstance(value, bytes):
        return base64.b64encode(value).decode()
    for method in ("tolist", "isoformat"):
        if hasattr(value, method):
            return getattr(value, method)()
    return str(value)


def _finite(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _finite(held) for name, held in value.items()}
    if isinstance(value, list):
        return [_finite(held) for held in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
