"""ALBERT in NumPy float64: the specification that every backend is held to.

It is written to be read, not to be fast, and shares no code with the backends. Weights
are a dictionary {canonical name: float64 array} in the layout of the hub's files, where
a matrix is [out, in]; `albert.common.names` lists them.

Letters: B batch, C choices, S sequence, E embedding, H hidden, N heads, D head size,
I intermediate, V vocabulary, L labels, P positions to score.

`record`, where a function takes it, is told each step by name, in the order in which
they are computed; `conformance/steps.py` lists the names.

Source: ALBERT paper (Lan et al. 2019); google-research/albert modeling.py,
run_pretraining.py, classifier_utils.py, race_utils.py, squad_utils.py.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from albert.common.activations import ACTIVATIONS
from albert.common.config import AlbertConfig

Array = np.ndarray
Weights = dict[str, Array]
Outputs = dict[str, Any]
Record = Callable[[str, Array], object]

IGNORED = -100


def tell_nobody(name: str, value: Array) -> None:
    """Record nothing."""


def _within(record: Record, place: str) -> Record:
    """Record with a place before the names."""
    return lambda name, value: record(f"{place}.{name}", value)


def linear(weights: Weights, name: str, x: Array) -> Array:
    """Multiply by a matrix [out, in] and add a bias: [..., in] to [..., out]."""
    return x @ weights[f"{name}.weight"].T + weights[f"{name}.bias"]


def layer_norm(weights: Weights, name: str, x: Array, epsilon: float) -> Array:
    """Normalise the last axis by its mean and biased variance, then scale and shift."""
    centred = x - x.mean(-1, keepdims=True)
    variance = (centred**2).mean(-1, keepdims=True)
    normal = centred / np.sqrt(variance + epsilon)
    return normal * weights[f"{name}.weight"] + weights[f"{name}.bias"]


def softmax(scores: Array) -> Array:
    """Probabilities over the last axis."""
    raised = np.exp(scores - scores.max(-1, keepdims=True))
    return raised / raised.sum(-1, keepdims=True)


def sum_embeddings(weights: Weights, inputs: dict[str, Array]) -> Array:
    """Words, positions and segments, summed: [B, S, E]."""
    table = "albert.embeddings"
    if "input_ids" in inputs:
        words = weights[f"{table}.word_embeddings.weight"][inputs["input_ids"]]
    else:
        words = inputs["inputs_embeds"].astype(np.float64)
    batch, length = words.shape[:2]
    positions = inputs.get("position_ids", np.arange(length)[None])
    segments = inputs.get("token_type_ids", np.zeros((batch, length), int))
    return (
        words
        + weights[f"{table}.position_embeddings.weight"][positions]
        + weights[f"{table}.token_type_embeddings.weight"][segments]
    )


def embed(
    config: AlbertConfig,
    weights: Weights,
    inputs: dict[str, Array],
    record: Record = tell_nobody,
) -> Array:
    """Normalise that sum: [B, S, E]."""
    total = sum_embeddings(weights, inputs)
    record("embeddings.sum", total)
    name = "albert.embeddings.LayerNorm"
    normal = layer_norm(weights, name, total, config.layer_norm_eps)
    record("embeddings.LayerNorm", normal)
    return normal


def visible_keys(mask: Array | None, batch: int, length: int) -> Array:
    """Which keys each row sees: bool [B, 1, 1, S].

    A row that hides every key sees every key. The original adds -10000 to each hidden
    score, which shifts all scores of such a row alike and so changes nothing.
    """
    if mask is None:
        mask = np.ones((batch, length))
    visible = mask != 0
    visible = visible | ~visible.any(-1, keepdims=True)
    return visible[:, None, None, :]


def split_heads(config: AlbertConfig, y: Array) -> Array:
    """[B, S, H] to [B, N, S, D]."""
    sizes = (*y.shape[:2], config.num_attention_heads, config.head_size)
    return y.reshape(sizes).transpose(0, 2, 1, 3)


def merge_heads(y: Array) -> Array:
    """[B, N, S, D] to [B, S, H]."""
    batch, _, length, _ = y.shape
    return y.transpose(0, 2, 1, 3).reshape(batch, length, -1)


def look(
    config: AlbertConfig,
    weights: Weights,
    block: str,
    x: Array,
    visible: Array,
    record: Record = tell_nobody,
) -> tuple[Array, Array, Array, Array]:
    """Queries, keys and values, [B, N, S, D]; probabilities, [B, N, S, S]."""
    heads = []
    for part in ("query", "key", "value"):
        projected = linear(weights, f"{block}.attention.{part}", x)
        record(f"attention.{part}", projected)
        heads.append(split_heads(config, projected))
    query, key, value = heads
    scores = query @ key.transpose(0, 1, 3, 2) / np.sqrt(config.head_size)
    scores = np.where(visible, scores, -np.inf)
    record("attention.scores", scores)
    probabilities = softmax(scores)
    record("attention.probabilities", probabilities)
    return query, key, value, probabilities


def attend(
    config: AlbertConfig,
    weights: Weights,
    block: str,
    x: Array,
    visible: Array,
    record: Record = tell_nobody,
) -> tuple[Array, Array]:
    """Multi-head attention, projection, residual, norm: [B, S, H], [B, N, S, S]."""
    _, _, value, probabilities = look(config, weights, block, x, visible, record)
    context = merge_heads(probabilities @ value)
    record("attention.context", context)
    projected = linear(weights, f"{block}.attention.dense", context)
    record("attention.dense", projected)
    name = f"{block}.attention.LayerNorm"
    attended = layer_norm(weights, name, x + projected, config.layer_norm_eps)
    record("attention.LayerNorm", attended)
    return attended, probabilities


def apply_block(
    config: AlbertConfig,
    weights: Weights,
    block: str,
    x: Array,
    visible: Array,
    record: Record = tell_nobody,
) -> tuple[Array, Array]:
    """Attention, then feed-forward, residual and norm: [B, S, H], [B, N, S, S]."""
    attended, probabilities = attend(config, weights, block, x, visible, record)
    wide = linear(weights, f"{block}.ffn", attended)
    record("ffn", wide)
    widened = ACTIVATIONS[config.hidden_act](wide)
    record("activation", widened)
    narrowed = linear(weights, f"{block}.ffn_output", widened)
    record("ffn_output", narrowed)
    name = f"{block}.full_layer_layer_norm"
    normal = layer_norm(weights, name, attended + narrowed, config.layer_norm_eps)
    record("full_layer_layer_norm", normal)
    return normal, probabilities


def blocks(config: AlbertConfig, layer: int) -> list[str]:
    """Name the blocks that a layer applies, in order; layers of a group share them."""
    group = int(layer / config.num_hidden_layers * config.num_hidden_groups)
    members = f"albert.encoder.albert_layer_groups.{group}.albert_layers"
    return [f"{members}.{inner}" for inner in range(config.inner_group_num)]


def encode(
    config: AlbertConfig,
    weights: Weights,
    inputs: dict[str, Array],
    record: Record = tell_nobody,
) -> Outputs:
    """The bare model: last hidden state, pooled vector, hidden states, attentions."""
    embeddings = embed(config, weights, inputs, record)
    batch, length = embeddings.shape[:2]
    visible = visible_keys(inputs.get("attention_mask"), batch, length)
    x = linear(weights, "albert.encoder.embedding_hidden_mapping_in", embeddings)
    record("embedding_hidden_mapping_in", x)
    hidden_states, attentions = [x], []
    for layer in range(config.num_hidden_layers):
        for block in blocks(config, layer):
            here = _within(record, f"blocks.{len(attentions)}")
            x, probabilities = apply_block(config, weights, block, x, visible, here)
            attentions.append(probabilities)
        hidden_states.append(x)
    outputs: Outputs = {"last_hidden_state": x}
    if "albert.pooler.weight" in weights:
        pooled = linear(weights, "albert.pooler", x[:, 0])
        record("pooler", pooled)
        outputs["pooler_output"] = np.tanh(pooled)
    outputs["hidden_states"] = tuple(hidden_states)
    outputs["attentions"] = tuple(attentions)
    return outputs


def score_pieces(
    config: AlbertConfig, weights: Weights, x: Array, record: Record = tell_nobody
) -> Array:
    """Masked-LM logits, the word table being the output layer: [..., H] to [..., V]."""
    narrow = linear(weights, "predictions.dense", x)
    record("predictions.dense", narrow)
    narrowed = ACTIVATIONS[config.hidden_act](narrow)
    record("predictions.activation", narrowed)
    normal = layer_norm(
        weights, "predictions.LayerNorm", narrowed, config.predictions_eps
    )
    record("predictions.LayerNorm", normal)
    table = weights["albert.embeddings.word_embeddings.weight"]
    return normal @ table.T + weights["predictions.bias"]


def take_positions(x: Array, inputs: dict[str, Array]) -> Array:
    """What `masked_lm_positions`, [B, P], choose: [B, S, H] to [B, P, H]."""
    if "masked_lm_positions" not in inputs:
        return x
    rows = zip(x, inputs["masked_lm_positions"], strict=True)
    return np.stack([row[positions] for row, positions in rows])


def cross_entropy(logits: Array, labels: Array) -> Array:
    """Mean over the labels that are not -100; 0 if all are: [..., K], [...] to []."""
    top = logits.max(-1, keepdims=True)
    log_sum = top[..., 0] + np.log(np.exp(logits - top).sum(-1))
    kept = labels != IGNORED
    chosen = np.where(kept, labels, 0)[..., None]
    losses = log_sum - np.take_along_axis(logits, chosen, -1)[..., 0]
    return np.where(kept, losses, 0.0).sum() / max(kept.sum(), 1)


def model(
    config: AlbertConfig,
    weights: Weights,
    inputs: dict[str, Array],
    record: Record = tell_nobody,
) -> Outputs:
    """`AlbertModel`."""
    return encode(config, weights, inputs, record)


def for_pre_training(
    config: AlbertConfig,
    weights: Weights,
    inputs: dict[str, Array],
    record: Record = tell_nobody,
) -> Outputs:
    """`AlbertForPreTraining`; SOP label 0 = in order, 1 = swapped."""
    outputs = encode(config, weights, inputs, record)
    chosen = take_positions(outputs["last_hidden_state"], inputs)
    prediction_logits = score_pieces(config, weights, chosen, record)
    pooled = outputs["pooler_output"]
    sop_logits = linear(weights, "sop_classifier.classifier", pooled)
    found: Outputs = {"prediction_logits": prediction_logits, "sop_logits": sop_logits}
    losses = []
    if "labels" in inputs:
        losses.append(cross_entropy(prediction_logits, inputs["labels"]))
    if "sentence_order_label" in inputs:
        losses.append(cross_entropy(sop_logits, inputs["sentence_order_label"]))
    if losses:
        found["loss"] = sum(losses)
    return _with_layers(found, outputs)


def for_masked_lm(
    config: AlbertConfig,
    weights: Weights,
    inputs: dict[str, Array],
    record: Record = tell_nobody,
) -> Outputs:
    """`AlbertForMaskedLM`."""
    outputs = encode(config, weights, inputs, record)
    chosen = take_positions(outputs["last_hidden_state"], inputs)
    logits = score_pieces(config, weights, chosen, record)
    found: Outputs = {"logits": logits}
    if "labels" in inputs:
        found["loss"] = cross_entropy(logits, inputs["labels"])
    return _with_layers(found, outputs)


def for_sequence_classification(
    config: AlbertConfig,
    weights: Weights,
    inputs: dict[str, Array],
    record: Record = tell_nobody,
) -> Outputs:
    """`AlbertForSequenceClassification`, for each of its three problems."""
    outputs = encode(config, weights, inputs, record)
    logits = linear(weights, "classifier", outputs["pooler_output"])
    found: Outputs = {"logits": logits}
    if "labels" in inputs:
        found["loss"] = _classification_loss(config, logits, inputs["labels"])
    return _with_layers(found, outputs)


def problem_type(config: AlbertConfig, labels: Array) -> str:
    """Tell which of a sequence classifier's three problems the labels are of."""
    if config.problem_type is not None:
        return config.problem_type
    if config.num_labels == 1:
        return "regression"
    whole = np.issubdtype(labels.dtype, np.integer)
    return "single_label_classification" if whole else "multi_label_classification"


