"""Record what transformers 4.57.6 gives on our cases; see `goldens.py`.

Run from the repository's root, in an environment that holds transformers and not this
package's frameworks:

    python -m venv .venv/transformers
    .venv/transformers/bin/pip install torch==2.13.0 transformers==4.57.6
    PYTHONPATH=. .venv/transformers/bin/python conformance/make_transformers_goldens.py
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
import transformers  # pyright: ignore[reportMissingImports]

from albert.common.names import TIED
from conformance.cases import Case
from conformance.goldens import PATH, RECORDED, golden_cases

VERSION = "4.57.6"


def outputs(case: Case) -> dict[str, np.ndarray]:
    """Compute one case with the eager attention."""
    values = case.config.to_dict()
    if case.class_name in ("AlbertForPreTraining", "AlbertForQuestionAnswering"):
        # There the width of these heads is num_labels; it is 2 in the original.
        values = {name: v for name, v in values.items() if "label" not in name}
    config = transformers.AlbertConfig(**values, attn_implementation="eager")
    model = getattr(transformers, case.class_name)(config).eval()
    state = {name: torch.from_numpy(a) for name, a in case.weights().items()}
    for copy, name in TIED.items():
        if name in state and copy in model.state_dict():
            state[copy] = state[name]
    if case.class_name == "AlbertModel":
        state = {name.removeprefix("albert."): a for name, a in state.items()}
    model.load_state_dict(state, strict=True)
    inputs: dict[str, Any] = {
        name: torch.from_numpy(np.ascontiguousarray(array))
        for name, array in case.inputs.items()
    }
    for name, tensor in inputs.items():
        if not tensor.is_floating_point():
            inputs[name] = tensor.long()
    with torch.no_grad():
        found = model(**inputs)
    return {name: found[name].numpy() for name in RECORDED if name in found}


def main() -> None:
    """Write the file."""
    if transformers.__version__ != VERSION:
        raise SystemExit(f"this needs transformers {VERSION}")
    recorded = {
        f"{case.id}/{name}": array
        for case in golden_cases()
        for name, array in outputs(case).items()
    }
    PATH.parent.mkdir(exist_ok=True)
    np.savez_compressed(PATH, **recorded)  # pyright: ignore[reportArgumentType]
    print(f"{PATH}: {len(recorded)} arrays of {len(golden_cases())} cases")


if __name__ == "__main__":
    main()
