"""The seven models: eager, traced, compiled by XLA and in functional models."""

import re
from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf

import albert.tf
from albert.common.inputs import IGNORE_INDEX
from albert.tf.fast import labelled
from conformance import oracle

NAMES = tuple(oracle.MODELS)
ALL = {"output_attentions": True, "output_hidden_states": True}


@pytest.mark.parametrize("name", NAMES)
def test_model_equals_the_oracle(
    name: str,
    config: Any,
    make: Any,
    weights_of: Any,
    inputs_of: Any,
    assert_close: Any,
) -> None:
    model = make(name, config)
    inputs = inputs_of(name)
    output = model(inputs, **ALL)
    fields = [field for field in output.fields if field in output]
    assert list(output) == fields
    assert_close(output, oracle.MODELS[name](config, weights_of(model), inputs))


@pytest.mark.parametrize("name", NAMES)
def test_embeds_stand_for_ids(
    name: str, flat: Any, make: Any, inputs_of: Any, assert_close: Any
) -> None:
    model = make(name, flat)
    inputs = inputs_of(name)
    expected = model(inputs)
    ids = inputs.pop("input_ids")
    embeds = model.get_input_embeddings().embeddings.numpy()[ids]
    found = model(inputs_embeds=embeds, **inputs)
    assert_close(found, {field: np.asarray(expected[field]) for field in expected}, 0)


@pytest.mark.parametrize(("dtype", "tolerance"), [("bfloat16", 0.3), ("float16", 0.03)])
@pytest.mark.parametrize("name", NAMES)
def test_half_precision_equals_the_oracle_with_hidden_rows(
    name: str,
    dtype: str,
    tolerance: float,
    flat: Any,
    make: Any,
    weights_of: Any,
    inputs_of: Any,
    assert_close: Any,
) -> None:
    model = make(name, flat, dtype=dtype)
    inputs = inputs_of(name)
    output = model(inputs, **ALL)
    logits = next(field for field in output if field != "loss")
    assert output[logits].dtype == dtype
    assert "loss" not in output or output.loss.dtype == "float32"
    assert_close(
        output, oracle.MODELS[name](flat, weights_of(model), inputs), tolerance
    )


def test_mixed_precision_keeps_float32_weights(
    flat: Any, make: Any, inputs_of: Any
) -> None:
    model = make("AlbertForMaskedLM", flat, dtype="mixed_bfloat16")
    assert {weight.dtype for weight in model.weights} == {"float32"}
    with tf.GradientTape() as tape:
        output = model(inputs_of("AlbertForMaskedLM"))
    assert (output.logits.dtype, output.loss.dtype) == ("bfloat16", "float32")
    gradients = tape.gradient(output.loss, model.trainable_weights)
    assert all(gradient.dtype == "float32" for gradient in gradients)


@pytest.mark.parametrize("name", NAMES)
def test_tf_function(
    name: str, flat: Any, make: Any, inputs_of: Any, assert_close: Any
) -> None:
    model = make(name, flat)
    inputs = inputs_of(name)
    spec = {
        key: tf.TensorSpec([None] * value.ndim, value.dtype)
        for key, value in inputs.items()
    }
    eager = model(inputs, **ALL)
    traced = tf.function(lambda held: model(held, **ALL), input_signature=[spec])
    output = traced({key: tf.constant(value) for key, value in inputs.items()})
    assert (type(output), list(output)) == (type(eager), list(eager))
    as_arrays = keras.tree.map_structure(lambda value: value.numpy(), dict(eager))
    assert_close(output, as_arrays, 5e-6)


POSITIONS = np.array([[5, 0, 5, 2], [6, 6, 1, 0], [3, 4, 0, 0]])
WORDS = {"AlbertForPreTraining": "prediction_logits", "AlbertForMaskedLM": "logits"}
KINDS = ["some", "one", "none", "all", "positions"]
words_alone = pytest.mark.parametrize("name", WORDS)
WAYS: dict[str, Any] = {
    "eager": lambda function: function,
    "graph": tf.function,
    "XLA": lambda function: tf.function(function, jit_compile=True),
}


def words_given(kind: str) -> dict[str, np.ndarray]:
    """Labels, with positions or without."""
    pieces = np.random.default_rng(9).integers(0, 101, (3, 7))
    index = np.arange(21).reshape(3, 7)
    if kind == "positions":
        labels = np.where(POSITIONS == 0, IGNORE_INDEX, pieces[:, :4])
        return {"labels": labels, "masked_lm_positions": POSITIONS}
    kept = {"some": index % 3 == 1, "one": index == 9, "none": index < 0}
    return {"labels": np.where(kept.get(kind, True), pieces, IGNORE_INDEX)}


