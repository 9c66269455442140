"""Write checkpoints for the stock classes of transformers to open.

Run from the repository's root; then `verify_transformers.py`, in an environment of
each version, opens every folder and compares the answers:

    python -m conformance.write_for_verification build/written
    .venv/transformers/bin/python conformance/verify_transformers.py \
        --framework pt build/written/pt-*
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from albert.common import names
from albert.common.config import AlbertConfig
from albert.common.probe import make_inputs
from albert.common.saving import FORMATS, save_arrays
from conformance import oracle
from conformance.cases import SIZES, random_weights

SEED = 53
SHARD = "20KB"


def main(arguments: Sequence[str] | None = None) -> int:
    """Write a folder for each format and class, some in shards.

    Args:
        arguments: of the command line; None reads the process's own.

    Returns:
        0.
    """
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    target = parser.parse_args(arguments).folder
    for form in FORMATS:
        for class_name in names.PARTS:
            write(target / f"{form}-{class_name}", class_name, form)
        write(target / f"{form}-sharded", "AlbertForPreTraining", form, SHARD)
        groups = {"num_hidden_layers": 4, "num_hidden_groups": 2, "inner_group_num": 2}
        write(target / f"{form}-groups", "AlbertForMaskedLM", form, "5GB", **groups)
    return 0


def write(
    folder: Path,
    class_name: str,
    form: str,
    max_shard_size: str = "5GB",
    **changes: Any,
) -> None:
    """Write one checkpoint and, beside it, inputs and the oracle's answers."""
    sizes = {**SIZES, **changes}
    if class_name in ("AlbertForPreTraining", "AlbertForQuestionAnswering"):
        # The width of these heads is num_labels in transformers.
        del sizes["num_labels"]
    config = AlbertConfig(**sizes)
    weights = random_weights(config, class_name, SEED)
    save_arrays(
        folder, config, weights, class_name, format=form, max_shard_size=max_shard_size
    )
    inputs = make_inputs(config, class_name, SEED)
    exact = {name: array.astype(np.float64) for name, array in weights.items()}
    outputs = oracle.MODELS[class_name](config, exact, inputs)
    golden = {
        name: array.astype(np.float32)
        for name, array in outputs.items()
        if isinstance(array, np.ndarray)
    }
    np.savez_compressed(folder / "golden.npz", **inputs, **golden)  # pyright: ignore[reportArgumentType]
    print(f"{folder}: {', '.join(sorted(path.name for path in folder.iterdir()))}")


if __name__ == "__main__":
    sys.exit(main())