def _classification_loss(config: AlbertConfig, logits: Array, labels: Array) -> Array:
    kind = problem_type(config, labels)
    if kind == "single_label_classification":
        return cross_entropy(logits, labels)
    labels = labels.astype(np.float64)
    if kind == "regression":
        return ((logits - labels.reshape(logits.shape)) ** 2).mean()
    # -log sigmoid(x) = log(1 + exp(-x)), without overflow
    wrong = labels * np.logaddexp(0, -logits) + (1 - labels) * np.logaddexp(0, logits)
    return wrong.mean()


def flatten_choices(inputs: dict[str, Array]) -> dict[str, Array]:
    """Make a batch of all choices: [B, C, S] to [B C, S]; the labels stay."""
    return {
        name: array if name == "labels" else array.reshape(-1, *array.shape[2:])
        for name, array in inputs.items()
    }


def for_multiple_choice(
    config: AlbertConfig,
    weights: Weights,
    inputs: dict[str, Array],
    record: Record = tell_nobody,
) -> Outputs:
    """`AlbertForMultipleChoice`: inputs [B, C, S], logits [B, C]."""
    given = inputs["input_ids"] if "input_ids" in inputs else inputs["inputs_embeds"]
    outputs = encode(config, weights, flatten_choices(inputs), record)
    logits = linear(weights, "classifier", outputs["pooler_output"])
    logits = logits.reshape(given.shape[:2])
    found: Outputs = {"logits": logits}
    if "labels" in inputs:
        found["loss"] = cross_entropy(logits, inputs["labels"])
    return _with_layers(found, outputs)