def training_step(model: Any, **arguments: Any) -> Any:
    def step(held: dict[str, tf.Tensor]) -> Any:
        with tf.GradientTape() as tape:
            output = model(held, training=True, **arguments)
        slopes = tape.gradient(output.loss, model.trainable_weights)
        return output, [tf.convert_to_tensor(slope) for slope in slopes]

    return step


def constants(inputs: dict[str, np.ndarray]) -> dict[str, tf.Tensor]:
    return {key: tf.constant(value) for key, value in inputs.items()}


@pytest.mark.parametrize("way", WAYS)
@words_alone
def test_loss_of_training_is_that_of_all_scores(
    name: str,
    way: str,
    flat: Any,
    make: Any,
    inputs_of: Any,
    weights_of: Any,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(labelled, "CHUNK", 4)
    model = make(name, flat, dtype="float64")
    step = WAYS[way](training_step(model))
    for kind in KINDS:
        inputs = {**inputs_of(name), **words_given(kind)}
        found, slopes = step(constants(inputs))
        right, expected = training_step(model, output_logits=True)(constants(inputs))
        assert set(right) - set(found) == {WORDS[name]}
        np.testing.assert_allclose(found.loss, right.loss, rtol=0, atol=1e-12)
        for one, other in zip(slopes, expected, strict=True):
            np.testing.assert_allclose(one, other, rtol=0, atol=1e-12)
        oracles = oracle.MODELS[name](flat, weights_of(model), inputs)["loss"]
        np.testing.assert_allclose(found.loss, oracles, rtol=0, atol=1e-8)


@words_alone
def test_no_scores_of_all_words_at_all_places(
    name: str, flat: Any, make: Any, inputs_of: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(labelled, "CHUNK", 4)
    # With a vocabulary that is larger than all that the layers make.
    model = make(name, flat.replace(vocab_size=1001))
    inputs = constants({**inputs_of(name), **words_given("all")})
    for asked in (True, None):
        step = training_step(model, output_logits=asked)
        text = tf.function(step, jit_compile=True).experimental_get_compiler_ir(inputs)(
            stage="optimized_hlo"
        )
        sizes = [
            np.prod([int(size) for size in found.split(",")])
            for found in re.findall(r"f32\[([0-9,]+)\]", text)
        ]
        assert 4 * 1001 in sizes or asked
        assert (21 * 1001 in sizes) == bool(asked)


@words_alone
def test_when_scores_are_given(
    name: str, flat: Any, make: Any, inputs_of: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    model, inputs = make(name, flat), inputs_of(name)
    both, alone = model(inputs), model(inputs, output_logits=False)
    assert set(both) - set(alone) == {WORDS[name]}
    np.testing.assert_allclose(alone.loss, both.loss, rtol=0, atol=1e-5)
    assert len(model(inputs, training=True, return_dict=False)) == len(alone)
    del inputs["labels"]
    for training in (True, False):
        found = model(inputs, training=training)[WORDS[name]]
        assert found.shape == (3, 7, 101)
    inputs.pop("sentence_order_label", None)
    monkeypatch.setattr(model.predictions, "narrow", None)
    rest = {"sop_logits"} if name == "AlbertForPreTraining" else set()
    assert set(model(inputs, output_logits=False)) == rest


@words_alone
def test_scores_at_positions(
    name: str, flat: Any, make: Any, inputs_of: Any, weights_of: Any
) -> None:
    model, inputs = make(name, flat), inputs_of(name)
    del inputs["labels"]
    inputs["masked_lm_positions"] = POSITIONS.astype(np.int32)
    right = oracle.MODELS[name](flat, weights_of(model), inputs)[WORDS[name]]
    for way in WAYS.values():
        found = way(lambda held: model(held)[WORDS[name]])(constants(inputs))
        np.testing.assert_allclose(found, right, rtol=0, atol=2e-5)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (
            {"masked_lm_positions": np.zeros(3, int)},
            "masked_lm_positions must have the shape [B, P] = [3, ?], but has [3].",
        ),
        (
            {"masked_lm_positions": np.full((3, 4), 7)},
            "masked_lm_positions must be at least 0 and below length=7, but has 7.",
        ),
        (
            {
                "masked_lm_positions": np.zeros((3, 4), int),
                "labels": np.zeros((3, 7), int),
            },
            "labels must have the shape [B, P] = [3, 4], but has [3, 7].",
        ),
        (
            {"labels": np.zeros((3, 4), int)},
            "labels must have the shape [B, S] = [3, 7], but has [3, 4].",
        ),
    ],
)
def test_bad_places(given: Any, message: str, flat: Any, make: Any) -> None:
    model = make("AlbertForMaskedLM", flat)
    for training in (True, False):
        with pytest.raises(ValueError) as raised:
            model(np.arange(21).reshape(3, 7), training=training, **given)
        assert str(raised.value) == message


@pytest.mark.parametrize("dtype", ["bfloat16", "mixed_bfloat16"])
def test_loss_of_training_in_bfloat16(
    dtype: str,
    flat: Any,
    make: Any,
    inputs_of: Any,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(labelled, "CHUNK", 4)
    model = make("AlbertForMaskedLM", flat, dtype=dtype)
    inputs = constants(inputs_of("AlbertForMaskedLM"))
    found, slopes = training_step(model)(inputs)
    right, expected = training_step(model, output_logits=True)(inputs)
    assert found.loss.dtype == tf.float32
    np.testing.assert_allclose(found.loss, right.loss, rtol=0, atol=1e-5)
    spread = max(float(tf.reduce_max(tf.abs(slope))) for slope in expected)
    for one, other in zip(slopes, expected, strict=True):
        assert one.dtype == other.dtype
        one, other = np.asarray(one, np.float32), np.asarray(other, np.float32)
        np.testing.assert_allclose(one, other, rtol=0, atol=0.02 * spread)


def test_a_functional_model_has_the_same_outputs_in_training(
    flat: Any, make: Any, inputs_of: Any
) -> None:
    model = make("AlbertForMaskedLM", flat)
    inputs = inputs_of("AlbertForMaskedLM")
    symbols = {
        key: keras.Input(shape=(None,), dtype=str(value.dtype), name=key)
        for key, value in inputs.items()
    }
    whole = keras.Model(symbols, model(symbols))
    assert set(whole(inputs, training=True)) == set(whole(inputs)) == {"loss", "logits"}


@pytest.mark.parametrize("name", ["AlbertForPreTraining", "AlbertForQuestionAnswering"])
def test_xla(name: str, flat: Any, make: Any, inputs_of: Any) -> None:
    model = make(name, flat)
    inputs = {key: tf.constant(value) for key, value in inputs_of(name).items()}

    def run(held: dict[str, tf.Tensor]) -> Any:
        with tf.GradientTape() as tape:
            output = model(held)
        gradients = tape.gradient(output.loss, model.trainable_weights)
        return output, [tf.convert_to_tensor(gradient) for gradient in gradients]

    eager, gradients = run(inputs)
    compiled, compiled_gradients = tf.function(run, jit_compile=True)(inputs)
    assert (type(compiled), list(compiled)) == (type(eager), list(eager))
    for field in eager:
        np.testing.assert_allclose(compiled[field], eager[field], rtol=0, atol=5e-6)
    for found, expected in zip(compiled_gradients, gradients, strict=True):
        np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("name", NAMES)
def test_dropout_fires_where_the_original_s_does(
    name: str, config: Any, make: Any, inputs_of: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = make(
        name,
        config.replace(
            hidden_dropout_prob=0.1,
            attention_probs_dropout_prob=0.2,
            classifier_dropout_prob=0.3,
        ),
    )
    base = model.get_base_model()
    expected: list[Any] = [(base.embeddings.dropout, 0.1)]
    for group in config.layer_groups:
        for block in base.encoder.albert_layer_groups[group].albert_layers:
            expected += [
                (block.attention.attention_dropout, 0.2),
                (block.attention.output_dropout, 0.1),
                (block.dropout, 0.1),
            ]
    if hasattr(model, "classifier"):
        expected.append((model.dropout, 0.3))
    fired: list[Any] = []

    def call(self: Any, inputs: Any, training: bool = False) -> Any:
        if training:
            fired.append((self, self.rate))
        return inputs

    monkeypatch.setattr(keras.layers.Dropout, "call", call)
    inputs = inputs_of(name)
    model(inputs, training=False)
    model(inputs)
    assert fired == []
    model(inputs, training=True)
    assert fired == expected


def test_training_mode_is_random_and_inference_is_not(flat: Any, make: Any) -> None:
    model = make("AlbertModel", flat.replace(hidden_dropout_prob=0.5))
    ids = np.arange(7)[None]
    first, second = (model(ids, training=True)[0].numpy() for _ in range(2))
    assert not np.array_equal(first, second)
    first, second = (model(ids)[0].numpy() for _ in range(2))
    np.testing.assert_array_equal(first, second)


@pytest.mark.parametrize("name", NAMES)
def test_symbolic_inputs(
    name: str, flat: Any, make: Any, inputs_of: Any, assert_close: Any
) -> None:
    model = make(name, flat)
    inputs = inputs_of(name)
    symbols = {
        key: keras.Input(
            shape=(None,) * (value.ndim - 1), dtype=str(value.dtype), name=key
        )
        for key, value in inputs.items()
    }
    output = model(symbols)
    whole = keras.Model(symbols, output)
    found, expected = whole(inputs), model(inputs)
    assert type(found) is type(expected)
    assert_close(found, {key: expected[key].numpy() for key in expected}, 5e-6)


def test_a_functional_model_of_two_encoders(flat: Any) -> None:
    ids, mask = (keras.Input((None,), dtype="int32", name=n) for n in ("ids", "mask"))
    models = [albert.tf.TFAlbertModel(flat), albert.tf.TFAlbertModel(flat)]
    states = [model(ids, attention_mask=mask).last_hidden_state for model in models]
    assert states[0].shape == (None, None, 24)
    both = keras.Model([ids, mask], keras.layers.Add()(states))
    given = np.arange(21).reshape(3, 7), np.ones((3, 7))
    expected = sum(model(*given).last_hidden_state.numpy() for model in models)
    np.testing.assert_allclose(both(list(given)), expected, rtol=0, atol=5e-6)
    assert len(both.trainable_weights) == 2 * len(models[0].weights)


@pytest.mark.parametrize("name", NAMES)
def test_variables_are_there_at_once_and_are_called_as_in_the_table(
    name: str, config: Any, make: Any
) -> None:
    model = make(name, config)
    rows = model.weight_rows()
    by_path = {weight.path: weight for weight in model.weights}
    assert len(model.weights) == len(rows) == len(by_path)
    for row in rows:
        base = name == "AlbertModel"
        path = "/".join((*([model.name] if base else []), *row.path("tf", base)))
        for index in range(config.num_hidden_groups):
            path = path.replace(f"s/{index}/", f"s.{index}/")
        variable = by_path[path]
        assert variable is model._get_weight(row)
        shape = row.shape(config)
        if row.kind.transpose:
            shape = shape[::-1]
        assert tuple(variable.shape) == shape


def test_return_dict_and_the_configuration_s_flags(flat: Any, make: Any) -> None:
    model = make("AlbertForMaskedLM", flat)
    ids = np.arange(14).reshape(2, 7)
    assert [tuple(t.shape) for t in model(ids, return_dict=False)] == [(2, 7, 101)]
    assert len(model(ids, labels=ids, return_dict=False)) == 2
    other = flat.replace(output_attentions=True, return_dict=False)
    model = make("AlbertForMaskedLM", other)
    assert len(model(ids)) == 2
    assert list(model(ids, return_dict=True, output_attentions=False)) == ["logits"]


def test_without_pooling_layer(flat: Any, make: Any) -> None:
    model = make("AlbertModel", flat, add_pooling_layer=False)
    output = model(np.arange(7)[None])
    assert (model.pooler, output.pooler_output) == (None, None)
    assert len(model.weights) == len(model.weight_rows())


def test_one_half_of_the_question_answering_labels_is_refused(
    flat: Any, make: Any
) -> None:
    model = make("AlbertForQuestionAnswering", flat)
    with pytest.raises(ValueError) as raised:
        model(np.arange(7)[None], start_positions=[1])
    assert str(raised.value) == (
        "give start_positions and end_positions together: end_positions is missing."
    )


def test_ignored_labels_only_give_a_finite_loss(flat: Any, make: Any) -> None:
    model = make("AlbertForMaskedLM", flat)
    ids = np.arange(7)[None]
    output = model(ids, labels=np.full_like(ids, IGNORE_INDEX))
    assert float(output.loss) == 0.0


@pytest.mark.parametrize("jit_compile", [False, True])
def test_a_length_known_only_when_the_graph_runs(
    jit_compile: bool, flat: Any, make: Any
) -> None:
    """Neither TensorFlow nor XLA may read past the table of positions."""
    model = make("AlbertModel", flat)
    signature = [tf.TensorSpec([None, None], tf.int32)]
    function = tf.function(
        lambda ids: model(ids).last_hidden_state,
        jit_compile=jit_compile,
        input_signature=signature,
    )
    longest = flat.max_position_embeddings
    assert function(tf.ones((2, longest), tf.int32)).shape[:2] == (2, longest)
    with pytest.raises(tf.errors.InvalidArgumentError) as raised:
        function(tf.ones((1, longest + 1), tf.int32))
    message = str(raised.value)
    if jit_compile:
        assert "Incompatible shapes" in message
    else:
        assert (
            f"there are more positions than max_position_embeddings, {longest}: "
            "truncate the text or split it."
        ) in message


def test_embeddings_of_integers(flat: Any, make: Any) -> None:
    model = make("AlbertModel", flat)
    embeds = np.arange(2 * 3 * flat.embedding_size).reshape(2, 3, -1) % 5
    found = model(inputs_embeds=tf.constant(embeds)).last_hidden_state
    expected = model(inputs_embeds=tf.constant(embeds, tf.float32)).last_hidden_state
    np.testing.assert_array_equal(found, expected)
