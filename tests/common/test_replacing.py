"""Several files change together, wherever the writer is stopped."""

import contextlib
import errno
import json
import os
import subprocess
import sys
import threading
import time

import pytest

from albert.common import replacing as module
from albert.common.replacing import replacing, settle, steady

OLD = {"config.json": "old", "weights-1": "old", "weights-2": "old", "other": "mine"}
NEW = {"config.json": "new", "weights": "new"}
AFTER = {**NEW, "other": "mine"}


def fill(folder, files):
    folder.mkdir(exist_ok=True)
    for name, text in files.items():
        (folder / name).write_text(text)
    return folder


def content(folder):
    """Everything in a folder, the staging of a stopped writer left out."""
    return {p.name: p.read_text() for p in folder.iterdir() if p.is_file()}


def staging(folder):
    return [path.name for path in folder.iterdir() if path.name.startswith(".albert-")]


def save(folder, files=NEW, outdated=("weights-*",)):
    with replacing(folder, outdated) as staged:
        fill(staged, files)


@pytest.fixture
def folder(tmp_path):
    return fill(tmp_path / "model", OLD)


def test_commit(folder):
    with replacing(folder, ["weights-*", "no such*"]) as staged:
        assert staged.parent == folder
        fill(staged, NEW)
        assert content(folder) == OLD
    assert content(folder) == AFTER
    assert staging(folder) == []


def test_folder_is_made(tmp_path):
    save(tmp_path / "a" / "b")
    assert content(tmp_path / "a" / "b") == NEW


def test_what_is_written_anew_is_not_removed(folder):
    save(folder, outdated=["*"])
    assert content(folder) == NEW


def test_failure_while_writing(folder):
    with (
        pytest.raises(RuntimeError, match=r"^half way$"),
        replacing(folder, ["*"]) as staged,
    ):
        fill(staged, NEW)
        raise RuntimeError("half way")
    assert content(folder) == OLD
    assert staging(folder) == []


def test_folder_in_the_way_of_a_file(folder):
    (folder / "weights").mkdir()
    (folder / "weights-3").mkdir()
    with pytest.raises(IsADirectoryError) as caught:
        save(folder)
    assert str(caught.value) == (
        "[Errno 21] a folder is where a file shall be; nothing was changed: "
        f"{str(folder / 'weights')!r}"
    )
    assert content(folder) == OLD
    assert staging(folder) == []
    (folder / "weights").rmdir()
    save(folder)
    assert content(folder) == AFTER
    assert (folder / "weights-3").is_dir()


@pytest.mark.parametrize(
    "number", [errno.ENOSPC, errno.EROFS, errno.EACCES, errno.EDQUOT]
)
@pytest.mark.parametrize("call", ["mkdtemp", "fsync", "plan"])
def test_refusal_before_the_plan(folder, monkeypatch, call, number):
    def fail(*_, **__):
        raise OSError(number, os.strerror(number))

    owner, name = {
        "mkdtemp": (module.tempfile, "mkdtemp"),
        "fsync": (module.os, "fsync"),
        "plan": (module, "write_text"),
    }[call]
    monkeypatch.setattr(owner, name, fail)
    with pytest.raises(OSError) as caught:
        save(folder)
    monkeypatch.undo()
    assert caught.value.errno == number
    assert str(caught.value).endswith(
        f"{os.strerror(number)}: nothing in the folder was changed; free some space, "
        f"or give a folder that you may write to: {str(folder)!r}"
    )
    assert content(folder) == OLD
    assert staging(folder) == []


CALLS = {"replace": 3, "unlink": 3, "fsync": 5}
"""Calls of the system in one save, which may each be the last."""


@pytest.mark.parametrize(
    ("call", "number"), [(c, n) for c, most in CALLS.items() for n in range(most)]
)
@pytest.mark.parametrize(
    "error", [OSError(errno.EIO, "I/O error"), OSError(28, "full")]
)
def test_failing_call(folder, monkeypatch, call, number, error):
    """Old or new, never mixed; and a later opening finishes what was begun."""
    real, calls = getattr(os, call), []

    def fail(*arguments, **options):
        calls.append(arguments)
        if len(calls) > number:
            raise error
        return real(*arguments, **options)

    with monkeypatch.context() as patch:
        patch.setattr(os, call, fail)
        with contextlib.suppress(OSError):
            save(folder)
    with steady(folder):
        assert content(folder) in (OLD, AFTER)
        assert staging(folder) == []
    save(folder)
    assert content(folder) == AFTER


