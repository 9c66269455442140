"""The seven models: values, gradients, arguments, dropout, types, tracing."""

import inspect
import warnings

import numpy as np
import pytest
import torch
from torch.utils._python_dispatch import TorchDispatchMode

import albert.pt
from albert.pt import outputs
from albert.pt.fast import labelled

B, C, S, E, H, N, V = 3, 9, 7, 5, 24, 4, 101

START = ["input_ids", "attention_mask", "token_type_ids", "position_ids"]
END = ["output_attentions", "output_hidden_states", "return_dict"]
# Last, since transformers has none of them.
OWN = {
    "AlbertForPreTraining": ["masked_lm_positions", "output_logits"],
    "AlbertForMaskedLM": ["masked_lm_positions", "output_logits"],
}
ARGUMENTS = {
    "AlbertModel": [],
    "AlbertForPreTraining": ["labels", "sentence_order_label"],
    "AlbertForMaskedLM": ["labels"],
    "AlbertForSequenceClassification": ["labels"],
    "AlbertForMultipleChoice": ["labels"],
    "AlbertForTokenClassification": ["labels"],
    "AlbertForQuestionAnswering": ["start_positions", "end_positions"],
}
OUTPUTS = {
    "AlbertModel": (outputs.BaseModelOutputWithPooling, ["pooler_output"]),
    "AlbertForPreTraining": (
        outputs.AlbertForPreTrainingOutput,
        ["prediction_logits", "sop_logits"],
    ),
    "AlbertForMaskedLM": (outputs.MaskedLMOutput, ["logits"]),
    "AlbertForSequenceClassification": (outputs.SequenceClassifierOutput, ["logits"]),
    "AlbertForMultipleChoice": (outputs.MultipleChoiceModelOutput, ["logits"]),
    "AlbertForTokenClassification": (outputs.TokenClassifierOutput, ["logits"]),
    "AlbertForQuestionAnswering": (
        outputs.QuestionAnsweringModelOutput,
        ["start_logits", "end_logits"],
    ),
}

BLOCK = [
    "attention.query.weight",
    "attention.query.bias",
    "attention.key.weight",
    "attention.key.bias",
    "attention.value.weight",
    "attention.value.bias",
    "attention.dense.weight",
    "attention.dense.bias",
    "attention.LayerNorm.weight",
    "attention.LayerNorm.bias",
    "ffn.weight",
    "ffn.bias",
    "ffn_output.weight",
    "ffn_output.bias",
    "full_layer_layer_norm.weight",
    "full_layer_layer_norm.bias",
]
BACKBONE = [
    "embeddings.word_embeddings.weight",
    "embeddings.position_embeddings.weight",
    "embeddings.token_type_embeddings.weight",
    "embeddings.LayerNorm.weight",
    "embeddings.LayerNorm.bias",
    "encoder.embedding_hidden_mapping_in.weight",
    "encoder.embedding_hidden_mapping_in.bias",
    *(
        f"encoder.albert_layer_groups.{group}.albert_layers.{inner}.{name}"
        for group in (0, 1)
        for inner in (0, 1)
        for name in BLOCK
    ),
]
POOLER = ["albert.pooler.weight", "albert.pooler.bias"]
PREDICTIONS = [
    "predictions.bias",
    "predictions.LayerNorm.weight",
    "predictions.LayerNorm.bias",
    "predictions.dense.weight",
    "predictions.dense.bias",
    "predictions.decoder.weight",
    "predictions.decoder.bias",
]
# The names of transformers 4.57.6.
STATE = {
    "AlbertModel": [*BACKBONE, "pooler.weight", "pooler.bias"],
    **{
        name: [*(f"albert.{key}" for key in BACKBONE), *head]
        for name, head in {
            "AlbertForPreTraining": [
                *POOLER,
                *PREDICTIONS,
                "sop_classifier.classifier.weight",
                "sop_classifier.classifier.bias",
            ],
            "AlbertForMaskedLM": PREDICTIONS,
            "AlbertForSequenceClassification": [
                *POOLER,
                "classifier.weight",
                "classifier.bias",
            ],
            "AlbertForMultipleChoice": [
                *POOLER,
                "classifier.weight",
                "classifier.bias",
            ],
            "AlbertForTokenClassification": ["classifier.weight", "classifier.bias"],
            "AlbertForQuestionAnswering": ["qa_outputs.weight", "qa_outputs.bias"],
        }.items()
    },
}

WORDS = {"AlbertForPreTraining": "prediction_logits", "AlbertForMaskedLM": "logits"}

both = pytest.mark.parametrize("implementation", ["sdpa", "eager"])


