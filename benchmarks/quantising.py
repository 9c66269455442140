"""What int8 by `torch.ao.quantization.quantize_dynamic` does to size and answers.

    python -m benchmarks.quantising albert-demo sentences.jsonl

The file has a sentence in the field "text" of each line. Of each, one piece in seven is
masked, the same ones each time, and the best piece at each mask is compared.
"""

from __future__ import annotations

import argparse
import json
import sys
import warnings
from collections.abc import Sequence
from itertools import islice
from pathlib import Path
from typing import Any

import torch

from albert import AutoModelForMaskedLM, AutoTokenizer


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure and print.

    Args:
        arguments: of the command line; None reads the process's own.

    Returns:
        0.
    """
    parser = argparse.ArgumentParser(prog="python -m benchmarks.quantising")
    parser.add_argument("model", help="a folder or a repository")
    parser.add_argument("sentences", type=Path, help="JSON lines with a field 'text'")
    parser.add_argument("--sentences-used", type=int, default=300)
    chosen = parser.parse_args(arguments)
    with chosen.sentences.open(encoding="utf-8") as lines:
        texts = [
            json.loads(line)["text"] for line in islice(lines, chosen.sentences_used)
        ]
    model = AutoModelForMaskedLM.from_pretrained(chosen.model)
    small = quantise(model)
    size, less = (one.get_memory_footprint() / 1e6 for one in (model, small))
    print(f"size {size:.1f} MB, int8 {less:.1f} MB ({less / size:.0%})")
    tokenizer = AutoTokenizer.from_pretrained(chosen.model)
    same, total, error, sure = compare(model, small, tokenizer, texts)
    print(
        f"{len(texts)} sentences, {total} masks: the best piece is the same at "
        f"{same / total:.1%}, and at {sure:.1%} of those where float32 gives it more "
        f"than one half; its probability differs by {error:.4f} in the mean"
    )
    return 0


def quantise(model: Any) -> Any:
    """Give a copy whose linear layers are int8."""
    with warnings.catch_warnings():
        # PyTorch announces that its tools for this will move.
        warnings.simplefilter("ignore")
        return torch.ao.quantization.quantize_dynamic(
            model, {torch.nn.Linear}, dtype=torch.qint8
        )


def compare(
    model: Any, small: Any, tokenizer: Any, texts: Sequence[str]
) -> tuple[int, int, float, float]:
    """Count the masks at which both models' best pieces are the same.

    Args:
        model: in float32.
        small: the same in int8.
        tokenizer: theirs.
        texts: sentences.

    Returns:
        Masks with the same best piece; masks; mean difference of the probabilities
        that the two give to the first model's best piece; share of the same best
        piece where the first model gives it more than one half.
    """
    chooser = torch.Generator().manual_seed(0)
    agreed: list[torch.Tensor] = []
    sure: list[torch.Tensor] = []
    error = 0.0
    for text in texts:
        batch = tokenizer(text, truncation=True, max_length=128, return_tensors="pt")
        ids = batch["input_ids"]
        chosen = torch.rand(ids.shape, generator=chooser) < 1 / 7
        chosen[:, [0, -1]] = False
        batch["input_ids"] = ids.masked_fill(chosen, tokenizer.mask_token_id)
        with torch.no_grad():
            right, found = (
                one(**batch).logits[chosen].softmax(-1) for one in (model, small)
            )
        best = right.argmax(-1)
        agreed.append(best == found.argmax(-1))
        places = torch.arange(len(best)), best
        sure.append(right[places] > 0.5)
        error += float((right[places] - found[places]).abs().sum())
    same, certain = torch.cat(agreed), torch.cat(sure)
    share = float(same[certain].float().mean())
    return int(same.sum()), len(same), error / len(same), share


if __name__ == "__main__":
    sys.exit(main())
