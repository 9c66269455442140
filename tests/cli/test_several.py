"""`albert pretrain` in two processes, and on eight devices: the run of one of them.

`python -m conformance.several` runs more of the same.
"""

import re
import shlex
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load_file

from albert.cli import main
from albert.common.training import pretraining
from albert.common.training.engines import Alone
from conformance import several

DOCUMENT = Path(__file__).parents[2] / "docs" / "scaling.md"


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    """Shards of made-up text, and a configuration without dropout."""
    root = tmp_path_factory.mktemp("several")
    several.write_data(root)
    return root


@pytest.fixture(scope="module")
def alone(root):
    """Make the run of one process, once for each framework."""

    def run(framework):
        output = root / f"alone-{framework}"
        if not output.exists():
            assert main(several.arguments(root, output, framework)) == 0
        return output

    return run


def _check_same(output, alone):
    assert len(several.log_of(alone)) == several.STEPS
    assert several.difference(output, alone) <= several.TOLERANCE
    for file in ("model.safetensors", "training_state.safetensors"):
        name = f"checkpoint-{several.STEPS:08d}/{file}"
        ours, theirs = load_file(output / name), load_file(alone / name)
        assert list(ours) == list(theirs)
        for weight in ours:
            np.testing.assert_allclose(
                ours[weight], theirs[weight], atol=5e-6, err_msg=weight
            )


def test_torchrun_gives_the_numbers_of_one_process(root, alone, tmp_path):
    output = tmp_path / "run"
    several.check_done(several.torchrun(several.arguments(root, output, "pt")))
    _check_same(output, alone("pt"))


@pytest.mark.parametrize(
    ("framework", "more"), [("pt", ("--shard",)), ("tf", ()), ("flax", ())]
)
def test_two_processes_lose_one_and_one_goes_on(root, alone, tmp_path, framework, more):
    """What both did, and what one did then, are the numbers of one all along."""
    output = tmp_path / "run"
    given = several.arguments(root, output, framework)
    several.lose_and_go_on(framework, given, output, killed=1, after=1, more=more)
    _check_same(output, alone(framework))


def test_eight_devices_give_the_numbers_of_one(root, alone, tmp_path):
    """Rows over four, heads and width over two."""
    output = tmp_path / "run"
    given = several.arguments(root, output, "flax", "--mesh", "data=4,model=2")
    several.check_done(several.eight_devices(given))
    _check_same(output, alone("flax"))


def test_a_number_of_processes_that_does_not_fit_loses_nothing(
    root, alone, monkeypatch, capsys
):
    """`conformance.several` has three real ones."""

    class Third(Alone):
        rank, world, part, slices = 2, 3, (2, 3), 3

    output = alone("pt")
    before = several.contents(output)
    monkeypatch.setattr(pretraining, "make_engine", lambda *_: Third())
    capsys.readouterr()
    assert main(several.arguments(root, output, "pt")) == 1
    assert capsys.readouterr().err == f"albert: {several.REFUSED}\n"
    assert several.contents(output) == before


def _documented():
    """Give the environment and the words of each command of the document."""
    for block in re.findall(r"```sh\n(.*?)```", DOCUMENT.read_text(), re.S):
        for line in block.splitlines():
            words = shlex.split(line)
            named = [word for word in words if re.match("[A-Z_]+=", word)]
            yield dict(word.split("=", 1) for word in named), words[len(named) :]


def test_what_is_run_here_are_the_documents_commands():
    documented = list(_documented())

    def command(framework, *how, first=()):
        return [*first, "pretrain", "--framework", framework, *how, "..."]

    for hosts in (1, 2):
        words = several.torchrun_words(8, hosts, 0, "host0:29500")
        assert ({}, command("pt", first=["torchrun", *words])) in documented
    for framework, *how in (
        ("tf", "--strategy", "multi-worker"),
        ("flax", "--mesh", "data=8,model=2"),
    ):
        found = several.environment(framework, 0, ["host0:2222", "host1:2222"])
        assert (found, command(framework, *how, first=["albert"])) in documented
    for framework, *how in (
        ("tf", "--strategy", "mirrored"),
        ("flax", "--mesh", "data=8"),
    ):
        assert ({}, command(framework, *how, first=["albert"])) in documented