def test_error_after_the_plan_says_so(folder, monkeypatch):
    real = os.replace

    def fail(source, target):
        if os.path.basename(target) == "weights":
            raise OSError(errno.EROFS, "Read-only file system")
        real(source, target)

    monkeypatch.setattr(os, "replace", fail)
    with pytest.raises(OSError) as caught:
        save(folder)
    message = (
        "[Errno 30] Read-only file system: the files were written, but not all have "
        "taken their places; they will when the folder can be written to and is opened "
        f"again: {str(folder)!r}"
    )
    assert str(caught.value) == message
    with pytest.raises(OSError) as caught, steady(folder):
        pass
    assert str(caught.value) == message
    monkeypatch.undo()
    with steady(folder):
        assert content(folder) == AFTER
    assert staging(folder) == []


DYING = """
import os, sys
from albert.common.replacing import replacing

def dying(name, number):
    real, calls = getattr(os, name), []
    def call(*arguments, **options):
        calls.append(1)
        if len(calls) > number:
            os._exit(9)
        return real(*arguments, **options)
    setattr(os, name, call)

folder, name, number = sys.argv[1:]
if os.fork() == 0:
    dying(name, int(number))
    with replacing(folder, ["weights-*"]) as staged:
        for file in ("config.json", "weights"):
            (staged / file).write_text("new")
    os._exit(0)
os._exit(os.waitstatus_to_exitcode(os.wait()[1]))
"""


@pytest.mark.parametrize("call", ["replace", "unlink", "fsync", "open"])
def test_death_at_each_call(folder, call):
    """A process that ends at once leaves the old files or the new ones."""
    seen = set()
    for number in range(40):
        fill(folder, OLD)
        done = subprocess.run([sys.executable, "-c", DYING, folder, call, str(number)])
        with steady(folder):
            found = content(folder)
        assert found in (OLD, AFTER), number
        assert staging(folder) == []
        seen.add("new" if found == AFTER else "old")
        (folder / "weights").unlink(missing_ok=True)
        if done.returncode == 0:
            break
        assert done.returncode == 9
    assert done.returncode == 0
    assert number > 1
    # The plan is there before anything is unlinked.
    assert seen == ({"new"} if call == "unlink" else {"old", "new"})


def planned(folder, plan, files=NEW, name=".albert-save-x"):
    staged = fill(folder / name, files)
    text = plan if isinstance(plan, str) else json.dumps(plan)
    (staged / "plan.json").write_text(text)
    return staged


def test_another_finishes_what_was_begun(folder):
    plan = {"put": ["config.json", "weights"], "remove": ["weights-1", "gone"]}
    planned(folder, plan, {"config.json": "new"})
    settle(folder)
    assert content(folder) == {
        name: text
        for name, text in {**OLD, "config.json": "new"}.items()
        if name != "weights-1"
    }
    assert staging(folder) == []


@pytest.mark.parametrize(
    "name",
    [
        *("../victim", "/etc/hostname", "..", ".", "", "a/b", "a\0b", "plan.json"),
        *(".albert-save-x", "inner", "link", 5, None, ["a"]),
    ],
)
@pytest.mark.parametrize("where", ["put", "remove"])
def test_plan_that_means_harm(tmp_path, folder, name, where):
    (tmp_path / "victim").write_text("mine")
    (folder / "inner").mkdir()
    plan = {"put": ["config.json"], "remove": ["weights-1"]}
    plan[where].append(name)
    staged = planned(folder, plan)
    (staged / "link").symlink_to(tmp_path / "victim")
    before = sorted(tmp_path.rglob("*"))
    with pytest.raises(ValueError) as caught, steady(folder):
        pass
    assert str(caught.value) == (
        f"{str(staged / 'plan.json')!r} was not written by this package; remove its "
        f"folder."
    )
    assert sorted(tmp_path.rglob("*")) == before
    assert content(folder) == OLD


@pytest.mark.parametrize(
    "plan",
    [
        *("", "{", "[]", "5", "null", "{}", '{"put": 5, "remove": []}'),
        *('{"put": []}', '{"put": "config.json", "remove": {}, "x"}', "[" * 10**6),
        *('{"put": [], "remove": null}', " " * (1 << 22) + "{}", '{"put":[NaN]}'),
    ],
)
def test_plan_that_is_none(folder, plan):
    planned(folder, plan)
    with pytest.raises(ValueError, match="was not written by this package"):
        settle(folder)
    assert content(folder) == OLD


