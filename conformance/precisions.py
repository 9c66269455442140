"""Models in float32, bfloat16 and float16, each within what that precision rounds.

The tolerance of each step is `steps.FACTOR` times the error that the oracle itself has
in this precision (`conformance/rounding.py`), on this case, so that it grows with depth
as the error does. Weights are values that the precision has, for the oracle, too.

The oracle rounds the result of every operation. The backends do not: a norm's mean,
variance and quotient, attention's softmax and the losses are float32's in all three,
and matrix products add up in float32. So the tolerance of a step is an upper bound, and
a norm or a softmax that rounds too early would stay within it. That is why both are
held to their own inputs as well (`kept_wide`), where nothing but one rounding is
allowed.
"""

from __future__ import annotations

import importlib
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from albert.common import names
from albert.common.saving import save_arrays
from conformance import oracle
from conformance.backends import PREFIXES
from conformance.cases import Case, all_cases
from conformance.intermediates import judge
from conformance.rounding import BFLOAT16, FLOAT16, FLOAT32, Precision, rounded
from conformance.run import Result
from conformance.steps import (
    FACTOR,
    NUDGED_RUNS,
    Arrays,
    Step,
    compare,
    exact_steps,
    tolerances,
    weights_in,
    without_details,
)
from conformance.tracing import GIVEN, trace

PRECISIONS = {one.name: one for one in (FLOAT32, BFLOAT16, FLOAT16)}
LAYERS = 12
TRACED = ("12 layers", "both")
"""Names of the cases whose every step is watched; of the others, the outputs."""


class GentleCase(Case):
    """A case whose attention is not sharp.

    With the sharp attention of the other cases a rounding to 8 bits grows with every
    block, until the tolerance would let anything pass.
    """

    def weights(self) -> dict[str, np.ndarray]:
        """Make the model's weights: {canonical name: float32}."""
        sharp = ("query.weight", "key.weight")
        return {
            name: array * np.float32(0.35) if name.endswith(sharp) else array
            for name, array in super().weights().items()
        }


def cases() -> list[Case]:
    """Give the cases: each class, with a loss if it has one, and a deep model."""
    chosen: list[Case] = []
    for class_name in names.PARTS:
        mine = [case for case in all_cases() if case.class_name == class_name]
        family = "inputs" if class_name == "AlbertModel" else "labels"
        labelled = [case for case in mine if case.family == family]
        name = "right padding" if family == "inputs" else labelled[0].name
        chosen += [case for case in labelled if case.name == name]
    deep = chosen[0].config.replace(num_hidden_layers=LAYERS)
    chosen.append(replace(chosen[0], name=f"{LAYERS} layers", config=deep))
    return [GentleCase(**vars(case)) for case in chosen]


def run(framework: str, dtype: str | None = None) -> Iterator[Result]:
    """Hold a framework's models in each precision to the oracle.

    Args:
        framework: "pt", "tf" or "flax".
        dtype: "float32", "bfloat16" or "float16"; None for all.

    Yields:
        A result for each precision and case, in a family named after the precision: the
        step that is off the most in units of its tolerance, and all steps.
    """
    for precision in PRECISIONS.values() if dtype is None else [PRECISIONS[dtype]]:
        for case in cases():
            case = replace(case, family=precision.name)
            try:
                yield judge(case, steps_of(framework, case, precision))
            except Exception as problem:  # whatever it is, it is this case's failure
                yield Result(case, float("inf"), f"{type(problem).__name__}: {problem}")


def steps_of(framework: str, case: Case, precision: Precision) -> tuple[Step, ...]:
    """Compare one case in a framework and a precision with the oracle.

    Args:
        framework: "pt", "tf" or "flax".
        case: the case.
        precision: one of `PRECISIONS`.

    Returns:
        The steps of a watched or detailed call; norms and softmax by their own inputs;
        the outputs of a plain call; whether all outputs are values of the precision.
    """
    runner = importlib.import_module(f"albert.{framework}.runner")
    exact = exact_steps(case, precision)
    allowed = tolerances(case, precision, exact)
    model = load(framework, case, precision)
    plain = without_details(runner.run(model, case.inputs))
    inside: tuple[Step, ...] = ()
    if case.name in TRACED:
        found, outputs = trace(framework, model, case.class_name, case.inputs)
        inside = kept_wide(case, precision, found)
        found = {**found, **without_details(outputs)}
        right = exact
    else:
        outputs = runner.run(
            model, case.inputs, output_hidden_states=True, output_attentions=True
        )
        found = as_steps(case, outputs)
        right = {name: one for name, one in exact.items() if name in found}
    of_plain = {name: exact[name] for name in without_details(outputs)}
    return (
        *compare(found, right, allowed),
        *inside,
        *(
            replace(step, name=f"plain call: {step.name}")
            for step in compare(plain, of_plain, allowed)
        ),
        *_of_the_precision(case, precision, plain),
    )