def all_inputs(lab, class_name):
    return {**lab.inputs(class_name), **lab.labels(class_name)}


# Values


@both
@pytest.mark.parametrize(
    ("dtype", "tolerance"), [(torch.float64, 1e-11), (torch.float32, 2e-5)]
)
def test_oracle(lab, class_name, implementation, dtype, tolerance):
    model = lab.model(class_name, dtype, attn_implementation=implementation)
    inputs = all_inputs(lab, class_name)
    expected = lab.oracle(class_name, inputs)
    tensors = lab.tensors(inputs)
    found = model(**tensors, output_hidden_states=True, output_attentions=True)
    lab.compare(found, expected, tolerance)
    assert type(found) is OUTPUTS[class_name][0]
    # Without the intermediates, when SDPA's own kernel runs.
    layers = ("hidden_states", "attentions")
    shown = {name: a for name, a in expected.items() if name not in layers}
    lab.compare(model(**tensors), shown, tolerance)


def test_embeds_instead_of_ids(lab, class_name):
    model = lab.model(class_name, torch.float64)
    tensors = lab.tensors(lab.inputs(class_name))
    ids = tensors.pop("input_ids")
    right = model(ids, **tensors).to_tuple()
    embeds = model.get_input_embeddings()(ids)
    found = model(inputs_embeds=embeds, **tensors).to_tuple()
    torch.testing.assert_close(found, right, rtol=0, atol=0)


def test_positions(lab, class_name):
    model = lab.model(class_name, torch.float64)
    inputs = lab.inputs(class_name)
    shape = inputs["input_ids"].shape
    inputs["position_ids"] = np.random.default_rng(8).integers(0, 19, shape)
    expected = lab.oracle(class_name, inputs)
    found = model(
        **lab.tensors(inputs), output_hidden_states=True, output_attentions=True
    )
    lab.compare(found, expected, 1e-11)


def test_loss_of_answers_needs_both_positions(lab):
    model = lab.model("AlbertForQuestionAnswering")
    tensors = lab.tensors(lab.inputs("AlbertForQuestionAnswering"))
    labels = lab.tensors(lab.labels("AlbertForQuestionAnswering"))
    for name, positions in labels.items():
        with pytest.raises(ValueError) as raised:
            model(**tensors, **{name: positions})
        (missing,) = labels.keys() - {name}
        assert str(raised.value) == (
            f"give start_positions and end_positions together: {missing} is missing."
        )


@pytest.mark.parametrize("given", ["labels", "sentence_order_label"])
def test_each_loss_of_pre_training_alone(lab, given):
    inputs = lab.inputs("AlbertForPreTraining")
    inputs[given] = lab.labels("AlbertForPreTraining")[given]
    expected = lab.oracle("AlbertForPreTraining", inputs)["loss"]
    model = lab.model("AlbertForPreTraining", torch.float64)
    loss = model(**lab.tensors(inputs)).loss
    assert float(loss.detach()) == pytest.approx(float(expected), abs=1e-11)


def test_all_labels_ignored(lab):
    model = lab.model("AlbertForMaskedLM")
    tensors = lab.tensors(lab.inputs("AlbertForMaskedLM"))
    loss = model(**tensors, labels=torch.full((B, S), -100)).loss
    loss.backward()
    assert loss.item() == 0
    gradients = [p.grad for p in model.parameters() if p.grad is not None]
    assert len(gradients) == len(list(model.parameters()))
    assert all((gradient == 0).all() for gradient in gradients)


@pytest.mark.parametrize(
    ("name", "labels", "message"),
    [
        (
            "AlbertForPreTraining",
            {"sentence_order_label": torch.tensor([0, 1, 2])},
            (
                "sentence_order_label must be at least 0 and below classes=2 or -100, "
                "but has 2."
            ),
        ),
        (
            "AlbertForMaskedLM",
            {"labels": torch.full((B, S), 101)},
            "labels must be at least 0 and below vocab_size=101 or -100, but has 101.",
        ),
        (
            "AlbertForSequenceClassification",
            {"labels": torch.tensor([0, 8, 1])},
            "labels must be at least 0 and below num_labels=8 or -100, but has 8.",
        ),
        (
            "AlbertForMultipleChoice",
            {"labels": torch.tensor([0, 9, 1])},
            "labels must be at least 0 and below choices=9 or -100, but has 9.",
        ),
        (
            "AlbertForTokenClassification",
            {"labels": torch.zeros(B, dtype=torch.long)},
            "labels must have the shape [B, S] = [3, 7], but has [3].",
        ),
        (
            "AlbertForQuestionAnswering",
            {"start_positions": torch.zeros(2), "end_positions": torch.zeros(B)},
            "start_positions must have the shape [B] = [3], but has [2].",
        ),
    ],
)
def test_bad_labels(lab, name, labels, message):
    with pytest.raises(ValueError) as caught:
        lab.model(name)(**lab.tensors(lab.inputs(name)), **labels)
    assert str(caught.value) == message


