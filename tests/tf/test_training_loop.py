"""`compile`, `fit`, `evaluate` and `predict`, with labels wherever they may stand."""

import inspect
from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf

RANDOM = np.random.default_rng(8)
IDS = RANDOM.integers(0, 101, (10, 7))
LABELS = IDS[:, 0] % 6
CROSS_ENTROPY = keras.losses.SparseCategoricalCrossentropy
CLASSIFIER = "AlbertForSequenceClassification"

INPUTS: dict[str, np.ndarray] = {
    CLASSIFIER: IDS,
    "AlbertForMaskedLM": IDS,
    "AlbertForTokenClassification": IDS,
    "AlbertForMultipleChoice": IDS.reshape(5, 2, 7),
    "AlbertForPreTraining": IDS,
    "AlbertForQuestionAnswering": IDS,
}
TARGETS: dict[str, dict[str, np.ndarray]] = {
    CLASSIFIER: {"labels": LABELS},
    "AlbertForMaskedLM": {"labels": IDS},
    "AlbertForTokenClassification": {"labels": IDS % 6},
    "AlbertForMultipleChoice": {"labels": LABELS[:5] % 2},
    "AlbertForPreTraining": {"labels": IDS, "sentence_order_label": LABELS % 2},
    "AlbertForQuestionAnswering": {
        "start_positions": LABELS,
        "end_positions": LABELS + 1,
    },
}


@pytest.fixture
def compiled(flat: Any, make: Any) -> Any:
    """Build and compile a model; eager unless asked, for tracing takes seconds."""

    def build(name: str, config: Any = None, dtype: Any = None, **kwargs: Any) -> Any:
        config = config or flat.replace(classifier_dropout_prob=0.0)
        model = make(name, config, dtype=dtype)
        if "jit_compile" not in kwargs:
            kwargs["run_eagerly"] = True
        model.compile(keras.optimizers.Adam(1e-2), **kwargs)
        return model

    return build


def check_learning(model: Any, x: Any, y: Any = None, **kwargs: Any) -> dict[str, Any]:
    """Train, and see that the loss falls and that it is the one `evaluate` gives."""
    before = model.evaluate(x, y, verbose=0, return_dict=True, **kwargs)
    history = model.fit(x, y, epochs=4, verbose=0, shuffle=False, **kwargs).history
    after = model.evaluate(x, y, verbose=0, return_dict=True, **kwargs)
    assert before.keys() == after.keys() == history.keys()
    assert np.isfinite(history["loss"]).all()
    assert after["loss"] < before["loss"]
    return before


@pytest.mark.parametrize("name", INPUTS)
def test_own_loss_with_labels_in_the_inputs_and_as_y(name: str, compiled: Any) -> None:
    x = {"input_ids": INPUTS[name], **TARGETS[name]}
    size = {"batch_size": len(INPUTS[name])}
    model = compiled(name)
    expected = float(model(x).loss)
    assert model.evaluate(INPUTS[name], TARGETS[name], verbose=0, **size) == (
        pytest.approx(expected, rel=1e-5)
    )
    found = check_learning(model, x, **size)
    assert found["loss"] == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize("name", INPUTS)
def test_keras_loss_and_metrics_see_the_logits(name: str, compiled: Any) -> None:
    y = TARGETS[name]
    if len(y) == 1:
        metrics, y = ["accuracy"], y["labels"]
    else:
        model = compiled(name)
        metrics = {field: ["accuracy"] for field in model.labels_of}
    model = compiled(name, loss=CROSS_ENTROPY(from_logits=True), metrics=metrics)
    x = {"input_ids": INPUTS[name]}
    own = model({**x, **TARGETS[name]}).loss
    if name == "AlbertForQuestionAnswering":
        own = own * 2  # Keras adds what the model takes the mean of.
    found = check_learning(model, x, y, batch_size=len(INPUTS[name]))
    assert found["loss"] == pytest.approx(float(own), rel=1e-5)
    assert sum("accuracy" in key for key in found) == len(TARGETS[name])


