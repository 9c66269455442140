"""Another implementation is certified by one callable; so is a user's checkpoint."""

import json

import numpy as np
import pytest

from albert.common.config import AlbertConfig
from albert.common.saving import save_arrays
from conformance import __main__ as command
from conformance import checkpoints, rounding
from conformance.cases import CONFIGURATIONS, SIZES, random_weights
from conformance.implementations import given
from conformance.subjects import Subject

RIGHT = "conformance.examples.numpy_float32:build"
WRONG = "conformance.examples.erf_gelu:build"
CONFIG = AlbertConfig(**{**SIZES, **CONFIGURATIONS["groups and inner blocks"]})


def test_a_right_one_passes_everything(tmp_path, capsys):
    arguments = ["--implementation", RIGHT, "--report", str(tmp_path)]
    assert command.main(arguments) == 0
    (leg,) = json.loads((tmp_path / "report.json").read_text())["legs"]
    groups = [row["group"] for row in leg["rows"]]
    assert groups.count("forward") == 359
    assert groups.count("files") == 58
    assert {one["what"] for one in leg["not_run"]} >= {
        "dropout",
        "training",
        "gradients",
    }
    assert "conformance: passed" in capsys.readouterr().out


def test_a_wrong_one_fails_and_it_says_where(capsys):
    case = "AlbertModel-configuration-three layers"
    arguments = ["--implementation", WRONG, "--family", "forward", "--case", case]
    assert command.main(arguments) == 1
    printed = capsys.readouterr().out
    assert "      three layers: " in printed
    assert "        first at hidden_states.1[" in printed
    assert f"--family forward --case '{case}'" in printed


def test_one_in_the_folder_that_one_is_in(tmp_path, monkeypatch):
    (tmp_path / "mine_alone.py").write_text("def build(*given):\n    return given\n")
    monkeypatch.chdir(tmp_path)
    assert given("mine_alone:build")(1, 2) == (1, 2)


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("", "must be module:callable, such as mine.model:build, but is ''."),
        ("json", "must be module:callable, such as mine.model:build, but is 'json'."),
        (":x", "must be module:callable, such as mine.model:build, but is ':x'."),
        ("json:no", "must name a callable, but json has no callable 'no'."),
        ("json:__name__", "must name a callable, but json has no callable '__name__'."),
    ],
)
def test_what_names_none_is_refused(text, error, capsys):
    with pytest.raises(ValueError) as raised:
        given(text)
    assert str(raised.value) == f"--implementation {error}"


def test_one_that_cannot_be_imported_fails(capsys):
    assert command.main(["--implementation", "no.such.module:build"]) == 1
    assert "ModuleNotFoundError: No module named 'no'" in capsys.readouterr().out


# A user's own checkpoint


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    made = tmp_path_factory.mktemp("own")
    weights = random_weights(CONFIG, "AlbertForMaskedLM", 7)
    save_arrays(made, CONFIG, weights, "AlbertForMaskedLM")
    return made


@pytest.mark.parametrize("which", [["--framework", "pt"], ["--implementation", RIGHT]])
def test_a_checkpoint_of_ones_own(folder, which, capsys, tmp_path):
    arguments = [*which, "--checkpoint", str(folder), "--report", str(tmp_path)]
    assert command.main(arguments) == 0
    (leg,) = json.loads((tmp_path / "report.json").read_text())["legs"]
    assert [row["name"] for row in leg["rows"]] == ["short", "longer"]
    for row in leg["rows"]:
        assert row["class_name"] == "AlbertForMaskedLM"
        steps = {name: (error, allowed) for name, error, allowed in row["steps"]}
        assert {"hidden_states.3", "attentions.5", "logits"} <= steps.keys()
        ratios = [error / allowed for error, allowed in steps.values()]
        # Not so wide that anything would pass, nor chosen for this one.
        assert max(allowed for _, allowed in steps.values()) < 2e-4
        assert 0.02 < max(ratios) <= 1
        # Worst of both calls; the steps are those of the worse.
        assert row["error"] == pytest.approx(max(ratios))


def test_a_wrong_implementation_fails_on_it(folder, capsys):
    assert command.main(["--implementation", WRONG, "--checkpoint", str(folder)]) == 1
    # What the second inner block sees is the first that is wrong.
    assert "first at attentions.1[" in capsys.readouterr().out


def test_a_checkpoint_that_is_not_there(tmp_path, capsys):
    arguments = ["--implementation", RIGHT, "--checkpoint", str(tmp_path / "none")]
    assert command.main(arguments) == 1
    assert "FileNotFoundError" in capsys.readouterr().out


def _called(folder, tmp_path, class_name):
    """Copy the checkpoint as one of another class."""
    for path in folder.iterdir():
        (tmp_path / path.name).write_bytes(path.read_bytes())
    config = json.loads((folder / "config.json").read_text())
    (tmp_path / "config.json").write_text(
        json.dumps({**config, "architectures": [class_name]})
    )


def test_weights_that_are_missing_are_refused(folder, tmp_path):
    _called(folder, tmp_path, "TFAlbertForTokenClassification")
    with pytest.raises(ValueError) as raised, pytest.warns(UserWarning):
        checkpoints.read(tmp_path)
    assert str(raised.value) == (
        "--checkpoint lacks weights of AlbertForTokenClassification: "
        "classifier.weight, classifier.bias."
    )


def test_a_class_that_the_oracle_does_not_know_is_refused(folder, tmp_path):
    _called(folder, tmp_path, "AlbertForSummaries")
    with pytest.raises(ValueError) as raised:
        checkpoints.read(tmp_path)
    assert str(raised.value) == (
        "--checkpoint must hold a model of one of AlbertModel, AlbertForPreTraining, "
        "AlbertForMaskedLM, AlbertForSequenceClassification, AlbertForMultipleChoice, "
        "AlbertForTokenClassification, AlbertForQuestionAnswering, but its "
        "configuration says 'AlbertForSummaries'."
    )


def test_tolerance_is_measured(folder, monkeypatch):
    """Every step has one, in proportion to what the oracle itself rounds."""
    result = next(checkpoints.run(Subject(RIGHT, checkpoint=str(folder))))
    exact = checkpoints.in_order(checkpoints._exact(result.case))
    allowed = checkpoints.tolerances(result.case, exact)
    assert allowed.keys() == exact.keys()
    assert all(np.isfinite(one) and one > 0 for one in allowed.values())
    monkeypatch.setattr(checkpoints, "FLOAT32", rounding.BFLOAT16)
    coarse = checkpoints.tolerances(result.case, exact)
    assert all(1e3 < coarse[name] / allowed[name] < 1e6 for name in allowed)
