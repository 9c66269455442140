"""Check against checkpoints and outputs of Google's original code, where they are.

The files lie beside the repository, in ../shared/google, and are not part of it. They
are TensorFlow 1 checkpoints, which TensorFlow reads; without the files or without
TensorFlow this check is not run, and the report says so.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from albert.common import names
from albert.common.config import GOOGLE_CONFIG_NAME, AlbertConfig
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
_EXACT = {
    "predictions.dense.weight": "cls/predictions/transform/dense/kernel",
    "predictions.dense.bias": "cls/predictions/transform/dense/bias",
    "predictions.LayerNorm.weight": "cls/predictions/transform/LayerNorm/gamma",
    "predictions.LayerNorm.bias": "cls/predictions/transform/LayerNorm/beta",
    "predictions.bias": "cls/predictions/output_bias",
    "sop_classifier.classifier.weight": "cls/seq_relationship/output_weights",
    "sop_classifier.classifier.bias": "cls/seq_relationship/output_bias",
    "albert.pooler.weight": "bert/pooler/dense/kernel",
    "albert.pooler.bias": "bert/pooler/dense/bias",
}
_BLOCK = {
    "attention.query": "attention_1/self/query",
    "attention.key": "attention_1/self/key",
    "attention.value": "attention_1/self/value",
    "attention.dense": "attention_1/output/dense",
    "attention.LayerNorm": "LayerNorm",
    "ffn": "ffn_1/intermediate/dense",
    "ffn_output": "ffn_1/intermediate/output/dense",
    "full_layer_layer_norm": "LayerNorm_1",
}


def available() -> bool:
    """Whether the files and TensorFlow are there."""
    return FOLDER.is_dir() and importlib.util.find_spec("tensorflow") is not None


def run(build: Build) -> Iterator[Result]:
    """Hold an implementation to the original's outputs; nothing where not available."""
    if not available():
        return
    for folder in sorted(FOLDER.iterdir()):
        config = AlbertConfig.from_json_file(folder / GOOGLE_CONFIG_NAME)
        with np.load(folder / "golden.npz") as golden:
            model = build(_CLASS, config, read_weights(folder, config))
            for name, found, right, tolerance in _comparisons(model, dict(golden)):
                case = Case(FAMILY, f"{folder.name} {name}", _CLASS, config, {})
                # In units of the one tolerance that the report shows.
                error = largest_error(found, right) * FLOAT32 / tolerance
                yield Result(case, error)


def read_weights(folder: Path, config: AlbertConfig) -> dict[str, np.ndarray]:
    """Read a checkpoint of the original as {canonical name: float32}.

    The optimizer's slots and the step are left out; the file that names the newest
    checkpoint is not read, since it holds paths of the writer's machine.
    """
    import tensorflow

    (index,) = folder.glob("*.index")
    reader = tensorflow.train.load_checkpoint(str(index.with_suffix("")))
    weights = {}
    for row in names.weights(config, _CLASS):
        array = reader.get_tensor(_google_name(row))
        # The order head is the one matrix that the original stores as PyTorch does.
        transpose = row.kind.transpose and not row.module.startswith("sop")
        weights[row.canonical] = np.ascontiguousarray(array.T if transpose else array)
    return weights


def _google_name(row: names.Weight) -> str:
    if row.canonical in _EXACT:
        return _EXACT[row.canonical]
    module = row.module.removeprefix(names.PREFIX)
    if row.kind is names.TABLE:
        return "bert/" + module.replace(".", "/")
    if not module.startswith("encoder.albert_layer_groups"):
        return f"bert/{module.replace('.', '/')}/{row.kind.tf}"
    _, _, group, _, inner, *step = module.split(".")
    block = f"bert/encoder/transformer/group_{group}/inner_group_{inner}"
    return f"{block}/{_BLOCK['.'.join(step)]}/{row.kind.tf}"


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