# Gradients

# A bias that shifts all scores of a softmax alike has no gradient.
NO_GRADIENT = {
    "AlbertForMultipleChoice": ["classifier.bias"],
    "AlbertForQuestionAnswering": [
        (
            "albert.encoder.albert_layer_groups.1.albert_layers.1"
            ".full_layer_layer_norm.bias"
        ),
        "qa_outputs.bias",
    ],
}


def test_gradients(lab, class_name):
    """Every parameter's gradient along a direction is the oracle's slope."""
    inputs = all_inputs(lab, class_name)
    model = lab.model(class_name, torch.float64)
    if class_name == "AlbertModel":
        factors = np.random.default_rng(6).normal(size=(B, H))
        pooled = model(**lab.tensors(inputs)).pooler_output
        (pooled * torch.tensor(factors)).sum().backward()
    else:
        model(**lab.tensors(inputs)).loss.backward()
    config = lab.config()
    weights = {
        name: array.astype(np.float64)
        for name, array in lab.weights(config, class_name).items()
    }

    def value(name, array):
        from conformance import oracle

        found = oracle.MODELS[class_name](config, {**weights, name: array}, inputs)
        if class_name == "AlbertModel":
            return (found["pooler_output"] * factors).sum()
        return found["loss"]

    random, step = np.random.default_rng(9), 1e-5
    zero = []
    for row in model.weight_rows():
        gradient = model._get_weight(row).grad
        assert gradient is not None, row.canonical
        array = weights[row.canonical]
        direction = random.normal(size=array.shape)
        slope = value(row.canonical, array + step * direction)
        slope -= value(row.canonical, array - step * direction)
        slope /= 2 * step
        found = float((gradient * torch.tensor(direction)).sum())
        assert found == pytest.approx(float(slope), rel=1e-5, abs=1e-7), row.canonical
        if gradient.abs().max() < 1e-12:
            zero.append(row.canonical)
    keys = [
        f"albert.encoder.albert_layer_groups.{group}.albert_layers.{inner}"
        ".attention.key.bias"
        for group in (0, 1)
        for inner in (0, 1)
    ]
    assert zero == keys + NO_GRADIENT.get(class_name, [])


# Arguments and outputs


def test_arguments(class_name):
    forward = getattr(albert.pt, class_name).forward
    names = list(inspect.signature(forward).parameters)[1:]
    own = OWN.get(class_name, [])
    assert names == [*START, "inputs_embeds", *ARGUMENTS[class_name], *END, *own]
    defaults = {p.default for p in inspect.signature(forward).parameters.values()}
    assert defaults == {inspect.Parameter.empty, None}


def test_arguments_by_position(lab, class_name):
    model = lab.model(class_name)
    tensors = lab.tensors(all_inputs(lab, class_name))
    names = [*START, "inputs_embeds", *ARGUMENTS[class_name]]
    by_position = model(*(tensors.get(name) for name in names), True, False, False)
    by_name = model(**tensors, output_attentions=True).to_tuple()
    torch.testing.assert_close(by_position, by_name, rtol=0, atol=0)


def test_outputs(lab, class_name):
    model = lab.model(class_name)
    tensors = lab.tensors(all_inputs(lab, class_name))
    output = model(**tensors, output_hidden_states=True, output_attentions=True)
    fields = OUTPUTS[class_name][1]
    first = "last_hidden_state" if class_name == "AlbertModel" else "loss"
    names = [first, *fields, "hidden_states", "attentions"]
    assert list(output) == names
    for position, name in enumerate(names):
        assert output[position] is output[name] is getattr(output, name)
    assert output.to_tuple() == tuple(output[name] for name in names)
    bare = model(**lab.tensors(lab.inputs(class_name)))
    assert list(bare) == [name for name in [first, *fields] if name != "loss"]
    assert bare.attentions is None
    assert bare.hidden_states is None


