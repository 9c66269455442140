"""From a name to a folder."""

from pathlib import Path

import pytest

import albert
from albert.common.hub import DEMO_NAME, local_folder

ASSETS = Path(albert.__file__).parent / "assets"


@pytest.mark.parametrize("kind", [str, Path])
def test_folder(tmp_path, kind):
    assert local_folder(kind(tmp_path)) == tmp_path


def test_home_is_expanded(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / "model").mkdir()
    assert local_folder("~/model") == tmp_path / "model"


def test_demo(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert DEMO_NAME == "albert-demo"
    folder = local_folder("albert-demo")
    assert folder == ASSETS / "albert-demo"
    files = {path.name for path in folder.iterdir()}
    assert {"config.json", "model.safetensors", "spiece.model"} <= files


def test_users_folder_comes_before_the_demo(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "albert-demo").mkdir()
    assert local_folder("albert-demo").resolve() == tmp_path / "albert-demo"


def test_file(tmp_path):
    path = tmp_path / "model.safetensors"
    path.write_bytes(b"")
    with pytest.raises(NotADirectoryError) as caught:
        local_folder(path)
    assert str(caught.value) == (
        f"{str(path)!r} is a file; give the path of the folder that holds it."
    )


@pytest.mark.parametrize("name", ["albert-base-v2", "albert/albert-base-v2", ""])
def test_nothing(tmp_path, monkeypatch, name):
    monkeypatch.chdir(tmp_path)
    if not name:
        name = "./none"
    with pytest.raises(FileNotFoundError) as caught:
        local_folder(name)
    assert str(caught.value) == (
        f"{name!r} is no folder on this machine, and this version does not download "
        "from the hub: give the path of a folder with config.json and its weights, or "
        "'albert-demo' for the checkpoint in the package."
    )
