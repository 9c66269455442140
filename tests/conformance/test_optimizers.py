"""Optimizers and whole curves beside the reference, which sees every wrong rule."""

import sys
import types
from pathlib import Path

import numpy as np
import pytest

from albert.common.training.rules import OptimizerSettings
from conformance import given_gradients, google_training, optimizers, trajectories
from conformance.backends import PREFIXES
from conformance.learners import learner

FRAMEWORKS = tuple(PREFIXES)

# What is wrong -> right and wrong text of the reference, and whose trajectory sees it.
WRONG_RULES = {
    "no clipping": ("max_norm / max(norm, max_norm)", "1.0", "lamb adamw"),
    "bias correction": (
        "if settings.bias_correction:",
        "if not settings.bias_correction:",
        "lamb adamw",
    ),
    "epsilon inside the root": (
        "np.sqrt(second) + settings.epsilon",
        "np.sqrt(second + settings.epsilon)",
        "lamb adamw",
    ),
    "another epsilon": ("+ settings.epsilon", "+ 1e-8", "lamb adamw"),
    "no decay": ("+ settings.weight_decay * weight", "", "lamb adamw"),
    "decay on everything": (
        "if decays:",
        "if True:",
        "lamb adamw",
    ),
    "decay within the gradient": (
        "beta_1 * moments.first[n] + (1 - beta_1) * g",
        "beta_1 * moments.first[n] + (1 - beta_1) * (g + 0.01 * weights[n])",
        "lamb adamw",
    ),
    "trust ratio on everything": ("adapts = decays and", "adapts =", "lamb"),
    "no trust ratio": (
        'adapts = decays and settings.name == "lamb"',
        "adapts = False",
        "lamb",
    ),
    "trust ratio without decay": (
        "trust_ratio(weight, update)",
        "trust_ratio(weight, update - settings.weight_decay * weight)",
        "lamb",
    ),
    "no ratio for what is 0": (
        "if norms[0] and norms[1] else 1.0",
        "if norms[1] else 1.0",
        "lamb",
    ),
    "rate one step ahead": ("rates[number]", "rates[number + 1]", "lamb adamw"),
    "moments that wait for a rate": (
        "return after, moments",
        "return after, moments if rate else start(weights)",
        "lamb adamw",
    ),
    "a norm that is the sum of sizes": (
        "np.square(g).sum() for g",
        "np.abs(g).sum() for g",
        "lamb adamw",
    ),
}


def _require(errors):
    wrong = {name: round(error, 2) for name, error in errors if not error <= 1}
    assert not wrong


def test_the_reference_gives_what_the_file_has():
    for label, settings in given_gradients.SETTINGS.items():
        right = given_gradients.right(label)
        found = given_gradients.reference(given_gradients.read(), settings)
        assert found.keys() == right.keys()
        for name, array in right.items():
            np.testing.assert_allclose(found[name], array, rtol=1e-12, atol=1e-15)


# The others differ in what these have, and in PyTorch all are quick.
@pytest.mark.parametrize(
    ("framework", "label"),
    [
        *(("pt", label) for label in given_gradients.SETTINGS),
        *((name, label) for name in ("tf", "flax") for label in ("lamb", "adamw")),
        ("tf", "lamb, corrected"),
    ],
)
def test_updates_with_given_gradients(framework, label):
    settings = given_gradients.SETTINGS[label]
    found = given_gradients.learned(learner(framework), settings)
    _require(given_gradients.errors(found, given_gradients.right(label)))


@pytest.mark.parametrize("wrong", WRONG_RULES)
def test_every_wrong_rule_is_seen(wrong, monkeypatch):
    source = Path(optimizers.__file__).read_text()
    right, text, labels = WRONG_RULES[wrong]
    assert source.count(right) == 1
    mutated = types.ModuleType("mutated_optimizers")
    # A dataclass looks its module up.
    monkeypatch.setitem(sys.modules, mutated.__name__, mutated)
    exec(compile(source.replace(right, text), wrong, "exec"), mutated.__dict__)
    monkeypatch.setattr(given_gradients, "optimizers", mutated)
    for label in labels.split():
        with np.errstate(all="ignore"):
            found = given_gradients.reference(
                given_gradients.read(), OptimizerSettings(label)
            )
        errors = given_gradients.errors(found, given_gradients.right(label))
        weights = [error for name, error in errors if name.startswith("after")]
        assert max(weights) > 10


@pytest.mark.parametrize("framework", FRAMEWORKS)
def test_fifty_updates(framework):
    found = trajectories.trajectories(learner(framework))
    for name, right in trajectories.reference().items():
        assert right["loss"][-1] < 0.75 * right["loss"][0]
        assert right["norm"].min() < 1 < right["norm"].max()
        _require(trajectories.errors(found[name], right))


def test_what_is_missing_or_not_finite_is_an_infinite_error():
    right = {"loss": np.ones(2), "w": np.ones(3)}
    found = {"loss": np.ones(3), "w": np.array([1, np.nan, 1])}
    assert dict(trajectories.errors(found, right)) == {"loss": np.inf, "w": np.inf}
    again = {"norm": np.array([1.0, np.inf]), "after_2": np.ones(2)}
    bad = {"norm": np.array([1.0, 2.0]), "after_2": np.ones(1)}
    errors = dict(given_gradients.errors(bad, again))
    assert errors == {"norm": np.inf, "after_2": np.inf}


@pytest.mark.skipif(
    not google_training.available(), reason="the runs of Google's original are not here"
)
@pytest.mark.parametrize("framework", FRAMEWORKS)
def test_trains_as_googles_original(framework):
    for folder in google_training.folders():
        errors = list(google_training.errors_of(learner(framework), folder))
        assert len({name for name, _ in errors}) > 15
        _require(errors)