def test_shapes(lab, class_name):
    model = lab.model(class_name)
    output = model(
        **lab.tensors(all_inputs(lab, class_name)),
        output_hidden_states=True,
        output_attentions=True,
    )
    rows = B * C if class_name == "AlbertForMultipleChoice" else B
    assert [a.shape for a in output.hidden_states] == [(rows, S, H)] * 4
    assert [a.shape for a in output.attentions] == [(rows, N, S, S)] * 6
    shapes = {
        "AlbertModel": [(B, H)],
        "AlbertForPreTraining": [(B, S, V), (B, 2)],
        "AlbertForMaskedLM": [(B, S, V)],
        "AlbertForSequenceClassification": [(B, 8)],
        "AlbertForMultipleChoice": [(B, C)],
        "AlbertForTokenClassification": [(B, S, 8)],
        "AlbertForQuestionAnswering": [(B, S), (B, S)],
    }[class_name]
    assert [output[name].shape for name in OUTPUTS[class_name][1]] == shapes


@pytest.mark.parametrize("way", ["argument", "configuration"])
def test_tuple(lab, class_name, way):
    tensors = lab.tensors(all_inputs(lab, class_name))
    right = lab.model(class_name)(**tensors).to_tuple()
    if way == "argument":
        found = lab.model(class_name)(**tensors, return_dict=False)
    else:
        found = lab.model(class_name, return_dict=False)(**tensors)
    assert type(found) is tuple
    torch.testing.assert_close(found, right, rtol=0, atol=0)


def test_arguments_come_before_the_configuration(lab, class_name):
    flags = {"output_attentions": True, "output_hidden_states": True}
    model = lab.model(class_name, return_dict=False, **flags)
    tensors = lab.tensors(lab.inputs(class_name))
    layers = {"hidden_states", "attentions"}
    assert layers <= set(model(**tensors, return_dict=True))
    off = dict.fromkeys(flags, False)
    assert not layers & set(model(**tensors, **off, return_dict=True))


@both
def test_attentions_are_real(lab, class_name, implementation):
    model = lab.model(class_name, attn_implementation=implementation)
    tensors = lab.tensors(lab.inputs(class_name))
    attentions = model(**tensors, output_attentions=True).attentions
    hidden = (tensors["attention_mask"].flatten(0, -2) == 0)[:, None, None]
    assert hidden.any()
    assert len(attentions) == 6
    for probabilities in attentions:
        sums = probabilities.sum(-1)
        torch.testing.assert_close(sums, torch.ones_like(sums))
        assert (probabilities.masked_select(hidden) == 0).all()
        assert (probabilities.masked_select(~hidden) > 0).all()


def test_without_pooling_layer(lab):
    model = albert.pt.AlbertModel(lab.config(), add_pooling_layer=False).eval()
    assert model.pooler is None
    output = model(**lab.tensors(lab.inputs("AlbertModel")))
    assert list(output) == ["last_hidden_state"]
    assert output.pooler_output is None
    assert not [name for name in model.state_dict() if "pooler" in name]


# Modules


def test_models_are_plain_modules(lab, class_name):
    model = lab.model(class_name)
    assert isinstance(model, torch.nn.Module)
    assert isinstance(model, albert.pt.AlbertPreTrainedModel)
    assert all(p.requires_grad for p in model.parameters())
    assert list(model.buffers()) == []


def test_state_names(lab, class_name):
    state = lab.model(class_name).state_dict()
    assert sorted(state) == sorted(STATE[class_name])
    assert len(state) == len(set(STATE[class_name]))


@pytest.mark.parametrize("constants", [False, True])
def test_strict_load_state_dict(lab, class_name, constants):
    source = lab.model(class_name)
    target = getattr(albert.pt, class_name)(lab.config()).eval()
    state = source.state_dict()
    if constants:
        prefix = "" if class_name == "AlbertModel" else "albert."
        state[f"{prefix}embeddings.position_ids"] = torch.arange(19)[None]
        state[f"{prefix}embeddings.token_type_ids"] = torch.zeros(1, 19).long()
    before = set(state)
    result = target.load_state_dict(state, strict=True)
    assert (result.missing_keys, result.unexpected_keys) == ([], [])
    assert set(state) == before
    tensors = lab.tensors(lab.inputs(class_name))
    torch.testing.assert_close(
        target(**tensors).to_tuple(), source(**tensors).to_tuple(), rtol=0, atol=0
    )


def test_strict_load_state_dict_refuses_other_names(lab):
    model = lab.model("AlbertModel")
    state = {**model.state_dict(), "embeddings.other_ids": torch.zeros(1)}
    with pytest.raises(RuntimeError, match=r'Unexpected key\(s\).*other_ids"'):
        model.load_state_dict(state)


# Words, at chosen places and in training


POSITIONS = np.array([[5, 0, 5, 2], [6, 6, 1, 0], [3, 4, 0, 0]])