def load(framework: str, case: Case, precision: Precision) -> Any:
    """Load a case's model in a precision, the way a user does."""
    package = importlib.import_module(f"albert.{framework}")
    model_class = getattr(package, PREFIXES[framework] + case.class_name)
    with tempfile.TemporaryDirectory() as folder:
        weights = weights_in(case, precision)
        save_arrays(folder, case.config, weights, case.class_name)
        return model_class.from_pretrained(folder, dtype=precision.name)


def as_steps(case: Case, outputs: Mapping[str, Any]) -> Arrays:
    """Call hidden states and attentions by the names of the oracle's steps."""
    inner = case.config.inner_group_num
    first, *states = outputs["hidden_states"]
    found = {"embedding_hidden_mapping_in": first}
    for layer, state in enumerate(states, start=1):
        found[f"blocks.{inner * layer - 1}.full_layer_layer_norm"] = state
    for block, probabilities in enumerate(outputs["attentions"]):
        found[f"blocks.{block}.attention.probabilities"] = probabilities
    return {**found, **without_details(outputs)}


def _of_the_precision(
    case: Case, precision: Precision, outputs: Arrays
) -> Iterator[Step]:
    """Require values that the precision has: a float32 model would not give them."""
    for name, given in outputs.items():
        if name != "loss":
            value = np.asarray(given, np.float32)
            off = np.abs(value - precision.round(value)).max()
            yield Step(f"{name} as {precision.name}", float(off), 0.0, float(off), 0.0)


def kept_wide(case: Case, precision: Precision, found: Arrays) -> tuple[Step, ...]:
    """Hold norms and softmax to what they were given.

    Args:
        case: the case.
        precision: of the model.
        found: of `trace`.

    Returns:
        A step for each norm, whose result is rounded once to the precision, and for
        each softmax, whose result is float32.
    """
    weights = weights_in(case, precision)
    steps = [
        _softmax_kept(name, found)
        for name in found
        if name.endswith("attention.probabilities")
    ]
    for name in found:
        if name.endswith(GIVEN):
            steps.append(_norm_kept(case, precision, name, found, weights))
    return tuple(steps)


def _softmax_kept(name: str, found: Arrays) -> Step:
    scores = found[name.replace("probabilities", "scores")].astype(np.float64)
    right = oracle.softmax(scores)
    below = np.minimum(scores.max(-1, keepdims=True) - scores, 1e3)
    # Float32 rounds the difference from the largest score, its exponential, each of the
    # sums and the quotient; the last two terms are the exponential's own error and
    # room.
    allowed = FLOAT32.unit * (below + scores.shape[-1] + 8) * right + 1e-37
    return _worst(f"{name} of its scores", found[name], right, allowed)


def _norm_kept(
    case: Case, precision: Precision, name: str, found: Arrays, weights: Arrays
) -> Step:
    given = found[name].astype(np.float32)
    norm = name.removesuffix(GIVEN)
    path = _path(case, norm)
    head = norm.startswith("predictions")
    epsilon = case.config.predictions_eps if head else case.config.layer_norm_eps
    exact = {key: one.astype(np.float64) for key, one in weights.items()}
    right = oracle.layer_norm(exact, path, given.astype(np.float64), epsilon)
    off = 0.0
    for seed in range(NUDGED_RUNS + 1):
        nudge = np.random.default_rng(seed) if seed else None
        own: Any = {key: rounded(exact[key], FLOAT32, nudge) for key in _keys(path)}
        once = oracle.layer_norm(own, path, rounded(given, FLOAT32, nudge), epsilon)
        off = max(off, float(np.abs(np.asarray(once) - right).max()))
    allowed = precision.unit * np.abs(right) + FACTOR * off
    return _worst(f"{norm} of its input", found[norm], right, allowed)


def _path(case: Case, norm: str) -> str:
    """Give the canonical path of a norm's weights."""
    if norm.startswith("predictions"):
        return norm
    if not norm.startswith("blocks."):
        return f"albert.{norm}"
    _, number, part = norm.split(".", 2)
    layer, inner = divmod(int(number), case.config.inner_group_num)
    return f"{oracle.blocks(case.config, layer)[inner]}.{part}"


def _keys(path: str) -> tuple[str, str]:
    return f"{path}.weight", f"{path}.bias"


def _worst(name: str, found: np.ndarray, right: np.ndarray, allowed: Any) -> Step:
    """Give the value that is off the most in units of what it may be."""
    off = np.abs(found.astype(np.float64) - right)
    off = np.where(np.isfinite(off), off, np.inf)
    place = np.unravel_index(int((off / allowed).argmax()), off.shape)
    return Step(
        name,
        float(off[place]),
        float(allowed[place]),
        float(found[place]),
        float(right[place]),
        tuple(map(int, place)),
    )