def test_scores_of_words_are_computed_for_what_keras_compares_only(
    compiled: Any,
) -> None:
    name = "AlbertForPreTraining"
    metrics = {field: ["accuracy"] for field in ("prediction_logits", "sop_logits")}
    keras_own = {"loss": CROSS_ENTROPY(from_logits=True)}
    x, y = {"input_ids": IDS, **TARGETS[name]}, TARGETS[name]
    seen = []
    losses = []
    for given in ({}, {"metrics": metrics}, keras_own):
        model = compiled(name, **given)
        call = model.call

        def noting(*args: Any, call: Any = call, **kwargs: Any) -> Any:
            output = call(*args, **kwargs)
            seen.append("prediction_logits" in output)
            return output

        model.call = noting
        noting.__signature__ = inspect.signature(call)  # pyright: ignore
        for data in ((x, None), ({"input_ids": IDS}, y)):
            run = {"verbose": 0, "batch_size": 10, "shuffle": False}
            losses.append(model.fit(*data, **run).history["loss"][0])
            model.evaluate(*data, verbose=0, batch_size=10)
    assert seen == [False] * 4 + [True] * 8
    np.testing.assert_allclose(losses[:2], losses[2:4], rtol=1e-5)
    np.testing.assert_allclose(losses[:2], losses[4:], rtol=1e-5)


def test_the_loss_of_words_in_a_compiled_step(compiled: Any) -> None:
    labels = np.where(IDS % 3 == 0, IDS, -100)
    losses = []
    for by_xla in (False, True):
        model = compiled("AlbertForMaskedLM", jit_compile=by_xla)
        assert model.jit_compile is by_xla
        run = {"batch_size": 5, "verbose": 0, "shuffle": False}
        losses.append(model.fit(IDS, labels, **run).history["loss"])
    np.testing.assert_allclose(losses[1], losses[0], rtol=1e-4)


def test_metrics_beside_the_own_loss(compiled: Any) -> None:
    model = compiled(CLASSIFIER, metrics=["accuracy"])
    right = np.argmax(model(IDS).logits, -1) == LABELS
    for x, y in ((IDS, LABELS), ({"input_ids": IDS, "labels": LABELS}, None)):
        found = model.evaluate(x, y, verbose=0, return_dict=True)
        assert found["accuracy"] == pytest.approx(right.mean())


def test_keras_loss_with_labels_in_the_inputs(compiled: Any) -> None:
    model = compiled(CLASSIFIER, loss=CROSS_ENTROPY(from_logits=True))
    x = {"input_ids": IDS, "labels": LABELS}
    expected = pytest.approx(float(model(x).loss), rel=1e-5)
    assert model.evaluate(x, verbose=0, batch_size=10) == expected


@pytest.mark.parametrize("with_y", [True, False])
def test_datasets(with_y: bool, compiled: Any) -> None:
    x = {"input_ids": IDS, "labels": LABELS}
    held: Any = ({"input_ids": IDS}, LABELS) if with_y else x
    data = tf.data.Dataset.from_tensor_slices(held).batch(4)
    # Traced, so that the last, smaller batch has an unknown size.
    model = compiled(CLASSIFIER, **({"jit_compile": False} if with_y else {}))
    check_learning(model, data)
    history = model.fit(data, validation_data=data, verbose=0, shuffle=False).history
    assert set(history) == {"loss", "val_loss"}
    np.testing.assert_allclose(
        model.predict(data, verbose=0).logits, model(IDS).logits, atol=5e-6
    )


@pytest.mark.parametrize("how", [{"jit_compile": True}, {"jit_compile": "auto"}])
def test_eager_and_compiled_steps_train_alike(how: Any, compiled: Any) -> None:
    losses = [
        compiled(CLASSIFIER, **kwargs)
        .fit(IDS, LABELS, batch_size=5, verbose=0, shuffle=False)
        .history["loss"]
        for kwargs in ({}, how)
    ]
    np.testing.assert_allclose(losses[1], losses[0], rtol=1e-4)


@pytest.mark.parametrize("dtype", ["mixed_bfloat16", "mixed_float16"])
def test_mixed_precision(dtype: str, compiled: Any) -> None:
    model = compiled("AlbertForMaskedLM", dtype=dtype)
    check_learning(model, IDS, IDS)
    assert {weight.dtype for weight in model.weights} == {"float32"}