def words_given(kind):
    """Labels, with positions or without."""
    pieces = np.random.default_rng(9).integers(0, V, (B, S))
    index = np.arange(B * S).reshape(B, S)
    if kind == "positions":
        labels = np.where(POSITIONS == 0, -100, pieces[:, :4])
        return {"labels": labels, "masked_lm_positions": POSITIONS}
    kept = {"some": index % 3 == 1, "one": index == 9, "none": index < 0}
    return {"labels": np.where(kept.get(kind, True), pieces, -100)}


KINDS = ["some", "one", "none", "all", "positions"]
words_alone = pytest.mark.parametrize("name", WORDS)


def loss_and_slopes(model, tensors, **arguments):
    model.zero_grad()
    output = model(**tensors, **arguments)
    output.loss.backward()
    return output, {n: p.grad.clone() for n, p in model.named_parameters()}


@words_alone
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("chunk", [4, 1024])
def test_loss_of_training_is_that_of_all_scores(lab, name, kind, chunk, monkeypatch):
    monkeypatch.setattr(labelled, "CHUNK", chunk)
    model = lab.model(name, torch.float64).train()
    given = {**all_inputs(lab, name), **words_given(kind)}
    tensors = lab.tensors(given)
    found, slopes = loss_and_slopes(model, tensors)
    right, expected = loss_and_slopes(model, tensors, output_logits=True)
    assert set(right) - set(found) == {WORDS[name]}
    torch.testing.assert_close(found.loss, right.loss)
    torch.testing.assert_close(slopes, expected)
    oracles = lab.oracle(name, given)["loss"]
    assert float(found.loss.detach()) == pytest.approx(float(oracles), abs=1e-11)
    plain = model(**tensors, return_dict=False)
    torch.testing.assert_close(plain, found.to_tuple())


class Largest(TorchDispatchMode):
    """Notes the most values that a tensor had."""

    values = 0

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        found = func(*args, **(kwargs or {}))
        for tensor in found if isinstance(found, tuple | list) else [found]:
            if isinstance(tensor, torch.Tensor):
                self.values = max(self.values, tensor.numel())
        return found


@words_alone
@pytest.mark.parametrize("training", [True, False])
def test_no_scores_of_all_words_at_all_places(lab, name, training, monkeypatch):
    monkeypatch.setattr(labelled, "CHUNK", 4)
    # With a vocabulary that is larger than all that the layers make.
    model = lab.model(name, vocab_size=1001).train(training)
    tensors = lab.tensors({**lab.inputs(name), **words_given("all")})
    largest = {}
    for asked in (True, None if training else False):
        with Largest() as seen:
            model(**tensors, output_logits=asked).loss.backward()
        largest[asked] = seen.values
    asked, spared = largest.values()
    assert asked == B * S * 1001
    # The table, or a chunk's scores.
    assert spared == max(1001 * E, 4 * 1001)


@words_alone
def test_scores_beside_labels_in_evaluation(lab, name):
    model = lab.model(name)
    tensors = lab.tensors(all_inputs(lab, name))
    both = model(**tensors)
    alone = model(**tensors, output_logits=False)
    assert set(both) - set(alone) == {WORDS[name]}
    torch.testing.assert_close(alone.loss, both.loss)


@words_alone
@pytest.mark.parametrize("training", [True, False])
def test_scores_without_labels_unless_refused(lab, name, training, monkeypatch):
    model = lab.model(name).train(training)
    tensors = lab.tensors(lab.inputs(name))
    assert model(**tensors)[WORDS[name]].shape == (B, S, V)
    monkeypatch.setattr(model.predictions, "narrow", None)
    rest = {"sop_logits"} if name == "AlbertForPreTraining" else set()
    assert set(model(**tensors, output_logits=False)) == rest


@words_alone
def test_scores_at_positions(lab, name):
    model = lab.model(name, torch.float64)
    tensors = lab.tensors(lab.inputs(name))
    whole = model(**tensors)[WORDS[name]]
    places = torch.tensor(POSITIONS, dtype=torch.int32)
    found = model(**tensors, masked_lm_positions=places)[WORDS[name]]
    right = torch.stack([row[at] for row, at in zip(whole, POSITIONS, strict=True)])
    torch.testing.assert_close(found, right)
    nowhere = model(**tensors, masked_lm_positions=places[:, :0])[WORDS[name]]
    assert nowhere.shape == (B, 0, V)


