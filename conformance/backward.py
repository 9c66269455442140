"""The gradients of ALBERT's losses in NumPy float64: the oracle, read backwards.

Each function here is named after the one of `oracle` that it goes back through. It
takes what that function took and then the gradient of the loss by what it gave; it adds
to `grads` the gradients of the weights that it used, and returns the gradient by its
input. A weight that is used more than once, as those of layers that share them and the
word table that is the output layer, too, gets the sum over its uses. What lies between
input and output is computed once more, by the oracle.

Letters: B batch, S sequence, E embedding, H hidden, N heads, D head size, V vocabulary,
P positions to score.

Source: the chain rule; tests/conformance/test_backward.py holds it to differences of
the oracle's losses.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np

from albert.common.activations import ACTIVATIONS
from albert.common.config import AlbertConfig
from conformance import oracle
from conformance.oracle import IGNORED, Array, Outputs, Weights
from conformance.slopes import SLOPES

Inputs = dict[str, Array]


def gradients(
    class_name: str, config: AlbertConfig, weights: Weights, inputs: Inputs
) -> Weights:
    """Give the gradient of a model's loss by each of its weights.

    Args:
        class_name: PyTorch's name of a class that has a loss.
        config: sizes and settings.
        weights: float64 arrays by canonical name.
        inputs: arguments of the call, labels among them.

    Returns:
        An array for each weight, of its shape; 0 where it is not used.
    """
    grads = _zeros(weights)
    LOSSES[class_name](config, weights, grads, inputs)
    return grads


def gradients_of_model(
    config: AlbertConfig, weights: Weights, inputs: Inputs, of: Mapping[str, Array]
) -> Weights:
    """Give the gradients of the bare model, which has no loss of its own.

    Args:
        config: sizes and settings.
        weights: float64 arrays by canonical name.
        inputs: arguments of the call.
        of: gradients by `last_hidden_state`, [B, S, H], and `pooler_output`, [B, H].

    Returns:
        An array for each weight, of its shape.
    """
    grads = _zeros(weights)
    outputs = oracle.encode(config, weights, inputs)
    encode(config, weights, grads, inputs, outputs, **of)
    return grads


def _zeros(weights: Weights) -> Weights:
    return {name: np.zeros(array.shape) for name, array in weights.items()}


# Steps


def linear(weights: Weights, grads: Weights, name: str, x: Array, grad: Array) -> Array:
    """Of y = x W' + b: dx = dy W, dW = dy' x, db = dy, summed over all rows."""
    rows = grad.reshape(-1, grad.shape[-1])
    grads[f"{name}.weight"] += rows.T @ x.reshape(-1, x.shape[-1])
    grads[f"{name}.bias"] += rows.sum(0)
    return grad @ weights[f"{name}.weight"]


def layer_norm(
    weights: Weights, grads: Weights, name: str, x: Array, epsilon: float, grad: Array
) -> Array:
    """Of y = n g + b with n = (x - mean) / deviation.

    A shift of x, and a stretch but for epsilon, leave n as it is: dx is dn without
    its parts along 1 and along n, divided by the deviation.
    """
    centred = x - x.mean(-1, keepdims=True)
    deviation = np.sqrt((centred**2).mean(-1, keepdims=True) + epsilon)
    normal = centred / deviation
    rows = (-1, x.shape[-1])
    grads[f"{name}.weight"] += (grad * normal).reshape(rows).sum(0)
    grads[f"{name}.bias"] += grad.reshape(rows).sum(0)
    of_normal = grad * weights[f"{name}.weight"]
    along_ones = of_normal.mean(-1, keepdims=True)
    along_normal = (of_normal * normal).mean(-1, keepdims=True)
    return (of_normal - along_ones - normal * along_normal) / deviation


def softmax(probabilities: Array, grad: Array) -> Array:
    """From probabilities p to scores: ds = p (dp - sum of p dp)."""
    return probabilities * (grad - (probabilities * grad).sum(-1, keepdims=True))


def cross_entropy(logits: Array, labels: Array) -> Array:
    """From the loss to logits: (p - 1 at the label) / number, 0 if ignored."""
    kept = labels != IGNORED
    chosen = np.where(kept, labels, 0)[..., None]
    grad = oracle.softmax(logits)
    at_label = np.take_along_axis(grad, chosen, -1) - 1
    np.put_along_axis(grad, chosen, at_label, -1)
    return np.where(kept[..., None], grad, 0.0) / max(kept.sum(), 1)


# The encoder


def sum_embeddings(grads: Weights, inputs: Inputs, grad: Array) -> None:
    """Add to the row of each table that a token has taken; [B, S, E]."""
    table = "albert.embeddings"
    batch, length = grad.shape[:2]
    positions = np.arange(length)[None]
    if "position_ids" in inputs:
        positions = inputs["position_ids"]
    positions = np.broadcast_to(positions, (batch, length))
    segments = inputs.get("token_type_ids", np.zeros((batch, length), int))
    np.add.at(grads[f"{table}.position_embeddings.weight"], positions, grad)
    np.add.at(grads[f"{table}.token_type_embeddings.weight"], segments, grad)
    if "input_ids" in inputs:
        words = grads[f"{table}.word_embeddings.weight"]
        np.add.at(words, inputs["input_ids"], grad)


def embed(
    config: AlbertConfig, weights: Weights, grads: Weights, inputs: Inputs, grad: Array
) -> None:
    """The norm, then the sum of the three tables' rows."""
    name = "albert.embeddings.LayerNorm"
    total = oracle.sum_embeddings(weights, inputs)
    grad = layer_norm(weights, grads, name, total, config.layer_norm_eps, grad)
    sum_embeddings(grads, inputs, grad)


