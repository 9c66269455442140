"""How well checkpoints know text that they have not seen, at the same places of it.

    python -m benchmarks.held_out DATA CHECKPOINT [CHECKPOINT ...]

DATA is what `albert prepare` has written. Checkpoints must share its vocabulary: then
losses a piece compare as losses a byte do, and every figure is of the same places.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence

from albert.common.auto import AutoTokenizer
from albert.common.data.reading import HeldOutData
from albert.common.training.loop import evaluate
from albert.common.training.objectives import pretraining
from albert.common.training.pretraining import CLASS, make_trainer
from albert.common.training.settings import TrainingSettings


def main(arguments: Sequence[str] | None = None) -> int:
    """Print a JSON line for each checkpoint.

    Args:
        arguments: of the command line; None reads the process's own.

    Returns:
        0.
    """
    parser = argparse.ArgumentParser(prog="python -m benchmarks.held_out")
    parser.add_argument("data")
    parser.add_argument("checkpoints", nargs="+")
    parser.add_argument("--framework", default="pt", choices=("pt", "tf", "flax"))
    chosen = parser.parse_args(arguments)
    for checkpoint in chosen.checkpoints:
        figures = score(chosen.data, checkpoint, chosen.framework)
        print(json.dumps({"checkpoint": checkpoint, **figures}), flush=True)
    return 0


def score(data: str, checkpoint: str, framework: str) -> dict[str, float]:
    """Score one checkpoint.

    Args:
        data: folder of prepared rows.
        checkpoint: folder, or name.
        framework: "pt", "tf" or "flax".

    Returns:
        Losses and accuracies of masked words and of the order.
    """
    tokenizer = AutoTokenizer.from_pretrained(checkpoint)
    held_out = HeldOutData(data, batch_size=32, tokenizer=tokenizer)
    objective = pretraining(sop_weight=1.0)
    settings = TrainingSettings(steps=1)
    return evaluate(
        make_trainer(framework, CLASS, checkpoint, settings, objective), held_out
    )


if __name__ == "__main__":
    sys.exit(main())
