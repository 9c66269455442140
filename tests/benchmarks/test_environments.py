"""The peers' environments: what is missing is built, whole or not at all."""

import sys
import venv
from pathlib import Path

import pytest

from benchmarks import contenders, environments

PIP = """#!/bin/sh
echo "$@" > {log}
echo "ERROR: no such version" >&2
exit {code}
"""


@pytest.fixture
def made(monkeypatch, tmp_path):
    """Make environments whose pip only writes down what it was asked for."""
    code = [0]

    def create(place, with_pip):
        assert with_pip
        (place / "bin").mkdir(parents=True)
        (place / "bin" / "python").touch()
        pip = place / "bin" / "pip"
        pip.write_text(PIP.format(log=tmp_path / f"{place.name}.log", code=code[0]))
        pip.chmod(0o755)

    monkeypatch.setattr(venv, "create", create)
    return code


def test_pins_name_every_environment():
    names = {one.environment for one in contenders.TABLE.values()}
    assert names == {"own", *environments.pins()}
    assert "transformers==5.23.0" in environments.pins()["transformers-5"]
    assert "numpy<2.3" in environments.pins()["transformers-4-flax"]


def test_paths(tmp_path, monkeypatch):
    assert environments.python_of(tmp_path, "own") == Path(sys.executable)
    monkeypatch.chdir(tmp_path)
    found = environments.python_of(Path("some"), "keras-hub")
    assert found == tmp_path / "some" / "keras-hub" / "bin" / "python"


def test_building(made, tmp_path, capsys):
    folder = tmp_path / "environments"
    (folder / "transformers-5" / "bin").mkdir(parents=True)
    (folder / "transformers-5" / "bin" / "python").touch()
    names = ["own", "keras-hub", "transformers-5"]
    environments.build(folder, names, "http://localhost/cpu")
    assert (
        capsys.readouterr().err == f"building the environment keras-hub in {folder}\n"
    )
    pinned = " ".join(environments.pins()["keras-hub"])
    assert (tmp_path / "keras-hub.log").read_text() == (
        f"install --quiet {pinned} --extra-index-url http://localhost/cpu\n"
    )
    assert sorted(one.name for one in folder.iterdir()) == ["keras-hub", names[2]]


def test_an_environment_that_cannot_be_built(made, tmp_path):
    made[0] = 1
    with pytest.raises(RuntimeError) as caught:
        environments.build(tmp_path, ["keras-hub"])
    assert str(caught.value) == (
        "environment keras-hub cannot be built: ERROR: no such version"
    )
    assert not (tmp_path / "keras-hub").exists()