def attend(
    config: AlbertConfig,
    weights: Weights,
    grads: Weights,
    block: str,
    x: Array,
    visible: Array,
    grad: Array,
) -> Array:
    """Norm, residual and projection, then attention: [B, S, H] to [B, S, H]."""
    query, key, value, probabilities = oracle.look(config, weights, block, x, visible)
    context = oracle.merge_heads(probabilities @ value)
    name = f"{block}.attention"
    total = x + oracle.linear(weights, f"{name}.dense", context)
    grad = layer_norm(
        weights, grads, f"{name}.LayerNorm", total, config.layer_norm_eps, grad
    )
    of_context = oracle.split_heads(
        config, linear(weights, grads, f"{name}.dense", context, grad)
    )
    of_value = _swap(probabilities) @ of_context
    # A hidden key has probability 0, and so its score gets 0.
    of_scores = softmax(probabilities, of_context @ _swap(value))
    of_scores = of_scores / np.sqrt(config.head_size)
    of_parts = {
        "query": of_scores @ key,
        "key": _swap(of_scores) @ query,
        "value": of_value,
    }
    # x is the residual, too.
    for part, of_part in of_parts.items():
        rows = oracle.merge_heads(of_part)
        grad = grad + linear(weights, grads, f"{name}.{part}", x, rows)
    return grad


def _swap(x: Array) -> Array:
    return x.transpose(0, 1, 3, 2)


def apply_block(
    config: AlbertConfig,
    weights: Weights,
    grads: Weights,
    block: str,
    x: Array,
    visible: Array,
    grad: Array,
) -> Array:
    """Norm, residual and feed-forward step, then attention: [B, S, H] to [B, S, H]."""
    attended, _ = oracle.attend(config, weights, block, x, visible)
    wide = oracle.linear(weights, f"{block}.ffn", attended)
    widened = ACTIVATIONS[config.hidden_act](wide)
    total = attended + oracle.linear(weights, f"{block}.ffn_output", widened)
    name = f"{block}.full_layer_layer_norm"
    grad = layer_norm(weights, grads, name, total, config.layer_norm_eps, grad)
    of_widened = linear(weights, grads, f"{block}.ffn_output", widened, grad)
    of_wide = of_widened * SLOPES[config.hidden_act](wide)
    # What was attended is the residual, too.
    grad = grad + linear(weights, grads, f"{block}.ffn", attended, of_wide)
    return attend(config, weights, grads, block, x, visible, grad)


