"""The suite itself: every case in every framework, and the command."""

from pathlib import Path

import pytest

from albert.common import names
from conformance import changes, goldens, google
from conformance.backends import PREFIXES, implementation
from conformance.cases import Case, all_cases
from conformance.run import run_cases

from ..users import run_as_users_have_it

ROOT = Path(__file__).parents[2]
FRAMEWORKS = tuple(PREFIXES)


def _require_all_passed(results):
    assert results
    failed = [
        f"{r.case.id}: {r.error:.1e} {r.failure}" for r in results if not r.passed
    ]
    assert not failed, "\n".join(failed)


# Of what lies in the encoder, which all classes share, TensorFlow and Flax compute
# each case with one class in three here, since most of their time is compiling.
# `python -m conformance` computes all with all.
SHARED = ("configuration", "activation", "google", "inputs")


def _chosen(framework):
    """Choose the cases of a framework, by class and family."""
    together: dict[tuple[str, str], list[Case]] = {}
    for case in all_cases():
        together.setdefault((case.family, case.name), []).append(case)
    chosen: dict[tuple[str, str], list[Case]] = {}
    for turn, cases in enumerate(together.values()):
        if framework != "pt" and cases[0].family in SHARED:
            cases = cases[turn % min(3, len(cases)) :: 3]
        for case in cases:
            chosen.setdefault((case.class_name, case.family), []).append(case)
    return chosen


def test_no_case_is_left_out_everywhere():
    every = {(case.family, case.name) for case in all_cases()}
    for framework in FRAMEWORKS:
        chosen = [case for cases in _chosen(framework).values() for case in cases]
        assert {(case.family, case.name) for case in chosen} == every
        assert {case.class_name for case in chosen} == set(names.PARTS)
        assert len(chosen) == (len(all_cases()) if framework == "pt" else 107)


@pytest.mark.parametrize(
    ("framework", "class_name", "family"),
    [(framework, *group) for framework in FRAMEWORKS for group in _chosen(framework)],
)
def test_agrees_with_the_oracle_and_transformers(framework, class_name, family):
    cases = _chosen(framework)[class_name, family]
    results = list(run_cases(implementation(framework), cases, goldens.recorded()))
    golden = {case.id for case in goldens.golden_cases()}
    assert len(results) == len(cases) + sum(case.id in golden for case in cases)
    _require_all_passed(results)


@pytest.mark.parametrize("framework", ["tf", "flax"])
def test_agrees_as_users_have_it(framework):
    code = (
        "from conformance.backends import implementation\n"
        "from conformance.cases import all_cases\n"
        "from conformance.run import run_cases\n"
        "cases = {case.class_name: case for case in all_cases()}\n"
        f"results = list(run_cases(implementation({framework!r}), cases.values()))\n"
        "assert len(results) == 7\n"
        "failed = [(one.case.id, one.error) for one in results if not one.passed]\n"
        "assert not failed, failed\n"
    )
    run_as_users_have_it(code)


@pytest.mark.skipif(
    not google.available(), reason="the checkpoints of Google's original are not here"
)
@pytest.mark.parametrize("framework", FRAMEWORKS)
def test_agrees_with_googles_original(framework):
    results = list(google.run(implementation(framework)))
    assert len(results) == 4 * len(list(google.FOLDER.iterdir()))
    _require_all_passed(results)


@pytest.mark.parametrize("framework", FRAMEWORKS)
def test_sees_changes(framework):
    results = list(changes.run(framework))
    assert [result.case.name for result in results] == ["configuration", "weights"]
    _require_all_passed(results)
