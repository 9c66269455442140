"""Check against checkpoints and outputs of Google's original code, where they are.

The files lie beside the repository, in ../shared/google, and are not part of it;
without them this check is not run, and the report says so.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from albert.common.config import GOOGLE_CONFIG_NAME, AlbertConfig
from albert.common.opening import open_checkpoint
from conformance.backends import Build, Run
from conformance.cases import Case
from conformance.compare import largest_error
from conformance.run import Result
from conformance.tolerances import FLOAT32

FAMILY = "Google's original"
FOLDER = Path(__file__).resolve().parents[2] / "shared" / "google" / "visible"

# The original adds -10000 to hidden scores in float32, which rounds a wholly masked
# row's scores to steps of about 1e-3; ours are exact.
ALL_MASKED_ROW = 2e-3

_CLASS = "AlbertForPreTraining"


def available() -> bool:
    """Whether the files are there."""
    return FOLDER.is_dir()


def run(build: Build) -> Iterator[Result]:
    """Hold an implementation to the original's outputs; nothing where not available."""
    if not available():
        return
    for folder in sorted(FOLDER.iterdir()):
        config = AlbertConfig.from_json_file(folder / GOOGLE_CONFIG_NAME)
        with np.load(folder / "golden.npz") as golden:
            model = build(_CLASS, config, read_weights(folder))
            for name, found, right, tolerance in _comparisons(model, dict(golden)):
                case = Case(FAMILY, f"{folder.name} {name}", _CLASS, config, {})
                # In units of the one tolerance that the report shows.
                error = largest_error(found, right) * FLOAT32 / tolerance
                yield Result(case, error)


def read_weights(folder: Path) -> dict[str, np.ndarray]:
    """Read a checkpoint of the original as {canonical name: float32}."""
    arrays = open_checkpoint(folder).arrays
    return {name: arrays[name].read() for name in arrays}


def _comparisons(
    model: Run, golden: dict[str, np.ndarray]
) -> Iterator[tuple[str, dict[str, Any], dict[str, Any], float]]:
    ids, mask = golden["input_ids"], golden["input_mask"]
    inputs = {
        "input_ids": ids,
        "attention_mask": mask,
        "token_type_ids": golden["segment_ids"],
        "labels": _labels(golden, ids.shape),
        "sentence_order_label": golden["sentence_order_labels"],
    }
    # The original divides by the number of words plus 1e-5.
    number = golden["masked_lm_weights"].sum()
    loss = golden["mlm_loss"] * (1 + 1e-5 / number) + golden["sop_loss"]
    found = _shared(model(inputs, True), golden)
    right = {
        "loss": np.float32(loss),
        "sop_logits": golden["sop_logits"],
        "mlm_logits": golden["mlm_logits"],
        "layers": tuple(golden["all_encoder_layers"]),
    }
    yield "as given", found, right, FLOAT32
    found = _shared(model({"input_ids": ids}, True), golden)
    right = {
        "sop_logits": golden["nomask_sop_logits"],
        "mlm_logits": golden["nomask_mlm_logits"],
        "layers": (golden["nomask_sequence_output"],),
    }
    yield "no mask", {**found, "layers": found["layers"][-1:]}, right, FLOAT32
    hidden = {**inputs, "attention_mask": golden["allmasked_input_mask"]}
    masked = model(hidden, True)
    right_states = golden["allmasked_sequence_output"]
    found_states = masked["hidden_states"][-1]
    rows = np.arange(len(ids)) != 1
    yield (
        "beside a row all masked",
        {"states": found_states[rows]},
        {"states": right_states[rows]},
        FLOAT32,
    )
    yield (
        "a row all masked",
        {"states": found_states[1]},
        {"states": right_states[1]},
        ALL_MASKED_ROW,
    )


def _labels(golden: dict[str, np.ndarray], shape: tuple[int, ...]) -> np.ndarray:
    labels = np.full(shape, -100, np.int32)
    for row, position, piece, weight in zip(
        np.repeat(np.arange(shape[0]), golden["masked_lm_positions"].shape[1]),
        golden["masked_lm_positions"].ravel(),
        golden["masked_lm_ids"].ravel(),
        golden["masked_lm_weights"].ravel(),
        strict=True,
    ):
        if weight:
            labels[row, position] = piece
    return labels


def _shared(outputs: dict[str, Any], golden: dict[str, np.ndarray]) -> dict[str, Any]:
    """Give what both have, in the original's form."""
    logits = outputs["prediction_logits"]
    positions = golden["masked_lm_positions"]
    chosen = np.take_along_axis(logits, positions[..., None], 1)
    found = {
        "sop_logits": outputs["sop_logits"],
        "mlm_logits": chosen.reshape(-1, logits.shape[-1]),
        "layers": outputs["hidden_states"][1:],
    }
    return {**found, "loss": outputs["loss"]} if "loss" in outputs else found