def test_dropout_fires_in_fit_only(flat: Any, compiled: Any) -> None:
    config = flat.replace(classifier_dropout_prob=0.9)
    model = compiled(CLASSIFIER, config)
    model.optimizer.learning_rate = 0.0
    run = {"verbose": 0, "batch_size": 10}
    trained = model.fit(IDS, LABELS, **run).history["loss"][0]
    first, second = (model.evaluate(IDS, LABELS, **run) for _ in range(2))
    assert first == second
    assert abs(trained - first) > 1e-3


@pytest.mark.parametrize("name", INPUTS)
def test_predict_gives_whole_arrays_with_or_without_labels(
    name: str, flat: Any, make: Any
) -> None:
    model = make(name, flat.replace(output_hidden_states=True, output_attentions=True))
    x = {"input_ids": INPUTS[name], **TARGETS[name]}
    model.compile(run_eagerly=True)
    expected = model(INPUTS[name])
    for given in (INPUTS[name], {"input_ids": INPUTS[name]}, x):
        found = model.predict(given, batch_size=4, verbose=0)
        assert type(found) is type(expected)
        assert list(found) == list(expected)
        pairs = zip(
            keras.tree.flatten(found), keras.tree.flatten(expected), strict=True
        )
        for array, tensor in pairs:
            assert isinstance(array, np.ndarray)
            np.testing.assert_allclose(array, tensor, rtol=0, atol=1e-5)


def test_the_bare_model_trains_on_a_loss_of_keras(compiled: Any) -> None:
    model = compiled("AlbertModel", loss={"pooler_output": "mse"})
    check_learning(model, IDS, {"pooler_output": np.zeros((10, 24))})


def test_regularizers_count(compiled: Any) -> None:
    model = compiled(CLASSIFIER)
    run = {"verbose": 0, "batch_size": 10}
    before = model.evaluate(IDS, LABELS, **run)
    kernel = model.classifier.kernel
    kernel.regularizer = keras.regularizers.L2(0.5)
    more = 0.5 * float(np.square(kernel.numpy()).sum())
    assert model.evaluate(IDS, LABELS, **run) == pytest.approx(before + more, rel=1e-5)


X = {"input_ids": IDS}


@pytest.mark.parametrize(
    ("name", "x", "y", "weights", "message"),
    [
        (
            CLASSIFIER,
            X,
            None,
            None,
            (
                "TFAlbertForSequenceClassification has no labels to train on: give "
                "labels among the inputs or as y, or compile it with a loss of Keras."
            ),
        ),
        (
            "AlbertForQuestionAnswering",
            X,
            {"start_positions": LABELS},
            None,
            (
                "give start_positions and end_positions together: end_positions is "
                "missing."
            ),
        ),
        (
            "AlbertForQuestionAnswering",
            X,
            LABELS,
            None,
            "y must hold start_positions and end_positions, but has labels.",
        ),
        (
            CLASSIFIER,
            X | {"labels": LABELS},
            LABELS,
            None,
            "labels must be among the inputs or in y, not in both.",
        ),
        (
            CLASSIFIER,
            X,
            LABELS,
            np.ones(10),
            (
                "the own loss of TFAlbertForSequenceClassification takes no sample or "
                "class weights: compile it with a loss of Keras for them."
            ),
        ),
        (
            "AlbertModel",
            X,
            None,
            None,
            "TFAlbertModel has no loss of its own: compile it with one.",
        ),
    ],
)
def test_errors(
    name: str, x: Any, y: Any, weights: Any, message: str, compiled: Any
) -> None:
    with pytest.raises(ValueError) as caught:
        compiled(name).fit(x, y, sample_weight=weights, verbose=0)
    assert str(caught.value) == message


def test_sample_weights_with_a_loss_of_keras(compiled: Any) -> None:
    model = compiled(CLASSIFIER, loss=CROSS_ENTROPY(from_logits=True))
    weights = np.zeros(10)
    run = {"verbose": 0, "batch_size": 10, "sample_weight": weights}
    assert model.evaluate(IDS, LABELS, **run) == 0.0


def test_training_needs_output_objects(flat: Any, compiled: Any) -> None:
    model = compiled(CLASSIFIER, flat.replace(return_dict=False))
    with pytest.raises(ValueError) as caught:
        model.fit(X, LABELS, verbose=0)
    assert str(caught.value) == "return_dict must be True to train, but is False."
