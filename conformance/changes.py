"""Models that change after a call: what was kept of the call must not be used again.

Each is called, changed in place, and called again.
"""

from __future__ import annotations

import copy
import importlib
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from conformance.backends import make_model
from conformance.cases import Case, all_cases
from conformance.compare import largest_error
from conformance.run import Result, expected

LAYERS = 2


def run(framework: str) -> Iterator[Result]:
    """Change a model's configuration; and another one's weights.

    Args:
        framework: "pt", "tf" or "flax".

    Yields:
        A result for each change.

    Raises:
        ImportError: the framework cannot be imported.
    """
    first = next(
        case
        for case in all_cases()
        if (case.class_name, case.family, case.name)
        == ("AlbertModel", "inputs", "right padding")
    )
    # In this order: a model that has not changed may have left its program behind.
    for name in ("configuration", "weights"):
        case = replace(first, family="changes", name=name)
        try:
            yield Result(case, _error(framework, case))
        except Exception as problem:  # whatever it is, it is this case's failure
            yield Result(case, float("inf"), f"{type(problem).__name__}: {problem}")


def _error(framework: str, case: Case) -> float:
    """Give the error of the calls after the change."""
    runner = importlib.import_module(f"albert.{framework}.runner")
    # The model must not share what is changed with the case.
    config = copy.deepcopy(case.config)
    changes_weights = case.name == "weights"
    earlier = replace(case, seed=case.seed + 1) if changes_weights else case
    model = make_model(framework, case.class_name, config, earlier.weights())
    runner.run(model, case.inputs)
    if changes_weights:
        # Held, so that nothing of it is let go before the next call.
        held = _assign(
            framework,
            model,
            make_model(framework, case.class_name, config, case.weights()),
        )
        right = expected(case)
    else:
        held = None
        model.config.num_hidden_layers = LAYERS
        right = expected(
            replace(case, config=case.config.replace(num_hidden_layers=LAYERS))
        )
    found = runner.run(model, case.inputs)
    del held
    return largest_error(found, {name: right[name] for name in found})


def _assign(framework: str, model: Any, other: Any) -> Any:
    """Give a model another's weights, in its own places; give what it had before."""
    if framework == "flax":
        before, model.params = model.params, other.params
        return before
    if framework == "pt":
        model.load_state_dict(other.state_dict())
    else:
        model.set_weights(other.get_weights())
    return None