def encode(
    config: AlbertConfig,
    weights: Weights,
    grads: Weights,
    inputs: Inputs,
    outputs: Outputs,
    last_hidden_state: Array | None = None,
    pooler_output: Array | None = None,
) -> None:
    """Go back from the encoder's outputs, given the gradients by one or both.

    Args:
        config: sizes and settings.
        weights: float64 arrays by canonical name.
        grads: the gradients, added to.
        inputs: arguments of the call.
        outputs: what `oracle.encode` gave.
        last_hidden_state: gradient by it, [B, S, H].
        pooler_output: gradient by it, [B, H].
    """
    hidden = outputs["hidden_states"]
    grad: Array = np.zeros(hidden[-1].shape)
    if last_hidden_state is not None:
        grad += last_hidden_state
    if pooler_output is not None:
        of_total = pooler_output * (1 - outputs["pooler_output"] ** 2)
        first = hidden[-1][:, 0]
        grad[:, 0] += linear(weights, grads, "albert.pooler", first, of_total)
    batch, length = grad.shape[:2]
    visible = oracle.visible_keys(inputs.get("attention_mask"), batch, length)
    for layer in reversed(range(config.num_hidden_layers)):
        blocks = oracle.blocks(config, layer)
        taken = [hidden[layer]]
        for block in blocks[:-1]:
            x, _ = oracle.apply_block(config, weights, block, taken[-1], visible)
            taken.append(x)
        for block, x in zip(reversed(blocks), reversed(taken), strict=True):
            grad = apply_block(config, weights, grads, block, x, visible, grad)
    mapping = "albert.encoder.embedding_hidden_mapping_in"
    embeddings = oracle.embed(config, weights, inputs)
    grad = linear(weights, grads, mapping, embeddings, grad)
    embed(config, weights, grads, inputs, grad)


# The heads


def score_pieces(
    config: AlbertConfig, weights: Weights, grads: Weights, x: Array, grad: Array
) -> Array:
    """From masked-LM logits, [..., V], to hidden states, [..., H].

    The word table is the output layer: its gradient here comes on top of that of the
    lookup.
    """
    table = "albert.embeddings.word_embeddings.weight"
    wide = oracle.linear(weights, "predictions.dense", x)
    narrowed = ACTIVATIONS[config.hidden_act](wide)
    name, epsilon = "predictions.LayerNorm", config.predictions_eps
    normal = oracle.layer_norm(weights, name, narrowed, epsilon)
    rows = grad.reshape(-1, grad.shape[-1])
    grads[table] += rows.T @ normal.reshape(-1, normal.shape[-1])
    grads["predictions.bias"] += rows.sum(0)
    of_normal = grad @ weights[table]
    of_narrowed = layer_norm(weights, grads, name, narrowed, epsilon, of_normal)
    of_wide = of_narrowed * SLOPES[config.hidden_act](wide)
    return linear(weights, grads, "predictions.dense", x, of_wide)


def take_positions(x: Array, inputs: Inputs, grad: Array) -> Array:
    """[B, P, H] to [B, S, H]; a place that was taken twice gets both."""
    if "masked_lm_positions" not in inputs:
        return grad
    whole = np.zeros(x.shape)
    rows = np.arange(len(x))[:, None]
    np.add.at(whole, (rows, inputs["masked_lm_positions"]), grad)
    return whole


def masked_lm_loss(
    config: AlbertConfig,
    weights: Weights,
    grads: Weights,
    inputs: Inputs,
    outputs: Outputs,
) -> Array:
    """From the loss of the masked words to hidden states, [B, S, H]."""
    hidden = outputs["last_hidden_state"]
    chosen = oracle.take_positions(hidden, inputs)
    logits = oracle.score_pieces(config, weights, chosen)
    grad = cross_entropy(logits, inputs["labels"])
    of_chosen = score_pieces(config, weights, grads, chosen, grad)
    return take_positions(hidden, inputs, of_chosen)


def for_pre_training(
    config: AlbertConfig, weights: Weights, grads: Weights, inputs: Inputs
) -> None:
    """`AlbertForPreTraining`: the sum of the losses whose labels are given."""
    outputs = oracle.encode(config, weights, inputs)
    of: dict[str, Array] = {}
    if "labels" in inputs:
        of["last_hidden_state"] = masked_lm_loss(
            config, weights, grads, inputs, outputs
        )
    if "sentence_order_label" in inputs:
        name, pooled = "sop_classifier.classifier", outputs["pooler_output"]
        logits = oracle.linear(weights, name, pooled)
        grad = cross_entropy(logits, inputs["sentence_order_label"])
        of["pooler_output"] = linear(weights, grads, name, pooled, grad)
    encode(config, weights, grads, inputs, outputs, **of)