@words_alone
@pytest.mark.parametrize(
    ("given", "message"),
    [
        (
            {"masked_lm_positions": torch.zeros(B).long()},
            "masked_lm_positions must have the shape [B, P] = [3, ?], but has [3].",
        ),
        (
            {"masked_lm_positions": torch.zeros(2, 4).long()},
            "masked_lm_positions must have the shape [B, P] = [3, ?], but has [2, 4].",
        ),
        (
            {"masked_lm_positions": torch.full((B, 4), S)},
            "masked_lm_positions must be at least 0 and below length=7, but has 7.",
        ),
        (
            {"masked_lm_positions": torch.full((B, 4), -1)},
            "masked_lm_positions must be at least 0 and below length=7, but has -1.",
        ),
        (
            {"masked_lm_positions": torch.zeros(B, 4)},
            "masked_lm_positions must be integers, but are of type float32.",
        ),
        (
            {
                "masked_lm_positions": torch.zeros(B, 4).long(),
                "labels": torch.zeros(B, S).long(),
            },
            "labels must have the shape [B, P] = [3, 4], but has [3, 7].",
        ),
        (
            {"labels": torch.zeros(B, 4).long()},
            "labels must have the shape [B, S] = [3, 7], but has [3, 4].",
        ),
        (
            {"labels": torch.full((B, S), V)},
            "labels must be at least 0 and below vocab_size=101 or -100, but has 101.",
        ),
    ],
)
def test_bad_places(lab, name, given, message):
    model = lab.model(name)
    for training in (False, True):
        with pytest.raises(ValueError) as caught:
            model.train(training)(**lab.tensors(lab.inputs(name)), **given)
        assert str(caught.value) == message


@pytest.mark.parametrize("autocast", [False, True])
def test_loss_of_training_in_bfloat16(lab, autocast, monkeypatch):
    monkeypatch.setattr(labelled, "CHUNK", 4)
    dtype = torch.float32 if autocast else torch.bfloat16
    model = lab.model("AlbertForMaskedLM", dtype).train()
    tensors = lab.tensors({**lab.inputs("AlbertForMaskedLM"), **words_given("some")})
    with torch.autocast("cpu", torch.bfloat16, enabled=autocast):
        found, slopes = loss_and_slopes(model, tensors)
        right, expected = loss_and_slopes(model, tensors, output_logits=True)
    assert found.loss.dtype == torch.float32
    torch.testing.assert_close(found.loss, right.loss, rtol=0, atol=1e-5)
    for name, slope in slopes.items():
        spread = float(expected[name].abs().max())
        torch.testing.assert_close(
            slope, expected[name], rtol=0, atol=0.03 * spread + 1e-6
        )


# Dropout

HIDDEN, ATTENTION, CLASSIFIER = 0.125, 0.25, 0.375
RATES = {
    "hidden_dropout_prob": HIDDEN,
    "attention_probs_dropout_prob": ATTENTION,
    "classifier_dropout_prob": CLASSIFIER,
}


def dropped(lab, class_name):
    """Where the head drops, and what."""
    return {
        "AlbertForSequenceClassification": [(CLASSIFIER, (B, H))],
        "AlbertForMultipleChoice": [(CLASSIFIER, (B * C, H))],
        "AlbertForTokenClassification": [(CLASSIFIER, (B, S, H))],
    }.get(class_name, [])


@both
def test_which_dropouts_fire(lab, class_name, monkeypatch, implementation):
    model = lab.model(class_name, attn_implementation=implementation, **RATES).train()
    fired = []
    functional = torch.nn.functional
    attend = functional.scaled_dot_product_attention

    def record(x, p=0.5, training=True, inplace=False):
        fired.append((p if training else 0, tuple(x.shape)))
        return x

    def record_sdpa(query, key, value, dropout_p=0.0, **kwargs):
        fired.append((dropout_p, (*query.shape[:-1], key.shape[-2])))
        return attend(query, key, value, **kwargs)

    monkeypatch.setattr(functional, "dropout", record)
    monkeypatch.setattr(functional, "scaled_dot_product_attention", record_sdpa)
    tensors = lab.tensors(all_inputs(lab, class_name))
    found = model(**tensors)
    words = {WORDS[class_name]} if class_name in WORDS else set()
    rows = B * C if class_name == "AlbertForMultipleChoice" else B
    block = [
        (ATTENTION, (rows, N, S, S)),
        (HIDDEN, (rows, S, H)),
        (HIDDEN, (rows, S, H)),
    ]
    # Three layers of two blocks.
    expected = [(HIDDEN, (rows, S, E)), *(6 * block), *dropped(lab, class_name)]
    assert fired == expected
    # With dropouts that drop nothing, training is inference.
    plain = model.eval()(**tensors)
    assert set(found) == set(plain) - words
    for name in found:
        torch.testing.assert_close(found[name], plain[name], rtol=0, atol=1e-6)


