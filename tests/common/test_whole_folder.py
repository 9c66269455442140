"""A folder is there whole or not at all."""

import errno
import json
import tempfile

import pytest

from albert.common.whole_folder import check_free, new_folder, write_list


def put(folder, **texts):
    with new_folder(check_free(folder, "directory")) as staged:
        for name, text in texts.items():
            (staged / "inner").mkdir(exist_ok=True)
            (staged / "inner" / name).write_text(text)
        write_list(staged, {"a": 1})


def content(folder):
    return {
        path.relative_to(folder).as_posix(): path.read_text()
        for path in folder.rglob("*")
        if path.is_file()
    }


def refused(kind, folder):
    with pytest.raises(kind) as caught:
        check_free(folder, "directory")
    return str(caught.value)


def test_new_and_empty_folders(tmp_path):
    (tmp_path / "empty").mkdir()
    for folder in (tmp_path / "empty", tmp_path / "a" / "b" / "new"):
        put(folder, one="1")
        facts = json.loads(content(folder).pop("export.json"))
        assert facts == {"a": 1, "files": {"inner/one": 1}}
        assert content(folder)["inner/one"] == "1"
        assert list(folder.parent.glob(".albert*")) == []


def test_an_earlier_export_makes_way_whole(tmp_path):
    put(tmp_path / "x", one="1", two="2")
    put(tmp_path / "x", three="3")
    assert content(tmp_path / "x").keys() == {"export.json", "inner/three"}
    assert [path.name for path in tmp_path.iterdir()] == ["x"]


def test_other_files_are_not_replaced(tmp_path):
    folder = tmp_path / "x"
    put(folder, one="1")
    (folder / "inner" / "mine").write_text("mine")
    assert refused(FileExistsError, folder) == (
        f"directory {str(folder)!r} holds inner/mine, which no export wrote; give a "
        f"new folder."
    )


@pytest.mark.parametrize("text", ["[]", "{", '{"files": ["mine"]}'])
def test_a_list_that_is_none(text, tmp_path):
    (tmp_path / "export.json").write_text(text)
    assert "holds export.json, which no export wrote" in refused(
        FileExistsError, tmp_path
    )


def test_what_is_no_folder(tmp_path, monkeypatch):
    (tmp_path / "file").write_text("")
    (tmp_path / "link").symlink_to(tmp_path)
    assert refused(NotADirectoryError, tmp_path / "file") == (
        f"directory {str(tmp_path / 'file')!r} is a file; give the path of a folder."
    )
    assert refused(NotADirectoryError, tmp_path / "link") == (
        f"directory {str(tmp_path / 'link')!r} is a symbolic link to "
        f"{str(tmp_path)!r}; give the folder itself."
    )
    for bad in ("", None, 3):
        assert refused(ValueError, bad) == (
            f"directory must be a folder's path, but is {bad!r}."
        )
    (tmp_path / "cwd").mkdir()
    monkeypatch.chdir(tmp_path / "cwd")
    assert refused(ValueError, ".") == (
        f"directory {str(tmp_path / 'cwd')!r} is the folder that you are in, which "
        f"cannot be replaced; give a folder inside it."
    )
    below = tmp_path / "file" / "x"
    with pytest.raises(NotADirectoryError) as caught:
        put(below)
    assert str(caught.value) == f"{str(below)!r} lies below a file; give another path."


def test_a_failure_leaves_everything_as_it_was(tmp_path):
    put(tmp_path / "x", one="1")
    for folder in (tmp_path / "x", tmp_path / "a" / "b"):
        with pytest.raises(ZeroDivisionError), new_folder(folder) as staged:
            (staged / "half").write_text("")
            raise ZeroDivisionError
    assert content(tmp_path).keys() == {"x/export.json", "x/inner/one"}
    assert [path.name for path in tmp_path.iterdir()] == ["x"]


def test_what_somebody_else_wrote_meanwhile_stays(tmp_path):
    with pytest.raises(FileExistsError), new_folder(tmp_path / "x"):
        (tmp_path / "x").mkdir()
        (tmp_path / "x" / "mine").write_text("mine")
    assert content(tmp_path) == {"x/mine": "mine"}
    assert [path.name for path in tmp_path.iterdir()] == ["x"]


def test_the_second_rename_fails(tmp_path, monkeypatch):
    folder = tmp_path / "x"
    put(folder, one="1")
    kind = type(folder)
    rename = kind.rename

    def fail(path, target):
        if path.name.startswith(".albert") and not path.name.endswith(".old"):
            raise OSError(errno.EIO, "broken")
        return rename(path, target)

    monkeypatch.setattr(kind, "rename", fail)
    with pytest.raises(OSError, match="broken"):
        put(folder, two="2")
    assert "inner/one" in content(folder)
    assert [path.name for path in tmp_path.iterdir()] == ["x"]


def test_where_one_may_not_write(tmp_path, monkeypatch):
    def refuse(**_):
        raise PermissionError(errno.EACCES, "Permission denied", "/inside")

    monkeypatch.setattr(tempfile, "mkdtemp", refuse)
    with pytest.raises(PermissionError) as caught:
        put(tmp_path / "a" / "x")
    assert str(caught.value) == (
        f"[Errno {errno.EACCES}] Permission denied: nothing was written; free some "
        f"space, or give a folder where you may write: {str(tmp_path / 'a' / 'x')!r}"
    )
    assert list(tmp_path.iterdir()) == []
