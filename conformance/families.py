"""The families of cases, one line each, and what each of them can be run on.

A family is a function from a subject to results. To add one, write a module whose
`run` yields `conformance.run.Result`s and give it a line in `FAMILIES`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from albert.common import names
from conformance import (
    changes,
    checkpoints,
    configurations,
    dropout,
    goldens,
    google,
    google_training,
    gradients,
    intermediates,
    invariances,
    precisions,
    pretrained,
    products,
    sizes,
    tokenization,
    training,
    training_steps,
    words,
    written,
)
from conformance.backends import PREFIXES
from conformance.cases import Case, all_cases
from conformance.run import Missing, Result, run_cases
from conformance.subjects import DEVICES, FULL, QUICK, Subject
from conformance.tpu import records as programs

FRAMEWORKS = tuple(PREFIXES)
CHECKPOINT = "checkpoint"
_ABSENT = "../shared/google is absent"


def _nothing_missing() -> str:
    return ""


@dataclass(frozen=True)
class Family:
    """A family of cases.

    Attributes:
        name: what `--family` calls it.
        run: makes results for a subject.
        level: "quick" if the quick level has it, too; then `run` may do less for a
            subject that is `quick`.
        cases: how many results the full level has at least: with fewer, as when
            files are missing, the run fails.
        any_build: whether it asks for no more than a `Build`, so that another
            implementation than this package's can be held to it.
        devices: where it can be run.
        dtypes: types of the computation that it has tolerances for.
        frameworks: which of this package's it is for.
        why_missing: tells why it cannot be run here; "" if it can.
    """

    name: str
    run: Callable[[Subject], Iterator[Result | Missing]]
    level: str = FULL
    cases: int = 1
    any_build: bool = False
    devices: tuple[str, ...] = DEVICES
    dtypes: tuple[str, ...] = ("float32",)
    frameworks: tuple[str, ...] = FRAMEWORKS
    why_missing: Callable[[], str] = _nothing_missing

    def why_not(self, subject: Subject) -> str:
        """Tell why a subject is not held to it.

        Args:
            subject: what is run.

        Returns:
            The reason; "" if it is.
        """
        if subject.quick and self.level == FULL:
            return "only in the full level"
        if not subject.ours and not self.any_build:
            return "it needs more of an implementation than outputs"
        if subject.ours and subject.framework not in self.frameworks:
            return f"only for {', '.join(self.frameworks)}"
        if subject.device not in self.devices:
            return f"only on {', '.join(self.devices)}"
        return self.why_missing()


def _forward(subject: Subject) -> Iterator[Result]:
    """Hold outputs to the oracle and to what was recorded from transformers."""
    cases = quick_cases() if subject.quick else all_cases()
    wanted = [
        case
        for case in cases
        if subject.wants(case.id) or subject.wants(goldens.of(case).id)
    ]
    return run_cases(subject.build(), wanted, goldens.recorded())


def quick_cases() -> list[Case]:
    """Choose a few cases: every class, every kind of configuration, input and label."""
    chosen: list[Case] = []
    for turn, class_name in enumerate(names.PARTS):
        mine = [case for case in all_cases() if case.class_name == class_name]
        for family in ("configuration", "inputs", "labels"):
            ones = [case for case in mine if case.family == family]
            chosen += ones[turn % len(ones) : turn % len(ones) + 1] if ones else []
    return chosen


def _original(subject: Subject) -> Iterator[Result]:
    return google.run(subject.build())


def _no_original() -> str:
    return "" if google.available() else f"Google's own checkpoints: {_ABSENT}"


def _no_original_training() -> str:
    return "" if google_training.available() else f"Google's own training: {_ABSENT}"


def _original_training(subject: Subject) -> Iterator[Result]:
    return training.run_original(subject.framework)


def _files(subject: Subject) -> Iterator[Result]:
    return written.run(subject.load())


def _gradients(subject: Subject) -> Iterator[Result]:
    cases = gradients.all_gradient_cases()
    wanted = [one for one in cases if subject.wants(one.case.id)]
    return gradients.run(subject.framework, wanted)


def _dropout(subject: Subject) -> Iterator[Result]:
    only = subject.only[0] if len(subject.only) == 1 else None
    return dropout.run(subject.framework, only)


def _training(subject: Subject) -> Iterator[Result]:
    return training.run(subject.framework)


def _changes(subject: Subject) -> Iterator[Result]:
    return changes.run(subject.framework)


def _configurations(_: Subject) -> Iterator[Result]:
    return configurations.run()


def _tokenization(_: Subject) -> Iterator[Result]:
    return tokenization.run()


def _words(subject: Subject) -> Iterator[Result]:
    return words.run(subject.framework)


def _steps(subject: Subject) -> Iterator[Result]:
    return intermediates.run(subject.framework, subject.chosen(intermediates.cases()))


def _precisions(subject: Subject) -> Iterator[Result]:
    return precisions.run(subject.framework, subject.dtype)


def _products(subject: Subject) -> Iterator[Result | Missing]:
    yield from products.run(subject.framework)
    for setting, reason in products.without_effect(subject.framework).items():
        yield Missing(setting, reason)


def _invariances(subject: Subject) -> Iterator[Result]:
    return invariances.run(subject.framework)


def _sizes(subject: Subject) -> Iterator[Result]:
    return sizes.run(subject.framework)


def _training_steps(subject: Subject) -> Iterator[Result]:
    return training_steps.run(subject.framework)


def _compiled(_: Subject) -> Iterator[Result | Missing]:
    return programs.run()


def _published(subject: Subject) -> Iterator[Result | Missing]:
    return pretrained.run(subject.framework, subject.published)


FAMILIES: tuple[Family, ...] = (
    Family("configurations", _configurations, QUICK, 1, devices=("cpu",)),
    Family("tokenization", _tokenization, QUICK, 1, devices=("cpu",)),
    Family("beside a framework", _words, cases=8, devices=("cpu",)),
    Family("forward", _forward, QUICK, 359, any_build=True),
    Family("steps", _steps, cases=11),
    Family(
        "precisions", _precisions, cases=8, dtypes=("float32", "bfloat16", "float16")
    ),
    Family("products", _products),
    Family("invariances", _invariances, cases=18),
    Family("sizes", _sizes, cases=4),
    Family("changes", _changes, QUICK, 2),
    Family("files", _files, cases=58, any_build=True),
    Family("dropout", _dropout, cases=11),
    Family("training steps", _training_steps),
    Family("training", _training, cases=6),
    Family("gradients", _gradients, cases=43),
    Family("original", _original, cases=4, any_build=True, why_missing=_no_original),
    Family(
        "original's training", _original_training, why_missing=_no_original_training
    ),
    Family("compiled for TPU", _compiled, devices=("cpu",), frameworks=("flax",)),
)
"""The suite, in the order in which it runs."""

OF_A_CHECKPOINT: tuple[Family, ...] = (
    Family(CHECKPOINT, checkpoints.run, QUICK, any_build=True),
)
"""What is run instead with `--checkpoint`."""


OF_PUBLISHED: tuple[Family, ...] = (Family(pretrained.FAMILY, _published, QUICK),)
"""What is run instead with `--pretrained`."""


def families_of(subject: Subject) -> tuple[Family, ...]:
    """Give the families of the suite, of a user's checkpoint or of published models."""
    if subject.published:
        return OF_PUBLISHED
    return OF_A_CHECKPOINT if subject.checkpoint else FAMILIES


def all_families() -> tuple[Family, ...]:
    """Give every family there is."""
    return (*FAMILIES, *OF_A_CHECKPOINT, *OF_PUBLISHED)


def dtypes() -> tuple[str, ...]:
    """List the types that some family has a tolerance for, float32 first."""
    found = [dtype for family in FAMILIES for dtype in family.dtypes]
    return tuple(dict.fromkeys(("float32", *found)))


def only(families: tuple[Family, ...], name: str) -> tuple[Family, ...]:
    """Choose the family of a name; all of them if the name is ""."""
    return tuple(one for one in families if name in ("", one.name))