@both
def test_dropout_is_off_in_evaluation(lab, class_name, implementation):
    model = lab.model(class_name, attn_implementation=implementation, **RATES)
    tensors = lab.tensors(all_inputs(lab, class_name))
    first, second = model(**tensors).to_tuple(), model(**tensors).to_tuple()
    torch.testing.assert_close(first, second, rtol=0, atol=0)
    plain = lab.model(class_name, attn_implementation=implementation)(**tensors)
    torch.testing.assert_close(first, plain.to_tuple(), rtol=0, atol=0)


@both
def test_dropout_is_on_in_training(lab, class_name, implementation):
    model = lab.model(class_name, attn_implementation=implementation, **RATES).train()
    tensors = lab.tensors(lab.inputs(class_name))
    outcomes = []
    for seed in (1, 2, 1):
        torch.manual_seed(seed)
        outcomes.append(model(**tensors).to_tuple()[0])
    assert (outcomes[0] - outcomes[1]).abs().max() > 1e-3
    torch.testing.assert_close(outcomes[0], outcomes[2], rtol=0, atol=0)


# Types


@both
@pytest.mark.parametrize("dtype", [torch.float32, torch.float16, torch.bfloat16])
def test_finite_in_every_type_with_a_row_all_hidden(
    lab, class_name, implementation, dtype
):
    model = lab.model(class_name, dtype, attn_implementation=implementation)
    tensors = lab.tensors(all_inputs(lab, class_name))
    index = (1,) if tensors["input_ids"].ndim == 2 else (1, 1)
    hiding = tensors["attention_mask"].clone()
    hiding[index] = 0
    showing = hiding.clone()
    showing[index] = 1
    found = model(**{**tensors, "attention_mask": hiding})
    right = model(**{**tensors, "attention_mask": showing})
    fields = [name for name in found if name != "loss"]
    for name in fields:
        assert found[name].dtype == dtype
        assert torch.isfinite(found[name]).all()
        one, other = found[name][index], right[name][index]
        torch.testing.assert_close(one, other, rtol=0, atol=1e-6)
    if "loss" in found:
        assert found.loss.dtype == torch.float32
        assert torch.isfinite(found.loss)
        found.loss.backward()
        gradients = [p.grad for p in model.parameters()]
        assert all(torch.isfinite(gradient).all() for gradient in gradients)


@pytest.mark.parametrize(
    ("dtype", "tolerance"), [(torch.float16, 0.02), (torch.bfloat16, 0.15)]
)
def test_half_precision_is_near(lab, class_name, dtype, tolerance):
    inputs = lab.inputs(class_name)
    expected = lab.oracle(class_name, inputs)
    found = lab.model(class_name, dtype)(**lab.tensors(inputs))
    layers = ("hidden_states", "attentions")
    shown = {name: a for name, a in expected.items() if name not in layers}
    scale = max(np.abs(array).max() for array in shown.values())
    lab.compare(found, shown, tolerance * max(scale, 1))


@pytest.mark.parametrize("dtype", [torch.bool, torch.int32, torch.float32])
def test_type_of_the_mask_makes_no_difference(lab, dtype):
    model = lab.model("AlbertModel")
    tensors = lab.tensors(lab.inputs("AlbertModel"))
    right = model(**tensors).to_tuple()
    mask = tensors.pop("attention_mask").to(dtype)
    found = model(**tensors, attention_mask=mask).to_tuple()
    torch.testing.assert_close(found, right, rtol=0, atol=0)


def test_hidden_tokens_do_not_matter(lab, class_name):
    model = lab.model(class_name, torch.float64)
    inputs = lab.inputs(class_name)
    hidden = inputs["attention_mask"] == 0
    right = model(**lab.tensors(inputs))
    inputs["input_ids"] = np.where(
        hidden, 100 - inputs["input_ids"], inputs["input_ids"]
    )
    found = model(**lab.tensors(inputs))
    kept = torch.tensor(~hidden)
    for name in right:
        one, other = found[name], right[name]
        if one.shape[:2] == kept.shape and kept.ndim == 2:
            one, other = one[kept], other[kept]
        torch.testing.assert_close(one, other, rtol=0, atol=1e-12)


# Tracing


def test_compile(lab):
    model = lab.model("AlbertForMaskedLM")
    tensors = lab.tensors(all_inputs(lab, "AlbertForMaskedLM"))
    compiled = torch.compile(model, fullgraph=True, backend="eager")
    found = compiled(**tensors, output_attentions=True)
    right = model(**tensors, output_attentions=True)
    assert type(found) is outputs.MaskedLMOutput
    assert list(found) == ["loss", "logits", "attentions"]
    for one, other in zip(found.to_tuple(), right.to_tuple(), strict=True):
        torch.testing.assert_close(one, other, rtol=0, atol=1e-6)