def for_token_classification(
    config: AlbertConfig,
    weights: Weights,
    inputs: dict[str, Array],
    record: Record = tell_nobody,
) -> Outputs:
    """`AlbertForTokenClassification`."""
    outputs = encode(config, weights, inputs, record)
    logits = linear(weights, "classifier", outputs["last_hidden_state"])
    found: Outputs = {"logits": logits}
    if "labels" in inputs:
        found["loss"] = cross_entropy(logits, inputs["labels"])
    return _with_layers(found, outputs)


def answers(inputs: dict[str, Array], side: str) -> Array:
    """Give the answers' first or last places, [B]; -100 where they were cut off."""
    given = inputs["input_ids"] if "input_ids" in inputs else inputs["inputs_embeds"]
    positions = inputs[f"{side}_positions"].reshape(-1)
    inside = (positions >= 0) & (positions < given.shape[1])
    return np.where(inside, positions, IGNORED)


def for_question_answering(
    config: AlbertConfig,
    weights: Weights,
    inputs: dict[str, Array],
    record: Record = tell_nobody,
) -> Outputs:
    """`AlbertForQuestionAnswering`; positions outside the sequence are ignored."""
    outputs = encode(config, weights, inputs, record)
    logits = linear(weights, "qa_outputs", outputs["last_hidden_state"])
    found: Outputs = {"start_logits": logits[..., 0], "end_logits": logits[..., 1]}
    if "start_positions" in inputs:
        losses = [
            cross_entropy(found[f"{side}_logits"], answers(inputs, side))
            for side in ("start", "end")
        ]
        found["loss"] = (losses[0] + losses[1]) / 2
    return _with_layers(found, outputs)


def _with_layers(found: Outputs, outputs: Outputs) -> Outputs:
    layers = {name: outputs[name] for name in ("hidden_states", "attentions")}
    return {**found, **layers}


MODELS: dict[str, Callable[..., Outputs]] = {
    "AlbertModel": model,
    "AlbertForPreTraining": for_pre_training,
    "AlbertForMaskedLM": for_masked_lm,
    "AlbertForSequenceClassification": for_sequence_classification,
    "AlbertForMultipleChoice": for_multiple_choice,
    "AlbertForTokenClassification": for_token_classification,
    "AlbertForQuestionAnswering": for_question_answering,
}
"""Class (PyTorch's name) -> the function that specifies it."""