def for_masked_lm(
    config: AlbertConfig, weights: Weights, grads: Weights, inputs: Inputs
) -> None:
    """`AlbertForMaskedLM`."""
    outputs = oracle.encode(config, weights, inputs)
    grad = masked_lm_loss(config, weights, grads, inputs, outputs)
    encode(config, weights, grads, inputs, outputs, last_hidden_state=grad)


def for_sequence_classification(
    config: AlbertConfig, weights: Weights, grads: Weights, inputs: Inputs
) -> None:
    """`AlbertForSequenceClassification`, for each of its three problems."""
    outputs = oracle.encode(config, weights, inputs)
    pooled = outputs["pooler_output"]
    logits = oracle.linear(weights, "classifier", pooled)
    grad = _classification_loss(config, logits, inputs["labels"])
    grad = linear(weights, grads, "classifier", pooled, grad)
    encode(config, weights, grads, inputs, outputs, pooler_output=grad)


def _classification_loss(config: AlbertConfig, logits: Array, labels: Array) -> Array:
    kind = oracle.problem_type(config, labels)
    if kind == "single_label_classification":
        return cross_entropy(logits, labels)
    labels = labels.astype(np.float64).reshape(logits.shape)
    if kind == "regression":
        return 2 * (logits - labels) / logits.size
    # sigmoid(x) - label, without overflow
    return (np.exp(-np.logaddexp(0, -logits)) - labels) / logits.size


def for_multiple_choice(
    config: AlbertConfig, weights: Weights, grads: Weights, inputs: Inputs
) -> None:
    """`AlbertForMultipleChoice`."""
    flat = oracle.flatten_choices(inputs)
    outputs = oracle.encode(config, weights, flat)
    pooled = outputs["pooler_output"]
    logits = oracle.linear(weights, "classifier", pooled)
    labels = inputs["labels"]
    grad = cross_entropy(logits.reshape(len(labels), -1), labels)
    grad = linear(weights, grads, "classifier", pooled, grad.reshape(-1, 1))
    encode(config, weights, grads, flat, outputs, pooler_output=grad)


def for_token_classification(
    config: AlbertConfig, weights: Weights, grads: Weights, inputs: Inputs
) -> None:
    """`AlbertForTokenClassification`."""
    outputs = oracle.encode(config, weights, inputs)
    hidden = outputs["last_hidden_state"]
    logits = oracle.linear(weights, "classifier", hidden)
    grad = cross_entropy(logits, inputs["labels"])
    grad = linear(weights, grads, "classifier", hidden, grad)
    encode(config, weights, grads, inputs, outputs, last_hidden_state=grad)


def for_question_answering(
    config: AlbertConfig, weights: Weights, grads: Weights, inputs: Inputs
) -> None:
    """`AlbertForQuestionAnswering`: the mean of the losses of both ends."""
    outputs = oracle.encode(config, weights, inputs)
    hidden = outputs["last_hidden_state"]
    logits = oracle.linear(weights, "qa_outputs", hidden)
    ends = [
        cross_entropy(logits[..., end], oracle.answers(inputs, side)) / 2
        for end, side in enumerate(("start", "end"))
    ]
    grad = linear(weights, grads, "qa_outputs", hidden, np.stack(ends, -1))
    encode(config, weights, grads, inputs, outputs, last_hidden_state=grad)


LOSSES: dict[str, Callable[[AlbertConfig, Weights, Weights, Inputs], None]] = {
    "AlbertForPreTraining": for_pre_training,
    "AlbertForMaskedLM": for_masked_lm,
    "AlbertForSequenceClassification": for_sequence_classification,
    "AlbertForMultipleChoice": for_multiple_choice,
    "AlbertForTokenClassification": for_token_classification,
    "AlbertForQuestionAnswering": for_question_answering,
}
"""Class (PyTorch's name) -> what goes back from its loss."""