def test_export(lab, tmp_path):
    model = lab.model("AlbertModel")
    tensors = lab.tensors(lab.inputs("AlbertModel"))
    right = model(**tensors)
    batch = torch.export.Dim("batch", min=1, max=64)
    exported = torch.export.export(
        model, (), tensors, dynamic_shapes={name: {0: batch} for name in tensors}
    )
    # Another number of texts than it was traced with.
    fewer = {name: tensor[:2] for name, tensor in tensors.items()}
    torch.export.save(exported, tmp_path / "model.pt2")
    for program in (exported, torch.export.load(tmp_path / "model.pt2")):
        found = program.module()(**fewer)
        assert type(found) is outputs.BaseModelOutputWithPooling
        assert list(found) == ["last_hidden_state", "pooler_output"]
        for name in found:
            torch.testing.assert_close(found[name], right[name][:2], rtol=0, atol=1e-6)


def test_jit_trace(lab):
    model = lab.model("AlbertForSequenceClassification", return_dict=False)
    tensors = lab.tensors(lab.inputs("AlbertForSequenceClassification"))
    names = ("input_ids", "attention_mask", "token_type_ids")
    with warnings.catch_warnings():
        # Tracing is deprecated, and warns of each comparison of shapes.
        warnings.simplefilter("ignore", DeprecationWarning)
        warnings.simplefilter("ignore", torch.jit.TracerWarning)
        traced = torch.jit.trace(model, tuple(tensors[name] for name in names))
    fewer = {name: tensor[:2] for name, tensor in tensors.items()}
    (found,) = traced(*(fewer[name] for name in names))
    (right,) = model(**fewer)
    torch.testing.assert_close(found, right, rtol=0, atol=1e-6)


def test_compile_in_training(lab, monkeypatch):
    monkeypatch.setattr(labelled, "CHUNK", 4)
    model = lab.model("AlbertForPreTraining", torch.float64).train()
    tensors = lab.tensors(all_inputs(lab, "AlbertForPreTraining"))
    right, expected = loss_and_slopes(model, tensors)
    compiled = torch.compile(model, fullgraph=True, backend="eager")
    model.zero_grad()
    found = compiled(**tensors)
    assert list(found) == ["loss", "sop_logits"]
    found.loss.backward()
    torch.testing.assert_close(found.loss, right.loss)
    for name, parameter in model.named_parameters():
        torch.testing.assert_close(parameter.grad, expected[name])


def test_export_with_positions(lab):
    model = lab.model("AlbertForPreTraining")
    tensors = lab.tensors(lab.inputs("AlbertForPreTraining"))
    tensors["masked_lm_positions"] = torch.tensor(POSITIONS)
    program = torch.export.export(model, (), tensors).module()
    tensors["masked_lm_positions"] = torch.tensor(6 - POSITIONS)
    found, right = program(**tensors), model(**tensors)
    for name in right:
        torch.testing.assert_close(found[name], right[name], rtol=0, atol=1e-6)


def loss_of(model):
    def loss(weights, tensors):
        return torch.func.functional_call(model, weights, kwargs=tensors).loss

    return loss


@pytest.mark.parametrize("training", [False, True])
def test_gradients_of_a_function_of_the_weights(lab, training):
    model = lab.model("AlbertForMaskedLM", torch.float64).train(training)
    tensors = lab.tensors(all_inputs(lab, "AlbertForMaskedLM"))
    weights = dict(model.named_parameters())
    found = torch.func.grad(loss_of(model))(weights, tensors)
    model(**tensors).loss.backward()
    assert found.keys() == weights.keys()
    for name, parameter in weights.items():
        torch.testing.assert_close(found[name], parameter.grad)


@pytest.mark.parametrize("training", [False, True])
def test_gradients_of_each_text(lab, training):
    model = lab.model("AlbertForMaskedLM", torch.float64, attn_implementation="eager")
    model.train(training)
    tensors = lab.tensors(all_inputs(lab, "AlbertForMaskedLM"))
    weights = dict(model.named_parameters())
    texts = {name: tensor[:, None] for name, tensor in tensors.items()}
    gradients = torch.func.vmap(torch.func.grad(loss_of(model)), (None, 0))
    found = gradients(weights, texts)
    for index in range(B):
        model.zero_grad()
        model(**{name: tensor[index] for name, tensor in texts.items()}).loss.backward()
        for name, parameter in weights.items():
            torch.testing.assert_close(found[name][index], parameter.grad)
