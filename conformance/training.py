"""Hold a framework's training to the reference and to Google's original."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from albert.common.config import AlbertConfig
from conformance import given_gradients, google_training, trajectories
from conformance.cases import Case
from conformance.learners import learner
from conformance.run import Result
from conformance.tolerances import FLOAT32


def run(framework: str) -> Iterator[Result]:
    """Check the optimizers and whole curves.

    Args:
        framework: "pt", "tf" or "flax".

    Yields:
        A result for each comparison, in units of the one tolerance that the report
        shows.
    """
    kind = learner(framework)
    for label in given_gradients.SETTINGS:
        yield updates(framework, label)
    for label, found in trajectories.trajectories(kind).items():
        right = trajectories.reference()[label]
        yield _worst("50 updates", label, trajectories.errors(found, right))


def run_original(framework: str) -> Iterator[Result]:
    """Check training beside the original's, if that is there.

    Args:
        framework: "pt", "tf" or "flax".

    Yields:
        As `run`.
    """
    kind = learner(framework)
    for folder in google_training.folders():
        found = google_training.errors_of(kind, folder)
        yield _worst("original's training", folder.name, found)


def updates(framework: str, label: str) -> Result:
    """Check ten updates with given gradients.

    Args:
        framework: "pt", "tf" or "flax".
        label: which optimizer, a key of `given_gradients.SETTINGS`.

    Returns:
        As `run` yields.
    """
    settings = given_gradients.SETTINGS[label]
    found = given_gradients.learned(learner(framework), settings)
    right = given_gradients.right(label)
    return _worst("updates", label, given_gradients.errors(found, right))


def _worst(family: str, name: str, errors: Iterable[tuple[str, float]]) -> Result:
    where, error = max(errors, key=lambda one: one[1])
    case = Case(family, name, "AlbertForPreTraining", AlbertConfig(), {})
    return Result(case, error * FLOAT32, where)
