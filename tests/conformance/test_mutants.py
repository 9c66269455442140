"""Seeded defects: that they fit the sources, and that the suite catches them."""

import importlib
import sys
from dataclasses import replace

import numpy as np
import pytest

from conformance import mutants
from conformance.backends import PREFIXES, implementation
from conformance.cases import all_cases
from conformance.mutants import COMMON, GROUPS, MUTANTS, Mutant, caught_by, mutated
from conformance.mutants import __main__ as command
from conformance.mutants.checks import crashed, results
from conformance.run import Result, run_cases

FRAMEWORKS = (*PREFIXES, COMMON)
# Of all that `python -m conformance.mutants` seeds, these are seeded here: one in so
# many, from another start in each, so that most defects are seeded somewhere.
SAMPLE = {"pt": (0, 3), "tf": (1, 7), "flax": (2, 9), COMMON: (0, 4)}
SEEDED = [
    pytest.param(framework, mutant, id=f"{framework}-{mutant.name}")
    for framework, (start, step) in SAMPLE.items()
    for mutant in mutants.seedings(framework)[start::step]
]
HARMLESS = Mutant("none", "models.py", ("import torch\n", "import torch  #\n"))


@pytest.fixture(autouse=True, scope="module")
def _one_thread():
    import torch

    # The tensors are tiny: sharing them out costs more than computing them.
    torch.set_num_threads(1)


def test_there_are_many_and_each_counts_once():
    assert len({mutant.name for mutant in MUTANTS}) == len(MUTANTS) >= 100
    assert all(GROUPS.values())
    for framework in PREFIXES:
        assert len(mutants.seedings(framework)) >= 80


@pytest.mark.parametrize("framework", FRAMEWORKS)
def test_every_defect_fits_its_source(framework):
    """A line that is changed must be changed in the defect, too."""
    for mutant in mutants.seedings(framework):
        right, wrong = mutant.change(framework)
        source = mutant.path(framework).read_text(encoding="utf-8")
        assert right in source, mutant
        assert right != wrong, mutant
        compile(source.replace(right, wrong), mutant.name, "exec")


@pytest.mark.parametrize(("framework", "mutant"), SEEDED)
def test_catches_the_defect(framework, mutant):
    caught = caught_by(framework, mutant)
    assert caught is not None
    assert not crashed(caught), caught.failure


def test_a_defect_that_changes_nothing_is_not_caught():
    for first in (
        "AlbertForTokenClassification-dropout-classifier",
        "AlbertForMaskedLM-gradients-some, in training",
        "updates: lamb",
    ):
        assert caught_by("pt", HARMLESS._replace(first=first)) is None
    with mutated("pt", HARMLESS):
        cases = [c for c in all_cases() if c.family == "activation"][:2]
        assert all(one.passed for one in run_cases(implementation("pt"), cases))


def test_a_defect_of_the_common_part_that_changes_nothing_is_not_caught():
    blank = (
        "from __future__ import annotations\n",
        "from __future__ import annotations #\n",
    )
    for first in ("configuration fields", "tokenization", "steps"):
        same = Mutant("none", "common/config.py", blank, first)
        assert caught_by("pt", same) is None


def test_a_check_that_fails_anyway_proves_nothing(monkeypatch):
    from conformance import configurations

    monkeypatch.setitem(configurations.LAYER_GROUPS, (2, 2), (1, 1))
    mutant = next(one for one in MUTANTS if one.name == "groups dealt out in turn")
    mutants.checks._passes.cache_clear()
    assert caught_by(COMMON, mutant) is None
    mutants.checks._passes.cache_clear()


def test_a_defect_whose_source_is_gone_is_an_error():
    stale = Mutant("stale", "models.py", ("no such text", ""))
    with (
        pytest.raises(ValueError, match=r"models\.py does not hold 'no such text'"),
        mutated("pt", stale),
    ):
        pass


@pytest.mark.parametrize("file", ["models.py", "common/config.py"])
def test_the_sound_modules_are_back_after_a_defect(file):
    import albert.common.config
    import albert.pt

    before = dict(sys.modules)
    model = albert.pt.models.AlbertModel
    blank = ('"""', '""" ')
    with mutated("pt", Mutant("none", file, blank)):
        again = importlib.import_module("albert.pt.models").AlbertModel
        assert again is not model
        common = importlib.import_module("albert.common.config")
        assert (common is albert.common.config) == (file == "models.py")
    assert albert.pt.models.AlbertModel is model
    assert importlib.import_module("albert.pt.models").AlbertModel is model
    held = {name: one for name, one in sys.modules.items() if name in before}
    assert held == before


@pytest.mark.parametrize(
    "first", ["no such case", "X-gradients-none", "X-dropout-nowhere"]
)
def test_a_check_that_is_not_there(first):
    with pytest.raises(ValueError, match=f"there is no check {first!r}"):
        list(results("pt", first))


def test_a_crash_is_told_from_a_wrong_number():
    case = all_cases()[0]
    assert crashed(Result(case, np.inf, "ValueError: labels must be"))
    assert not crashed(Result(case, np.inf))
    assert not crashed(Result(case, np.inf, "albert.pooler.weight"))
    assert not crashed(Result(case, 3.0, "ids of 'ValueError: x'"))


def _commands(monkeypatch, caught):
    """Let two defects of one group be caught, or not, as is given."""
    two = MUTANTS[:2]
    monkeypatch.setattr(command, "seedings", lambda framework, group: two)
    monkeypatch.setattr(command, "caught_by", lambda framework, mutant: caught)
    return ["--framework", "pt", "--group", "embeddings"]


def test_command_names_what_caught_a_defect(monkeypatch, capsys):
    case = all_cases()[0]
    arguments = _commands(monkeypatch, Result(case, 1.0))
    assert command.main(arguments) == 0
    printed = capsys.readouterr().out.splitlines()
    assert len(printed) == 2
    assert printed[0].endswith(f"caught by {case.id}")


@pytest.mark.parametrize("caught", [None, "crash"])
def test_command_fails_on_a_survivor(monkeypatch, capsys, caught):
    result = replace(Result(all_cases()[0], np.inf), failure="TypeError: no")
    arguments = _commands(monkeypatch, result if caught else None)
    assert command.main(arguments) == 1
    says = "CRASHED: " if caught else "NOT CAUGHT"
    assert capsys.readouterr().out.count(says) == 2


def test_command_seeds_each_subject_in_a_process_of_its_own(monkeypatch, capsys):
    asked = []
    monkeypatch.setattr(
        command, "_seed_elsewhere", lambda *place: asked.append(place) or 0
    )
    assert command.main(["--framework", "pt", "--framework", "common"]) == 0
    assert [group for framework, group in asked if framework == "pt"] == [
        group for group in GROUPS if mutants.seedings("pt", group)
    ]
    assert ("common", "tokenization") in asked
    assert ", all caught; " in capsys.readouterr().out
    monkeypatch.setattr(command, "_seed_elsewhere", lambda *place: 1)
    assert command.main(["--framework", "pt"]) == 1
    assert ", NOT ALL CAUGHT; " in capsys.readouterr().out


def test_command_fails_if_nothing_is_seeded(monkeypatch):
    monkeypatch.setattr(command, "seedings", lambda framework, group: [])
    assert command.main([]) == 1