def test_link_in_place_of_the_staging(tmp_path, folder):
    elsewhere = fill(tmp_path / "elsewhere", {"plan.json": "{}", "mine": "mine"})
    (folder / ".albert-save-x").symlink_to(elsewhere)
    (folder / ".albert-save-y").write_text("a file")
    (folder / ".albert-save-z").mkdir()
    (folder / ".albert-save-z" / "plan.json").mkdir()
    with steady(folder):
        pass
    save(folder)
    assert content(elsewhere) == {"plan.json": "{}", "mine": "mine"}


def test_staging_of_the_dead_and_of_the_living(folder):
    dead = fill(folder / ".albert-save-dead", NEW)
    with replacing(folder, ["weights-*"]) as living:
        assert not dead.exists()
        fill(living, NEW)
        settle(folder)
        with steady(folder):
            assert content(folder) == OLD
        assert content(living) == NEW
    assert content(folder) == AFTER


def test_reading_leaves_a_folder_alone_that_cannot_be_written_to(folder, monkeypatch):
    fill(folder / ".albert-save-dead", NEW)

    def fail(*_, **__):
        raise OSError(errno.EROFS, "Read-only file system")

    for call in ("rmdir", "unlink"):
        monkeypatch.setattr(os, call, fail)
    with steady(folder):
        assert content(folder) == OLD


def test_two_writers_at_once(folder):
    """The later one wins as a whole, and files of the earlier one go."""
    with replacing(folder, ["weights*"]) as one:
        fill(one, {"config.json": "one", "weights": "one"})
        with replacing(folder, ["weights*"]) as two:
            fill(two, {"config.json": "two", "weights-7": "two"})
        assert content(folder) == {
            "config.json": "two",
            "weights-7": "two",
            "other": "mine",
        }
    assert content(folder) == {"config.json": "one", "weights": "one", "other": "mine"}
    assert staging(folder) == []


def test_many_writers_and_readers(folder):
    stop, wrong = time.monotonic() + 1.5, []

    def work(action):
        try:
            while time.monotonic() < stop:
                action()
        except BaseException as error:
            wrong.append(error)

    def look():
        with steady(folder):
            found = content(folder)
        if len(set(found.values()) - {"mine"}) != 1:
            wrong.append(found)

    def write(text):
        names = ("config.json", "weights-1", "weights-2", "weights-3")[: 2 + len(text)]
        save(folder, dict.fromkeys(names, text), ["weights*"])

    threads = [
        *(
            threading.Thread(target=work, args=[lambda t=t: write(t)])
            for t in ("", "x")
        ),
        *(threading.Thread(target=work, args=[look]) for _ in range(2)),
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []
    assert staging(folder) == []


def test_reader_holds_off_a_writer(folder):
    done = threading.Event()

    def write():
        save(folder)
        done.set()

    writer = threading.Thread(target=write)
    with steady(folder):
        writer.start()
        assert not done.wait(0.3)
        assert content(folder) == OLD
    writer.join()
    assert content(folder) == AFTER


def test_writer_killed_while_a_reader_waits(folder, monkeypatch):
    """What the lock let through is looked at again."""
    real, calls = module.settle, []

    def late(target):
        real(target)
        if not calls:
            plan = {"put": ["config.json", "weights"], "remove": []}
            planned(folder, plan)
        calls.append(target)

    monkeypatch.setattr(module, "settle", late)
    with steady(folder):
        assert content(folder) == {**OLD, **NEW}
    assert len(calls) == 2


def test_file_system_without_locks(folder, monkeypatch):
    def fail(*_):
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr(module.fcntl, "flock", fail)
    save(folder)
    with steady(folder):
        assert content(folder) == AFTER


def test_system_without_locks(folder, monkeypatch):
    monkeypatch.setattr(module, "fcntl", None)
    left = fill(folder / ".albert-save-perhaps-living", {})
    save(folder)
    with steady(folder):
        assert content(folder) == AFTER
    assert left.exists()


def test_no_folder_to_settle(tmp_path):
    settle(tmp_path / "none")


@pytest.mark.parametrize("kind", ["link", "file"])
def test_what_is_no_folder(tmp_path, kind):
    fill(tmp_path / "real", OLD)
    path = tmp_path / kind
    path.symlink_to("real") if kind == "link" else path.write_text("")
    with pytest.raises(NotADirectoryError) as caught:
        save(path)
    said = f"symbolic link to {'real'!r}; give the folder itself."
    expected = said if kind == "link" else "is a file; give the path of a folder."
    assert str(caught.value).endswith(expected)
    assert content(tmp_path / "real") == OLD
