"""Files are written whole or not at all."""

import os
from pathlib import Path

import pytest

from albert.common.files import atomic_path, make_folder, write_text


def test_new_content_takes_the_place_of_the_old(tmp_path):
    target = tmp_path / "file"
    target.write_bytes(b"old")
    with atomic_path(target) as temporary:
        assert temporary.parent == tmp_path
        assert temporary != target
        temporary.write_bytes(b"new")
        assert target.read_bytes() == b"old"
    assert target.read_bytes() == b"new"
    assert os.listdir(tmp_path) == ["file"]


@pytest.mark.parametrize("old", [b"old", None])
def test_failing_write_changes_nothing(tmp_path, old):
    target = tmp_path / "file"
    if old is not None:
        target.write_bytes(old)
    with (
        pytest.raises(RuntimeError, match=r"^half way$"),
        atomic_path(str(target)) as temporary,
    ):
        temporary.write_bytes(b"ne")
        raise RuntimeError("half way")
    assert os.listdir(tmp_path) == (["file"] if old is not None else [])
    if old is not None:
        assert target.read_bytes() == old


@pytest.mark.parametrize("step", ["fsync", "replace"])
def test_failing_system_call_changes_nothing(tmp_path, monkeypatch, step):
    target = tmp_path / "file"
    target.write_bytes(b"old")

    def fail(*_):
        raise OSError("disk full")

    monkeypatch.setattr(os, step, fail)
    with pytest.raises(OSError, match=r"^disk full$"):
        write_text(target, "new")
    assert target.read_bytes() == b"old"
    assert os.listdir(tmp_path) == ["file"]


def test_content_is_on_the_disk_before_the_name(tmp_path, monkeypatch):
    calls = []
    fsync, replace = os.fsync, os.replace
    monkeypatch.setattr(os, "fsync", lambda *a: (calls.append("fsync"), fsync(*a)))
    monkeypatch.setattr(os, "replace", lambda *a: (calls.append("name"), replace(*a)))
    write_text(tmp_path / "file", "new")
    assert calls == ["fsync", "name"]


@pytest.mark.parametrize(("umask", "mode"), [(0o022, 0o644), (0o027, 0o640)])
def test_mode_is_the_usual_one(tmp_path, umask, mode):
    before = os.umask(umask)
    try:
        write_text(tmp_path / "file", "text")
        assert os.umask(umask) == umask
    finally:
        os.umask(before)
    assert (tmp_path / "file").stat().st_mode & 0o777 == mode


def test_missing_folder_is_an_error(tmp_path):
    with pytest.raises(FileNotFoundError):
        write_text(tmp_path / "none" / "file", "text")
    assert os.listdir(tmp_path) == []


def test_text_is_utf8_with_plain_line_ends(tmp_path):
    write_text(tmp_path / "file", "é\n▁\n")
    assert (tmp_path / "file").read_bytes() == b"\xc3\xa9\n\xe2\x96\x81\n"


@pytest.mark.parametrize("kind", [str, Path])
def test_folder_is_made_with_its_parents(tmp_path, kind):
    for _ in range(2):
        folder = make_folder(kind(tmp_path / "a" / "b"))
        assert folder == tmp_path / "a" / "b"
        assert folder.is_dir()


def test_file_in_place_of_the_folder(tmp_path):
    (tmp_path / "file").write_text("x")
    with pytest.raises(NotADirectoryError) as caught:
        make_folder(tmp_path / "file")
    assert str(caught.value) == (
        f"save_directory {str(tmp_path / 'file')!r} is a file; give the path of a "
        "folder."
    )
