"""The configuration of a KerasHub preset in the terms of this package.

Source: keras-hub 0.32, `AlbertBackbone`, `AlbertMaskedLM`, `AlbertTextClassifier`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

TASK_FILE = "task.json"

_FIELDS = {
    "vocabulary_size": "vocab_size",
    "num_layers": "num_hidden_layers",
    "num_heads": "num_attention_heads",
    "num_groups": "num_hidden_groups",
    "num_inner_repetitions": "inner_group_num",
    "embedding_dim": "embedding_size",
    "hidden_dim": "hidden_size",
    "intermediate_dim": "intermediate_size",
    "max_sequence_length": "max_position_embeddings",
    "num_segments": "type_vocab_size",
}
_TASKS = {
    "AlbertMaskedLM": "AlbertForMaskedLM",
    "AlbertTextClassifier": "AlbertForSequenceClassification",
}
# The norm of KerasHub's masked-LM head keeps that library's default.
_HEAD_NORM_EPS = 1e-5


def is_preset(values: Mapping[str, Any]) -> bool:
    """Whether a `config.json` is that of a KerasHub preset."""
    return {"registered_name", "class_name", "config"} <= values.keys()


def translate(
    values: Mapping[str, Any], task: Mapping[str, Any] | None = None
) -> dict[str, Any]:
    """Translate a preset's configuration.

    Args:
        values: content of `config.json`.
        task: content of `task.json`, if there is one.

    Returns:
        Values for `AlbertConfig.from_dict`.

    Raises:
        ValueError: it is the preset of another model, or lacks a field.
    """
    kind = values.get("class_name")
    if kind != "AlbertBackbone" or not isinstance(values.get("config"), dict):
        raise ValueError(
            f"class_name must be 'AlbertBackbone', but this is the KerasHub preset of "
            f"a {kind!r}, which this package cannot hold."
        )
    config = cast("dict[str, Any]", values["config"])
    missing = [name for name in _FIELDS if name not in config]
    if missing:
        raise ValueError(f"the KerasHub configuration lacks {', '.join(missing)}.")
    found: dict[str, Any] = {ours: config[theirs] for theirs, ours in _FIELDS.items()}
    found |= {
        "model_type": "albert",
        "hidden_act": "gelu_new",
        "layer_norm_eps": 1e-12,
        "hidden_dropout_prob": config.get("dropout", 0.0),
        "attention_probs_dropout_prob": config.get("dropout", 0.0),
        "architectures": ["AlbertModel"],
    }
    return found | _of_task(task)


def _of_task(task: Mapping[str, Any] | None) -> dict[str, Any]:
    name = _TASKS.get((task or {}).get("class_name", ""))
    if task is None or name is None:
        return {}
    settings: Any = task.get("config")
    if name == "AlbertForMaskedLM":
        return {"architectures": [name], "prediction_layer_norm_eps": _HEAD_NORM_EPS}
    if not isinstance(settings, dict) or "num_classes" not in settings:
        raise ValueError(f"{TASK_FILE} lacks num_classes, the number of labels.")
    settings = cast("dict[str, Any]", settings)
    return {
        "architectures": [name],
        "num_labels": settings["num_classes"],
        "classifier_dropout_prob": settings.get("dropout", 0.0),
    }
